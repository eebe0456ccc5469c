"""Candidates: which products may stand on a shelf, found in the arrays of one bundle.

In: the index, a shelf's name, a `Context`. Out: at most `limit` products, best first, with the evidence each was found
by. Serving and training call the same `candidates`; its order alone is what serves when the ranker fails.

A source counts by its weight on the shelf after scaling it to at most 1. What is worked out for each request is
compiled (`page`, `home` and `similar` of `edge.core.compiled`); which sources count, and how much, stands here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from edge.core.compiled import home, page
from edge.core.compiled.similar import alike
from edge.core.context import Context, History
from edge.core.index import Floats, Index, Ints
from edge.core.similar import ENOUGH, PRICE_BAND
from edge.core.sources import SOURCES

__all__ = [
    "PART_OF",
    "RANKED_SLOTS",
    "SCORED_SLOTS",
    "Candidates",
    "Context",
    "History",
    "Index",
    "candidates",
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
# Shelves that are a part of another one's candidates, found and scored once for both: what is of no anchor's category.
PART_OF: dict[str, str] = {"complete_the_look": "bought_together"}


class Candidates(Struct, frozen=True, eq=False):
    """Products best first, their retrieval scores, and `evidence` [len(SOURCES), len(items)], zero where none."""

    items: Ints
    scores: Floats
    evidence: Floats


def candidates(index: Index, slot: str, context: Context, limit: int = 100) -> Candidates:
    """What may stand in `slot`; never an anchor, empty without evidence. Raises KeyError for a slot not ranked here."""
    return _SHELVES[slot](index, context, limit)


@dataclass(frozen=True)
class _Beside:
    """A shelf beside a page or cart. `related`: own purchases must be of a kind, or pair, with the anchors."""

    pair: float  # what each source counts
    neighbours: float
    own: float
    related: bool
    new: float = 0.3  # share of the candidates kept for products this shopper never bought

    def __call__(self, index: Index, context: Context, limit: int) -> Candidates:
        said, weights = _page(index, context), (self.pair, self.neighbours, self.own, self.related, self.new)
        return _found(page.beside(index.compiled, said, context.history, context.anchors, *weights, limit))


def _page(index: Index, context: Context) -> page.Page:
    """What the page says to everybody: of one product, on whose page many look, from memory where it is there."""
    anchors = context.anchors
    if len(anchors) != 1:
        return page.Page(index.compiled, anchors, context.recent)
    key = ("page", int(anchors[0]))
    said = index.memo.get(key, page.Page)
    if said is None:
        said = page.Page(index.compiled, anchors, context.recent)
        index.memo.keep(key, said, said.size)
    return said


_HOME_WEIGHTS = {"own": 1, "history_pair": 0.3, "visit_pair": 0.5, "neighbours": 0.3, "favourite": 0.3} | {
    "liked": 0.1,
    "popular": 0.1,
}
_COUNTS = np.array([_HOME_WEIGHTS.get(source, 0.0) for source in SOURCES])
_HOME_NEW = 0.4


def _for_you(index: Index, context: Context, limit: int) -> Candidates:
    """Own purchases, what goes with them and with this visit, what is liked, and what is popular."""
    anchors, recent = context.anchors, context.recent
    return _found(home.for_you(index.compiled, context.history, anchors, recent, _COUNTS, _HOME_NEW, limit))


def _buy_again(index: Index, context: Context, limit: int) -> Candidates:
    """Own purchases alone, the strongest first."""
    return _found(home.buy_again(index.compiled, context.history, context.anchors, limit))


def _found(best: tuple[Ints, Floats, Floats]) -> Candidates:
    items, scores, evidence = best
    return Candidates(items, scores, evidence.T)


def _similar(index: Index, context: Context, limit: int) -> Candidates:
    """What might be bought in place of the last anchor, whoever asks."""
    return _found(alike(index.compiled, context.anchors, PRICE_BAND, ENOUGH, limit))


_SHELVES: dict[str, Callable[[Index, Context, int], Candidates]] = {
    "bought_together": _Beside(pair=1.0, neighbours=0.3, own=0.5, related=True),
    "similar": _similar,
    "cart_complements": _Beside(pair=1.0, neighbours=0.5, own=0.8, related=False),
    "for_you": _for_you,
    "buy_again": _buy_again,
}
