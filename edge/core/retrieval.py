"""Candidates: which products may stand on a shelf, found in the arrays of one bundle.

In: the index, a shelf's name, a `Context`. Out: at most `limit` products, best first, with the evidence each was found
by. Serving and training call the same `candidates`; its order alone is what serves when the ranker fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core import sources
from edge.core.context import Context, History
from edge.core.index import Floats, Index, Ints, distinct
from edge.core.sources import HITS, KIND, OWN, SOURCES, Finder

__all__ = ["RANKED_SLOTS", "SCORED_SLOTS", "Candidates", "Context", "History", "Index", "bought_with", "candidates"]

RANKED_SLOTS: tuple[str, ...] = (
    "bought_together",
    "similar",
    "complete_the_look",
    "cart_complements",
    "for_you",
    "buy_again",
)
# The forest orders these. Purchases hold no label for `similar`, which keeps its retrieval order; `complete_the_look`
# is scored as `bought_together`, of which it is the part outside the anchor's category.
SCORED_SLOTS: tuple[str, ...] = ("bought_together", "complete_the_look", "cart_complements", "for_you", "buy_again")

_Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Products best first, their retrieval scores, and `evidence` [len(SOURCES), len(items)], zero where none."""

    items: Ints
    scores: Floats
    evidence: Floats


def candidates(index: Index, slot: str, context: Context, limit: int = 100) -> Candidates:
    """What may stand in `slot`; never an anchor, empty without evidence. Raises KeyError for a slot not ranked here."""
    shelf = _SHELVES[slot]
    found = [chunk for find in shelf.finders for chunk in find(index, context) if len(chunk[1])]
    if not found:
        return Candidates(np.empty(0, np.int32), np.empty(0, np.float32), np.empty((len(SOURCES), 0), np.float32))
    items, row = distinct(np.concatenate([chunk[1] for chunk in found]), len(index.ids))
    width = len(items)
    cell = row + np.repeat([chunk[0] * width for chunk in found], [len(chunk[1]) for chunk in found])
    weights = np.concatenate([chunk[2] for chunk in found])
    evidence = np.bincount(cell, weights, len(SOURCES) * width).reshape(len(SOURCES), width)
    score = shelf.weights @ (evidence / np.maximum(evidence.max(axis=1, keepdims=True), 1e-9))
    allowed = shelf.allows(index, context, items, evidence) & ~_among(items, context.anchors)
    order = _best(score, allowed, evidence[OWN] > 0, limit, int(shelf.new * limit))
    return Candidates(items[order], score[order].astype(np.float32), evidence[:, order].astype(np.float32))


def _best(score: NDArray[np.float64], allowed: _Mask, own: _Mask, limit: int, new: int) -> NDArray[np.intp]:
    """The best `limit` rows, best first, among them `new` never bought where there are that many."""
    order = np.flatnonzero(allowed)
    order = order[np.argsort(-score[order], kind="stable")]
    if len(order) <= limit:
        return order
    is_own = own[order]
    unseen = int(min(new, len(order) - is_own.sum()))
    kept = np.where(is_own, np.cumsum(is_own) <= limit - unseen, True)
    return order[kept][:limit] if unseen else order[:limit]


def bought_with(index: Index, anchors: Ints, item: int) -> int | None:
    """The anchor `item` was bought together with beyond chance, the strongest if several; None if none was."""
    best, strongest = None, 0.0
    for anchor in anchors.tolist():
        for row, other in ((anchor, item), (item, anchor)):
            start, end = index.pair_ptr[row], index.pair_ptr[row + 1]
            hit = np.flatnonzero(index.pair_items[start:end] == other)
            if len(hit) and index.pair_score[start + hit[0]] > strongest:
                best, strongest = anchor, float(index.pair_score[start + hit[0]])
    return best


# --- the shelves -----------------------------------------------------------------------------------------------------


def _any(_index: Index, _context: Context, items: Ints, _evidence: NDArray[Any]) -> _Mask:
    return np.ones(len(items), np.bool_)


def _together(_index: Index, _context: Context, _items: Ints, evidence: NDArray[Any]) -> _Mask:
    return np.asarray((evidence[HITS] > 0) | (evidence[KIND] > 0))


def _elsewhere(index: Index, context: Context, items: Ints, evidence: NDArray[Any]) -> _Mask:
    """Bought together beyond chance, yet of no anchor's second category level (the first, where paths end there)."""
    # Narrow codes are larger, so the larger of the first two is the second where there is one.
    own, theirs = (index.category_of[rows, :2].max(axis=1) for rows in (context.anchors, items))
    return np.asarray((evidence[HITS] > 0) & (theirs >= 0) & ~_among(theirs, own))


def _among(values: Ints, few: Ints) -> _Mask:
    # For a handful to look for, comparing all is several times faster than np.isin's sorting.
    return np.asarray((values[:, None] == few).any(axis=1))


_Rule = Callable[[Index, Context, Ints, NDArray[Any]], _Mask]


@dataclass(frozen=True)
class _Shelf:
    finders: tuple[Finder, ...]
    allows: _Rule
    weights: NDArray[np.float64]  # of each source, after scaling it to at most 1, in the order that serves unranked
    new: float  # share of the candidates kept for products this shopper never bought


def _shelf(allows: _Rule, finders: tuple[Finder, ...], new: float = 0.0, **weights: float) -> _Shelf:
    return _Shelf(finders, allows, np.array([weights.get(name, 0.0) for name in SOURCES]), new)


_PAGE = (sources.pairs, sources.own_pairs, sources.own_kinds, sources.neighbours, sources.own)
_HOME = (
    sources.own,
    sources.history_pairs,
    sources.visit_pairs,
    sources.neighbours,
    sources.favourites,
    sources.liked,
    sources.popular,
)
_SHELVES: dict[str, _Shelf] = {
    "bought_together": _shelf(_together, _PAGE, new=0.3, pair=1, neighbours=0.3, own=0.5),
    "similar": _shelf(_any, (sources.alike,), alike=1),
    "complete_the_look": _shelf(_elsewhere, _PAGE, new=0.3, pair=1, neighbours=0.3, own=0.2),
    "cart_complements": _shelf(_any, _PAGE, new=0.3, pair=1, neighbours=0.5, own=0.8),
    "for_you": _shelf(
        _any,
        _HOME,
        new=0.4,
        own=1,
        history_pair=0.3,
        visit_pair=0.5,
        neighbours=0.3,
        favourite=0.3,
        liked=0.1,
        popular=0.1,
    ),
    "buy_again": _shelf(_any, (sources.own,), own=1),
}
