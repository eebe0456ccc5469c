"""What is bought together beyond chance: pairs of products and their significance.

In: the numbered lines of purchases up to a day. Out: pairs of products with score and lift, in CSR order.
"""

from dataclasses import dataclass

import numpy as np
from ibis.expr.types import Table, Value
from numpy.typing import NDArray

from training import engine as engines
from training.facts import Facts

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

MIN_ORDERS = 3  # together, and by two shoppers: else it is one household's habit
MIN_SOLD = 5
MIN_LIFT = 1.2
MIN_Z = 2.0  # standard deviations above what chance would give
PAIRS_KEPT = 64  # per product
_SHRINK = 5.0  # orders of doubt in a pair's cosine


@dataclass(frozen=True)
class Meetings:
    """Each unordered pair of products that met in enough orders, once: `left` < `right`."""

    left: Ints
    right: Ints
    together: Floats  # orders with both
    sold: Floats  # orders with each product, by position
    chance: float  # orders together expected per (sold * sold) if orders were filled independently


@dataclass(frozen=True)
class Pairs:
    """The meetings beyond chance: shrunk cosine, and the log of orders together over those expected."""

    left: Ints
    right: Ints
    score: Floats
    lift: Floats


def count_meetings(facts: Facts, until: int) -> Meetings:
    """How often products met in the orders before day `until`, where it is more than one household's habit."""
    bought = facts.lines.filter(facts.lines.purchase & (facts.lines.day < until))
    bought = bought.select("item", "order", "shopper").distinct()
    counts = bought.group_by("item").aggregate(sold=bought.count())
    common = counts.filter(counts.sold >= MIN_SOLD).select("item")
    with engines.kept(facts.engine, "bought", bought.semi_join(common, "item")) as kept:
        by_order = kept.group_by("order").aggregate(size=kept.count())
        sizes = engines.arrow(facts.engine, by_order.aggregate(all=by_order.size.sum(), met=_ordered_pairs(by_order)))
        met = engines.arrow(facts.engine, _meetings(kept))
    lines, pairs = (float(sizes[name][0].as_py() or 0) for name in ("all", "met"))
    sold, table = np.zeros(facts.products.num_rows, np.float32), engines.arrow(facts.engine, counts)
    sold[table["item"].to_numpy()] = table["sold"].to_numpy()
    return Meetings(
        left=met["left"].to_numpy().astype(np.int32),
        right=met["right"].to_numpy().astype(np.int32),
        together=met["together"].to_numpy().astype(np.float32),
        sold=sold,
        # Large orders make everything meet everything: chance here means orders of the sizes this shop has, filled
        # independently, so two products meet sold * sold * sum(size * (size - 1)) / sum(size)^2 times.
        chance=pairs / max(lines**2, 1.0),
    )


def _ordered_pairs(by_order: Table) -> Value:
    return (by_order.size * (by_order.size - 1)).sum()


def _meetings(bought: Table) -> Table:
    other = bought.view()
    met = bought.join(other, [bought.order == other.order, bought.item < other.item]).select(
        left=bought.item, right=other.item, shopper=bought.shopper
    )
    # Least and greatest shopper tell two apart from one, at a tenth of the cost of counting them.
    counted = met.group_by("left", "right").aggregate(
        together=met.count(), least=met.shopper.min(), greatest=met.shopper.max()
    )
    enough = (counted.together >= MIN_ORDERS) & (counted.least != counted.greatest)
    return counted.filter(enough).select("left", "right", "together").order_by("left", "right")


def beyond_chance(meetings: Meetings) -> Pairs:
    """The pairs that met clearly more often than orders of this shop's sizes, filled independently, would make them."""
    left, right, together = meetings.left, meetings.right, meetings.together
    both = meetings.sold[left] * meetings.sold[right]
    expected = np.maximum(both * np.float32(meetings.chance), np.float32(1e-9))
    keep = (together >= MIN_LIFT * expected) & (together - expected >= MIN_Z * np.sqrt(expected))
    score = together / np.sqrt(both) * together / (together + np.float32(_SHRINK))
    return Pairs(left[keep], right[keep], score[keep], np.log(together[keep] / expected[keep]))


def select(pairs: Pairs, items: int, kept: int = PAIRS_KEPT) -> tuple[Ints, Ints, Floats, Floats]:
    """Both directions of each pair, the best `kept` per product: row starts, products, score, lift, best first."""
    one, other = np.concatenate([pairs.left, pairs.right]), np.concatenate([pairs.right, pairs.left])
    score, lift = np.tile(pairs.score, 2), np.tile(pairs.lift, 2)
    order = np.lexsort((other, -score, one))
    one, other, score, lift = one[order], other[order], score[order], lift[order]
    starts = np.searchsorted(one, np.arange(items + 1))
    best = np.arange(len(one)) - starts[one] < kept
    ptr = np.searchsorted(one[best], np.arange(items + 1)).astype(np.int32)
    return ptr, other[best], score[best].astype(np.float32), lift[best].astype(np.float32)
