"""Features: what the ranker sees of each candidate. The one function that builds the matrix, in training and serving.

In: index, slot, context and the candidates found for it. Out: one float32 row per candidate, columns FEATURE_NAMES.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.core.context import Context, direction
from edge.core.derived import TRAITS
from edge.core.index import LEVELS, Floats, Index, Ints, Places
from edge.core.profile import RECENT_ORDERS
from edge.core.retrieval import RANKED_SLOTS, Candidates
from edge.core.sources import SOURCES

_NEVER = -1.0  # where a number of days or a ratio does not exist
_UNLIKE = -2  # a code no product has: -1 would be like -1
# Count, share, idle days, gap, due, rank, often, lately, orders since, of what was never bought.
_NOT_BOUGHT = np.array([0, 0, _NEVER, _NEVER, _NEVER, 0, 0, 0, RECENT_ORDERS], np.float32)

FEATURE_NAMES: tuple[str, ...] = (
    "slot",  # place in RANKED_SLOTS
    "retrieval_score",
    "retrieval_rank",
    *(f"from_{source}" for source in SOURCES),
    # the product
    *TRAITS,  # sold is the share of orders with it
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


_SLOT_CODES = {slot: code for code, slot in enumerate(RANKED_SLOTS)}
_AT = {name: at for at, name in enumerate(FEATURE_NAMES)}
_EVIDENCE = _AT["retrieval_rank"] + 1
_PRODUCT = _EVIDENCE + len(SOURCES)
_BESIDE, _OWN, _TASTE = _AT["price_ratio"], _AT["own_count"], _AT["taste"]
_SITUATION = _AT["anchors"]


def build(index: Index, slot: str, context: Context, found: Candidates) -> Floats:
    """The matrix [len(found.items), len(FEATURE_NAMES)], C-contiguous and finite. KeyError for an unknown slot."""
    return build_all(index, context, {slot: found})


def build_all(index: Index, context: Context, found: Mapping[str, Candidates]) -> Floats:
    """The matrices of several shelves for one context, one below the other: what they share is worked out once."""
    parts = list(found.values())
    items = parts[0].items if len(parts) == 1 else np.concatenate([part.items for part in parts])
    rows = np.empty((len(items), len(FEATURE_NAMES)), np.float32)
    start = 0
    for slot, part in found.items():
        end = start + len(part.items)
        _retrieved(rows[start:end], slot, part)
        start = end
    # Groups of columns are written into the matrix where they stand: stacked and turned, they would be copied twice.
    rows[:, _PRODUCT:_BESIDE] = index.traits.take(items, axis=0)
    codes = index.category_of.take(items, axis=0)
    brands = index.brand_of.take(items)
    _beside(rows, index, context, items, codes, brands)
    _personal(rows, index, context, items, codes, brands)
    rows[:, _SITUATION:] = _situation(context)
    return rows


def _retrieved(rows: Floats, slot: str, found: Candidates) -> None:
    """Slot, score, rank and evidence."""
    rows[:, 0] = _SLOT_CODES[slot]
    rows[:, 1] = found.scores
    rows[:, 2] = np.arange(len(rows))
    rows[:, _EVIDENCE:_PRODUCT] = found.evidence.T


def _beside(rows: Floats, index: Index, context: Context, items: Ints, codes: Ints, brands: Ints) -> None:
    """The product beside the anchors, and beside this visit."""
    if len(context.anchors):
        anchors = _anchors(index, context.anchors)
        rows[:, _BESIDE] = rows[:, _AT["price"]] / anchors.price if anchors.price else 0
        _shared(rows[:, _BESIDE + 1 : _BESIDE + 2 + LEVELS], anchors, codes, brands)
        rows[:, _BESIDE + 5] = _cosines(index.vectors, items, anchors.direction)
    else:
        rows[:, _BESIDE : _BESIDE + 6] = 0
    rows[:, _BESIDE + 6] = 0
    if len(context.recent):
        rows[:, _BESIDE + 6] = _cosines(index.vectors, items, _direction(index, context.recent))


@dataclass(frozen=True, eq=False)
class _Anchors:
    """What of a page's or cart's products its candidates are compared with; the same for every shopper."""

    price: float  # mean of those known, else 0
    codes: Ints  # [n, LEVELS], what is unknown is like nothing
    brands: Ints  # [n], likewise
    direction: Floats


def _anchors(index: Index, anchors: Ints) -> _Anchors:
    key = ("anchors", anchors.tobytes())
    known = index.memo.get(key, _Anchors)
    if known is None:
        prices, codes, brands = index.price[anchors], index.category_of[anchors], index.brand_of[anchors]
        known = _Anchors(
            price=float(prices[prices > 0].mean()) if (prices > 0).any() else 0.0,
            codes=np.where(codes < 0, _UNLIKE, codes),
            brands=np.where(brands < 0, _UNLIKE, brands),
            direction=_direction(index, anchors),
        )
        index.memo.keep(key, known, known.codes.nbytes + known.brands.nbytes + known.direction.nbytes + 500)
    return known


def _shared(out: Floats, anchors: _Anchors, codes: Ints, brands: Ints) -> None:
    """Of the anchors, the share in each product's categories, wide to narrow, and of its brand."""
    if len(anchors.brands) == 1:
        out[:, :LEVELS] = codes == anchors.codes
        out[:, LEVELS] = brands == anchors.brands
    else:
        # A level has codes of its own, so that level can be held to level.
        out[:, :LEVELS] = (codes[:, None] == anchors.codes).sum(axis=1) / len(anchors.codes)
        out[:, LEVELS] = (brands[:, None] == anchors.brands).sum(axis=1) / len(anchors.brands)


