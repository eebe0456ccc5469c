"""Features: what the ranker sees of each candidate. The one function that builds the matrix, in training and serving.

In: index, slot, context and the candidates found for it. Out: one float32 row per candidate, columns FEATURE_NAMES.
The rows are written by `edge.core.compiled.features`, in this order.
"""

from collections.abc import Mapping

import numpy as np

from edge.core.compiled.features import fill
from edge.core.context import Context
from edge.core.derived import TRAITS
from edge.core.index import Floats, Index
from edge.core.retrieval import RANKED_SLOTS, Candidates
from edge.core.sources import SOURCES

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


def build(index: Index, slot: str, context: Context, found: Candidates) -> Floats:
    """The matrix [len(found.items), len(FEATURE_NAMES)], C-contiguous and finite. KeyError for an unknown slot."""
    return build_all(index, context, {slot: found})


def build_all(index: Index, context: Context, found: Mapping[str, Candidates]) -> Floats:
    """The matrices of several shelves for one context, one below the other: for one run of the ranker."""
    rows = np.empty((sum(len(part.items) for part in found.values()), len(FEATURE_NAMES)), np.float32)
    asked = (index.compiled, context.history, context.anchors, context.recent, context.day)
    start = 0
    for slot, part in found.items():
        fill(*asked, _SLOT_CODES[slot], part.items, part.scores, part.evidence, rows, start)
        start += len(part.items)
    return rows
