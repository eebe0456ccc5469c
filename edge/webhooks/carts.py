"""What lies in a platform's cart becomes what the shopper's visit is believed to hold.

In: carts, which name nobody, and checkouts, which say whose a cart is. Out: the difference to the visit as add-to-cart
and remove-from-cart, so that what a page has told already is not told twice.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from edge.collect import Collector
from edge.core.errors import UNREADABLE
from edge.core.events import Event, Line, Purpose
from edge.core.keys import CART_TTL_S, LINK_TTL_S, alias_key, links_key
from edge.identify import Caller, Identifier
from edge.webhooks.meaning import Cart
from edge.webhooks.stock import Outcome


class _Owner(msgspec.Struct, frozen=True, array_like=True):
    """Whose a cart is, in pseudonyms, and of when its content is that was told last (unix seconds)."""

    visitor: str | None
    customer: str | None
    time: float


class Carts:
    """Takes carts for one shop, under the consent that it declares."""

    def __init__(self, collector: Collector, identifier: Identifier, consent: frozenset[Purpose]) -> None:
        self._collector = collector
        self._identifier = identifier
        self._consent = consent

    async def take(self, cart: Cart, now: float) -> Outcome:
        """Take one cart in; `unknown` when it is nobody's, or may not be kept. Raises StoreUnavailableError."""
        store, name = self._collector.store, self._identifier.name("cart", cart.token)
        if "personalization" not in self._consent or name is None:
            return "unknown"
        key = alias_key(self._identifier.shop, name)
        stored: Any = await store.ask(lambda: store.redis.get(key))
        owner = _decoded(stored)
        caller = self._caller(cart, owner)
        if caller is None or caller.shopper is None:
            return "unknown"
        if owner is not None and owner.time >= cart.time:
            return "stale"
        known = await store.read(caller)
        if "personalization" not in known.consent:
            await store.ask(lambda: store.redis.delete(key))
            return "unknown"
        if cart.lines is not None:
            events = _difference(cart, name, known.session.cart if known.session else {})
            if events:
                await self._collector.take(caller, events, now)
        links = links_key(caller.shop, caller.shopper)
        await store.ask(lambda: store.redis.sadd(links, name))  # erasure must find it
        await store.ask(lambda: store.redis.expire(links, LINK_TTL_S))
        owned = msgspec.msgpack.encode(_Owner(caller.visitor, caller.customer, cart.time))
        await store.ask(lambda: store.redis.set(key, owned, ex=CART_TTL_S))
        return "taken"

    def _caller(self, cart: Cart, owner: _Owner | None) -> Caller | None:
        if cart.visitor_id or cart.customer_id:
            return self._identifier.caller(cart.visitor_id, cart.customer_id, self._consent)
        if owner is None:
            return None
        return Caller(self._identifier.shop, owner.visitor, owner.customer, self._consent, "server")


def _difference(cart: Cart, name: str, had: Mapping[str, int]) -> list[Event]:
    """What must have happened to the visit's cart for it to hold what the platform says."""
    now = cart.lines or {}
    more = {product: count - had.get(product, 0) for product, count in now.items() if count > had.get(product, 0)}
    less = {product: count - now.get(product, 0) for product, count in had.items() if count > now.get(product, 0)}
    at = datetime.fromtimestamp(cart.time, UTC)
    stem = f"shopify:cart:{name}:{int(cart.time * 1000)}"
    made = ((more, "add-to-cart", "add"), (less, "remove-from-cart", "remove"))
    return [
        Event(
            f"{stem}:{word}",
            type_,  # type: ignore[arg-type]  # because mypy forgets that both are literals
            at,
            products=tuple(Line(product, quantity=count) for product, count in list(lines.items())[:200]),
            source="store",
        )
        for lines, type_, word in made
        if lines
    ]


def _decoded(data: bytes | None) -> _Owner | None:
    if data is None:
        return None
    try:
        return msgspec.msgpack.decode(data, type=_Owner)
    except UNREADABLE:
        return None
