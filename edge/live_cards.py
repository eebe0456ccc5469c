"""The cards of a shop as they are now: the rows of a snapshot, with every change since laid over them.

In: a snapshot, changed products. Out: for the live rules one number a row, from an index's positions to rows, and of
the few rows that are shown their cards as encoded JSON. Rows after those of the snapshot are products listed since.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.cards import card_of, family_key, text_key
from edge.core.index import SEPARATOR, Index, Ints
from edge.core.products import Product
from edge.core.snapshot import Snapshot
from edge.wire import Filter

Fragment = tuple[bytes, bytes, bytes]  # of an item: its id, all before the score, the card and all after it

_SPARE = 1_024  # rows made ready at a time for products listed since
_KEPT = 8_192  # rows by id, and fragments of some 500 bytes each
_BLOCK = 16_384  # ids looked up at a time: NumPy holds the interpreter meanwhile
_encode = msgspec.json.Encoder().encode


class LiveCards:
    """Rows of products. `shown` holds the family's key of each, 0 where it may not be shown; row -1 is no product.

    Changed on the event loop alone once it serves; a reader who takes positions first and `shown` after is safe.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.shown: NDArray[np.int64] = np.zeros(len(snapshot) + _SPARE + 1, np.int64)
        self.shown[: len(snapshot)] = snapshot.family * snapshot.available
        self.laid: dict[int, Product] = {}  # by row, what changed since the snapshot; for the event loop alone
        self._listed: dict[str, int] = {}  # rows of products that the snapshot does not have
        self._asked: dict[str, int] = {}  # rows of products asked for lately
        self._fragments: dict[int, Fragment] = {}
        self._rows: dict[Index, Ints] = {}
        self._idle: set[Index] = set()
        self._categories: dict[str, NDArray[np.bool_]] = {}

    # --- products ------------------------------------------------------------------------------------------------

    def row(self, id_: str) -> int | None:
        """The row of a product; None when the shop does not have it."""
        row = self._asked.get(id_)
        if row is None:
            row = self._listed.get(id_) if self._listed else None
            row = self.snapshot.ids.position.get(id_) if row is None else row
            if row is not None:
                if len(self._asked) >= _KEPT:
                    self._asked.clear()
                self._asked[id_] = row
        return row

    def product(self, row: int) -> Product:
        """A product whole."""
        return self.laid.get(row) or self.snapshot.product(row)

    def as_read(self, row: int) -> Product | None:
        """A product as the snapshot has it."""
        return self.snapshot.product(row) if row < len(self.snapshot) else None

    def lay(self, product: Product) -> None:
        """Lay a changed or new product over the rows."""
        row = self.row(product.id)
        listed = row is None
        if row is None:
            row = len(self.snapshot) + len(self._listed)
            if row >= len(self.shown) - 1:
                self.shown = np.concatenate([self.shown, np.zeros(len(self.shown), np.int64)])
        self.laid[row] = product
        self._fragments.pop(row, None)
        self.shown[row] = family_key(product) if product.available else 0
        if listed:
            self._listed[product.id] = row
            for index, rows in list(self._rows.items()):
                _point(index, rows, product.id, row)

    def ids(self) -> set[str]:
        """Every product of the shop."""
        return {*self.snapshot.ids, *list(self._listed)}

    @property
    def changed(self) -> dict[int, Product]:
        """What differs from the snapshot, by row: a copy, for other threads."""
        return self.laid.copy()

    # --- positions -----------------------------------------------------------------------------------------------

    def rows_of(self, index: Index) -> Ints:
        """The row of each position of an index, -1 where the shop does not have the product."""
        rows = self._rows.get(index)
        return self.align(index) if rows is None else rows

    def align(self, index: Index) -> Ints:
        """Work `rows_of` out; off the request path, before the index serves."""
        rows = np.empty(len(index.ids), np.int32)
        for start in range(0, len(rows), _BLOCK):
            span = np.arange(start, min(start + _BLOCK, len(rows)))
            rows[span] = self.snapshot.ids.position.locate(index.ids.take(span))
        self._rows[index] = rows
        for id_, row in list(self._listed.items()):
            _point(index, rows, id_, row)
        return rows

    def keep(self, indexes: Iterable[Index]) -> None:
        """Work `rows_of` out for these indexes, and forget those that were not among them the last time either."""
        wanted = set(indexes)
        for index in wanted - self._rows.keys():
            self.align(index)
        idle = self._rows.keys() - wanted
        for index in idle & self._idle:
            self._rows.pop(index, None)
        self._idle = idle - self._idle

    def unknown_to(self, index: Index) -> NDArray[np.intp]:
        """The rows of the snapshot that no position of the index leads to."""
        unknown = np.ones(len(self.shown), np.bool_)
        unknown[self.rows_of(index)] = False
        return np.flatnonzero(unknown[: len(self.snapshot)])

    @property
    def indexes(self) -> list[Index]:
        """Those that rows are kept for."""
        return list(self._rows)

    # --- what is shown -------------------------------------------------------------------------------------------

    def fragment(self, row: int) -> Fragment:
        """What an item says of this product, as encoded JSON, where it cannot be copied from the snapshot."""
        found = self._fragments.get(row)
        if found is None:
            changed = self.laid.get(row)
            id_ = changed.id if changed else self.snapshot.ids[row]
            card = card_of(changed) if changed else self.snapshot.card(row)
            found = (id_.encode(), b',{"id":%b,"score":' % _encode(id_), card + b"}")
            if len(self._fragments) >= _KEPT:
                self._fragments.clear()
            self._fragments[row] = found
        return found

    def passing(self, rows: NDArray[np.integer[Any]], wanted: Filter) -> NDArray[np.bool_]:
        """Which of these rows meet a filter's conditions, as their products are now."""
        known = self.snapshot
        passing = np.zeros(len(rows), np.bool_)
        as_read = np.flatnonzero((rows >= 0) & (rows < len(known)))
        if len(as_read):
            passing[as_read] = self._passing(rows[as_read], wanted)
        if self.laid:
            for at, row in enumerate(rows.tolist()):
                if row in self.laid:
                    passing[at] = passes(wanted, self.laid[row])
        return passing

    def _passing(self, rows: NDArray[np.integer[Any]], wanted: Filter) -> NDArray[np.bool_]:
        """The same of rows as the snapshot has them."""
        known, passing = self.snapshot, np.ones(len(rows), np.bool_)
        if wanted.category is not None:
            passing &= self._within(wanted.category)[known.category[rows]]
        if wanted.brand is not None:
            passing &= known.brand[rows] == text_key(wanted.brand)
        if wanted.price_min is not None:
            passing &= known.price[rows] >= wanted.price_min
        if wanted.price_max is not None:
            passing &= known.price[rows] <= wanted.price_max
        return passing

    def _within(self, category: str) -> NDArray[np.bool_]:
        """Which of the snapshot's categories lie in this one."""
        found = self._categories.get(category)
        if found is None:
            if len(self._categories) >= 64:
                self._categories.clear()
            found = np.array([_lies_in(path, category) for path in self.snapshot.categories], np.bool_)
            self._categories[category] = found
        return found


def _point(index: Index, rows: Ints, id_: str, row: int) -> None:
    at = index.position.get(id_)
    if at is not None:
        rows[at] = row


def passes(wanted: Filter, product: Product) -> bool:
    """Whether a product meets the filter's conditions."""
    return (
        (wanted.category is None or _lies_in(product.category, wanted.category))
        and (wanted.brand is None or wanted.brand == product.brand)
        and (wanted.price_min is None or product.price >= wanted.price_min)
        and (wanted.price_max is None or product.price <= wanted.price_max)
    )


def _lies_in(path: str, category: str) -> bool:
    """Whether a category path is this one, starts with it, or has it as one of its levels."""
    return path == category or category in path.split(SEPARATOR) or path.startswith(category + SEPARATOR)
