"""The last weeks of a history set aside, to be lived again: plain format before the cut, events after it.

In: a prepared data set and a number of days. Out: a directory with `history/` (events and products in the plain
format, to be imported as any shop's) and `replay.jsonl.gz` (one event a line as `POST /v1/events` takes it, oldest
first), which a simulator sends through the real endpoints.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ibis
import msgspec
from ibis.expr.types import Table

from edge.core.events import PURPOSES, Event
from training import engine as engines
from training.dataset import DataError, Dataset

HISTORY, REPLAY = "history", "replay.jsonl.gz"
_WHAT = ("event_id", "type", "time", "product_id", "customer_id", "visitor_id", "session_id")
_HOW = ("order_id", "variant_id", "quantity", "price", "currency", "consent", "source")


@dataclass(frozen=True)
class Split:
    """Where the history was cut (midnight UTC), and how much lies on either side."""

    cut: datetime
    lines_before: int
    events_after: int

    def __str__(self) -> str:
        return f"{self.lines_before:,} lines before {self.cut:%Y-%m-%d}, {self.events_after:,} events from then on"


def hold_out(dataset: Dataset, days: int, out: Path) -> Split:
    """Write both sides into `out`. Raises DataError when nothing would be left to learn from."""
    last = dataset.summary.last
    cut = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1 - days)
    if cut <= dataset.summary.first:
        raise DataError(
            f"the history begins {dataset.summary.first:%Y-%m-%d}: {days} days cannot be set aside; name fewer"
        )
    history = out / HISTORY
    history.mkdir(parents=True, exist_ok=True)
    before = dataset.rows.filter(dataset.rows.time < cut.replace(tzinfo=None))
    engines.write_parquet(dataset.engine, _plain(before), history / "events.parquet")
    engines.write_parquet(dataset.engine, _products(dataset.products()), history / "products.parquet")
    events = sorted(_after(dataset, cut), key=lambda event: (event.time, event.id))
    with gzip.open(out / REPLAY, "wb", compresslevel=6) as file:
        for event in events:
            file.write(msgspec.json.encode(event) + b"\n")
    return Split(cut, int(str(engines.scalar(dataset.engine, before.count()))), len(events))


def _plain(lines: Table) -> Table:
    """Normalised lines back in the plain format."""
    customer = lines.shopper.startswith("c:")
    name = lines.shopper.substr(2)
    nothing = ibis.null("string")
    plain = lines.mutate(
        customer_id=customer.ifelse(name, nothing),
        visitor_id=customer.ifelse(nothing, name),
        consent=_consent(lines),
    )
    return plain.select(*_WHAT, *_HOW)


def _consent(lines: Table) -> ibis.Value:
    words = ibis.array([lines[purpose].ifelse(purpose, ibis.null("string")) for purpose in PURPOSES])
    return words.filter(lambda word: word.notnull()).join(",")


def _products(products: Table) -> Table:
    """The products in the plain format, which writes the day of listing as a date."""
    names = [name for name in products.columns if not name.startswith("level") and name not in ("department", "listed")]
    day = ibis.date("1970-01-01") + ibis.interval(days=1) * products.listed
    return products.select(*names, listed=(products.listed > 0).ifelse(day.cast("string").substr(0, 10), None))


def _after(dataset: Dataset, cut: datetime) -> Iterator[Event]:
    for _, _, events in dataset.replay(purpose=None):
        yield from (event for event in events if event.time >= cut)
