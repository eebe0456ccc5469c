"""From a shop's files to the normalised copy: every row judged, the good ones typed and ordered, the bad ones listed.

In: a directory in the plain format. Out, in a work directory: lines.parquet, products.parquet, rejected.csv, and the
counts of what was kept, refused and why.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.csv
from ibis.backends import BaseBackend
from ibis.expr.types import StringValue, Table

from edge.core.events import MAX_LINES, PURPOSES, Purpose
from training import engine as engines
from training import reading, rules
from training.rules import DataError

SESSION_GAP_S = 30 * 60
LINES_FILE = "lines.parquet"
PRODUCTS_FILE = "products.parquet"
REJECTED_FILE = "rejected.csv"
BROKEN = "too many or too few values"


@dataclass(frozen=True)
class Outcome:
    """What became of the rows: refused by file and reason, columns that were not used."""

    rejected: dict[str, dict[str, int]]
    ignored_columns: dict[str, list[str]]


@dataclass(frozen=True)
class Judged:
    """Every row of the two files with its typed columns and, where it is refused, the `reason`. Lives in `engine`."""

    engine: BaseBackend
    products: Table
    events: Table
    files: tuple[tuple[reading.RawFile, Table], ...]  # what was read, and the rows judged of it

    def rejected(self) -> dict[str, pa.Table]:
        """The refused rows of each file, in its order: file, line, reason and the row's values."""
        return {raw.name: _rejected(self.engine, raw, judged) for raw, judged in self.files}

    def outcome(self, rejected: dict[str, pa.Table]) -> Outcome:
        """The counts of what `rejected` gave."""
        return Outcome(
            {name: _by_reason(rows) for name, rows in rejected.items() if len(rows)},
            {raw.name: raw.ignored for raw, _ in self.files if raw.ignored},
        )


@contextmanager
def judge(
    source: Path,
    work: Path,
    assume_consent: Iterable[Purpose],
    now: datetime,
    *,
    need_products: bool = True,
    memory_mib: int | None = None,
) -> Iterator[Judged]:
    """Judge every row of a plain-format directory; usable within the block. Raises DataError.

    Without `need_products` a directory may lack the products file, and events may then name any product. `memory_mib`
    bounds the engine.
    """
    engine = engines.connect(work / "spill", memory_mib)
    files = []
    products = engines.keep(engine, "judged_products", _no_products())
    known = need_products or any(source.glob("products.*"))
    if known:
        raw = reading.read(
            engine, reading.find(source, "products"), work, rules.PRODUCT_COLUMNS, rules.PRODUCT_REQUIRED
        )
        products = engines.keep(engine, "products_of_file", _judged_products(raw.table))
        files.append((raw, products))
    raw = reading.read(engine, reading.find(source, "events"), work, rules.EVENT_COLUMNS, rules.EVENT_REQUIRED)
    parsed = engines.keep(engine, "parsed_events", _parsed_events(raw.table, assume_consent, now))
    events = engines.keep(engine, "judged_events", _judged_together(parsed, products, known=known))
    try:
        yield Judged(engine, products, events, (*files, (raw, events)))
    finally:
        engine.disconnect()


def normalise(source: Path, work: Path, assume_consent: Iterable[Purpose], now: datetime) -> Outcome:
    """Judge every row of the plain-format directory and write the normalised files into `work`."""
    with judge(source, work, assume_consent, now) as judged:
        engine, products, events = judged.engine, judged.products, judged.events
        sessions = engines.keep(engine, "sessions", _sessions(events.filter(events.reason.isnull())))
        engines.write_parquet(engine, product_columns(products), work / PRODUCTS_FILE)
        engines.write_parquet(engine, _line_columns(events, sessions), work / LINES_FILE)
        refused = judged.rejected()
        pa.csv.write_csv(pa.concat_tables(refused.values()), work / REJECTED_FILE)
        return judged.outcome(refused)


def _no_products() -> Table:
    columns = dict.fromkeys(("line", *rules.PRODUCT_COLUMNS), "string")
    return _judged_products(ibis.memtable(pa.table({name: pa.array([], pa.string()) for name in columns})))


def _judged_products(text: Table) -> Table:
    typed = rules.typed_products(text)
    judged = typed.mutate(reason=rules.first_reason(rules.product_rules(typed)))
    seat = ibis.row_number().over(group_by=[judged.id, judged.reason.isnull()], order_by=judged.line)
    again = judged.reason.isnull() & (seat > 0)
    return judged.mutate(reason=again.ifelse(rules.DUPLICATE_PRODUCT, judged.reason))


def _parsed_events(text: Table, assume_consent: Iterable[Purpose], now: datetime) -> Table:
    declared = ",".join(assume_consent)
    if declared:
        # The importer's word stands in where the file says nothing; what a row says for itself is kept.
        text = text.mutate(consent=text.consent.fill_null(declared))
    typed = rules.typed_events(text)
    kind = typed.customer_id.notnull().ifelse("c:", "v:")
    shopper = kind + ibis.coalesce(typed.customer_id, typed.visitor_id)
    return typed.mutate(shopper=shopper, reason=rules.first_reason(rules.event_rules(typed, now))).drop("purposes")


