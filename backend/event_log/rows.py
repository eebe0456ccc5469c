"""Events as rows of the log: one per product line, in the columns of the plain format and a few more.

In: events in pseudonyms, or a table of an importer. Out: an Arrow table of exactly SCHEMA, of consented rows only.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from edge.core.errors import EndcapError
from edge.core.events import Event, Line

_TIME = pa.timestamp("us", tz="UTC")
# The first fourteen are the plain format's (docs/data-format.md); what they cannot say follows.
SCHEMA = pa.schema(
    [
        ("event_id", pa.string()), ("type", pa.string()), ("time", _TIME), ("product_id", pa.string()),
        ("customer_id", pa.string()), ("visitor_id", pa.string()), ("session_id", pa.string()),
        ("order_id", pa.string()), ("variant_id", pa.string()), ("quantity", pa.int32()), ("price", pa.float64()),
        ("currency", pa.string()), ("consent", pa.string()), ("source", pa.string()),
        ("line", pa.int32()),  # which of the event's lines, from 0: with event_id it names a row
        ("discount", pa.float64()),  # taken off the price, per unit
        ("delivery_method", pa.string()), ("delivery_cost", pa.float64()), ("delivery_days", pa.float64()),
        ("promised_days", pa.float64()), ("slot", pa.string()), ("attribution_token", pa.string()),
        ("query", pa.string()), ("recorded", _TIME),  # when it reached the log
    ]
)  # fmt: skip
REQUIRED = ("event_id", "type", "time", "consent")
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)
# An address, or the digits of a phone, card or order number, however they are grouped.
_PERSONAL = r"@|\p{Nd}([\s().+/-]*\p{Nd}){4}"
_NO_LINE = Line("-")


class LogError(EndcapError):
    """Rows that are none of the log's, a name that cannot be a file's, or a log that somebody else holds."""


def of_events(events: Iterable[Event], recorded: datetime) -> pa.Table:
    """Rows of events whose consent includes `analytics`; an event that comes twice counts once."""
    once = {event.id: event for event in events if "analytics" in event.consent}
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    for event in once.values():
        for row in _rows(event, recorded):
            for values, value in zip(columns.values(), row, strict=True):
                values.append(value)
    return _cleaned(pa.table(columns, schema=SCHEMA))


def _rows(event: Event, recorded: datetime) -> Iterator[tuple[Any, ...]]:
    delivery, consent = event.delivery, ",".join(sorted(event.consent))
    came = (None,) * 4 if delivery is None else (
        delivery.method, delivery.cost, delivery.days, delivery.promised_days)  # fmt: skip
    for number, line in enumerate(event.products or (_NO_LINE,)):
        some = line is not _NO_LINE
        yield (
            event.id, event.type, event.time, line.product_id if some else None,
            event.customer_id, event.visitor_id, None,
            event.order_id, line.variant_id, line.quantity if some else None, line.price,
            event.currency, consent, event.source, number, line.discount, *came,
            event.slot, event.attribution_token, event.query, recorded,
        )  # fmt: skip


def of_table(table: pa.Table, recorded: datetime) -> pa.Table:
    """An importer's rows, with the columns they lack; rows without consent to `analytics` are left out.

    `line` and `recorded` are filled in where missing. Raises LogError for unknown or missing columns, and for values
    that do not fit their type.
    """
    if odd := sorted(set(table.column_names) - set(SCHEMA.names)):
        raise LogError(f"the event log has no column {odd[0]}; leave it out (docs/event-log.md)")
    columns = []
    for field in SCHEMA:
        if field.name in table.column_names:
            try:
                columns.append(table[field.name].cast(field.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise LogError(f"column {field.name} of the rows to log is not {field.type}: {error}") from error
        elif field.name in REQUIRED:
            raise LogError(f"the rows to log have no column {field.name}; add it (docs/event-log.md)")
        else:
            columns.append(pa.nulls(len(table), field.type))
    full = pa.table(columns, schema=SCHEMA)
    for name in REQUIRED[:3]:
        if full[name].null_count:
            raise LogError(f"{full[name].null_count} of the rows to log have no {name}; give each one")
    if "line" not in table.column_names:
        full = _with(full, "line", pa.array(_seats(full["event_id"]), pa.int32()))
    if "recorded" not in table.column_names:
        full = _with(full, "recorded", pa.repeat(pa.scalar(recorded, _TIME), len(full)))
    consented = pc.match_substring_regex(full["consent"], r"\banalytics\b")
    return _cleaned(full.filter(consented))


def _seats(event_ids: pa.ChunkedArray) -> NDArray[np.int32]:
    """The number of each row among those of its event, in their order."""
    if not len(event_ids):
        return np.zeros(0, np.int32)
    codes = event_ids.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    seats = np.empty(len(codes), np.int32)
    seats[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
    return seats


def _cleaned(table: pa.Table) -> pa.Table:
    """Searches in small letters, and only those that can hold neither an address nor a number of a person."""
    personal = pc.match_substring_regex(table["query"], _PERSONAL)
    kept = pc.if_else(pc.fill_null(personal, True), pa.scalar(None, pa.string()), pc.utf8_lower(table["query"]))
    return _with(table, "query", kept)


def _with(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(SCHEMA.get_field_index(name), SCHEMA.field(name), values)


def by_day(table: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The rows of each day (UTC), in their order."""
    days = table["time"].cast(pa.int64()).to_numpy() // _DAY_US
    order = np.argsort(days, kind="stable")
    found, starts = np.unique(days[order], return_index=True)
    in_order = table.take(pa.array(order))
    for day, (start, end) in zip(found, pairwise([*starts, len(order)]), strict=True):
        yield _EPOCH + timedelta(days=int(day)), in_order.slice(start, end - start)
