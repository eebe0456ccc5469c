"""Candidates: which products may stand on a shelf, found in the arrays of one bundle.

In: the index, a shelf's name, a `Context`. Out: at most `limit` products, best first, with the evidence each was found
by. Serving and training call the same `candidates`; its order alone is what serves when the ranker fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core import similar, sources
from edge.core.context import Context, History
from edge.core.index import Floats, Index, Ints, distinct
from edge.core.sources import HITS, KIND, OWN, SOURCES, Finder

__all__ = [
    "PART_OF",
    "RANKED_SLOTS",
    "SCORED_SLOTS",
    "Candidates",
    "Context",
    "History",
    "Index",
    "candidates",
    "elsewhere",
]

RANKED_SLOTS: tuple[str, ...] = (
    "bought_together",
    "similar",
    "cart_complements",
    "for_you",
    "buy_again",
)
# The forest orders these. Purchases hold no label for `similar`, which keeps its retrieval order.
SCORED_SLOTS: tuple[str, ...] = ("bought_together", "cart_complements", "for_you", "buy_again")
# Shelves that are a part of another one's candidates, found and scored once for both; `elsewhere` says which part.
PART_OF: dict[str, str] = {"complete_the_look": "bought_together"}

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


def elsewhere(index: Index, context: Context, found: Candidates) -> NDArray[np.bool_]:
    """Which candidates were bought together with an anchor beyond chance, yet are of no anchor's category.

    Category is the second level of the path, or the first where the path ends there. Beside an anchor of no category
    nothing can be said to be of another one.
    """
    # Narrow codes are larger, so the larger of the first two is the second where there is one.
    own, theirs = (index.category_of[rows, :2].max(axis=1) for rows in (context.anchors, found.items))
    told = bool((own >= 0).all())
    return np.asarray((found.evidence[HITS] > 0) & (theirs >= 0) & ~_among(theirs, own) & told)


# --- the shelves -----------------------------------------------------------------------------------------------------


def _any(_index: Index, _context: Context, items: Ints, _evidence: NDArray[Any]) -> _Mask:
    return np.ones(len(items), np.bool_)


def _together(_index: Index, _context: Context, _items: Ints, evidence: NDArray[Any]) -> _Mask:
    return np.asarray((evidence[HITS] > 0) | (evidence[KIND] > 0))


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
    "similar": _shelf(_any, (similar.alike,), alike=1),
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
