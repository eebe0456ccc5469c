"""Files of plain rows that an import writes as it goes along, each whole or not there, and their union at the end.

In: events and products in raw ids, as translated. Out: a directory in the plain format (docs/data-format.md), which the
common intake reads. A part that is there is done: an import that was killed goes on with the first one that is not.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ibis
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.expr.types import Table

from edge.core.bundle import replace_file
from edge.core.events import Event, Purpose
from edge.core.products import Product
from training import engine as engines

ROWS, PRODUCTS, CUSTOMERS = "rows", "products", "customers"
EVENT_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()), ("type", pa.string()), ("time", pa.timestamp("us", tz="UTC")),
        ("product_id", pa.string()), ("customer_id", pa.string()), ("order_id", pa.string()),
        ("variant_id", pa.string()), ("quantity", pa.int32()), ("price", pa.float64()), ("discount", pa.float64()),
        ("currency", pa.string()),
    ]
)  # fmt: skip
_PRODUCT_SCHEMA = pa.schema(
    [
        ("id", pa.string()), ("title", pa.string()), ("price", pa.float64()), ("currency", pa.string()),
        ("compare_at_price", pa.float64()), ("available", pa.bool_()), ("category", pa.string()),
        ("brand", pa.string()), ("handle", pa.string()), ("url", pa.string()), ("image", pa.string()),
        ("variant_id", pa.string()), ("listed", pa.date32()),
    ]
)  # fmt: skip
_CUSTOMER_SCHEMA = pa.schema([("customer_id", pa.string()), ("wants_mail", pa.bool_())])


class Part(msgspec.Struct):
    """What one part of the input gave."""

    events: list[Event] = []
    products: list[Product] = []
    customers: dict[str, bool] = {}
    skipped: Counter[str] = msgspec.field(default_factory=Counter)


def write_table(path: Path, table: pa.Table, **options: Any) -> None:  # noqa: ANN401 -- as pyarrow has them
    """Write a Parquet file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}")
    pq.write_table(table, work, compression="zstd", **options)
    work.replace(path)


def write_part(directory: Path, name: str, part: Part) -> None:
    """Write one part's files; the counts go last, and say that it is done."""
    write_table(directory / ROWS / f"{name}.parquet", _event_rows(part.events))
    write_table(directory / PRODUCTS / f"{name}.parquet", _product_rows(part.products))
    customers = [list(part.customers), list(part.customers.values())]
    table = pa.table([pa.array(values, field.type) for values, field in zip(customers, _CUSTOMER_SCHEMA, strict=True)],
                     schema=_CUSTOMER_SCHEMA)  # fmt: skip
    write_table(directory / CUSTOMERS / f"{name}.parquet", table)
    replace_file(directory / f"{name}.done", msgspec.json.encode(part.skipped))


def is_done(directory: Path, name: str) -> bool:
    """Whether a part needs no more work."""
    return (directory / f"{name}.done").exists()


def skipped(directory: Path) -> Counter[str]:
    """Why things were left out, over all parts that are done."""
    total: Counter[str] = Counter()
    for path in sorted(directory.glob("*.done")):
        total.update(msgspec.json.decode(path.read_bytes(), type=dict[str, int]))
    return total


def _event_rows(events: Iterable[Event]) -> pa.Table:
    rows = [
        (event.id, event.type, event.time, line.product_id, event.customer_id, event.order_id, line.variant_id,
         line.quantity, line.price, line.discount, event.currency)
        for event in events for line in event.products
    ]  # fmt: skip
    return _table(rows, EVENT_SCHEMA)


def _product_rows(products: Iterable[Product]) -> pa.Table:
    names = _PRODUCT_SCHEMA.names
    rows = [(*(getattr(one, name) for name in names[:-1]), one.listed or None) for one in products]
    table = _table(rows, _PRODUCT_SCHEMA.set(len(names) - 1, pa.field("listed", pa.int32())))
    return table.cast(_PRODUCT_SCHEMA)


def _table(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def join_parts(directory: Path, out: Path, declared: Sequence[Purpose], *, spill: Path) -> None:
    """Put all parts together as a plain-format directory.

    A product, customer or event that came several times counts as the last part has it. Where customers came along,
    `marketing` holds only for those who want mail. Products without a currency of their own take the orders'.
    """
    out.mkdir(parents=True, exist_ok=True)
    engine = engines.connect(spill, memory_mib=1_024)
    try:
        rows, products = _newest(engine, directory, ROWS, "event_id"), _newest(engine, directory, PRODUCTS, "id")
        engines.write_parquet(engine, _consented(rows, _newest(engine, directory, CUSTOMERS, "customer_id"), declared,
                                                 engine), out / "events.parquet")  # fmt: skip
        if engines.scalar(engine, products.count()):
            usual = engines.scalar(engine, rows.currency.mode()) or "USD"
            named = products.mutate(currency=products.currency.nullif("").fill_null(str(usual)))
            engines.write_parquet(engine, named, out / "products.parquet")
    finally:
        engine.disconnect()


def _newest(engine: BaseBackend, directory: Path, kind: str, key: str) -> Table:
    """The rows of all parts, of each key only those of its last part."""
    paths = sorted((directory / kind).glob("*.parquet"))
    raw = engines.read_parquet(engine, paths, f"raw_{kind}", filename=True)
    last = raw.filename.max().over(group_by=raw[key])
    marked = raw.mutate(last=last)
    return marked.filter(marked.filename == marked.last).drop("filename", "last")


def _consented(rows: Table, customers: Table, declared: Sequence[Purpose], engine: BaseBackend) -> Table:
    """The rows with what was declared, `marketing` only for those who want mail, where we know of customers at all."""
    consent = ",".join(declared)
    if not engines.scalar(engine, customers.count()):
        return rows.mutate(consent=ibis.literal(consent))
    quiet = ",".join(purpose for purpose in declared if purpose != "marketing")
    joined = rows.left_join(customers, "customer_id").drop("customer_id_right")
    wanted = ibis.coalesce(joined.wants_mail, False)
    return joined.mutate(consent=wanted.ifelse(consent, quiet)).drop("wants_mail")
