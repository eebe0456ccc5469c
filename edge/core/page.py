"""What the products of a page or cart say by themselves: the same for every shopper, so it is worked out once.

In: index, anchors, what the shelf makes of it. Out: `Page`, kept in the index's memory, to which `retrieval` adds what
the shopper bought.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge.core import sources
from edge.core.index import Floats, Index, Ints, Places, distinct
from edge.core.sources import HITS, MOST_ANCHORS, MOST_VISITED, NEIGHBOURS, PAIR, SOURCES, Chunk

_LEAST = 1e-9  # keeps a source that says nothing from dividing by zero
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
    """P products found beside some anchors, none of them an anchor, in the order found.

    Arrays have P + 1 rows: the last is zero and stands for every product not found, so that row P may be asked for.
    """

    items: Ints  # [P]
    evidence: Floats  # [P + 1, SOURCES]
    pair: Sums  # [P + 1] the sums behind two columns of the evidence, before they were rounded
    near: Sums
    most_pair: float  # the largest of each, anchors counted in
    most_near: float
    standing: NDArray[np.bool_]  # [P + 1] may stand on the shelf whoever asks
    weights: tuple[float, float]  # of pairs and of neighbours on the shelf
    by_item: Ints  # [P + 1] the items in rising order, then a number beyond all
    row_of: Places  # [P + 1] the row of each of these
    kinds: Floats  # category -> how much more than by chance it is bought with the anchors' kinds; the last is zero
    named: Named | None

    def rows(self, items: Ints) -> Places:
        """Where these products lie, P for those not found."""
        at = self.by_item.searchsorted(items)
        return np.where(self.by_item.take(at) == items, self.row_of.take(at), len(self.items))

    def base(self, most_pair: float) -> Sums:
        """What pairs and neighbours make of each row, [P + 1], where the largest pair is this one."""
        return self._base if most_pair == self.most_pair else self._worth(most_pair)

    @cached_property
    def _base(self) -> Sums:
        return self._worth(self.most_pair)

    def _worth(self, most_pair: float) -> Sums:
        by_pair, by_near = self.weights
        return by_pair * (self.pair / most_pair) + by_near * (self.near / self.most_near)

    @property
    def size(self) -> int:
        """Bytes held by this page alone."""
        own = (self.items, self.evidence, self.pair, self.near, self._base, self.standing, self.by_item, self.row_of)
        return sum(array.nbytes for array in own) + _OVERHEAD


def page_of(
    index: Index, slot: str, anchors: Ints, visit: Ints, weights: tuple[float, float], *, paired: bool
) -> Page:
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
    items, sums = added_up(index, [*sources.pairs(index, newest), *alike])
    kept = np.flatnonzero(~(items[:, None] == anchors).any(axis=1))
    most = np.maximum(sums.max(axis=1, initial=0), _LEAST)
    beside, count = items[kept], len(kept)
    found = np.zeros((len(SOURCES), count + 1))
    found[:, :count] = sums[:, kept]
    order = np.argsort(beside, kind="stable")
    standing = found[HITS] > 0 if paired else np.arange(count + 1) < count
    return Page(
        items=beside,
        evidence=found.T.astype(np.float32, order="C"),
        pair=found[PAIR],
        near=found[NEIGHBOURS],
        most_pair=float(most[PAIR]),
        most_near=float(most[NEIGHBOURS]),
        standing=standing,
        weights=weights,
        by_item=np.append(beside[order], np.int32(_BEYOND)),
        row_of=np.append(order, count),
        kinds=_kinds(index, newest),
        named=_named(index, int(anchors[0])) if len(anchors) == 1 else None,
    )


def _kinds(index: Index, anchors: Ints) -> Floats:
    """`sources.kinds`, kept by categories: far fewer than pages."""
    key = ("kinds", index.narrow_of.take(anchors).tobytes())
    found: Floats | None = index.memo.get(key)
    if found is None:
        found = sources.kinds(index, anchors)
        index.memo.keep(key, found, found.nbytes)
    return found


def _named(index: Index, anchor: int) -> Named | None:
    span = slice(index.named_ptr[anchor], index.named_ptr[anchor + 1])
    if span.start == span.stop:
        return None
    return Named(index.named_items[span], index.named_score[span], index.named_lift[span])


def added_up(index: Index, chunks: list[Chunk]) -> tuple[Ints, Sums]:
    """The different products of these chunks, in order of their last appearance, and [SOURCES, products] sums."""
    if not chunks:
        return np.empty(0, np.int32), np.empty((len(SOURCES), 0))
    items, row = distinct(np.concatenate([chunk[1] for chunk in chunks]), index.tables.of(len(index.ids)))
    width, start = len(items), 0
    for source, members, _ in chunks:
        row[start : start + len(members)] += source * width
        start += len(members)
    weights = np.concatenate([chunk[2] for chunk in chunks])
    return items, np.bincount(row, weights, len(SOURCES) * width).reshape(len(SOURCES), width)


