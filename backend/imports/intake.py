"""The common way in: a plain-format directory, judged by training's own rules, in pseudonyms, into the event log.

In: a directory in the plain format in raw ids, what its importer declares. Out: files of the event log, day by day,
under one name per source, so that the same history imported again replaces itself; the catalogue; a report. Shoppers
who have decided otherwise, and those who were erased, stay out.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import ibis
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from ibis.expr.types import BooleanValue, StringValue, Table
from redis.asyncio import Redis

from backend.event_log.store import EventLog
from backend.imports.denials import heed
from edge.core.bundle import replace_file
from edge.core.errors import UNREADABLE
from edge.core.events import PURPOSES, Purpose
from edge.core.keys import PseudonymKey, ShopperKind, pseudonym
from edge.core.products import Product
from edge.core.snapshot import read_snapshot, write_snapshot
from training import engine as engines
from training import intake

_GROUP_ROWS = 250_000  # written to the log under one holding of its lock
_BATCH_ROWS = 65_536
_MEMORY_MIB = 1_024  # of the query engine; beyond it, it spills into the import's directory
_LOG_FILE, _STATE_FILE, _PRODUCTS_FILE = "log.parquet", "state.json", "products.parquet"
REJECTED_FILE = "rejected.csv"
Tell = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much


@dataclass(frozen=True)
class Import:
    """What an import is about. `name` is that of its files in the log; `work` its directory until it is done."""

    shop: str
    key: PseudonymKey
    name: str
    work: Path
    declared: tuple[Purpose, ...]
    catalogue: Path  # the shop's snapshot, replaced by the source's products where there are any
    restricted: tuple[str, ...] = ()  # categories whose purchases are not kept, by path or by one of its names


class State(msgspec.Struct):
    """How far an import is, and what it has left out. Kept in its directory."""

    recorded: datetime
    judged: bool = False
    rows: int = 0
    products: int = 0
    refused: dict[str, dict[str, int]] = {}
    left_out: dict[str, int] = {}
    groups: dict[str, tuple[int, int]] = {}


@dataclass
class Report:
    """What an import brought in, and what it did not."""

    rows: int = 0
    days: int = 0
    products: int = 0
    refused: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows on {self.days:,} days are in the event log; {self.products:,} products"]
        for file, reasons in self.refused.items():
            lines += [f"refused in {file}: {count:,} x {reason}" for reason, count in reasons.items()]
        lines += [f"left out: {count:,} x {reason}" for reason, count in self.left_out.items() if count]
        return "\n".join(lines)


def read_state(work: Path, now: datetime) -> State:
    """How far the import in this directory is; a new one begins now."""
    try:
        return msgspec.json.decode((work / _STATE_FILE).read_bytes(), type=State)
    except (OSError, *UNREADABLE):
        return State(now)


def _keep(work: Path, state: State) -> None:
    replace_file(work / _STATE_FILE, msgspec.json.encode(state))


def judge(plain: Path, job: Import, state: State) -> None:
    """Judge the rows of a plain-format directory and keep those for the log, in pseudonyms and order of time."""
    if state.judged:
        return
    scratch = job.work / "judging"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with intake.judge(
        plain, scratch, job.declared, state.recorded, need_products=False, memory_mib=_MEMORY_MIB
    ) as judged:
        engine = judged.engine
        rejected = judged.rejected()
        state.refused = judged.outcome(rejected).rejected
        # Without the rows' values: they name persons.
        all_rejected = pa.concat_tables([table.drop_columns("row") for table in rejected.values()])
        pa.csv.write_csv(all_rejected, job.work / REJECTED_FILE)
        engines.write_parquet(engine, intake.product_columns(judged.products), job.work / _PRODUCTS_FILE)
        marked = judged.events.mutate(restricted=_restricted(judged, job))
        good = engines.keep(engine, "good", marked.filter(marked.reason.isnull()))
        counts = engines.arrow(engine, good.aggregate(
            analytics=(~good.analytics).sum(), restricted=(good.analytics & good.restricted).sum(),
        )).to_pylist()[0]  # fmt: skip
        state.left_out["no consent to analytics"] = counts["analytics"] or 0
        state.left_out["product of a restricted category"] = counts["restricted"] or 0
        rows = _log_rows(good.filter(good.analytics & ~good.restricted))
        for column in ("customer_id", "visitor_id", "session_id"):
            rows = _hidden(judged, rows, column, job)
        engines.write_parquet(engine, rows.order_by("time", "event_id", "line"), scratch / _LOG_FILE)
    state.rows = pq.read_metadata(scratch / _LOG_FILE).num_rows
    state.products = pq.read_metadata(job.work / _PRODUCTS_FILE).num_rows
    (scratch / _LOG_FILE).replace(job.work / _LOG_FILE)
    shutil.rmtree(scratch)
    state.judged = True
    _keep(job.work, state)


def _restricted(judged: intake.Judged, job: Import) -> BooleanValue:
    """Whether a row's product lies in one of these categories: by the source's products, else by the catalogue's."""
    events, products = judged.events, judged.products
    if not job.restricted:
        return ibis.literal(False)
    rows = engines.arrow(judged.engine, products.filter(products.reason.isnull()).select("id", "path")).to_pylist()
    paths = {row["id"]: row["path"] or "" for row in rows}
    if not paths and job.catalogue.exists():
        paths = {product.id: product.category for product in read_snapshot(job.catalogue).products}
    wanted = [_levels(entry) for entry in job.restricted]
    ids = [id_ for id_, path in paths.items() if any(entry in _levels(path) for entry in wanted)]
    named = engines.keep(judged.engine, "restricted", ibis.memtable(pa.table({"id": pa.array(ids, pa.string())})))
    return ibis.coalesce(events.product_id.isin(named.id), False)


