"""Facts that are counted, not foretold: discounts, prices, categories, returns, deliveries; see docs/customers.md.

In: a dataset, the day after the last one to look at. Out: an Arrow table with a row per customer who bought in the year
before; null where a fact cannot be told, and no column where the shop's data cannot tell it at all.
"""

from collections.abc import Collection
from dataclasses import dataclass

import ibis
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.expr.types import Table
from ibis.util import gen_name

from edge.core.events import Purpose
from training import engine as engines
from training.customers import delivery
from training.customers.restricted import allowed
from training.customers.table import CUSTOMER
from training.dataset import Dataset
from training.facts import PURCHASE

YEAR = 365
PRIOR_VISITS = 5  # a customer counts fully when their spend is well above that of five visits
PRIOR_LINES = 10
PEERS = 5  # a category with fewer products has no cheap and dear end
LEAST_DAYS = 3  # with a purchase in the category that is called preferred
LEAST_UNITS = 5


@dataclass(frozen=True)
class Year:
    """Lines of customers' purchases in the year, with `paid`, `shelf` (price), `path`; returns; deliveries."""

    engine: BaseBackend
    bought: Table
    returned: Table
    end: int


def habits(
    dataset: Dataset, end: int, *, purpose: Purpose = "personalization", restricted: Collection[str] = ()
) -> pa.Table:
    """Columns `shopper` and those facts that this shop's data can tell. Restricted categories count for none."""
    year = _year(dataset, end, purpose, restricted)
    told = year.bought.group_by("shopper").aggregate(lines=year.bought.count())
    for fact in (discount_affinity(year), price_sensitivity(year), preferred_category(year), return_rate(year),
                 delivery.sensitivity(year.engine, year.bought, end)):  # fmt: skip
        if fact is not None:
            told = told.left_join(fact, "shopper")
            told = told.drop(*(name for name in told.columns if name.endswith("_right")))
    return engines.arrow(year.engine, told.drop("lines").order_by("shopper"))


def discount_affinity(year: Year) -> Table | None:
    """Share of spend at a reduction over the shop's share, drawn to 1 where there was little spend."""
    t = year.bought
    reduced = (ibis.coalesce(t.discount, 0.0) > 0).ifelse(t.paid, 0.0)
    shop = _row(year, t.aggregate(reduced=reduced.sum(), spend=t.paid.sum(), visits=t.event_id.nunique()))
    if not shop["reduced"]:
        return None
    share, prior = shop["reduced"] / shop["spend"], PRIOR_VISITS * shop["spend"] / shop["visits"]
    each = t.group_by("shopper").aggregate(reduced=reduced.sum(), spend=t.paid.sum())
    drawn = (each.reduced + prior * share) / (each.spend + prior) / share
    return each.select("shopper", discount_affinity=drawn)


def price_sensitivity(year: Year) -> Table | None:
    """One less the mean place, 0 to 1, of what is bought in its category's range of shelf prices."""
    t = year.bought.filter((year.bought.shelf > 0) & (year.bought.category != ""))
    goods = t.group_by("category", "product_id").aggregate(
        price=((t.shelf * t.quantity).sum() / t.quantity.sum()).round(2), lines=t.count()
    )
    levels = goods.group_by("category", "price").aggregate(lines=goods.lines.sum(), products=goods.count())
    below = ibis.window(group_by=levels.category, order_by=levels.price, following=0)
    whole = ibis.window(group_by=levels.category)
    levels = levels.mutate(
        # Prices alike share the middle of their range, so that the mean over a category is just one half.
        place=(levels.lines.sum().over(below) - levels.lines / 2) / levels.lines.sum().over(whole),
        peers=levels.products.sum().over(whole),
    )
    levels = levels.filter(levels.peers >= PEERS).select("category", "price", "place")
    placed = goods.join(levels, ["category", "price"]).select("product_id", "place")
    each = t.select("shopper", "product_id").join(placed, "product_id")
    each = each.group_by("shopper").aggregate(place=each.place.sum(), lines=each.count())
    drawn = 1 - (each.place + PRIOR_LINES * 0.5) / (each.lines + PRIOR_LINES)
    return each.select("shopper", price_sensitivity=drawn)


def preferred_category(year: Year) -> Table | None:
    """The category, two levels deep, with the greatest excess over its share in the whole shop's spend."""
    t = year.bought.filter(year.bought.path != "")
    shop = t.group_by("path").aggregate(all_=t.paid.sum())
    shop = shop.mutate(usual=shop.all_ / shop.all_.sum().over(ibis.window())).drop("all_")
    each = t.group_by("shopper", "path").aggregate(spend=t.paid.sum(), days=t.day.nunique())
    each = each.mutate(share=each.spend / each.spend.sum().over(ibis.window(group_by=each.shopper)))
    each = each.filter(each.days >= LEAST_DAYS).join(shop, "path")
    each = each.mutate(excess=each.share - each.usual)
    best = ibis.row_number().over(group_by=each.shopper, order_by=[each.excess.desc(), each.path])
    ranked = each.mutate(seat=best)
    return ranked.filter((ranked.seat == 0) & (ranked.excess > 0)).select("shopper", preferred_category="path")


def return_rate(year: Year) -> Table | None:
    """Units sent back per unit bought, at most 1; no fact below a few units or where nothing is ever sent back."""
    if not _row(year, year.returned.aggregate(many=year.returned.count()))["many"]:
        return None
    back = year.returned.group_by("shopper").aggregate(back=year.returned.quantity.sum())
    t = year.bought.group_by("shopper").aggregate(units=year.bought.quantity.sum())
    t = t.left_join(back, "shopper")
    rate = ibis.least(ibis.coalesce(t.back, 0) / t.units, 1.0)
    return t.filter(t.units >= LEAST_UNITS).select("shopper", return_rate=rate)


def _year(dataset: Dataset, end: int, purpose: Purpose, restricted: Collection[str]) -> Year:
    lines, products = dataset.lines(purpose), dataset.products()
    lines = lines.filter(lines.shopper.startswith(CUSTOMER) & (lines.day >= end - YEAR) & (lines.day < end))
    goods = allowed(products, restricted)
    goods = goods.select(
        known_id="id",
        listed_price="price",
        category="category",
        path=(goods.level2 != "").ifelse(goods.level1 + " > " + goods.level2, goods.level1),
    )
    t = lines.join(goods, lines.product_id == goods.known_id)
    price = ibis.coalesce(t.price, t.listed_price)
    t = t.mutate(paid=price * t.quantity, shelf=price + ibis.coalesce(t.discount, 0.0))
    kept = engines.keep(dataset.engine, gen_name("customer_year"), t.filter(t.type.isin([PURCHASE, "return"])))
    return Year(dataset.engine, kept.filter(kept.type == PURCHASE), kept.filter(kept.type == "return"), end)


def _row(year: Year, totals: Table) -> dict[str, float]:
    row: dict[str, float] = engines.arrow(year.engine, totals).to_pylist()[0]
    return row
