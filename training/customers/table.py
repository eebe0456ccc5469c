"""What is known of each customer at a cut-off day, from what came before it only, and what they did afterwards.

In: a dataset. Out: `History`, one row per customer and day, kept in the engine; `Seen`, one row per customer with
purchases in the window before a day; the outcomes after it. Aggregated with Ibis, so DuckDB or Spark does it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr.types import Table
from ibis.util import gen_name
from numpy.typing import NDArray

from edge.core.events import Purpose
from training import engine as engines
from training.customers.counts import Counts, Floats
from training.dataset import Dataset
from training.facts import PURCHASE
from training.rules import DataError

CUSTOMER = "c:"  # how a data set marks shoppers with a customer id; visitors are not described
COUNTED = (PURCHASE, "return", "detail-page-view", "add-to-cart")


@dataclass(frozen=True)
class History:
    """`days`: shopper, day, spend, units, reduced (spend), kinds, returned (units), views, carts; `end` exclusive."""

    engine: BaseBackend
    days: Table
    first: int
    end: int


@dataclass(frozen=True)
class Seen:
    """Customers with a purchase in the window before `cut`: names in order, and columns [customers] by name."""

    cut: int
    window: int
    shoppers: list[str]
    columns: Mapping[str, Floats]

    def counts(self) -> Counts:
        """The same as BG/NBD sees it: a day with purchases is one purchase."""
        column = self.columns
        return Counts(column["days"] - 1, column["last"] - column["first"], self.cut - column["first"])


def collect(dataset: Dataset, purpose: Purpose = "analytics") -> History:
    """Sum everything up by customer and day, once. Raises DataError when no customer bought anything."""
    engine, lines, products = dataset.engine, dataset.lines(purpose), dataset.products()
    lines = lines.filter(lines.shopper.startswith(CUSTOMER) & lines.type.isin(COUNTED))
    goods = products.select(known_id="id", kind="level2", listed_price="price")
    t = lines.join(goods, lines.product_id == goods.known_id)
    paid = ibis.coalesce(t.price, t.listed_price) * t.quantity
    bought = t.type == PURCHASE
    days = t.group_by("shopper", "day").aggregate(
        spend=bought.ifelse(paid, 0.0).sum(),
        bought=bought.ifelse(1, 0).sum(),
        units=bought.ifelse(t.quantity, 0).sum(),
        reduced=(bought & (ibis.coalesce(t.discount, 0.0) > 0)).ifelse(paid, 0.0).sum(),
        kinds=bought.ifelse(t.kind, ibis.null("string")).nunique(),
        returned=(t.type == "return").ifelse(t.quantity, 0).sum(),
        views=(t.type == "detail-page-view").ifelse(1, 0).sum(),
        carts=(t.type == "add-to-cart").ifelse(1, 0).sum(),
    )
    kept = engines.keep(engine, gen_name("customer_days"), days.mutate(day=days.day.cast("int32")))
    sales = kept.filter(kept.bought > 0)
    span = engines.arrow(engine, sales.aggregate(first=sales.day.min(), last=sales.day.max())).to_pylist()[0]
    if span["first"] is None:
        raise DataError("no customer's purchase may be used; customers are rows with customer_id and with consent")
    return History(engine, kept, span["first"], span["last"] + 1)


def seen(history: History, cut: int, window: int) -> Seen:
    """What the `window` days before day `cut` tell of each customer who bought in them."""
    t = history.days
    t = t.filter((t.day >= cut - window) & (t.day < cut))
    buying = t.filter(t.bought > 0)
    in_order = ibis.window(group_by=buying.shopper, order_by=buying.day)
    buying = buying.mutate(gap=(buying.day - buying.day.lag().over(in_order)).cast("float64"))
    month, quarter = buying.day >= cut - 30, buying.day >= cut - 90
    bought = buying.group_by("shopper").aggregate(
        first=buying.day.min(),
        last=buying.day.max(),
        days=buying.count(),
        days_30=month.ifelse(1, 0).sum(),
        days_90=quarter.ifelse(1, 0).sum(),
        spend=buying.spend.sum(),
        spend_30=month.ifelse(buying.spend, 0.0).sum(),
        spend_90=quarter.ifelse(buying.spend, 0.0).sum(),
        units=buying.units.sum(),
        reduced=buying.reduced.sum(),
        kinds=buying.kinds.sum(),
        gap_spread=buying.gap.std(how="pop"),
    )
    recent = t.day >= cut - 30
    looked = t.group_by("shopper").aggregate(
        returned=t.returned.sum(),
        views_30=recent.ifelse(t.views, 0).sum(),
        carts_30=recent.ifelse(t.carts, 0).sum(),
    )
    both = bought.join(looked, "shopper").order_by("shopper")
    rows = engines.arrow(history.engine, both)
    names = [name for name in rows.column_names if not name.startswith("shopper")]
    return Seen(cut, window, rows["shopper"].to_pylist(), {name: _floats(rows[name]) for name in names})


def outcomes(history: History, known: Seen, days: int) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each customer of `known` bought within the `days` from its cut on, and what they spent: [customers]."""
    t = history.days
    t = t.filter((t.day >= known.cut) & (t.day < known.cut + days) & (t.bought > 0))
    rows = engines.arrow(history.engine, t.group_by("shopper").aggregate(spend=t.spend.sum()).order_by("shopper"))
    spent = dict(zip(rows["shopper"].to_pylist(), rows["spend"].to_pylist(), strict=True))
    bought = np.array([name in spent for name in known.shoppers], bool)
    return bought, np.array([spent.get(name, 0.0) for name in known.shoppers], np.float64)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(np.nan_to_num(column.cast(pa.float64()).to_numpy()), np.float64)