def _levels(path: str) -> str:
    """A category path such that a level, or several in a row, stand in it as a whole."""
    return f"> {' > '.join(part.strip() for part in path.casefold().split('>'))} >"


def _log_rows(t: Table) -> Table:
    consents = [t[purpose].ifelse(purpose, ibis.null("string")) for purpose in sorted(PURPOSES)]
    return t.select(
        event_id=t.event_id,
        type=t.type,
        time=t["at"],
        product_id=t.product_id,
        customer_id=t.customer_id,
        visitor_id=t.visitor_id,
        session_id=t.session_id,
        order_id=t.order_id,
        variant_id=t.variant_id,
        quantity=t.units.cast("int32"),
        price=t.unit_price,
        currency=t.currency,
        consent=_joined(consents),
        source=ibis.literal("import"),
        line=(ibis.row_number().over(group_by=t.event_id, order_by=t.line)).cast("int32"),
        discount=t.unit_discount,
    )


def _joined(words: Iterable[StringValue]) -> StringValue:
    return ibis.array(list(words)).filter(lambda word: word.notnull()).join(",")


def _hidden(judged: intake.Judged, rows: Table, column: str, job: Import) -> Table:
    """The rows with the column's ids as pseudonyms; each id is hashed once."""
    engine = judged.engine
    kind: ShopperKind = "customer" if column == "customer_id" else "visitor"
    found = engines.arrow(engine, rows.select(column).distinct())[column].drop_null()
    raw = found.to_pylist()
    hidden = [pseudonym(job.key, job.shop, kind, f"session {one}" if column == "session_id" else one) for one in raw]
    names = pa.table({"raw_": pa.array(raw, pa.string()), "hidden_": pa.array(hidden, pa.string())})
    table = engines.keep(engine, f"names_of_{column}", ibis.memtable(names))
    joined = rows.left_join(table, rows[column] == table.raw_)
    return joined.mutate(**{column: joined.hidden_}).drop("raw_", "hidden_")


async def write(redis: "Redis", log: EventLog, job: Import, state: State, tell: Tell) -> Report:
    """Bring what was judged into the log, some days at a time; what earlier runs wrote stays as they wrote it."""
    file = pq.ParquetFile(job.work / _LOG_FILE)
    written: set[date] = set()
    report = Report(products=state.products, refused=state.refused, left_out=dict(state.left_out))
    denied: Counter[str] = Counter()
    done = 0
    for rows in _groups(file):
        days = sorted(_days(rows))
        if days[0].isoformat() not in state.groups:
            with log.exclusive(job.shop):  # an erasure comes before this or after it, never in between
                kept = await heed(redis, job.shop, rows)
                log.write(job.shop, kept, job.name, recorded=state.recorded)
                _drop(log, job, sorted(set(days) - _days(kept)))
            state.groups[days[0].isoformat()] = (len(kept), len(rows) - len(kept))
            _keep(job.work, state)
        count, refused = state.groups[days[0].isoformat()]
        report.rows += count
        denied["shopper has denied it, or was erased"] += refused
        written |= set(days)
        done += len(rows)
        tell("writing days", done, state.rows)
    with log.exclusive(job.shop):
        _drop(log, job, [day for day in log.days(job.shop) if day not in written])
    report.left_out |= denied
    report.days = len(written)
    return report


def _days(rows: pa.Table) -> set[date]:
    return set(pc.unique(pc.cast(rows["time"], pa.date32())).to_pylist())


def _groups(file: pq.ParquetFile) -> Iterable[pa.Table]:
    """The rows in their order of time, whole days at a time."""
    held: list[pa.Table] = []
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        rows = pa.Table.from_batches([batch])
        held.append(rows)
        table = pa.concat_tables(held)
        days = pc.cast(table["time"], pa.date32())
        whole = pc.less(days, days[-1])  # the last day may go on in the next batch
        ready = table.filter(whole)
        if len(ready) >= _GROUP_ROWS:
            yield ready
            held = [table.filter(pc.invert(whole))]
    rest = pa.concat_tables(held) if held else None
    if rest is not None and len(rest):
        yield rest


def _drop(log: EventLog, job: Import, days: Sequence[date]) -> None:
    """Remove what an earlier import of the same source has on these days; the lock is held."""
    log.delete([path for path in log.files(job.shop, days) if path.endswith(f"/{job.name}.parquet")])


def write_catalogue(job: Import, state: State) -> None:
    """The products as the shop's catalogue, where any came along; changes since the import began still count."""
    if not state.products:
        return
    names: list[str] = list(Product.__struct_fields__)
    rows = pq.read_table(job.work / _PRODUCTS_FILE, columns=names).to_pylist()
    job.catalogue.parent.mkdir(parents=True, exist_ok=True)
    write_snapshot(job.catalogue, (Product(**row) for row in rows), as_of=state.recorded.timestamp())


def finish(job: Import) -> None:
    """Remove the import's directory, which holds raw ids, but for the list of refused rows beside it."""
    rejected = job.work / REJECTED_FILE
    if rejected.exists():
        rejected.replace(job.work.with_name(f"{job.work.name}.{REJECTED_FILE}"))
    shutil.rmtree(job.work)
