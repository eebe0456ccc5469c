"""What the products of a page or cart say by themselves: the same for every shopper, so it is worked out once.

In: index, anchors, what the shelf makes of it. Out: `Page`, kept in the index's memory, to which `retrieval` adds what
the shopper bought.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.core import sources
from edge.core.index import Floats, Index, Ints, Places, distinct
from edge.core.sources import HITS, KIND, MOST_ANCHORS, MOST_VISITED, NEIGHBOURS, PAIR, SOURCES, Chunk

PAGE_SOURCES = NEIGHBOURS + 1  # the first so many sources are those a page speaks through, KIND being zero
LEAST = 1e-9  # keeps a source that says nothing from dividing by zero
_BEYOND = np.iinfo(np.int32).max  # no product's position
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
    """P products found beside some anchors, none of them an anchor, by rising position.

    Arrays have P + 1 rows: the last is zero and stands for every product not found, so that row P may be asked for.
    """

    items: Ints  # [P + 1], the last beyond all
    evidence: Floats  # [P + 1, PAGE_SOURCES]
    worth: Sums  # [P + 1], what pairs and neighbours make of each on the shelf
    by_near: Sums  # [P + 1], the part of it that neighbours made
    most_pair: float  # the largest, anchors counted in
    pair: float  # what pairs count on the shelf
    standing: Ints  # rows that may stand on the shelf whoever asks, in the order found
    kinds: Floats  # category -> how much more than by chance it is bought with the anchors' kinds; the last is zero
    named: Named | None

    def rows(self, items: Ints) -> Places:
        """Where these products lie, P for those not found."""
        at = self.items.searchsorted(items)
        at[self.items.take(at) != items] = len(self.items) - 1
        return at

    def worth_at(self, rows: Places, most_pair: float) -> Sums:
        """What pairs and neighbours make of these rows, where the largest pair is this one."""
        if most_pair == self.most_pair:
            return self.worth.take(rows)
        return self.pair * (self.evidence[rows, PAIR].astype(np.float64) / most_pair) + self.by_near.take(rows)

    @property
    def size(self) -> int:
        """Bytes held by this page alone."""
        own = (self.items, self.evidence, self.worth, self.by_near, self.standing)
        return sum(array.nbytes for array in own) + _OVERHEAD


def page_of(index: Index, slot: str, anchors: Ints, visit: Ints, weights: tuple[float, float], *, paired: bool) -> Page:
    """The page of these anchors for a shelf, from memory where it is there.

    `visit`: whose neighbours are looked for where there is no anchor. `weights`: what pairs and neighbours count.
    `paired`: only what was bought together with an anchor beyond chance may stand.
    """
    key = (slot, anchors.tobytes(), visit.tobytes())
    page: Page | None = index.memo.get(key)
    if page is None:
        page = _page(index, anchors, visit, weights, paired=paired)
        index.memo.keep(key, page, page.size)
    return page


def _page(index: Index, anchors: Ints, visit: Ints, weights: tuple[float, float], *, paired: bool) -> Page:
    newest = anchors[-MOST_ANCHORS:]
    alike = sources.neighbours(index, newest if len(newest) else visit[-MOST_VISITED:])
    found, sums = added_up(index, [*sources.pairs(index, newest), *alike], PAGE_SOURCES)
    most_pair, most_near = (max(float(sums[source].max(initial=0)), LEAST) for source in (PAIR, NEIGHBOURS))
    kept = np.flatnonzero(~(found[:, None] == anchors).any(axis=1))
    order = kept[found[kept].argsort(kind="stable")]
    said = np.zeros((PAGE_SOURCES, len(order) + 1))
    said[:, :-1] = sums[:, order]
    standing = order.argsort(kind="stable").astype(np.int32)
    by_near = weights[1] * (said[NEIGHBOURS] / most_near)
    return Page(
        items=np.append(found[order], np.int32(_BEYOND)),
        evidence=said.T.astype(np.float32, order="C"),
        worth=weights[0] * (said[PAIR] / most_pair) + by_near,
        by_near=by_near,
        most_pair=most_pair,
        pair=weights[0],
        standing=standing[said[HITS, standing] > 0] if paired else standing,
        kinds=_kinds(index, newest),
        named=_named(index, int(anchors[0])) if len(anchors) == 1 else None,
    )


def _kinds(index: Index, anchors: Ints) -> Floats:
    """`sources.kinds`, kept by categories: far fewer than pages."""
    key = (KIND, index.narrow_of.take(anchors).tobytes())
    found: Floats | None = index.memo.get(key)
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
        row[start : start + len(members)] += source * width
        start += len(members)
    weights = np.concatenate([chunk[2] for chunk in chunks])
    return items, np.bincount(row, weights, count * width).reshape(count, width)
