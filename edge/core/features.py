"""Features: what the ranker sees of each candidate. The one function that builds the matrix, in training and serving.

In: index, slot, context and the candidates found for it. Out: one float32 row per candidate, columns FEATURE_NAMES.
"""

import numpy as np
from numpy.typing import NDArray

from edge.core.context import Context, direction
from edge.core.index import LEVELS, Floats, Index, Ints
from edge.core.profile import RECENT_ORDERS
from edge.core.retrieval import RANKED_SLOTS, Candidates
from edge.core.sources import SOURCES

_NEVER = -1.0  # where a number of days or a ratio does not exist

FEATURE_NAMES: tuple[str, ...] = (
    "slot",  # place in RANKED_SLOTS
    "retrieval_score",
    "retrieval_rank",
    *(f"from_{source}" for source in SOURCES),
    # the product
    "sold",  # share of orders with it
    "sold_recently",
    "trend",
    "repeat_rate",
    "gap_days",
    "price",
    # the product beside the anchors
    "price_ratio",
    "same_wide",
    "same_middle",
    "same_narrow",
    "same_brand",
    "company",  # cosine to the anchors' common direction
    "visit_company",  # cosine to this visit's
    # the shopper and the product
    "own_count",
    "own_share",  # of this shopper's orders that held it
    "own_idle_days",
    "own_mean_gap_days",
    "own_due",  # idle days over the gap expected: 1 is now
    "own_rank",  # among own purchases, by decayed count
    "own_often",  # orders that held it, faded: the last ten or so
    "own_lately",  # likewise, the last three or so
    "own_orders_since",  # orders after the last that held it; as many as are remembered where none of these did
    "taste",  # cosine to the shopper's direction
    "likes_wide",
    "likes_middle",
    "likes_narrow",
    "likes_brand",
    "viewed_ago",  # 1 is the newest view
    # the situation
    "anchors",
    "orders",
    "products_known",
    "days_since_order",
    "order_gap_days",
)


def build(index: Index, slot: str, context: Context, found: Candidates) -> Floats:
    """The matrix [len(found.items), len(FEATURE_NAMES)], C-contiguous and finite. KeyError for an unknown slot."""
    items = found.items
    columns = np.empty((len(FEATURE_NAMES), len(items)), np.float32)
    columns[0] = _SLOT_CODES[slot]
    columns[1] = found.scores
    columns[2] = np.arange(len(items))
    at = 3 + len(SOURCES)
    columns[3:at] = found.evidence
    for group in (_product(index, items), _beside(index, context, items), _personal(index, context, items)):
        columns[at : at + len(group)] = group
        at += len(group)
    columns[at:] = _situation(context)[:, None]
    return np.ascontiguousarray(columns.T)


_SLOT_CODES = {slot: code for code, slot in enumerate(RANKED_SLOTS)}


def _product(index: Index, items: Ints) -> Floats:
    return np.stack(
        [
            index.sold[items] / max(index.orders, 1),
            index.sold_recently[items],
            index.trend[items],
            index.repeat_rate[items],
            index.gap_days[items],
            index.price[items],
        ]
    )


def _beside(index: Index, context: Context, items: Ints) -> Floats:
    anchors = context.anchors
    out = np.zeros((7, len(items)), np.float32)
    if len(anchors):
        prices = index.price[anchors]
        usual = float(prices[prices > 0].mean()) if (prices > 0).any() else 0.0
        out[0] = index.price[items] / usual if usual else 0
        codes = index.category_of[items]
        theirs = np.bincount(index.category_of[anchors].ravel() + 1, minlength=len(index.category_paths) + 1)
        theirs[0] = 0
        out[1 : 1 + LEVELS] = (theirs[codes + 1] / len(anchors)).T
        brands = index.brand_of[items]
        out[4] = (brands[:, None] == index.brand_of[anchors]).mean(axis=1) * (brands >= 0)
        out[5] = _cosines(index.vectors, items, direction(index.vectors, anchors, np.ones(len(anchors), np.float32)))
    if len(context.recent):
        out[6] = _cosines(
            index.vectors, items, direction(index.vectors, context.recent, np.ones(len(context.recent), np.float32))
        )
    return out


def _personal(index: Index, context: Context, items: Ints) -> Floats:
    history = context.history
    out = np.zeros((15, len(items)), np.float32)
    out[2:5] = _NEVER
    out[5] = len(history.items)
    out[8] = RECENT_ORDERS
    own = history.items
    if len(own):
        row = np.minimum(np.searchsorted(own, items), len(own) - 1)
        mine = np.flatnonzero(own[row] == items)
        row = row[mine]
        count = history.counts[row]
        idle = np.maximum(np.float32(context.day) - history.last_day[row], 0)
        span = history.last_day[row] - history.first_day[row]
        gap = np.where(count > 1, span / np.maximum(count - 1, 1), _NEVER)
        # Bought once: what other shoppers take between two purchases stands in.
        expected = np.where(gap > 0, gap, index.gap_days[items[mine]])
        out[0, mine] = count
        out[1, mine] = count / max(history.orders, 1)
        out[2, mine] = idle
        out[3, mine] = gap
        out[4, mine] = np.where(expected > 0, idle / np.maximum(expected, 1), _NEVER)
        out[5, mine] = history.rank[row]
        out[6:8, mine] = history.often[row].T
        out[8, mine] = history.since[row]
        out[9] = _cosines(index.tastes, items, history.taste)
        out[10 : 10 + LEVELS] = history.affinity[index.category_of[items]].T
        out[13] = history.brand_affinity[index.brand_of[items]]
    for ago, viewed in enumerate(history.viewed[::-1].tolist(), start=1):
        out[14][items == viewed] = ago
    return out


def _situation(context: Context) -> Floats:
    history = context.history
    days = context.day - history.last_order_day if history.orders else _NEVER
    between = history.last_order_day - history.first_order_day
    gap = between / (history.orders - 1) if history.orders > 1 else _NEVER
    return np.array([len(context.anchors), history.orders, len(history.items), days, gap], np.float32)


def _cosines(vectors: NDArray[np.float16], items: Ints, towards: Floats) -> Floats:
    return vectors[items].astype(np.float32) @ towards
