"""What the products of a page or cart say by themselves: the same for every shopper, so it is worked out once.

In: index, anchors, what the shelf makes of it. Out: `Page`, kept in the index's memory, to which `retrieval` adds what
the shopper bought.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core import sources
from edge.core.index import Floats, Index, Ints, Places, distinct
from edge.core.sources import HITS, KIND, MOST_ANCHORS, MOST_VISITED, NEIGHBOURS, PAIR, SOURCES, Chunk

PAGE_SOURCES = NEIGHBOURS + 1  # the first so many sources are those a page speaks through, KIND being zero
LEAST = 1e-9  # keeps a source that says nothing from dividing by zero
_BEYOND = np.array([np.iinfo(np.int32).max], np.int32)  # no product's position
_ZERO = np.zeros(1)
_OVERHEAD = 1_000  # bytes of the objects around the arrays, roughly

Sums = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Named:
    """Products whose list names the one anchor, though its own list, cut short, does not name them."""

    items: Ints
    score: Floats
    lift: Floats


@dataclass(frozen=True, eq=False)
class Page:
    """P products found beside some anchors, in the order found; K of them are paired with one.

    Row P stands for every product that was not found, and pair K for every one that is not paired: both are zero.
    """

    items: Ints  # [P + 1], the last beyond all
    near: Sums  # [P + 1], from neighbours
    pair_of: Ints  # [P + 1], which of the pairs, K where none
    pair: Sums  # [K + 1]
    said: Floats  # [K + 1, 3]: PAIR, LIFT and HITS
    most_pair: float  # the largest of each, anchors counted in
    most_near: float
    standing: Ints  # rows that may stand on the shelf whoever asks, in the order found; no anchor does
    kinds: Floats  # category -> how much more than by chance it is bought with the anchors' kinds; the last is zero
    named: Named | None
    kept: bool
    places: Ints  # of a page that is kept its rows by rising item, else a table: item -> row, or anything

    def rows(self, items: Ints) -> Places:
        """Where these products lie, P for those not found. Of a page not kept only until the next one is asked for."""
        beyond = len(self.items) - 1
        where = self.items.searchsorted(items, sorter=self.places) if self.kept else items
        at = self.places.take(where).astype(np.intp)
        at[self.items.take(at, mode="clip") != items] = beyond
        return at

    @property
    def size(self) -> int:
        """Bytes held by this page alone."""
        own = (self.items, self.near, self.pair_of, self.pair, self.said, self.standing, self.places)
        return sum(array.nbytes for array in own) + _OVERHEAD


def page_of(index: Index, anchors: Ints, visit: Ints, *, paired: bool) -> Page:
    """The page of these anchors; of one anchor, which many shoppers share, from memory where it is there.

    `visit`: whose neighbours are looked for where there is no anchor. `paired`: only what was bought together with an
    anchor beyond chance may stand.
    """
    if len(anchors) != 1:
        return _page(index, anchors, visit, paired=paired, kept=False)
    key = (paired, int(anchors[0]))
    page = index.memo.get(key, Page)
    if page is None:
        page = _page(index, anchors, visit, paired=paired, kept=True)
        index.memo.keep(key, page, page.size)
    return page


def _page(index: Index, anchors: Ints, visit: Ints, *, paired: bool, kept: bool) -> Page:
    newest = anchors[-MOST_ANCHORS:]
    alike = sources.neighbours(index, newest if len(newest) else visit[-MOST_VISITED:])
    found, sums = added_up(index, [*sources.pairs(index, newest), *alike], PAGE_SOURCES)
    near, pairs = sums[NEIGHBOURS], sums[HITS].nonzero()[0]
    pair_of = np.full(len(found) + 1, len(pairs), np.int32)
    pair_of[pairs] = np.arange(len(pairs))
    said = np.zeros((len(pairs) + 1, HITS + 1))
    said[:-1] = sums[: HITS + 1].take(pairs, axis=1).T
    standing = pairs if paired else np.arange(len(found))
    items = np.concatenate((found, _BEYOND))
    return Page(
        items=items,
        near=np.concatenate((near, _ZERO)),
        pair_of=pair_of,
        pair=said[:, PAIR].copy(),
        said=said.astype(np.float32),
        most_pair=max(float(said[:, PAIR].max()), LEAST),
        most_near=max(float(near.max(initial=0)), LEAST),
        standing=standing.compress(_others(found.take(standing), anchors)).astype(np.int32),
        kinds=_kinds(index, newest),
        named=_named(index, int(anchors[0])) if len(anchors) == 1 else None,
        kept=kept,
        places=items.argsort(kind="stable").astype(np.int32) if kept else index.tables.of(len(index.ids)),
    )


def _others(items: Ints, anchors: Ints) -> NDArray[np.bool_]:
    """Which of these products are no anchors."""
    others = np.ones(len(items), np.bool_)
    for anchor in anchors.tolist():
        others &= items != anchor
    return others


def _kinds(index: Index, anchors: Ints) -> Floats:
    """`sources.kinds`, kept by categories: far fewer than pages."""
    key = (KIND, index.narrow_of.take(anchors).tobytes())
    found = index.memo.get(key, np.ndarray)
    if found is None:
        found = sources.kinds(index, anchors)
        index.memo.keep(key, found, found.nbytes + _OVERHEAD)
    return found


def _named(index: Index, anchor: int) -> Named | None:
    span = slice(index.named_ptr[anchor], index.named_ptr[anchor + 1])
    if span.start == span.stop:
        return None
    return Named(index.named_items[span], index.named_score[span], index.named_lift[span])


def added_up(index: Index, chunks: list[Chunk], count: int = len(SOURCES)) -> tuple[Ints, Sums]:
    """The different products of these chunks, in order of their last appearance, and their sums [count, products].

    `count`: the sources are the first so many.
    """
    if not chunks:
        return np.empty(0, np.int32), np.empty((count, 0))
    items, row = distinct(np.concatenate([chunk[1] for chunk in chunks]), index.tables.of(len(index.ids)))
    width, start = len(items), 0
    for source, members, _ in chunks:
        if source:
            row[start : start + len(members)] += source * width
        start += len(members)
    weights = np.concatenate([chunk[2] for chunk in chunks])
    sums: NDArray[Any] = np.bincount(row, weights, count * width)
    return items, sums.reshape(count, width)
