"""How much a customer's coming back depends on how the last order was delivered.

In: purchase lines with delivery columns. Out: `delivery_sensitivity_score` by customer, or None where the shop sends
nothing, or too little to tell strained deliveries from smooth ones.
"""

import ibis
from ibis.backends import BaseBackend
from ibis.expr.types import Table

from training import engine as engines

PRIOR = 4  # deliveries that the shop's own rates count for
LEAST = 30  # deliveries of either kind, below which the shop's rates are chance
_DEAR = 0.75  # quantile of cost by order value from which on a delivery counts as dear, where it is above the median
_COLUMNS = ("delivery_cost", "promised_days", "delivery_days")


def sensitivity(engine: BaseBackend, bought: Table, end: int) -> Table | None:
    """shopper, delivery_sensitivity_score: chance to return after a smooth delivery less that after a strained one."""
    orders = _orders(bought)
    shop = engines.arrow(engine, orders.aggregate(
        sent=orders.sent.sum(),
        dear=orders.filter(orders.sent & (orders.cost > 0)).burden.quantile(_DEAR).as_scalar(),
        usual=orders.filter(orders.sent & (orders.cost > 0)).burden.quantile(0.5).as_scalar(),
        gap=orders.filter(orders.sent).gap.quantile(0.5).as_scalar(),
    )).to_pylist()[0]  # fmt: skip
    if not shop["sent"] or not shop["gap"]:
        return None
    patience = 2 * shop["gap"]
    t = orders.filter(orders.sent & (orders.day + patience < end))  # others may still come back
    dear = ((t.burden >= shop["dear"]) & (t.burden > shop["usual"])) if shop["dear"] else ibis.literal(False)
    late = t.took > t.promised
    strained = ibis.coalesce(late, False) | ibis.coalesce(dear, False)
    back = ibis.coalesce(t.gap <= patience, False)
    t = t.mutate(strained=strained, back=back)
    counts = {
        "smooth": (~t.strained).ifelse(1, 0).sum(),
        "smooth_back": (~t.strained & t.back).ifelse(1, 0).sum(),
        "strained": t.strained.ifelse(1, 0).sum(),
        "strained_back": (t.strained & t.back).ifelse(1, 0).sum(),
    }
    whole = engines.arrow(engine, t.aggregate(**counts)).to_pylist()[0]
    if min(whole["smooth"] or 0, whole["strained"] or 0) < LEAST:
        return None
    each = t.group_by("shopper").aggregate(**counts)
    chances = [
        (each[f"{kind}_back"] + PRIOR * whole[f"{kind}_back"] / whole[kind]) / (each[kind] + PRIOR)
        for kind in ("smooth", "strained")
    ]
    return each.select("shopper", delivery_sensitivity_score=chances[0] - chances[1])


def _orders(bought: Table) -> Table:
    """shopper, day, sent, cost, burden (cost by order value), promised, took, gap (days to the next day of orders)."""
    orders = bought.group_by("shopper", "event_id").aggregate(
        day=bought.day.min(),
        spend=bought.paid.sum(),
        cost=bought.delivery_cost.max(),
        promised=bought.promised_days.max(),
        took=bought.delivery_days.max(),
        sent=ibis.coalesce(*(bought[name] for name in _COLUMNS)).notnull().any(),
    )
    days = orders.select("shopper", "day").distinct()
    following = days.day.lead().over(ibis.window(group_by=days.shopper, order_by=days.day))
    days = days.mutate(gap=following - days.day)
    orders = orders.join(days, ["shopper", "day"])
    return orders.mutate(burden=orders.cost / (orders.spend > 0).ifelse(orders.spend, ibis.null("float64")))
