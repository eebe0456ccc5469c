"""From the log to the data set that training reads: the same rules as for any shop's files (docs/data-format.md).

In: the log, the catalogue, the known links between names, the names that may not be trained on. Out: a prepared data
set whose shoppers are pseudonyms. An order that both the page and the platform reported counts once.
"""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import ibis
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.expr.types import Table

from backend.event_log.rows import SCHEMA
from backend.event_log.store import EventLog
from edge.core import clock
from edge.core.products import Product
from training import engine as engines
from training import rules
from training.dataset import DataError, Dataset, prepare
from training.summary import NOTES_FILE, Notes

PLAIN_COLUMNS = tuple(name for name in SCHEMA.names if name in rules.EVENT_COLUMNS)
_ATTEMPTS = 3
_DAY_S = 86_400
_ABOUT = "from the event log; shoppers are pseudonyms"


def history(engine: BaseBackend, rows: Table, links: Mapping[str, str], excluded: Collection[str]) -> Table:
    """The log's rows with each shopper under one name and each order once, without the excluded names.

    `links` maps a name (a visitor, a former pseudonym) to the customer it belongs to.
    """
    rows = _without(engine, rows, excluded)
    rows = _without(engine, _linked(engine, rows, links), excluded)
    return rows.anti_join(_repeated_orders(rows), "event_id")


def _without(engine: BaseBackend, rows: Table, excluded: Collection[str]) -> Table:
    if not excluded:
        return rows
    names = engines.load(engine, pa.table({"name": pa.array(sorted(excluded), pa.string())}))
    return rows.anti_join(names, [("customer_id", "name")]).anti_join(names.view(), [("visitor_id", "name")])


def _linked(engine: BaseBackend, rows: Table, links: Mapping[str, str]) -> Table:
    if not links:
        return rows
    known = engines.load(engine, pa.table({"name": pa.array(links), "customer": pa.array(links.values())}))
    of_customer, of_visitor = known.view(), known.view()
    t = rows.left_join(of_customer, rows.customer_id == of_customer.name).rename(newer="customer").drop("name")
    t = t.left_join(of_visitor, t.visitor_id == of_visitor.name)
    return t.mutate(customer_id=ibis.coalesce(t.newer, t.customer_id, t.customer)).drop("newer", "name", "customer")


def _repeated_orders(rows: Table) -> Table:
    """The purchases whose order another event tells better: with the customer, with the delivery, earlier."""
    orders = rows.filter((rows.type == "purchase-complete") & rows.order_id.notnull())
    events = orders.group_by("order_id", "event_id").agg(
        nameless=orders.customer_id.isnull().all(),
        bare=orders.delivery_method.isnull().all() & orders.delivery_days.isnull().all(),
        at=orders.time.min(),
    )
    seat = ibis.row_number().over(
        group_by=events.order_id, order_by=[events.nameless, events.bare, events["at"], events.event_id]
    )
    ranked = events.mutate(seat=seat)
    return ranked.filter(ranked.seat > 0).select("event_id")


def names(log: EventLog, shop: str) -> Iterator[list[str]]:
    """All pseudonyms of shoppers in the log, in batches: to look up their links and decisions."""
    with engines.opened("duckdb") as engine, log.read(engine, shop) as rows:
        persons = rows.select(name=rows.customer_id).union(rows.select(name=rows.visitor_id), distinct=True)
        found = engines.arrow(engine, persons.filter(persons.name.notnull()))  # some 30 bytes for each shopper
    for batch in found.to_batches(max_chunksize=10_000):
        yield batch["name"].to_pylist()


def prepare_from_log(
    log: EventLog,
    shop: str,
    products: Iterable[Product],
    out: Path,
    *,
    links: Mapping[str, str] | None = None,
    excluded: Collection[str] = (),
    progress: Callable[[str], None] | None = None,
) -> Dataset:
    """Prepare the data set at `out` from the whole log. Raises DataError when nothing can be used."""
    with tempfile.TemporaryDirectory(prefix="endcap-history-") as directory:
        plain = Path(directory)
        (progress or (lambda _: None))("reading the event log")
        _write_products(products, plain / "products.parquet")
        _write_events(log, shop, plain / "events.parquet", links or {}, excluded)
        (plain / NOTES_FILE).write_bytes(msgspec.json.encode(Notes(about=_ABOUT, pseudonymous=True)))
        return prepare(plain, out, now=datetime.fromtimestamp(clock.now(), UTC), progress=progress)


def _write_events(log: EventLog, shop: str, path: Path, links: Mapping[str, str], excluded: Collection[str]) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        before = log.files(shop)
        if not before:
            raise DataError(
                f"the event log at {log.location} holds nothing of shop {shop!r}; events or an import first"
            )
        try:
            with engines.opened("duckdb") as engine, log.read(engine, shop) as rows:
                told = history(engine, rows, links, excluded)
                ordered = told.order_by("time", "event_id", "line").select(*PLAIN_COLUMNS)
                engines.write_parquet(engine, ordered, path)
            return
        except Exception:  # of DuckDB or the store, which have no base in common; only a changed log is tried again
            if attempt == _ATTEMPTS or log.files(shop) == before:
                raise


def _write_products(products: Iterable[Product], path: Path) -> None:
    rows = [msgspec.to_builtins(product) | {"listed": _day(product.listed)} for product in products]
    fields = {name: [row.get(name) for row in rows] for name in rules.PRODUCT_COLUMNS}
    numbers = {"price": pa.float64(), "compare_at_price": pa.float64(), "available": pa.bool_(), "listed": pa.date32()}
    columns = {name: pa.array(values, numbers.get(name, pa.string())) for name, values in fields.items()}
    pq.write_table(pa.table(columns), path)


def _day(listed: int) -> date | None:
    return datetime.fromtimestamp(listed * _DAY_S, UTC).date() if listed else None
