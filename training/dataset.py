"""A shop's history as training reads it: prepared once from the plain format, then opened as often as needed.

In: a directory with events and products in the plain format (docs/data-format.md). Out: a `Dataset` over the
normalised copy: Ibis tables for the aggregations, products for the catalogue, and each shopper's events for replay.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import ibis
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.expr.types import Table

from edge.core.errors import UNREADABLE
from edge.core.events import PURPOSES, Purpose
from edge.core.products import Product
from training import engine as engines
from training import intake, reading
from training.replay import Shopper, replay
from training.rules import DataError
from training.summary import FORMAT_VERSION, SUMMARY_FILE, Summary, describe, read_notes

__all__ = ["DataError", "Dataset", "Summary", "open_dataset", "prepare"]


@dataclass(frozen=True)
class Dataset:
    """A prepared data set. `engine` is the Ibis backend its tables live in: DuckDB unless another was given."""

    directory: Path
    summary: Summary
    engine: BaseBackend

    @property
    def fingerprint(self) -> str:
        """Names the inputs: the same files and declarations give the same 16 hex digits."""
        return self.summary.fingerprint

    def lines(self, purpose: Purpose | None = "analytics") -> Table:
        """One row per product line whose shopper agreed to `purpose` (None: all). `time` is UTC without a zone."""
        lines = self.rows.filter(self.rows.product_id.notnull())
        return lines if purpose is None else lines.filter(lines[purpose])

    def products(self) -> Table:
        """One row per product, with the category split into levels."""
        return self._products

    @cached_property
    def rows(self) -> Table:
        """Every row, also those of events without a product, whoever agreed to what."""
        return engines.read_parquet(self.engine, self.directory / intake.LINES_FILE, f"lines_{self.fingerprint}")

    @cached_property
    def _products(self) -> Table:
        return engines.read_parquet(self.engine, self.directory / intake.PRODUCTS_FILE, f"products_{self.fingerprint}")

    def catalogue(self) -> Iterator[Product]:
        """The products as cards."""
        names = list(Product.__struct_fields__)
        for batch in pq.ParquetFile(self.directory / intake.PRODUCTS_FILE).iter_batches(columns=names):
            for row in batch.to_pylist():
                yield Product(**row)

    def replay(
        self,
        *,
        until: datetime | None = None,
        purpose: Purpose | None = "analytics",
        orders: Collection[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Shopper]:
        """Each shopper's kind, id and events before `until`, in time order; `progress` hears of the lines read.

        With `orders` only the shoppers of these event ids: few of a large shop's are asked about.
        """
        path, shoppers = self.directory / intake.LINES_FILE, None if orders is None else self._shoppers(orders)
        return replay(path, until=until, purpose=purpose, shoppers=shoppers, progress=progress)

    def _shoppers(self, orders: Collection[str]) -> pa.Array:
        asked = engines.load(self.engine, pa.table({"event_id": pa.array(sorted(orders), pa.string())}))
        theirs = self.rows.semi_join(asked, "event_id").select("shopper").distinct()
        return engines.arrow(self.engine, theirs)["shopper"].combine_chunks()

    def report(self) -> str:
        """What is in the data and what is not, as a short text for people."""
        return describe(self.summary)


def prepare(
    source: Path,
    out: Path,
    *,
    assume_consent: tuple[Purpose, ...] = (),
    now: datetime | None = None,
    progress: Callable[[str], None] | None = None,
) -> Dataset:
    """Validate and normalise `source` into `out`, which changes only when all is done.

    `assume_consent` is the importer's declaration for rows that say nothing about consent; without it they have none.
    """
    _check_replaceable(out)
    tell = progress or (lambda _: None)
    work = out.parent / f".{out.name}.{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        tell("reading and checking rows")
        outcome = intake.normalise(source, work, assume_consent, now or datetime.now(UTC))
        tell("counting")
        summary = _summarise(source, work, outcome, assume_consent)
        (work / SUMMARY_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
        _swap(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return open_dataset(out)


def open_dataset(directory: Path, engine: BaseBackend | None = None) -> Dataset:
    """Open what `prepare` wrote. Raises DataError when it is missing, damaged or of another version."""
    path = directory / SUMMARY_FILE
    try:
        summary = msgspec.json.decode(path.read_bytes(), type=Summary)
    except OSError as error:
        raise DataError(f"no prepared data set at {directory} ({error.strerror}); prepare one first") from error
    except UNREADABLE as error:
        raise DataError(f"{path} is damaged ({error}); prepare the data set again") from error
    if summary.version != FORMAT_VERSION:
        raise DataError(f"{path} has version {summary.version}, this program reads {FORMAT_VERSION}; prepare it again")
    for name in (intake.LINES_FILE, intake.PRODUCTS_FILE):
        if not (directory / name).is_file():
            raise DataError(f"{directory} lacks {name}; prepare the data set again")
    return Dataset(directory, summary, engine or engines.connect())


def _check_replaceable(out: Path) -> None:
    if out.exists() and not (out / SUMMARY_FILE).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise DataError(f"{out} exists and is not a prepared data set; name another directory, or remove it")


def _swap(work: Path, out: Path) -> None:
    for leftover in (*work.glob("*.staged.parquet"), work / "spill"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    old = out.parent / f".{out.name}.{os.getpid()}.old"
    if out.exists():
        out.rename(old)
    work.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _summarise(source: Path, work: Path, outcome: intake.Outcome, assume_consent: Iterable[Purpose]) -> Summary:
    engine = engines.connect()
    lines = engines.read_parquet(engine, work / intake.LINES_FILE, "lines")
    products = engines.read_parquet(engine, work / intake.PRODUCTS_FILE, "products")
    totals = engines.arrow(engine, lines.aggregate(
        lines=lines.count(),
        events=lines.event_id.nunique(),
        shoppers=lines.shopper.nunique(),
        sessions=lines.session_id.nunique(),
        first=lines.time.min(),
        last=lines.time.max(),
        reduced=(lines.discount > 0).sum(),
        delivered=ibis.coalesce(lines.delivery_cost, lines.promised_days, lines.delivery_days).count(),
        **{purpose: lines[purpose].sum() for purpose in PURPOSES},
    )).to_pylist()[0]  # fmt: skip
    count = int(str(engines.scalar(engine, products.count())))
    engine.disconnect()
    intake.refuse_if_empty(outcome, "products", count)
    intake.refuse_if_empty(outcome, "events", totals["lines"])
    return Summary(
        fingerprint=_fingerprint(source, assume_consent),
        events=totals["events"],
        lines=totals["lines"],
        products=count,
        shoppers=totals["shoppers"],
        sessions=totals["sessions"],
        first=totals["first"].replace(tzinfo=UTC),
        last=totals["last"].replace(tzinfo=UTC),
        lines_by_consent={purpose: totals[purpose] or 0 for purpose in PURPOSES},
        rejected=outcome.rejected,
        ignored_columns=outcome.ignored_columns,
        notes=read_notes(source),
        reduced=totals["reduced"] or 0,
        delivered=totals["delivered"],
    )


def _fingerprint(source: Path, assume_consent: Iterable[Purpose]) -> str:
    digest = hashlib.sha256(f"{FORMAT_VERSION} {','.join(assume_consent)}".encode())
    for stem in ("events", "products"):
        for path in reading.files_of(reading.find(source, stem)):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
