"""Listings: the newcomers of the live catalogue and their stand-ins, kept current off the request path.

In: the live catalogue, the index that serves. Out: `of(index)`, replaced whole as one reference. A product listed now
is looked at first; the many of a new snapshot or a new model are worked through a few at a time.
"""

from edge.catalogue import Catalogue
from edge.core.index import Index
from edge.core.newcomers import NO_NEWCOMERS, Newcomers, StandIns, find_stand_ins, is_new
from edge.core.products import Product

_AT_ONCE = 200  # products; some 50 ms in a thread of its own
_MOST = 10_000  # newcomers kept, the newest listed


class Listings:
    """The newcomers of one shop. `revision` grows with every change of them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.revision = 0
        self._catalogue = catalogue
        self._index: Index | None = None
        self._shown = False
        self._waiting: dict[str, None] = {}  # ids to look at, the most urgent last
        self._found: dict[str, tuple[Product, StandIns]] = {}
        self._current: tuple[Index | None, Newcomers] = (None, NO_NEWCOMERS)

    def of(self, index: Index) -> Newcomers:
        """The newcomers beside this index; none until they have been worked out."""
        known, newcomers = self._current
        return newcomers if known is index else NO_NEWCOMERS

    def refresh(self, index: Index) -> bool:
        """Look at what was listed or changed since the last call, at most _AT_ONCE products. True if any stands in."""
        everything, touched = self._catalogue.take_touched()
        if everything or index is not self._index:
            self._start_again(index)
        for id_ in touched:
            self._waiting.pop(id_, None)
            self._waiting[id_] = None
        batch = [self._waiting.popitem()[0] for _ in range(min(_AT_ONCE, len(self._waiting)))]
        products = [product for id_ in batch if (product := self._catalogue.get(id_)) and is_new(index, product)]
        stale = {product.id: product for product in products if self._changed(product)}
        if stale:
            for id_, stand_ins in find_stand_ins(index, stale.values(), self._catalogue.get).items():
                self._found[id_] = (stale[id_], stand_ins)
            while len(self._found) > _MOST:
                oldest = min(self._found.keys() - stale.keys(), key=lambda id_: (self._found[id_][0].listed, id_))
                del self._found[oldest]
            self._lay_out(index)
        return bool(stale)

    def _start_again(self, index: Index) -> None:
        """Queue every newcomer; what is known of those that are as they were stays, unless the index is another one."""
        new = self._all_new(index)
        kept = {} if index is not self._index else {id_: self._found[id_] for id_ in new if id_ in self._found}
        gone = len(kept) < len(self._found)
        self._index, self._found, self._waiting = index, kept, dict.fromkeys(new)
        if gone or self._current[0] is not index:
            self._lay_out(index)

    def _lay_out(self, index: Index) -> None:
        # Sorted, so that ties are the same in every process, in whatever order it heard of them.
        found = {id_: self._found[id_][1] for id_ in sorted(self._found)}
        self._current = (index, Newcomers.of(found, len(index.ids)))
        self.revision += bool(found) or self._shown  # nobody sees that none became none
        self._shown = bool(found)

    def _all_new(self, index: Index) -> list[str]:
        """Every newcomer of the catalogue, the newest listed last, at most _MOST."""
        products = (self._catalogue.get(id_) for id_ in self._catalogue.ids())
        new = sorted((one.listed, one.id) for one in products if one is not None and is_new(index, one))
        return [id_ for _, id_ in new[-_MOST:]]

    def _changed(self, product: Product) -> bool:
        """Whether anything that likeness is made of differs from what was known of the product."""
        known, _ = self._found.get(product.id, (None, None))
        return known is None or _content(known) != _content(product)


def _content(product: Product) -> tuple[object, ...]:
    return product.title, product.category, product.brand, product.price
