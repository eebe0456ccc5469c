"""The live rules: from a ranking, which may be seconds old, to the shelves of an answer, which must be true now.

In: a `Ranking`, the query, the live catalogue. Out: a `Page`, the answer's bytes: nothing twice on a page, nothing that
is in the cart, excluded, filtered out, unknown or unavailable; prices and stock as they are at this moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from edge.catalogue import Catalogue
from edge.live_cards import LiveCards
from edge.page import Page, Shown, ShownItem, page_of
from edge.picks import NO_PICKS, SCALE, Picks, ServedBy, Shelf, listed, positioned
from edge.scoring import Model
from edge.slots import SAY_POPULAR, SLOTS
from edge.wire import Filter, Query

_NO_FILTER = Filter()
_BLOCK = 64  # of a list looked at together


@dataclass(frozen=True)
class Ranking:
    """What was worked out for a request: by which model, which shelves, what failed on the way, and the stored cart."""

    model: Model | None
    shelves: tuple[Shelf, ...]
    degraded: tuple[str, ...] = ()
    cart: tuple[str, ...] = ()

    def marked(self, *failed: str) -> "Ranking":
        """The same ranking for a request in which something else failed, too."""
        return replace(self, degraded=(*failed, *self.degraded)) if failed else self


def shelve(query: Query, ranking: Ranking, catalogue: Catalogue, new_places: int = 1) -> Page:
    """Fill the shelves of an answer with what may be shown now; newcomers take at most `new_places` of a shelf."""
    model = ranking.model
    filler = _Filler(query, ranking, catalogue.live)
    new_places = min(new_places, query.limit // 4)
    shown = []
    for shelf in ranking.shelves:
        spec, title, served_by = SLOTS[shelf.slot], SLOTS[shelf.slot].title, shelf.served_by
        items = filler.fill(shelf.slot, shelf.picks, shelf.newcomers, new_places)
        if not items and model and spec.falls_back and query.fallback == "popular":
            title, served_by, items = _popular(shelf.slot, query, model, catalogue, filler)
        if items:
            shown.append(Shown(shelf.slot, title, served_by, items))
    return page_of(query.surface, model.version if model else None, ranking.degraded, shown)


_Rows = Iterator[tuple[int, int, int, int]]  # row, family, score, reason


class _Filler:
    """Fills one shelf after the other; no product twice on the page."""

    def __init__(self, query: Query, ranking: Ranking, live: LiveCards) -> None:
        self._live, self._model, self._limit = live, ranking.model, query.limit
        self._filter = None if query.filter == _NO_FILTER else query.filter
        self._least = query.min_score * SCALE
        self._taken = {live.row(id_) for id_ in (*query.cart, *ranking.cart, *query.exclude)}
        if query.product_id is not None:
            self._taken.add(live.row(query.product_id))

    def fill(self, slot: str, picks: Picks, newcomers: Picks = NO_PICKS, new_places: int = 0) -> list[ShownItem]:
        """What one shelf shows. Newcomers stand last, and only beside others: they never make a shelf alone."""
        families: set[int] | None = set() if SLOTS[slot].collapses else None
        known = chain.from_iterable(self._rows(picks))
        if not new_places or not len(newcomers):
            return self._take(known, self._limit, families)
        items = self._take(known, self._limit - new_places, families)
        new = self._take(chain.from_iterable(self._rows(newcomers)), new_places if items else 0, families)
        items += self._take(known, self._limit - len(items) - len(new), families)
        # Scores fall along a shelf; a place given is no claim to be better than the one before it.
        return [*items, *((fragment, min(score, items[-1][1]), reason) for fragment, score, reason in new)]

    def _rows(self, picks: Picks) -> Iterator[_Rows]:
        """The picks as the catalogue has them now, block by block: of a long list most are never looked at."""
        live = self._live
        for start in range(0, len(picks), _BLOCK):
            block = picks.block(start, start + _BLOCK)
            rows = block.rows(live, self._model)
            families = live.shown[rows]
            if self._filter is not None:
                families = families * live.passing(rows, self._filter)
            yield zip(rows.tolist(), families.tolist(), block.scores, block.reasons, strict=True)

    def _take(self, rows: _Rows, count: int, families: set[int] | None) -> list[ShownItem]:
        """The next so many that may be shown; each product, and where `families` is given each family, at most once."""
        taken, least, fragment = self._taken, self._least, self._live.fragment
        items: list[ShownItem] = []
        if count <= 0:
            return items
        for row, family, score, reason in rows:
            if not family or row in taken or score < least:
                continue
            if families is not None:
                if family in families:
                    continue
                families.add(family)
            taken.add(row)
            items.append((fragment(row), score, reason))
            if len(items) == count:
                break
        return items


def _popular(
    slot: str, query: Query, model: Model, catalogue: Catalogue, filler: _Filler
) -> tuple[str, ServedBy, list[ShownItem]]:
    """Popular in the page's category, then popular in the shop; the title says which."""
    product = catalogue.get(query.product_id) if query.product_id else None
    if product is not None and product.category:
        nearest = positioned(model.index.popular_in(product.category), "popular_in_category")
        if items := filler.fill(slot, nearest):
            return f"Popular in {product.category.split(' > ')[-1]}", "context", items
    return SAY_POPULAR, "popular", filler.fill(slot, listed(model, "popular"))
