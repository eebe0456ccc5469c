"""A dataset with its products, shoppers, orders and sessions numbered once, shared by every index built from it.

In: the lines and products of a dataset as Ibis tables. Out: `Facts`: small integer columns to aggregate over, and
the products in the order of their positions.
"""

from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr.types import Table
from ibis.util import gen_name

from training import engine as engines
from training.rules import DataError

# What an event says about interest in a product, in purchases.
INTEREST = {"purchase-complete": 1.0, "add-to-cart": 0.3, "wishlist-add": 0.3, "detail-page-view": 0.05}
PURCHASE = "purchase-complete"


@dataclass(frozen=True)
class Facts:
    """`lines`: item, order (numbered by time), session (likewise), shopper, day, interest, purchase (bool), price.

    `products`: id, category, brand, price by position; price is what was last paid where the catalogue has none.
    """

    engine: BaseBackend
    lines: Table
    products: pa.Table
    first_day: int
    last_day: int
    shoppers: int


def collect(engine: BaseBackend, lines: Table, products: Table) -> Facts:
    """Number everything once. Raises DataError when there is no line to learn from."""
    used = lines.filter(lines.type.isin(list(INTEREST)))
    goods = engines.keep(
        engine,
        gen_name("numbered_products"),
        products.mutate(item=ibis.row_number().over(order_by=products.id).cast("int32")),
    )
    used = used.mutate(session_key=ibis.coalesce(used.session_id, used.event_id))
    used = _number(used, "event_id", "order")
    used = _number(used, "session_key", "session")
    used = _number(used, "shopper", "shopper_number")
    used = used.join(goods.select("item", product_id=goods.id), "product_id")
    kept = engines.keep(
        engine,
        gen_name("facts"),
        used.select(
            "item",
            "order",
            "session",
            shopper=used.shopper_number,
            day=used.day.cast("int32"),
            interest=used.type.cases(*INTEREST.items(), else_=0.0).cast("float32"),
            purchase=used.type == PURCHASE,
            price=used.price.cast("float32"),
        ),
    )
    span = engines.arrow(
        engine, kept.aggregate(first=kept.day.min(), last=kept.day.max(), shoppers=kept.shopper.nunique())
    ).to_pylist()[0]
    if span["first"] is None:
        raise DataError("the data set has no view, cart line or purchase of a known product; nothing can be learned")
    table = engines.arrow(engine, goods.select("item", "id", "category", "brand", "price").order_by("item"))
    return Facts(engine, kept, _priced(engine, kept, table), span["first"], span["last"], span["shoppers"])


def _number(table: Table, key: str, name: str) -> Table:
    """Number the values of a column by when they are first seen, ties by the value: the same in every run."""
    seen = table.group_by(key).aggregate(start=table.time.min(), on=table.day.min())
    # Day by day, each beginning where the day before ends: one order over everything would need one machine's memory.
    days = seen.group_by("on").aggregate(many=seen.count())
    days = days.select("on", before=days.many.sum().over(ibis.cumulative_window(order_by=days.on)) - days.many)
    placed = seen.mutate(place=ibis.row_number().over(group_by="on", order_by=[seen.start, seen[key]])).join(days, "on")
    return table.join(placed.select(key, (placed.place + placed.before).cast("int32").name(name)), key)


def _priced(engine: BaseBackend, lines: Table, products: pa.Table) -> pa.Table:
    bought = lines.filter(lines.price > 0)
    # As float64, so that engines cannot differ in the precision of the mean of the two middle prices.
    paid = engines.arrow(engine, bought.group_by("item").aggregate(price=bought.price.cast("float64").median()))
    listed = products["price"].fill_null(0).to_numpy().astype(np.float32)
    item = paid["item"].to_numpy()
    listed[item] = np.where(listed[item] > 0, listed[item], paid["price"].to_numpy())
    return products.set_column(products.column_names.index("price"), "price", pa.array(listed))