def _judged_together(parsed: Table, products: Table, *, known: bool) -> Table:
    """The rules that look past one row: the event's other rows, and the products file."""
    good = parsed.filter(parsed.reason.isnull())
    first = good.group_by("event_id").agg(
        first_type=good.type.argmin(good.line),
        first_at=good["at"].argmin(good.line),
        first_shopper=good.shopper.argmin(good.line),
        rows=good.count(),
    )
    sold = products.filter(products.reason.isnull()).select(known_id="id")
    t = parsed.left_join(first, "event_id").drop("event_id_right")
    t = t.left_join(sold, t.product_id == sold.known_id)
    differs = (t.type != t.first_type) | (t["at"] != t.first_at) | (t.shopper != t.first_shopper)
    seat = ibis.row_number().over(group_by=[t.event_id, t.reason.isnull()], order_by=t.line)
    reason = ibis.cases(
        (t.reason.notnull(), t.reason),
        (differs, rules.DISAGREES),
        (t.product_id.notnull() & t.known_id.isnull() & known, rules.UNKNOWN_PRODUCT),
        ((t.rows > MAX_LINES) & (seat >= MAX_LINES), rules.TOO_MANY_LINES),
        else_=ibis.null("string"),
    )
    return t.mutate(reason=reason).drop("first_type", "first_at", "first_shopper", "rows", "known_id")


def _sessions(events: Table) -> Table:
    """(event_id, session_id): the session the file names, else visits of one shopper parted by 30 minutes of quiet.

    The shopper stands before the session's name, so that two shoppers never share one.
    """
    one = events.group_by("event_id").agg(
        shopper=events.shopper.min(), at=events["at"].min(), given=events.session_id.argmin(events.line)
    )
    unnamed = one.filter(one.given.isnull())
    in_order = ibis.window(group_by=unnamed.shopper, order_by=[unnamed["at"], unnamed.event_id])
    seconds = unnamed["at"].epoch_seconds().cast("int64")
    gap = seconds - seconds.lag().over(in_order)
    starts = unnamed.mutate(seconds=seconds, start=ibis.coalesce(gap > SESSION_GAP_S, True))
    in_order = ibis.window(group_by=starts.shopper, order_by=[starts["at"], starts.event_id], following=0)
    began = starts.start.ifelse(starts.seconds, ibis.null("int64")).max().over(in_order)
    named = one.filter(one.given.notnull())
    return starts.select(event_id=starts.event_id, session_id=starts.shopper + "/" + began.cast("string")).union(
        named.select(event_id=named.event_id, session_id=named.shopper + "/" + named.given)
    )


def _line_columns(events: Table, sessions: Table) -> Table:
    good = events.filter(events.reason.isnull()).drop("session_id")
    t = good.join(sessions, "event_id")
    return t.select(
        event_id=t.event_id,
        type=t.type,
        time=t["at"],
        day=_unix_day(t["at"]),
        shopper=t.shopper,
        session_id=t.session_id,
        order_id=t.order_id,
        product_id=t.product_id,
        variant_id=t.variant_id,
        quantity=t.units.cast("int32"),
        price=t.unit_price,
        discount=t.unit_discount,
        currency=t.currency,
        source=t.source.fill_null("import"),
        **{purpose: t[purpose] for purpose in PURPOSES},
        delivery_method=t.delivery_method,
        delivery_cost=t.shipping,
        promised_days=t.promised,
        delivery_days=t.took,
        line=t.line,
    ).order_by("shopper", "time", "event_id", "line")


def product_columns(products: Table) -> Table:
    """The good rows of judged products, typed as `Dataset.catalogue` reads them."""
    t = products.filter(products.reason.isnull())
    levels = t.path.split(" > ")
    return t.select(
        id=t.id,
        title=t.title,
        category=_or_empty(t.path),
        department=_or_empty(levels[0]),
        level1=_or_empty(levels[0]),
        level2=_or_empty(levels[1]),
        level3=_or_empty(levels[2]),
        brand=_or_empty(t.brand),
        price=t.amount,
        compare_at_price=t.compare_amount,
        currency=t.currency.fill_null("USD"),
        available=ibis.coalesce(t.available.lower().isin(rules.YES), True),
        handle=_or_empty(t.handle),
        url=_or_empty(t.url),
        image=t.image,
        variant_id=t.variant_id,
        listed=ibis.coalesce(_unix_day(t.listed_at), 0).cast("int32"),
    ).order_by("id")


def _unix_day(time: ibis.Value) -> ibis.Value:
    return (time.epoch_seconds() // 86_400).cast("int32")


def _or_empty(text: StringValue) -> StringValue:
    return text.fill_null("")


def _rejected(engine: BaseBackend, raw: reading.RawFile, judged: Table) -> pa.Table:
    """The file's refused rows, in its order: file, line, reason and the row's values."""
    names = [name for name in raw.table.columns if name != "line"]
    values = ibis.array([ibis.literal(f"{name}=") + judged[name] for name in names])
    bad = judged.filter(judged.reason.notnull()).select(
        "line", "reason", row=values.filter(lambda value: value.notnull()).join("; ")
    )
    broken = pa.table(
        {
            "line": pa.array([line for line, _ in raw.broken], pa.int64()),
            "reason": pa.array([BROKEN] * len(raw.broken), pa.string()),
            "row": pa.array([text for _, text in raw.broken], pa.string()),
        }
    )
    rows = pa.concat_tables([engines.arrow(engine, bad).cast(broken.schema), broken]).sort_by("line")
    return rows.add_column(0, "file", pa.array([raw.name] * len(rows), pa.string()))


def _by_reason(rejected: pa.Table) -> dict[str, int]:
    counts = rejected.group_by("reason").aggregate([([], "count_all")])
    pairs = zip(counts["reason"].to_pylist(), counts["count_all"].to_pylist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def refuse_if_empty(outcome: Outcome, stem: str, kept: int) -> None:
    """DataError when no row of a file was usable: the reasons say more than an empty data set would."""
    if kept:
        return
    file = next((name for name in outcome.rejected if name.startswith(stem)), stem)
    worst = list(outcome.rejected.get(file, {"no rows": 0}).items())[:3]
    reasons = "; ".join(f"{count:,} x {reason}" for reason, count in worst)
    raise DataError(f"no row of {file} can be used ({reasons}); correct them (docs/data-format.md)")
