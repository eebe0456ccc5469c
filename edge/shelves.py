"""The live rules: from a ranking, which may be seconds old, to the shelves of an answer, which must be true now.

In: a `Ranking`, the query, the live catalogue. Out: a `Page`, the answer's bytes: nothing twice on a page, nothing that
is in the cart, excluded, filtered out, unknown or unavailable; prices and stock as they are at this moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from edge.catalogue import Catalogue
from edge.live_cards import LiveCards
from edge.page import Page, Shown, page_of
from edge.picks import NO_PICKS, SCALE, Picks, ServedBy, Shelf, listed, positioned
from edge.scoring import Model
from edge.slots import SAY_POPULAR, SLOTS
from edge.wire import Filter, Query

_NO_FILTER = Filter()


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
    fill = _Filler(query, ranking, catalogue.live)
    new_places = min(new_places, query.limit // 4)
    shown = []
    for shelf in ranking.shelves:
        spec, title, served_by = SLOTS[shelf.slot], SLOTS[shelf.slot].title, shelf.served_by
        items = fill(shelf.slot, shelf.picks, shelf.newcomers, new_places)
        if not items and model and spec.falls_back and query.fallback == "popular":
            title, served_by, items = _popular(shelf.slot, query, model, catalogue, fill)
        if items:
            shown.append(Shown(shelf.slot, title, served_by, items))
    return page_of(query.surface, model.version if model else None, ranking.degraded, shown, catalogue.live)


class _Filler:
    """Fills one shelf after the other; no product twice on the page."""

    def __init__(self, query: Query, ranking: Ranking, live: LiveCards) -> None:
        self._live, self._model, self._limit = live, ranking.model, query.limit
        self._filter = None if query.filter == _NO_FILTER else query.filter
        self._least = query.min_score * SCALE
        self._taken = live.rows((*query.cart, *ranking.cart, *query.exclude, query.product_id))

    def __call__(
        self, slot: str, picks: Picks, newcomers: Picks = NO_PICKS, new_places: int = 0
    ) -> list[tuple[int, int, int]]:
        """Row, score and reason of what one shelf shows.

        Newcomers stand last, and only beside others: they never make a shelf alone.
        """
        families: set[int] | None = set() if SLOTS[slot].collapses else None
        places = new_places if len(newcomers) else 0
        known = self._showable(picks, families)
        items = list(islice(known, self._limit - places))
        if not places:
            return items
        new = list(islice(self._showable(newcomers, families), places if items else 0))
        items += islice(known, self._limit - len(items) - len(new))
        # Scores fall along a shelf; a place given is no claim to be better than the one before it.
        return [*items, *((row, min(score, items[-1][1]), reason) for row, score, reason in new)]

    def _showable(self, picks: Picks, families: set[int] | None) -> Iterator[tuple[int, int, int]]:
        """What may be shown now, in order; each product, and where `families` is given each family, at most once."""
        live, taken, least = self._live, self._taken, self._least
        rows = picks.rows(live, self._model)
        at = np.array(rows, np.intp)
        keys = live.shown[at]
        if self._filter is not None:
            keys = keys * live.passing(at, self._filter)
        for row, family, score, reason in zip(rows, keys.tolist(), picks.scores, picks.reasons, strict=True):
            if not family or row in taken or score < least:
                continue
            if families is not None:
                if family in families:
                    continue
                families.add(family)
            taken.add(row)
            yield row, score, reason


def _popular(
    slot: str, query: Query, model: Model, catalogue: Catalogue, fill: _Filler
) -> tuple[str, ServedBy, list[tuple[int, int, int]]]:
    """Popular in the page's category, then popular in the shop; the title says which."""
    product = catalogue.get(query.product_id) if query.product_id else None
    if product is not None and product.category:
        nearest = positioned(model.index.popular_in(product.category), "popular_in_category")
        if items := fill(slot, nearest):
            return f"Popular in {product.category.split(' > ')[-1]}", "context", items
    return SAY_POPULAR, "popular", fill(slot, listed(model, "popular"))
