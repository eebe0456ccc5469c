"""What the excess gets: popular lists, ready to be sent before anybody asks.

In: a question. Out: `Excess`, a reply. The first list of a category is made as if the page showed no product and the
cart held none, so it is right for all pages that have nothing of it. Whoever has gets the list made without what they
have, and so on until nothing of theirs is on it: few lists serve all.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any

import msgspec

from edge.recommend import Recommender, Served, count_shown
from edge.respond import Ready, Reply
from edge.wire import Query

_LOOK_S = 0.5  # and what changes reaches a process in milliseconds: within a second everybody sees it
_MOST = 2_048  # lists of some 5 KB, and categories by product
FEW = 16  # left out one after the other; from then on at once all that page and cart have
# Of a question, what is said of persons, which changes nothing here, and of products, which is looked at afterwards.
_LEFT_OUT: dict[str, Any] = {
    **dict.fromkeys(("visitor_id", "customer_id", "rev", "key", "shopper_token", "product_id")),
    **dict.fromkeys(("session", "consent", "product_ids", "lines", "exclude"), ()),
}


class Excess(Reply, frozen=True):
    """A popular list as a reply. `products`: what is on it; `without`: what is left out; `before`: the one with that.

    It is right for all questions alike but in persons and products, where the page shows a product of this `category`
    and those of page and cart are none of `products` and all of `without`.
    """

    served: Served
    category: str | None
    products: frozenset[str]
    without: frozenset[str]
    before: "Excess | None" = None


class PopularLists:
    """Those of one shop. `revision` rises when all of them are to be made again."""

    def __init__(self, recommender: Recommender, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.revision = 0
        self._recommender = recommender
        self._clock = clock
        self._kept: dict[Hashable, Excess] = {}
        self._categories: dict[str, str | None] = {}
        self._state: tuple[object, ...] = ()
        self._look_at = 0.0

    def find(self, query: Query) -> Excess:
        """The list for a question, counted as shown. It must cost next to nothing."""
        self.look()
        category, taken = self._category(query.product_id), {*query.cart, *query.exclude}
        if query.product_id is not None:
            taken.add(query.product_id)
        bare, excess = msgspec.structs.replace(query, **_LEFT_OUT), None
        while excess is None or not excess.products.isdisjoint(taken):
            excess = self._ready(bare, category, excess, taken)
        count_shown(excess.served.answer)
        return excess

    def look(self) -> None:
        """See twice a second whether catalogue, model or rules have changed. A sale has more changes than that."""
        now = self._clock()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_S
        if (state := self._recommender.state) != self._state:
            self._state = state
            self._forget()

    def _forget(self) -> None:
        self.revision += 1
        self._kept.clear()
        self._categories.clear()

    def _category(self, product_id: str | None) -> str | None:
        """Of the product on the page; kept, as to read one product whole costs more than all else here."""
        if product_id is None:
            return None
        if product_id not in self._categories:
            if len(self._categories) >= _MOST:
                self._categories.clear()
            product = self._recommender.catalogue.get(product_id)
            self._categories[product_id] = (product.category or None) if product else None
        return self._categories[product_id]

    def _ready(self, bare: Query, category: str | None, before: Excess | None, taken: set[str]) -> Excess:
        """The first list, or the one after `before`, less what is taken of that."""
        without = frozenset[str]()
        if before:
            without = before.without | (before.products & taken if len(before.without) < FEW else taken)
        key = (bare, category, without)
        if (found := self._kept.get(key)) is None:
            if len(self._kept) >= _MOST:
                self._forget()
            found = self._kept[key] = self._made(bare, category, without, before)
        return found

    def _made(self, bare: Query, category: str | None, without: frozenset[str], before: Excess | None) -> Excess:
        """To the shopper it is no copy, so it has no age: nobody else had it."""
        served = self._recommender.excess(msgspec.structs.replace(bare, exclude=tuple(without)), category)
        reply = Ready(served).reply(served.cached)
        products = frozenset(item.id for slot in served.answer.slots for item in slot.items)
        return Excess(reply.status, reply.headers, reply.body, served, category, products, without, before)
