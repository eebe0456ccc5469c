"""The live rules: from a ranking, which may be seconds old, to the shelves of an answer, which must be true now.

In: a `Ranking`, the query, the live catalogue. Out: a `Page`, the answer's bytes: nothing twice on a page, nothing that
is in the cart, excluded, filtered out, unknown or unavailable; prices and stock as they are at this moment.
"""

import msgspec
import numpy as np

from edge.catalogue import Catalogue
from edge.core.compiled.shelving import Filler
from edge.live_cards import LiveCards
from edge.page import Page, Shown, ShownItem, page_of
from edge.picks import NO_PICKS, SCALE, Picks, ServedBy, Shelf, listed, positioned
from edge.scoring import Model
from edge.slots import SAY_POPULAR, SLOTS, SlotSpec
from edge.wire import NO_FILTER, Query


class Ranking(msgspec.Struct, frozen=True):
    """What was worked out for a request: by which model, which shelves, what failed on the way, and the stored cart."""

    model: Model | None
    shelves: tuple[Shelf, ...]
    degraded: tuple[str, ...] = ()
    cart: tuple[str, ...] = ()
    category: str | None = None  # of the page, for a ranking made for all pages of one

    def marked(self, *failed: str) -> "Ranking":
        """The same ranking for a request in which something else failed, too."""
        return msgspec.structs.replace(self, degraded=(*failed, *self.degraded)) if failed else self


def shelve(query: Query, ranking: Ranking, catalogue: Catalogue, new_places: int = 1) -> Page:
    """Fill the shelves of an answer with what may be shown now; newcomers take at most `new_places` of a shelf."""
    model = ranking.model
    filler = _Filler(query, ranking, catalogue.live)
    new_places = min(new_places, query.limit // 4)
    shown = []
    for shelf in ranking.shelves:
        spec, served_by = SLOTS[shelf.slot], shelf.served_by
        title, items = spec.title, filler.fill(spec, shelf.picks, shelf.newcomers, new_places)
        if not items and model and spec.falls_back and query.fallback == "popular":
            category = ranking.category or _category(query, catalogue)
            title, served_by, items = _popular(spec, category, model, filler)
        if items:
            shown.append(Shown(shelf.slot, title, served_by, items))
    return page_of(query.surface, model.version if model else None, ranking.degraded, shown, catalogue.live)


class _Filler:
    """Fills one shelf after the other; no product twice on the page."""

    def __init__(self, query: Query, ranking: Ranking, live: LiveCards) -> None:
        self._live, self._limit = live, query.limit
        self._rows_of = live.rows_of(ranking.model.index) if ranking.model else None
        self._filter = None if query.filter is NO_FILTER or query.filter == NO_FILTER else query.filter
        taken = [live.row(id_) for id_ in (*query.cart, *ranking.cart, *query.exclude)]
        if query.product_id is not None:
            taken.append(live.row(query.product_id))
        self._filler = Filler(live.shown, query.min_score * SCALE, taken)

    def fill(self, spec: SlotSpec, picks: Picks, newcomers: Picks = NO_PICKS, new_places: int = 0) -> list[ShownItem]:
        """What one shelf shows. Newcomers stand last, and only beside others: they never make a shelf alone."""
        self._filler.begin(spec.collapses)
        if newcomers is NO_PICKS or not new_places or not len(newcomers):
            return self._take(picks, self._limit)[0]
        items, left = self._take(picks, self._limit - new_places)
        new, _ = self._take(newcomers, new_places if items else 0)
        items += self._take(picks, self._limit - len(items) - len(new), left)[0]
        # Scores fall along a shelf; a place given is no claim to be better than the one before it.
        return [*items, *((row, min(score, items[-1][1]), reason) for row, score, reason in new)]

    def _take(self, picks: Picks, count: int, start: int = 0) -> tuple[list[ShownItem], int]:
        """The next so many from `start` on that may be shown now, and where to go on."""
        places, rows_of = picks.positions, self._rows_of
        if places is None or rows_of is None:
            places, rows_of = picks.rows(self._live), None
        if self._filter is not None:
            rows = places if rows_of is None else rows_of[places]
            places, rows_of = np.where(self._live.passing(rows, self._filter), rows, np.int32(-1)), None
        return self._filler.take(places, rows_of, picks.scores, picks.reasons, start, count)


def _category(query: Query, catalogue: Catalogue) -> str | None:
    product = catalogue.get(query.product_id) if query.product_id else None
    return product.category if product else None


def _popular(
    spec: SlotSpec, category: str | None, model: Model, filler: _Filler
) -> tuple[str, ServedBy, list[ShownItem]]:
    """Popular in the page's category, then popular in the shop; the title says which."""
    if category:
        nearest = positioned(model.index.popular_in(category), "popular_in_category")
        if items := filler.fill(spec, nearest):
            return f"Popular in {category.split(' > ')[-1]}", "context", items
    return SAY_POPULAR, "popular", filler.fill(spec, listed(model, "popular"))
