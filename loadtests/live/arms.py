"""Servers side by side: what each would have shown a shopper just before an order, and how much of it was bought.

In: arms (a name and an address each) and an order that has not been sent yet. Out: `Asked` rows, one per arm and shelf,
and the answers, from which impressions and clicks are made. All arms are asked the same, one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgspec

from loadtests.ask import Asker
from loadtests.live.replay import Past
from loadtests.server import RunError

LIMIT = 10
CONSENT = "personalization,analytics"
SHELVES = ("for_you", "buy_again", "cart_complements")


class _Item(msgspec.Struct, frozen=True):
    id: str


class Shelf(msgspec.Struct, frozen=True):
    """A shelf as far as a simulation looks at it."""

    id: str
    attribution_token: str
    items: tuple[_Item, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The products in their order."""
        return tuple(item.id for item in self.items)


class Page(msgspec.Struct, frozen=True):
    """An answer, likewise."""

    model_version: str | None
    degraded: tuple[str, ...]
    slots: tuple[Shelf, ...]


@dataclass(frozen=True)
class Asked:
    """One shelf of one arm before one order: the share of what was bought that it showed."""

    week: int
    arm: str
    shelf: str
    shopper: str
    recall: float


@dataclass(frozen=True)
class Shown:
    """What the first arm showed, to be reported back to it as impressions and clicks."""

    order: Past
    shelves: tuple[Shelf, ...]


class Arms:
    """The servers; the first is the live one, whose shelves shoppers see."""

    def __init__(self, addresses: Sequence[tuple[str, str]], seed: int) -> None:
        self._askers = [(name, Asker(url)) for name, url in addresses]
        self._random = Random(seed)
        self.degraded = 0

    def close(self) -> None:
        """Let go of the connections."""
        for _, asker in self._askers:
            asker.__exit__()

    def ask(self, week: int, order: Past) -> tuple[list[Asked], Shown]:
        """Ask every arm for the homepage and, with half of the basket, for the cart. Raises RunError."""
        basket = list(order.items)
        held = tuple(self._random.sample(basket, len(basket) // 2))
        wanted = {"for_you": basket, "buy_again": basket}
        wanted["cart_complements"] = [id_ for id_ in basket if id_ not in held]
        rows: list[Asked] = []
        shown: list[Shelf] = []
        for place, (arm, asker) in enumerate(self._askers):
            shelves = self._page(asker, arm, "home", order, {"slots": "for_you,buy_again"})
            if held:
                shelves += self._page(asker, arm, "cart", order, {"product_ids": ",".join(held)})
            found = {shelf.id: shelf.ids for shelf in shelves}
            rows += [
                Asked(week, arm, shelf, order.shopper, _recall(found.get(shelf, ()), wanted[shelf]))
                for shelf in SHELVES
                if wanted[shelf] and (held or shelf != "cart_complements")
            ]
            if place == 0:
                shown = shelves
        return rows, Shown(order, tuple(shown))

    def _page(self, asker: Asker, arm: str, surface: str, order: Past, about: dict[str, str]) -> list[Shelf]:
        who = {"customer_id": order.customer_id, "visitor_id": order.visitor_id}
        query = about | {name: id_ for name, id_ in who.items() if id_} | {"consent": CONSENT, "limit": str(LIMIT)}
        reply = asker.get(f"/v1/recommendations/{surface}?{urlencode(query, safe=',')}")
        if reply.status != 200:
            said = reply.body[:200].decode(errors="replace")
            raise RunError(f"arm {arm!r} answered {reply.status} to {surface}: {said}")
        page = msgspec.json.decode(reply.body, type=Page)
        self.degraded += bool(page.degraded)
        return list(page.slots)


def _recall(shown: Sequence[str], wanted: Sequence[str]) -> float:
    return len(set(shown[:LIMIT]).intersection(wanted)) / len(wanted)


def reported(shown: Shown) -> list[dict[str, Any]]:
    """The events a storefront would have sent: an impression per shelf, and a click where what it showed was bought."""
    order, events = shown.order, []
    who = {"visitor_id": order.visitor_id, "customer_id": order.customer_id, "consent": CONSENT.split(",")}
    for shelf in shown.shelves:
        told = {name: value for name, value in who.items() if value}
        told |= {"time": order.time.isoformat(), "slot": shelf.id, "attribution_token": shelf.attribution_token}
        bought = [id_ for id_ in shelf.ids if id_ in order.items]
        for type_, ids in (("recommendation-impression", shelf.ids), ("recommendation-click", bought[:1])):
            if ids:
                products = [{"product_id": id_} for id_ in ids]
                events.append(told | {"id": f"{order.id}-{shelf.id}-{type_}", "type": type_, "products": products})
    return events
