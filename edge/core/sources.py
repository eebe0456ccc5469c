"""Where candidates come from: one function per source of evidence.

In: the index, and the page's products or the context. Out: chunks `(source, products, weights)`; a product may be in
many, `page` and `retrieval` add them up. What a page says is the same for every shopper, so it is asked for apart.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.context import Context, top
from edge.core.index import Index, Ints, gather, spans

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

MOST_ANCHORS = 30  # newest cart lines looked at
_HISTORY = 40  # strongest purchases whose companions are looked up
MOST_VISITED = 8  # newest products of this visit
_SESSIONS = 60  # recent orders looked at per anchor
_NEIGHBOURS = 40  # of those, the most alike that are read
_PER_FAVOURITE = 12
_LIKED = 60
_FILL = 60  # of the shop's most popular, so that a short profile still fills a shelf
_BY_PLACE = 1 / np.arange(1, _FILL + 1)

Weights = NDArray[np.floating[Any]]
Chunk = tuple[int, Ints, Weights]
Finder = Callable[[Index, Context], list[Chunk]]


# --- what a page or cart says ----------------------------------------------------------------------------------------


def pairs(index: Index, anchors: Ints) -> list[Chunk]:
    """Bought together with the anchors beyond chance."""
    at, _ = gather(index.pair_ptr, anchors)
    items, score, lift = index.pair_items.take(at), index.pair_score.take(at), index.pair_lift.take(at)
    return [(PAIR, items, score), (LIFT, items, lift), (HITS, items, np.ones(len(at)))]


def kinds(index: Index, anchors: Ints) -> NDArray[np.float32]:
    """How much more than by chance each category is bought with the anchors' kinds; a last place, zero, is for -1."""
    codes = index.narrow_of[anchors]
    at, _ = gather(index.kind_ptr, codes[codes >= 0])
    lift = np.bincount(index.kind_codes[at], index.kind_lift[at], len(index.category_paths) + 1)
    return lift.astype(np.float32)


def neighbours(index: Index, anchors: Ints) -> list[Chunk]:
    """What the recent orders most like these products hold besides: VMIS-kNN over orders."""
    starts = index.item_session_ptr.take(anchors)
    at, owner = spans(starts, np.minimum(index.item_session_ptr.take(anchors + 1), starts + _SESSIONS))
    if not len(at):
        return []
    rarity = 1 / np.log2(2 + index.sold.take(anchors))
    sessions, likeness = _likest(index.item_sessions.take(at), rarity.take(owner), one=len(anchors) == 1)
    at, owner = gather(index.session_ptr, sessions)
    size = index.session_ptr.take(sessions + 1) - index.session_ptr.take(sessions)
    return [(NEIGHBOURS, index.session_items.take(at), (likeness / np.sqrt(size)).take(owner))]


def _likest(sessions: Ints, weights: Weights, *, one: bool) -> tuple[Ints, Weights]:
    """The sessions with the largest sums of weights, and these; of equals the newer come first.

    `one`: no session comes twice, all weigh the same, and the newest come first already. They are numbered by time.
    """
    if one:
        return sessions[:_NEIGHBOURS], weights[:_NEIGHBOURS]
    order = sessions.argsort(kind="stable")[::-1]
    sessions = sessions.take(order)
    first = np.ones(len(sessions), np.bool_)
    np.not_equal(sessions[1:], sessions[:-1], out=first[1:])
    likeness: NDArray[Any] = np.bincount(first.cumsum() - 1, weights.take(order))
    best = (-likeness).argsort(kind="stable")[:_NEIGHBOURS]
    return sessions.compress(first).take(best), likeness.take(best)


# --- what the shopper and the visit say ------------------------------------------------------------------------------


def own(_index: Index, context: Context) -> list[Chunk]:
    """What this shopper bought before, the more and the later the stronger."""
    return [(OWN, context.history.items, context.history.weight)]


def history_pairs(index: Index, context: Context) -> list[Chunk]:
    """Companions of this shopper's strongest purchases."""
    history = context.history
    strongest = (history.rank < _HISTORY).nonzero()[0]
    at, owner = gather(index.pair_ptr, history.items.take(strongest))
    weight = np.sqrt(history.weight.take(strongest))
    return [(HISTORY_PAIR, index.pair_items.take(at), index.pair_score.take(at) * weight.take(owner))]


def visit_pairs(index: Index, context: Context) -> list[Chunk]:
    """What this visit, or else the last views, looked at, and the companions of that."""
    recent = context.recent[-MOST_VISITED:] if len(context.recent) else context.history.viewed[-MOST_VISITED:]
    if not len(recent):
        return []
    age = np.arange(len(recent), 0, -1, dtype=np.float32)
    at, owner = gather(index.pair_ptr, recent)
    return [(VISIT_PAIR, index.pair_items[at], index.pair_score[at] / age[owner]), (VISIT_PAIR, recent, 1 / age)]


def visit_neighbours(index: Index, context: Context) -> list[Chunk]:
    """What recent orders like this visit hold besides."""
    return neighbours(index, context.recent[-MOST_VISITED:]) if len(context.recent) else []


def favourites(index: Index, context: Context) -> list[Chunk]:
    """The best of the narrow categories this shopper buys most."""
    codes = context.history.favourites
    starts = index.category_ptr.take(codes)
    at, owner = spans(starts, np.minimum(index.category_ptr.take(codes + 1), starts + _PER_FAVOURITE))
    rank = at - starts.take(owner)
    return [(FAVOURITE, index.category_items.take(at), context.history.affinity[codes].take(owner) / (1 + rank))]


def liked(index: Index, context: Context) -> list[Chunk]:
    """What shoppers of this one's taste buy, of the shop's better known products."""
    if not context.history.taste.any():
        return []
    nearness = index.popular_tastes @ context.history.taste
    best = top(nearness, _LIKED)
    return [(LIKED, index.popular.take(best), nearness.take(best))]


def popular(index: Index, context: Context) -> list[Chunk]:
    """The shop's most popular, once anything is known of this shopper or visit."""
    if not (len(context.history.items) or len(context.recent) or len(context.history.viewed)):
        return []
    items = index.popular[:_FILL]
    return [(POPULAR, items, _BY_PLACE[: len(items)])]
