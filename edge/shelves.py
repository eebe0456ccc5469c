"""The live rules: from a ranking, which may be seconds old, to the shelves of an answer, which must be true now.

In: a `Ranking`, the query, the live catalogue. Out: an `Answer`: nothing twice on a page, nothing that is in the cart,
excluded, filtered out, unknown or unavailable; prices and stock as they are at this moment.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from edge.catalogue import Catalogue
from edge.core.index import Ints
from edge.core.products import Product
from edge.scoring import Model
from edge.slots import SAY_POPULAR, SLOTS
from edge.wire import Answer, Filter, Item, Query, Slot

# Recent over earlier daily orders, as a log, after five orders of doubt on both sides: a quarter more at the least, and
# for a product that hardly sold before at least two orders' worth of interest in four weeks.
LEAST_TREND = 0.25

ServedBy = Literal["personal", "session", "context", "popular"]


class Pick(NamedTuple):
    """A product that may stand on a shelf: id, score in 0..1, and why."""

    id: str
    score: float
    reason: str


@dataclass(frozen=True)
class Shelf:
    """A shelf before the live rules: more picks than will be shown, best first, and newcomers that may join them."""

    slot: str
    served_by: ServedBy
    picks: tuple[Pick, ...]
    newcomers: tuple[Pick, ...] = ()


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


def shelve(query: Query, ranking: Ranking, catalogue: Catalogue, new_places: int = 1) -> Answer:
    """Fill the shelves of an answer with what may be shown now; newcomers take at most `new_places` of a shelf."""
    model = ranking.model
    new_places = min(new_places, query.limit // 4)
    taken = {*query.cart, *ranking.cart, *query.exclude, query.product_id}
    slots = []
    for shelf in ranking.shelves:
        spec, title, served_by = SLOTS[shelf.slot], SLOTS[shelf.slot].title, shelf.served_by
        items = _fill(query, shelf, catalogue, taken, new_places)
        if not items and model and spec.falls_back and query.fallback == "popular":
            title, served_by, items = _popular(shelf.slot, query, model, catalogue, taken)
        if items:
            token = _token(shelf.slot, query.surface, served_by, model, items)
            slots.append(Slot(shelf.slot, title, served_by, token, items))
    return Answer(query.surface, model.version if model else None, list(ranking.degraded), slots)


@lru_cache(maxsize=8)  # two lists; of the model that serves, the one before it, a canary and a shadow
def listed(model: Model, which: Literal["popular", "trending"]) -> tuple[Pick, ...]:
    """One of the model's ready-made lists."""
    index = model.index
    if which == "popular":
        return positioned(model, index.popular, which)
    return positioned(model, index.trending[index.trend[index.trending] >= LEAST_TREND], which)


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


def _fill(query: Query, shelf: Shelf, catalogue: Catalogue, taken: set[str | None], new_places: int = 0) -> list[Item]:
    """The products of one shelf. Newcomers stand last, and only beside others: they never make a shelf alone."""
    families: set[str] | None = set() if SLOTS[shelf.slot].collapses else None
    places = new_places if shelf.newcomers else 0
    known = _showable(query, shelf.picks, catalogue, taken, families)
    items = list(islice(known, query.limit - places))
    new = list(islice(_showable(query, shelf.newcomers, catalogue, taken, families), places if items else 0))
    items += islice(known, query.limit - len(items) - len(new))
    # Scores fall along a shelf; a place given is no claim to be better than the one before it.
    return [*items, *(msgspec.structs.replace(item, score=min(item.score, items[-1].score)) for item in new)]


def _showable(
    query: Query, picks: Iterable[Pick], catalogue: Catalogue, taken: set[str | None], families: set[str] | None
) -> Iterator[Item]:
    """What may be shown now, in order; each product, and where `families` is given each family, at most once."""
    for id_, score, reason in picks:
        if id_ in taken or score < query.min_score:
            continue
        product = catalogue.get(id_)
        if product is None or not product.available or not passes(query.filter, product):
            continue
        if families is not None:
            family = catalogue.family(product)
            if family in families:
                continue
            families.add(family)
        taken.add(id_)
        yield Item(id_, score, reason, catalogue.card(product))


def _popular(
    slot: str, query: Query, model: Model, catalogue: Catalogue, taken: set[str | None]
) -> tuple[str, ServedBy, list[Item]]:
    """Popular in the page's category, then popular in the shop; the title says which."""
    product = catalogue.get(query.product_id) if query.product_id else None
    if product is not None and product.category:
        nearest = positioned(model, model.index.popular_in(product.category), "popular_in_category")
        if items := _fill(query, Shelf(slot, "context", nearest), catalogue, taken):
            return f"Popular in {product.category.split(' > ')[-1]}", "context", items
    return SAY_POPULAR, "popular", _fill(query, Shelf(slot, "popular", listed(model, "popular")), catalogue, taken)


def _token(slot: str, surface: str, served_by: str, model: Model | None, items: list[Item]) -> str:
    """Says which shelf of which model an impression or click belongs to; the same for the same shelf."""
    version = model.version if model else "none"
    shown = "\0".join((surface, served_by, *(item.id for item in items)))
    return f"{slot}.{version}.{hashlib.blake2s(shown.encode(errors='surrogatepass'), digest_size=6).hexdigest()}"


def encode(answer: Answer) -> bytes:
    """The body of an answer."""
    return _encoder.encode(answer)


_encoder = msgspec.json.Encoder()
