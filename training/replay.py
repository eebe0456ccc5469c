"""Rows back into events: a shopper at a time, in time order, without holding the history in memory.

In: lines.parquet, ordered by shopper and time. Out: each shopper's kind, id and events, as `apply` takes them.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from edge.core.events import PURPOSES, Event, Line, Purpose

Kind = Literal["customer", "visitor"]
Shopper = tuple[Kind, str, list[Event]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH_ROWS = 65_536
# What all rows of an event share, then what each row adds.
_HEAD = ("event_id", "type", "time", "order_id", "currency", "source", *PURPOSES)
_LINE = ("product_id", "variant_id", "quantity", "price")
_KINDS: dict[str, Kind] = {"c": "customer", "v": "visitor"}


def replay(
    path: Path,
    *,
    until: datetime | None,
    purpose: Purpose | None,
    shoppers: pa.Array | None = None,
    progress: Callable[[int], None] | None,
) -> Iterator[Shopper]:
    """Each shopper (of `shoppers`, where given) with events before `until` that may be used for `purpose`."""
    shopper, event_id = "", ""
    head: tuple[Any, ...] = ()
    lines: list[Line] = []
    events: list[Event] = []
    for batch in _batches(path, until, purpose, shoppers, progress):
        heads = zip(*(batch[name].to_pylist() for name in _HEAD), strict=True)
        rows = zip(*(batch[name].to_pylist() for name in _LINE), strict=True)
        for who, this, row in zip(batch["shopper"].to_pylist(), heads, rows, strict=True):
            if this[0] != event_id or who != shopper:
                if head:
                    events.append(_event(shopper, head, lines))
                if who != shopper:
                    if events:
                        yield _KINDS[shopper[0]], shopper[2:], events
                    shopper, events = who, []
                event_id, head, lines = this[0], this, []
            if row[0] is not None:
                lines.append(Line(*row))
    if head:
        events.append(_event(shopper, head, lines))
        yield _KINDS[shopper[0]], shopper[2:], events


def _batches(
    path: Path,
    until: datetime | None,
    purpose: Purpose | None,
    shoppers: pa.Array | None,
    progress: Callable[[int], None] | None,
) -> Iterator[pa.RecordBatch]:
    read = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=["shopper", *_HEAD, *_LINE]):
            read += batch.num_rows
            if shoppers is not None:
                batch = batch.filter(pc.is_in(batch["shopper"], value_set=shoppers))
            if purpose is not None:
                batch = batch.filter(batch[purpose])
            # Whole microseconds are cheaper to hand over than datetimes, of which only one per event is needed.
            micros = batch["time"].cast(pa.timestamp("us")).cast(pa.int64())
            batch = batch.set_column(batch.schema.get_field_index("time"), "time", micros)
            if until is not None:
                batch = batch.filter(pc.less(batch["time"], (until - _EPOCH) // timedelta(microseconds=1)))
            yield batch
            if progress is not None:
                progress(read)


def _event(shopper: str, head: tuple[Any, ...], lines: list[Line]) -> Event:
    event_id, kind, micros, order_id, currency, source, *allowed = head
    customer = shopper[0] == "c"
    return Event(
        id=event_id,
        type=kind,
        time=_EPOCH + timedelta(microseconds=micros),
        visitor_id=None if customer else shopper[2:],
        customer_id=shopper[2:] if customer else None,
        products=tuple(lines),
        order_id=order_id,
        currency=currency,
        consent=tuple(purpose for purpose, yes in zip(PURPOSES, allowed, strict=True) if yes),
        source=source,
    )
