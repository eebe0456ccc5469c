"""Listings: the newcomers of the live catalogue and their stand-ins, kept current off the request path.

In: the live catalogue, the index that serves. Out: `of(index)`, replaced whole as one reference. A product listed now
is looked at first; the many of a new snapshot or a new model are worked through a few at a time.
"""

from collections.abc import Collection

import numpy as np

from edge.catalogue import Catalogue
from edge.core.index import Index
from edge.core.newcomers import NO_NEWCOMERS, Newcomers, StandIns, find_stand_ins, is_new, newcomer_rows
from edge.core.products import Product

_AT_ONCE = 200  # products; some 50 ms in a thread of its own
_MOST = 10_000  # newcomers kept, the newest listed


class Listings:
    """The newcomers of one shop beside each index in service. `revision` grows with every change of them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.revision = 0
        self._catalogue = catalogue
        self._boards: dict[Index, _Board] = {}

    def of(self, index: Index) -> Newcomers:
        """The newcomers beside this index; none until they have been worked out."""
        board = self._boards.get(index)
        return board.newcomers if board else NO_NEWCOMERS

    def refresh(self, *indexes: Index) -> bool:
        """Look at what was listed or changed since the last call, at most _AT_ONCE products an index.

        `indexes` are those in service: the live model's, and those of a canary and a shadow. True if any stands in.
        """
        everything, touched = self._catalogue.take_touched()
        before = self._boards
        self._boards = {index: before.get(index) or _Board(index, self._catalogue) for index in indexes}
        found = [board.refresh(touched, everything or index not in before) for index, board in self._boards.items()]
        self.revision += sum(board.take_changes() for board in self._boards.values())
        self.revision += any(board.shown for index, board in before.items() if index not in self._boards)
        return any(found)


class _Board:
    """The newcomers beside one index."""

    def __init__(self, index: Index, catalogue: Catalogue) -> None:
        self.newcomers = NO_NEWCOMERS
        self.shown = False
        self._index = index
        self._catalogue = catalogue
        self._changes = 0
        self._waiting: dict[str, None] = {}  # ids to look at, the most urgent last
        self._found: dict[str, tuple[Product, StandIns]] = {}

    def take_changes(self) -> int:
        """How often what is shown has changed since this was last asked."""
        changes, self._changes = self._changes, 0
        return changes

    def refresh(self, touched: Collection[str], everything: bool) -> bool:
        """Look at some of what waits. True if any newcomer stands in for others now that did not before."""
        if everything:
            self._start_again()
        for id_ in touched:
            self._waiting.pop(id_, None)
            self._waiting[id_] = None
        batch = [self._waiting.popitem()[0] for _ in range(min(_AT_ONCE, len(self._waiting)))]
        products = [p for id_ in batch if (p := self._catalogue.get(id_)) and is_new(self._index, p)]
        stale = {product.id: product for product in products if self._changed(product)}
        if stale:
            for id_, stand_ins in find_stand_ins(self._index, stale.values(), self._catalogue.get).items():
                self._found[id_] = (stale[id_], stand_ins)
            while len(self._found) > _MOST:
                oldest = min(self._found.keys() - stale.keys(), key=lambda id_: (self._found[id_][0].listed, id_))
                del self._found[oldest]
            self._lay_out()
        return bool(stale)

    def _start_again(self) -> None:
        """Queue every newcomer; what is known of those that are as they were stays."""
        new = self._all_new()
        kept = {id_: self._found[id_] for id_ in new if id_ in self._found}
        gone = len(kept) < len(self._found)
        self._found, self._waiting = kept, dict.fromkeys(new)
        if gone:
            self._lay_out()

    def _lay_out(self) -> None:
        # Sorted, so that ties are the same in every process, in whatever order it heard of them.
        found = {id_: self._found[id_][1] for id_ in sorted(self._found)}
        self.newcomers = Newcomers.of(found, len(self._index.ids))
        self._changes += bool(found) or self.shown  # nobody sees that none became none
        self.shown = bool(found)

    def _all_new(self) -> list[str]:
        """Every newcomer of the catalogue, the newest listed last, at most _MOST."""
        live = self._catalogue.live
        snapshot, changed = live.snapshot, live.changed
        rows = newcomer_rows(self._index, live.rows_of(self._index), live.unknown_to(self._index), snapshot.listed)
        # The newest of them, ties in the snapshot's order: the same in every process.
        rows = rows[np.argsort(snapshot.listed[rows], kind="stable")][-_MOST:]
        new = [(int(snapshot.listed[row]), snapshot.ids[row]) for row in rows.tolist() if row not in changed]
        new += [(one.listed, one.id) for one in changed.values() if is_new(self._index, one)]
        return [id_ for _, id_ in sorted(new)[-_MOST:]]

    def _changed(self, product: Product) -> bool:
        """Whether anything that likeness is made of differs from what was known of the product."""
        known, _ = self._found.get(product.id, (None, None))
        return known is None or _content(known) != _content(product)


def _content(product: Product) -> tuple[object, ...]:
    return product.title, product.category, product.brand, product.price
