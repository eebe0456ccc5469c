"""Who else is meant: all names of a person, found from those given.

In: pseudonyms, raw order ids. Out: `Reach`. A customer's other names stand in `l:{shop/customer}`; from any of those
the link leads back to the customer. A device that another customer uses, too, is reached only where it is nobody's.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from backend.identity.links import read_links
from edge.core import keys
from edge.core.events import Event
from edge.core.keys import order_name

_ROUNDS = 16  # links lead a few steps; more is damage


@dataclass(frozen=True)
class Reach:
    """`named`: whatever carries one of these goes. `shared`: devices of others, too; theirs stays. `orders`: raw ids.

    `hosts` holds the part of an erased visitor: customer -> visitors.
    """

    named: frozenset[str]
    shared: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    hosts: dict[str, set[str]] = field(default_factory=dict)

    @property
    def everyone(self) -> frozenset[str]:
        """All names, shared devices among them."""
        return self.named | self.shared

    def concerns(self, event: Event) -> bool:
        """Whether an event is theirs."""
        people = {event.customer_id, event.loyalty_id, event.email, event.phone, event.visitor_id}
        people |= {name for pair in event.former for name in pair}
        if people & self.named or event.order_id in self.orders:
            return True
        return event.visitor_id in self.shared and event.customer_id is None


async def find_reach(redis: "Redis", shop: str, given: Collection[str], orders: Iterable[str] = ()) -> Reach:
    """All names that belong to those given, and of these orders.

    Neither an order nor a visitor leads on to the customer: who asks for the one does not ask for the other.
    """
    orders = frozenset(orders)
    bought = {order_name(shop, order) for order in orders}
    named, shared, hosts = {*given, *bought}, set[str](), dict[str, set[str]]()
    fresh = set(named)
    for _ in range(_ROUNDS):
        if not fresh:
            break
        further: set[str] = set()
        for name in fresh:
            further |= await _names_of(redis, shop, name)
        for name, link in (await read_links(redis, shop, fresh)).items():
            if link.state in ("moved", "moving") or (link.state in ("alias", "held") and name not in bought):
                further.add(link.shopper)
            elif link.state in ("merged", "merging", "shared", "unlinking"):
                hosts.setdefault(link.shopper, set()).add(name)
        further -= named
        links = await read_links(redis, shop, further)
        shared |= {name for name, link in links.items() if link.state == "shared"}
        fresh = further - shared
        named |= fresh
    for host in named & hosts.keys():
        hosts.pop(host)
    return Reach(frozenset(named), frozenset(shared - named), orders, hosts)


async def _names_of(redis: "Redis", shop: str, name: str) -> set[str]:
    members: Any = await redis.smembers(keys.links_key(shop, name))
    decoded = {member.decode() for member in members}
    return {member for member in decoded if not member.startswith(("+", "back:"))}
