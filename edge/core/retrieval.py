"""Candidates: which products may stand on a shelf, found in the arrays of one bundle.

In: the index, a shelf's name, a `Context`. Out: at most `limit` products, best first, with the evidence each was found
by. Serving and training call the same `candidates`; its order alone is what serves when the ranker fails.

A source counts by its weight on the shelf after scaling it to at most 1. What a page says to every shopper is kept
(`page`); only what this shopper bought is added for each request.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.core import similar, sources
from edge.core.context import Context, History
from edge.core.index import Floats, Index, Ints, Places
from edge.core.page import LEAST, Page, Sums, added_up, page_of
from edge.core.sources import ALIKE, HITS, KIND, NEIGHBOURS, OWN, PAIR, SOURCES

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


@dataclass(frozen=True, eq=False)
class Candidates:
    """Products best first, their retrieval scores, and `evidence` [len(SOURCES), len(items)], zero where none."""

    items: Ints
    scores: Floats
    evidence: Floats


def candidates(index: Index, slot: str, context: Context, limit: int = 100) -> Candidates:
    """What may stand in `slot`; never an anchor, empty without evidence. Raises KeyError for a slot not ranked here.

    The arrays may be shared with other requests: they are to be read, not written.
    """
    return _SHELVES[slot](index, context, limit)


def elsewhere(index: Index, context: Context, found: Candidates) -> NDArray[np.bool_]:
    """Which candidates were bought together with an anchor beyond chance, yet are of no anchor's category.

    Category is the second level of the path, or the first where the path ends there. Beside an anchor of no category
    nothing can be said to be of another one.
    """
    own, theirs = (_second_level(index, items) for items in (context.anchors, found.items))
    if not (own >= 0).all():
        return np.zeros(len(theirs), np.bool_)
    told: NDArray[np.bool_] = (found.evidence[HITS] > 0) & (theirs >= 0)
    for code in own.tolist():
        told &= theirs != code
    return told


def _second_level(index: Index, items: Ints) -> Ints:
    # Narrow codes are larger, so the larger of the first two is the second where there is one.
    codes = index.category_of.take(items, axis=0)
    return np.maximum(codes[:, 0], codes[:, 1])


# --- beside a page or cart: what it says to everybody, and the shopper's own purchases --------------------------------


@dataclass(frozen=True)
class _Beside:
    """A shelf beside a page or cart. `related`: own purchases must be of a kind, or pair, with the anchors."""

    pair: float  # what each source counts
    neighbours: float
    own: float
    related: bool
    new: float = 0.3  # share of the candidates kept for products this shopper never bought

    def __call__(self, index: Index, context: Context, limit: int) -> Candidates:
        history, anchors = context.history, context.anchors
        page = page_of(index, anchors, context.recent, paired=self.related)
        own = history.items
        row, kind, named = page.rows(own), page.kinds.take(index.narrow_of.take(own)), _named(page, own)
        free = np.ones(len(page.items), np.bool_)
        free[row] = False
        others = page.standing.compress(free.take(page.standing))
        mine = self._allowed(page, own, row, kind, named, anchors)

        rows = np.concatenate((others, row.take(mine)))
        pairs, near = page.pair_of.take(rows), page.near.take(rows)
        score = self._score(page, pairs, near, history.weight, mine, named)
        order = _best(score, len(others), limit, int(self.new * limit))
        evidence = np.zeros((len(order), len(SOURCES)), np.float32)
        evidence[:, : HITS + 1] = page.said.take(pairs.take(order), axis=0)
        evidence[:, NEIGHBOURS] = near.take(order)
        place = (order >= len(others)).nonzero()[0]
        which = mine.take(order.take(place) - len(others))
        evidence[place, KIND] = kind.take(which)
        evidence[place, OWN] = history.weight.take(which)
        if named is not None:
            evidence[place, : HITS + 1] += named.take(which, axis=0)
        items = np.concatenate((page.items.take(others), own.take(mine)))
        return Candidates(items.take(order), score.take(order).astype(np.float32), evidence.T)

    def _allowed(self, page: Page, own: Ints, row: Places, kind: Floats, named: Floats | None, anchors: Ints) -> Places:
        """Own purchases that may stand; never an anchor."""
        if self.related:
            allowed = (page.pair_of.take(row) < len(page.pair) - 1) | (kind > 0)
            if named is not None:
                allowed |= named[:, PAIR] > 0
        else:
            allowed = np.ones(len(own), np.bool_)
        _shut_out(allowed, own, anchors)
        return allowed.nonzero()[0]

    def _score(self, page: Page, pairs: Ints, near: Sums, weight: Floats, mine: Places, named: Floats | None) -> Sums:
        """What products are worth on this shelf, the last of them own purchases."""
        most_pair = page.most_pair if named is None else max(page.most_pair, float(named[:, PAIR].max()))
        score = page.pair.take(pairs)
        score /= most_pair
        score *= self.pair
        near = near / page.most_near
        near *= self.neighbours
        score += near
        if len(mine):
            worth = score[len(score) - len(mine) :]
            if named is not None:
                worth += self.pair * (named[:, PAIR].take(mine).astype(np.float64) / most_pair)
            worth += self.own * (weight.take(mine).astype(np.float64) / max(float(weight.max()), LEAST))
        return score


def _named(page: Page, own: Ints) -> Floats | None:
    """PAIR, LIFT and HITS [len(own), 3] of own purchases whose list names the one anchor, though not the reverse."""
    if page.named is None or not len(own):
        return None
    at = own.searchsorted(page.named.items)
    hit = (own.take(at, mode="clip") == page.named.items).nonzero()[0]
    if not len(hit):
        return None
    out = np.zeros((len(own), 3), np.float32)
    out[at.take(hit)] = np.stack([page.named.score[hit], page.named.lift[hit], np.ones(len(hit), np.float32)], axis=1)
    return out


def _shut_out(allowed: NDArray[np.bool_], own: Ints, anchors: Ints) -> None:
    """Anchors that were bought before are no candidates. `own` rises."""
    if len(own):
        at = own.searchsorted(anchors)
        allowed[at[own.take(at, mode="clip") == anchors]] = False


def _best(score: Sums, others: int, limit: int, new: int) -> Places:
    """The best `limit` rows, best first, among them `new` of the first `others`, never bought, where there are so many.

    The rest of the rows are own purchases. Of equals the one found first comes first.
    """
    if others <= 2 * limit:
        return _sorted(score, others, limit, new)
    # Sorting all costs more than leaving out first what is worth less than so many others.
    likely = np.ones(len(score), np.bool_)
    np.greater_equal(score[:others], np.partition(score[:others], -limit)[-limit], out=likely[:others])
    rows = likely.nonzero()[0]
    return rows.take(_sorted(score.take(rows), int(np.count_nonzero(likely[:others])), limit, new))


def _sorted(score: Sums, others: int, limit: int, new: int) -> Places:
    order = (-score).argsort(kind="stable")
    if len(order) <= limit:
        return order
    unseen = min(new, others)
    if not unseen:
        return order[:limit]
    is_own = order >= others
    return order.compress(~is_own | (is_own.cumsum() <= limit - unseen))[:limit]


# --- the homepage, and what needs no shopper --------------------------------------------------------------------------


_HOME = (
    sources.history_pairs,
    sources.visit_pairs,
    sources.visit_neighbours,
    sources.favourites,
    sources.liked,
    sources.popular,
    sources.own,  # last, so that own purchases are the last rows
)
_HOME_WEIGHTS = {"own": 1, "history_pair": 0.3, "visit_pair": 0.5, "neighbours": 0.3, "favourite": 0.3} | {
    "liked": 0.1,
    "popular": 0.1,
}
_COUNTS = np.array([_HOME_WEIGHTS.get(source, 0.0) for source in SOURCES])
_HOME_NEW = 0.4


def _for_you(index: Index, context: Context, limit: int) -> Candidates:
    """Own purchases, what goes with them and with this visit, what is liked, and what is popular."""
    found = [chunk for find in _HOME for chunk in find(index, context) if len(chunk[1])]
    if not found:
        return _NOTHING
    used = sorted({chunk[0] for chunk in found})
    code = {source: row for row, source in enumerate(used)}
    items, sums = added_up(index, [(code[source], members, said) for source, members, said in found], len(used))
    said = sums / np.maximum(sums.max(axis=1, keepdims=True), LEAST)
    said *= _COUNTS.take(used)[:, None]
    score, others = said.sum(axis=0), len(items) - len(context.history.items)
    if len(context.anchors):
        kept = np.flatnonzero(~(items[:, None] == context.anchors).any(axis=1))
        items, sums, score = items[kept], sums[:, kept], score[kept]
        others = int((kept < others).sum())
    order = _best(score, others, limit, int(_HOME_NEW * limit))
    evidence = np.zeros((len(SOURCES), len(order)), np.float32)
    evidence[used] = sums.take(order, axis=1)
    return Candidates(items.take(order), score.take(order).astype(np.float32), evidence)


def _buy_again(_index: Index, context: Context, limit: int) -> Candidates:
    """Own purchases alone, the strongest first."""
    own, weight = context.history.items, context.history.weight
    if not len(own):
        return _NOTHING
    allowed = np.ones(len(own), np.bool_)
    _shut_out(allowed, own, context.anchors)
    mine = allowed.nonzero()[0]
    order = mine.take((-weight.take(mine)).argsort(kind="stable")[:limit])
    evidence = np.zeros((len(SOURCES), len(order)), np.float32)
    evidence[OWN] = weight.take(order)
    return Candidates(own.take(order), evidence[OWN] / max(float(weight.max()), LEAST), evidence)


def _similar(index: Index, context: Context, limit: int) -> Candidates:
    """What might be bought in place of the last anchor: the same for every shopper, so it is kept."""
    key = ("similar", limit, context.anchors.tobytes())
    found = index.memo.get(key, Candidates)
    if found is None:
        found = _alike(index, context, limit)
        index.memo.keep(key, found, found.items.nbytes + found.scores.nbytes + found.evidence.nbytes + 1_000)
    return found


def _alike(index: Index, context: Context, limit: int) -> Candidates:
    items, evidence = added_up(index, similar.alike(index, context))
    score = evidence[ALIKE] / max(evidence[ALIKE].max(initial=0), LEAST)
    kept = np.flatnonzero(~(items[:, None] == context.anchors).any(axis=1))
    order = kept[np.argsort(-score[kept], kind="stable")[:limit]]
    return Candidates(items[order], score[order].astype(np.float32), evidence[:, order].astype(np.float32))


_NOTHING = Candidates(np.empty(0, np.int32), np.empty(0, np.float32), np.empty((len(SOURCES), 0), np.float32))
_SHELVES: dict[str, Callable[[Index, Context, int], Candidates]] = {
    "bought_together": _Beside(pair=1.0, neighbours=0.3, own=0.5, related=True),
    "similar": _similar,
    "cart_complements": _Beside(pair=1.0, neighbours=0.5, own=0.8, related=False),
    "for_you": _for_you,
    "buy_again": _buy_again,
}