def _personal(rows: Floats, index: Index, context: Context, items: Ints, codes: Ints, brands: Ints) -> None:
    """The shopper and the product: own purchases, taste, likes, views."""
    history = context.history
    rows[:, _OWN:_TASTE] = _NOT_BOUGHT
    rows[:, _OWN + 5] = len(history.items)
    own = history.items
    if len(own):
        row = own.searchsorted(items)
        mine = (own.take(row, mode="clip") == items).nonzero()[0]
        bought = np.empty((len(mine), _TASTE - _OWN), np.float32)
        _bought(bought, context, row.take(mine), rows[:, _AT["gap_days"]].take(mine))
        rows[mine, _OWN:_TASTE] = bought
        rows[:, _TASTE] = _cosines(index.tastes, items, history.taste)
        rows[:, _TASTE + 1 : _TASTE + 1 + LEVELS] = history.affinity.take(codes)
        rows[:, _TASTE + 4] = history.brand_affinity.take(brands)
    else:
        rows[:, _TASTE : _TASTE + 5] = 0
    rows[:, _TASTE + 5] = 0
    if len(history.viewed):
        # Of a product viewed twice the older view is written last.
        for ago, viewed in enumerate(history.viewed[::-1].tolist(), start=1):
            rows[items == viewed, _TASTE + 5] = ago


def _bought(out: Floats, context: Context, row: Places, usual_gap: Floats) -> None:
    """The nine columns of products bought before, which are these rows of the history."""
    history = context.history
    count, last = history.counts.take(row), history.last_day.take(row)
    idle = np.maximum(np.float32(context.day) - last, 0)
    gap = np.where(count > 1, (last - history.first_day.take(row)) / np.maximum(count - 1, 1), _NEVER)
    # Bought once: what other shoppers take between two purchases stands in.
    expected = np.where(gap > 0, gap, usual_gap)
    out[:, 0] = count
    out[:, 1] = count / max(history.orders, 1)
    out[:, 2] = idle
    out[:, 3] = gap
    out[:, 4] = np.where(expected > 0, idle / np.maximum(expected, 1), _NEVER)
    out[:, 5] = history.rank.take(row)
    out[:, 6:8] = history.often.take(row, axis=0)
    out[:, 8] = history.since.take(row)


def _situation(context: Context) -> Floats:
    history = context.history
    days = context.day - history.last_order_day if history.orders else _NEVER
    between = history.last_order_day - history.first_order_day
    gap = between / (history.orders - 1) if history.orders > 1 else _NEVER
    return np.array([len(context.anchors), history.orders, len(history.items), days, gap], np.float32)


def _direction(index: Index, items: Ints) -> Floats:
    return direction(index.vectors, items, np.ones(len(items), np.float32))


def _cosines(vectors: NDArray[np.float16], items: Ints, towards: Floats) -> Floats:
    return vectors.take(items, axis=0).astype(np.float32) @ towards
