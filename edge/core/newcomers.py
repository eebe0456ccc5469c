"""Newcomers: products that nobody bought yet, and the known products that stand in for them.

In: an index, the products of a catalogue. Out: for each newcomer the known products most like it by category, words,
brand and price, and the way back from a known product to the newcomers it stands in for. A newcomer inherits what its
stand-ins are found for; training measures it with these very functions (`training.coldstart`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from edge.core.content import word_rows
from edge.core.index import LEVELS, SEPARATOR, Floats, Index, Ints, Places, gather
from edge.core.products import Product
from edge.core.similar import within_band

STAND_INS = 32  # per newcomer
NEW_DAYS = 28  # how long a product the index knows, but no sale of, counts as new
_ENOUGH = 12  # known products in a category: with fewer, the next wider one is looked at, too
_WIDER = 0.6  # what a level wider is worth
_WORDS, _BRAND, _PRICE = 0.4, 0.3, 0.3  # shares of likeness

StandIns = tuple[Ints, Floats]  # positions in the order `similar` promises, and their likeness in 0..1


@dataclass(frozen=True, eq=False)
class Newcomers:
    """Newcomers in rows, their stand-ins (CSR), and for each known product the newcomers it stands in for (CSR)."""

    ids: tuple[str, ...]
    row: dict[str, int] = field(repr=False)
    ptr: Ints = field(repr=False)
    items: Ints = field(repr=False)
    likeness: Floats = field(repr=False)
    total: Floats = field(repr=False)  # of each newcomer's likenesses
    known_ptr: Ints = field(repr=False)
    known_rows: Ints = field(repr=False)
    known_likeness: Floats = field(repr=False)

    @classmethod
    def of(cls, found: Mapping[str, StandIns], known: int) -> Self:
        """Lay the stand-ins of these newcomers out; `known` is how many products the index has."""
        items = np.concatenate([np.empty(0, np.int32), *(one[0] for one in found.values())])
        likeness = np.concatenate([np.empty(0, np.float32), *(one[1] for one in found.values())])
        lengths = [len(one[0]) for one in found.values()]
        rows = np.repeat(np.arange(len(found), dtype=np.int32), lengths)
        back = np.argsort(items, kind="stable")
        return cls(
            ids=tuple(found),
            row={id_: row for row, id_ in enumerate(found)},
            ptr=np.array([0, *np.cumsum(lengths)], np.int32),
            items=items.astype(np.int32),
            likeness=likeness,
            total=np.bincount(rows, likeness, len(found)).astype(np.float32),
            known_ptr=np.searchsorted(items[back], np.arange(known + 1)).astype(np.int32),
            known_rows=rows[back],
            known_likeness=likeness[back],
        )

    def stand_ins(self, id_: str) -> StandIns:
        """The known products most like a newcomer. Raises KeyError for another product."""
        row = self.row[id_]
        span = slice(self.ptr[row], self.ptr[row + 1])
        return self.items[span], self.likeness[span]

    def inherit(self, items: Ints, values: Floats) -> tuple[Ints, Floats]:
        """Rows of the newcomers these products stand in for, best first, and what each inherits, in 0..max(values).

        A newcomer inherits the mean over all its stand-ins, weighted by likeness; those not among `items` count zero.
        """
        if not self.ids:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        at, owner = gather(self.known_ptr, items)
        sums = np.bincount(self.known_rows[at], self.known_likeness[at] * values[owner], len(self.ids))
        rows = np.flatnonzero(sums)
        worth = sums[rows] / self.total[rows]
        order = np.lexsort((rows, -worth))
        return rows[order].astype(np.int32), worth[order].astype(np.float32)


NO_NEWCOMERS = Newcomers.of({}, 0)


def is_new(index: Index, product: Product) -> bool:
    """Whether a product is a newcomer: unknown to the index, or listed lately and never sold or looked at."""
    at = index.position.get(product.id)
    if at is None:
        return True
    return product.listed >= index.as_of - NEW_DAYS and not (index.sold[at] or index.sold_recently[at])


def newcomer_rows(index: Index, rows: Ints, unknown: Places, listed: Ints) -> Places:
    """As `is_new`, of a whole catalogue: its rows that hold newcomers.

    `rows`: where each position of the index lies in the catalogue, -1 nowhere; `unknown`: the rows that are not among
    these; `listed` by row.
    """
    unsold = np.flatnonzero((rows >= 0) & (rows < len(listed)) & (index.sold == 0) & (index.sold_recently == 0))
    lately = rows[unsold][listed[rows[unsold]] >= index.as_of - NEW_DAYS]
    return np.concatenate([unknown, lately]).astype(np.intp)


def find_stand_ins(
    index: Index, products: Iterable[Product], get: Callable[[str], Product | None]
) -> dict[str, StandIns]:
    """Stand-ins of each of these products, in their order; `get` gives the cards of those the index knows.

    They come from the narrowest level of the category that has known products; none where no level has. As on a shelf
    of similar products, those of that level and within the price band come first, and of these the most alike.
    """
    products = list(products)
    by_category: dict[str, list[Product]] = defaultdict(list)
    for product in products:
        by_category[product.category].append(product)
    found = {}
    for category, members in by_category.items():
        items, worth = _block(index, category)
        cards = [get(index.ids[at]) for at in items]
        for member, values in zip(members, _likeness(index, members, items, cards) * worth, strict=True):
            kept = within_band(member.price, index.price[items]) & (worth == worth.max(initial=0))
            best = np.lexsort((np.arange(len(items)), -values, ~kept))
            best = best[items[best] != index.position.get(member.id, -1)][:STAND_INS]
            found[member.id] = (items[best], values[best])
    return {product.id: found[product.id] for product in products}


def _block(index: Index, category: str) -> StandIns:
    """What is bought of a category, then of wider ones until there is enough, and what each is worth."""
    names = category.split(SEPARATOR) if category else []
    items, worth = np.empty(0, np.int32), np.empty(0, np.float32)
    for wider, depth in enumerate(range(min(len(names), LEVELS), 0, -1)):
        code = index.category_code.get(SEPARATOR.join(names[:depth]))
        if code is not None:
            more = index.category_items[index.category_ptr[code] : index.category_ptr[code + 1]]
            more = more[(index.sold[more] > 0) | (index.sold_recently[more] > 0)]
            more = more[~np.isin(more, items)]
            items = np.concatenate([items, more])
            worth = np.concatenate([worth, np.full(len(more), _WIDER**wider, np.float32)])
        if len(items) >= _ENOUGH:
            break
    return items, worth


def _likeness(index: Index, products: list[Product], items: Ints, cards: list[Product | None]) -> Floats:
    """How alike each of these products (rows) is to each known one (columns), 0..1."""
    rows = word_rows([product.title for product in products] + [card.title if card else "" for card in cards])
    said = rows[: len(products)] @ rows[len(products) :].T
    brands = np.array([card.brand if card else "" for card in cards], np.object_)
    theirs = np.array([product.brand for product in products], np.object_)[:, None]
    same = (theirs == brands) & (theirs != "")
    price = np.array([product.price for product in products], np.float32)[:, None]
    prices = index.price[items]
    both = (price > 0) & (prices > 0)
    ratio = np.where(both, price, 1) / np.where(both, prices, 1)
    near = np.where(both, np.exp(-np.abs(np.log(ratio))), 0.5)
    return np.asarray(_WORDS * said + _BRAND * same + _PRICE * near, np.float32)
