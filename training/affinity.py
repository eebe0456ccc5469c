"""Which kinds of product are bought together: the narrowest categories that meet in orders beyond chance.

In: numbered lines up to a day, each product's narrowest category. Out: CSR arrays category -> categories with lift.
They say something about products too rare to have companions of their own.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from ibis.expr.types import Table
from numpy.typing import NDArray

from training import engine as engines
from training.facts import Facts

MIN_ORDERS = 10  # with both kinds
MIN_Z = 2.0  # standard deviations above chance
# Nearly all groceries meet a little more often than chance, because large orders hold everything. Asking for more keeps
# a regular's staples off pages they have nothing to do with: 1.0 foretells purchases best, 1.2 costs the most of it.
MIN_LIFT = 1.1
KINDS_KEPT = 2_000  # per kind


def build(facts: Facts, category_of: NDArray[np.int32], categories: int, until: int) -> dict[str, NDArray[Any]]:
    """`kind_ptr`, `kind_codes`, `kind_lift`, from the orders before day `until`; lift is a log ratio, best first."""
    item = np.arange(len(category_of), dtype=np.int32)
    kinds = engines.load(facts.engine, pa.table({"item": item, "kind": category_of.max(axis=1)}))
    lines = facts.lines.filter(facts.lines.purchase & (facts.lines.day < until)).join(kinds, "item")
    sold = np.zeros(categories, np.float64)
    kept = lines.filter(lines.kind >= 0).select("order", "kind").distinct()
    with engines.kept(facts.engine, "kinds", kept) as seen:
        counts = engines.arrow(facts.engine, seen.group_by("kind").aggregate(sold=seen.count()))
        sold[counts["kind"].to_numpy()] = counts["sold"].to_numpy()
        orders = int(str(engines.scalar(facts.engine, seen.order.nunique())))
        table = engines.arrow(facts.engine, _meetings(seen))
    left, right, together = (table[name].to_numpy() for name in ("left", "right", "together"))
    expected = sold[left] * sold[right] / max(orders, 1)
    keep = (together - expected >= MIN_Z * np.sqrt(expected)) & (together >= MIN_LIFT * expected)
    lift = np.log(together[keep] / expected[keep])
    return _rows(left[keep], right[keep], lift, sold, categories)


def _meetings(seen: Table) -> Table:
    other = seen.view()
    met = seen.join(other, [seen.order == other.order, seen.kind < other.kind]).select(left=seen.kind, right=other.kind)
    pairs = met.group_by("left", "right").aggregate(together=met.count())
    return pairs.filter(pairs.together >= MIN_ORDERS).order_by("left", "right")


def _rows(
    left: NDArray[Any], right: NDArray[Any], lift: NDArray[Any], sold: NDArray[np.float64], categories: int
) -> dict[str, NDArray[Any]]:
    # A kind goes with itself as often as anything can: somebody on its page may well want another one.
    own = np.flatnonzero(sold > 0)
    one = np.concatenate([left, right, own])
    other = np.concatenate([right, left, own])
    value = np.concatenate([lift, lift, np.ones(len(own))])
    order = np.lexsort((other, -value, one))
    one, other, value = one[order], other[order], value[order]
    best = np.arange(len(one)) - np.searchsorted(one, one) < KINDS_KEPT
    return {
        "kind_ptr": np.searchsorted(one[best], np.arange(categories + 1)).astype(np.int32),
        "kind_codes": other[best].astype(np.int32),
        "kind_lift": value[best].astype(np.float32),
    }
