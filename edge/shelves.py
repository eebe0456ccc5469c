"""The live rules: from a ranking, which may be seconds old, to the shelves of an answer, which must be true now.

In: a `Ranking`, the query, the live catalogue. Out: an `Answer`: nothing twice on a page, nothing that is in the cart,
excluded, filtered out, unknown or unavailable; prices and stock as they are at this moment.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from edge.catalogue import Catalogue
from edge.core.index import Ints
from edge.core.products import Product
from edge.scoring import Model
from edge.slots import SAY_POPULAR, SLOTS
from edge.wire import Answer, Filter, Item, Query, Slot

ServedBy = Literal["personal", "session", "context", "popular"]


class Pick(NamedTuple):
    """A product that may stand on a shelf: id, score in 0..1, and why."""

    id: str
    score: float
    reason: str


@dataclass(frozen=True)
class Shelf:
    """A shelf before the live rules: more picks than will be shown, best first."""

    slot: str
    served_by: ServedBy
    picks: tuple[Pick, ...]


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


def shelve(query: Query, ranking: Ranking, catalogue: Catalogue) -> Answer:
    """Fill the shelves of an answer with what may be shown now."""
    model = ranking.model
    taken = {*query.cart, *ranking.cart, *query.exclude, query.product_id}
    slots = []
    for shelf in ranking.shelves:
        spec, title, served_by = SLOTS[shelf.slot], SLOTS[shelf.slot].title, shelf.served_by
        items = _fill(query, shelf.picks, catalogue, taken)
        if not items and model and spec.falls_back and query.fallback == "popular":
            title, served_by, items = _popular(query, model, catalogue, taken)
        if items:
            token = _token(shelf.slot, query.surface, served_by, model, items)
            slots.append(Slot(shelf.slot, title, served_by, token, items))
    return Answer(query.surface, model.version if model else None, list(ranking.degraded), slots)


@lru_cache(maxsize=4)  # two lists, the model that serves and the one before it
def listed(model: Model, which: Literal["popular", "trending"]) -> tuple[Pick, ...]:
    """One of the model's ready-made lists."""
    return positioned(model, model.index.popular if which == "popular" else model.index.trending, which)


def positioned(model: Model, positions: Ints, reason: str) -> tuple[Pick, ...]:
    """Picks in the order given; their score falls with their place, since nothing else compares them."""
    ids, count = model.index.ids, len(positions) + 1
    return tuple(Pick(ids[at], round(1 - place / count, 4), reason) for place, at in enumerate(positions.tolist()))


def passes(wanted: Filter, product: Product) -> bool:
    """Whether a product meets the filter's conditions, as it is now."""
    if wanted.category is not None and wanted.category != product.category:
        levels = product.category.split(" > ")
        if wanted.category not in levels and not product.category.startswith(f"{wanted.category} > "):
            return False
    return (
        (wanted.brand is None or wanted.brand == product.brand)
        and (wanted.price_min is None or product.price >= wanted.price_min)
        and (wanted.price_max is None or product.price <= wanted.price_max)
    )


def _fill(query: Query, picks: tuple[Pick, ...], catalogue: Catalogue, taken: set[str | None]) -> list[Item]:
    items: list[Item] = []
    for id_, score, reason in picks:
        if len(items) == query.limit:
            break
        if id_ in taken or score < query.min_score:
            continue
        product = catalogue.get(id_)
        if product is None or not product.available or not passes(query.filter, product):
            continue
        taken.add(id_)
        items.append(Item(id_, score, reason, catalogue.card(product)))
    return items


def _popular(
    query: Query, model: Model, catalogue: Catalogue, taken: set[str | None]
) -> tuple[str, ServedBy, list[Item]]:
    """Popular in the page's category, then popular in the shop; the title says which."""
    product = catalogue.get(query.product_id) if query.product_id else None
    if product is not None and product.category:
        nearest = positioned(model, model.index.popular_in(product.category), "popular_in_category")
        if items := _fill(query, nearest, catalogue, taken):
            return f"Popular in {product.category.split(' > ')[-1]}", "context", items
    return SAY_POPULAR, "popular", _fill(query, listed(model, "popular"), catalogue, taken)


def _token(slot: str, surface: str, served_by: str, model: Model | None, items: list[Item]) -> str:
    """Says which shelf of which model an impression or click belongs to; the same for the same shelf."""
    version = model.version if model else "none"
    shown = "\0".join((surface, served_by, *(item.id for item in items)))
    return f"{slot}.{version}.{hashlib.blake2s(shown.encode(errors='surrogatepass'), digest_size=6).hexdigest()}"


def encode(answer: Answer) -> bytes:
    """The body of an answer."""
    return _encoder.encode(answer)


_encoder = msgspec.json.Encoder()
