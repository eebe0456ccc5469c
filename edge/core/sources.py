"""Where candidates come from: one function per source of evidence.

In: index and context. Out: chunks `(source, products, weights)`; a product may be in many, `retrieval` adds them up.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.context import Context, top
from edge.core.index import Index, Ints, distinct, gather, spans

SOURCES = (
    "pair",
    "lift",
    "hits",
    "kind",
    "neighbours",
    "own",
    "history_pair",
    "visit_pair",
    "favourite",
    "liked",
    "alike",
    "popular",
)
PAIR, LIFT, HITS, KIND, NEIGHBOURS, OWN, HISTORY_PAIR, VISIT_PAIR, FAVOURITE, LIKED, ALIKE, POPULAR = range(
    len(SOURCES)
)

_ANCHORS = 30  # newest cart lines looked at
_HISTORY = 40  # strongest purchases whose companions are looked up
_VISIT = 8  # newest products of this visit
_SESSIONS = 60  # recent orders looked at per anchor
_NEIGHBOURS = 40  # of those, the most alike that are read
_PER_FAVOURITE = 12
_LIKED = 60
_FILL = 60  # of the shop's most popular, so that a short profile still fills a shelf

Chunk = tuple[int, Ints, NDArray[np.floating[Any]]]
Finder = Callable[[Index, Context], list[Chunk]]


def pairs(index: Index, context: Context) -> list[Chunk]:
    """Bought together with the anchors beyond chance."""
    at, _ = gather(index.pair_ptr, context.anchors[-_ANCHORS:])
    return _pair_chunks(index, at, index.pair_items[at])


def own_pairs(index: Index, context: Context) -> list[Chunk]:
    """Own purchases whose list names the one anchor, though the anchor's own list, cut short, does not name them."""
    own = context.history.items
    if len(context.anchors) != 1 or not len(own):
        return []
    anchor = context.anchors[0]
    at, owner = gather(index.pair_ptr, own)
    hit = np.flatnonzero(index.pair_items[at] == anchor)
    at, items = at[hit], own[owner[hit]]
    new = ~np.isin(items, index.pair_items[index.pair_ptr[anchor] : index.pair_ptr[anchor + 1]])
    return _pair_chunks(index, at[new], items[new])


def own_kinds(index: Index, context: Context) -> list[Chunk]:
    """Own purchases of a kind that is bought together with the anchors' kinds beyond chance."""
    anchors = index.category_of[context.anchors[-_ANCHORS:]].max(axis=1, initial=-1)
    at, _ = gather(index.kind_ptr, anchors[anchors >= 0])
    lift = np.bincount(index.kind_codes[at], index.kind_lift[at], len(index.category_paths) + 1)
    items = context.history.items
    weights = lift[index.category_of[items].max(axis=1, initial=-1)]  # -1 reads the last place, which is zero
    found = np.flatnonzero(weights > 0)
    return [(KIND, items[found], weights[found])]


def neighbours(index: Index, context: Context) -> list[Chunk]:
    """What the recent orders most like these anchors (else this visit) hold besides: VMIS-kNN over orders."""
    anchors = context.anchors[-_ANCHORS:] if len(context.anchors) else context.recent[-_VISIT:]
    starts = index.item_session_ptr[anchors]
    at, owner = spans(starts, np.minimum(index.item_session_ptr[anchors + 1], starts + _SESSIONS))
    if not len(at):
        return []
    rarity = 1 / np.log2(2 + index.sold[anchors])
    sessions, row = distinct(index.item_sessions[at], len(index.session_ptr))
    likeness = np.bincount(row, rarity[owner], len(sessions))
    if len(sessions) > _NEIGHBOURS:
        # Sessions are numbered by time, so the newer of two equally alike comes first.
        kept = np.argpartition(-(likeness + sessions * 1e-9), _NEIGHBOURS)[:_NEIGHBOURS]
        sessions, likeness = sessions[kept], likeness[kept]
    at, owner = gather(index.session_ptr, sessions)
    size = index.session_ptr[sessions + 1] - index.session_ptr[sessions]
    return [(NEIGHBOURS, index.session_items[at], (likeness / np.sqrt(size))[owner])]


def own(_index: Index, context: Context) -> list[Chunk]:
    """What this shopper bought before, the more and the later the stronger."""
    return [(OWN, context.history.items, context.history.weight)]


def history_pairs(index: Index, context: Context) -> list[Chunk]:
    """Companions of this shopper's strongest purchases."""
    history = context.history
    strongest = top(history.weight, _HISTORY)
    at, owner = gather(index.pair_ptr, history.items[strongest])
    weight = np.sqrt(history.weight[strongest])
    return [(HISTORY_PAIR, index.pair_items[at], index.pair_score[at] * weight[owner])]


def visit_pairs(index: Index, context: Context) -> list[Chunk]:
    """What this visit, or else the last views, looked at, and the companions of that."""
    recent = context.recent[-_VISIT:] if len(context.recent) else context.history.viewed[-_VISIT:]
    age = np.arange(len(recent), 0, -1, dtype=np.float32)
    at, owner = gather(index.pair_ptr, recent)
    return [(VISIT_PAIR, index.pair_items[at], index.pair_score[at] / age[owner]), (VISIT_PAIR, recent, 1 / age)]


def favourites(index: Index, context: Context) -> list[Chunk]:
    """The best of the narrow categories this shopper buys most."""
    codes = context.history.favourites
    starts = index.category_ptr[codes]
    at, owner = spans(starts, np.minimum(index.category_ptr[codes + 1], starts + _PER_FAVOURITE))
    rank = at - starts[owner]
    return [(FAVOURITE, index.category_items[at], context.history.affinity[codes][owner] / (1 + rank))]


def liked(index: Index, context: Context) -> list[Chunk]:
    """What shoppers of this one's taste buy, of the shop's better known products."""
    if not context.history.taste.any():
        return []
    items = index.popular
    nearness = index.tastes[items].astype(np.float32) @ context.history.taste
    best = top(nearness, _LIKED)
    return [(LIKED, items[best], nearness[best])]


def popular(index: Index, context: Context) -> list[Chunk]:
    """The shop's most popular, once anything is known of this shopper or visit."""
    if not (len(context.history.items) or len(context.recent) or len(context.history.viewed)):
        return []
    items = index.popular[:_FILL]
    return [(POPULAR, items, 1 / np.arange(1, len(items) + 1))]


def _pair_chunks(index: Index, at: NDArray[np.intp], items: Ints) -> list[Chunk]:
    return [(PAIR, items, index.pair_score[at]), (LIFT, items, index.pair_lift[at]), (HITS, items, np.ones(len(at)))]
