"""Whose profile an event changes, for a batch at a time; what its names teach about each other is kept.

In: events in stream order, in pseudonyms. Out: for each its `Owner`, or None when it names nobody. First all events of
a batch that name a customer are looked at, then the anonymous ones: so a look and the login after it may come in any
order within a batch. Safe to repeat.

A login (visitor and customer in one event, or one order seen from both) merges the visitor's history, once. Orders,
loyalty ids, mail and telephone only lead to a customer: that somebody typed a mail address into a device says nothing
about whose device it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis

from backend.identity.learn import Lesson, learn, may_learn
from backend.identity.links import UNDER_WAY, Link, State, read_links
from backend.identity.merge import absorb, finish_unlink, share
from backend.identity.parts import OWN
from backend.identity.rotate import move
from edge.core import keys
from edge.core.events import Event
from edge.core.keys import order_name
from edge.profiles import get_many

_HOPS = 4  # an order to its guest, that to a customer, that to a new name


@dataclass(frozen=True)
class Owner:
    """A shopper, and which part of a merged profile: a visitor's look before the login belongs to that device's."""

    shopper: str
    part: str = OWN
    unlinked: bool = False  # anonymous, and leads to nobody: a login at this moment would move the profile away


async def resolve(redis: "Redis", shop: str, events: Sequence[Event]) -> list[Owner | None]:
    """The owner of each event."""
    former = {old: new for event in events for old, new in event.former}
    links = await read_links(redis, shop, _names(shop, events, former))
    batch = _Batch(redis, shop, links)
    for old, new in former.items():
        await batch.renamed(old, new)
    await batch.carry_on()
    await batch.read_on()
    await batch.look_for_histories(events)
    customers = [await batch.customer(event) for event in events]
    await batch.learn()
    return [batch.owner(event, customer) for event, customer in zip(events, customers, strict=True)]


def _personal(event: Event) -> bool:
    return "personalization" in event.consent


def _order(shop: str, event: Event) -> str | None:
    return order_name(shop, event.order_id) if event.order_id else None


def _other_names(event: Event) -> list[str]:
    """What else an event names a person by, the surest first."""
    return [name for name in (event.loyalty_id, event.email, event.phone) if name]


def _names(shop: str, events: Iterable[Event], former: Mapping[str, str]) -> set[str]:
    asked = {*former, *former.values()}
    for event in events:
        if _personal(event):
            names = (event.visitor_id, event.customer_id, _order(shop, event), *_other_names(event))
            asked |= {name for name in names if name}
    return asked


@dataclass
class _Batch:
    """What is known while a batch is worked through, and what it taught so far."""

    redis: "Redis"
    shop: str
    links: dict[str, Link]
    lessons: list[Lesson] = field(default_factory=list)
    histories: set[str] = field(default_factory=set)  # names that may have a profile to be merged

    async def renamed(self, old: str, new: str) -> None:
        link = self.links.get(old)
        if link is None or link.state != "moved":
            if moved := await move(self.redis, self.shop, old, new):
                self.links[old] = moved
            self.links |= await read_links(self.redis, self.shop, [new])

    async def carry_on(self) -> None:
        """Finish what a crash left half done."""
        for link in [one for one in self.links.values() if one.state in UNDER_WAY]:
            match link.state:
                case "merging":
                    await absorb(self.redis, self.shop, link.name, link.shopper, link.since)
                case "unlinking":
                    await finish_unlink(self.redis, link)
                case _:
                    await move(self.redis, self.shop, link.name, link.shopper)
            self.links |= await read_links(self.redis, self.shop, [link.name])

    async def read_on(self) -> None:
        """What the links lead to may lead further: an order to its guest, that to a customer, that to a new name."""
        asked = set(self.links)
        for _ in range(_HOPS):
            further = {link.shopper for link in self.links.values()} - asked
            if not further:
                break
            asked |= further
            self.links |= await read_links(self.redis, self.shop, further)

    async def look_for_histories(self, events: Sequence[Event]) -> None:
        """Which of the names without a link have a profile: for all others a login is a note, not a merge."""
        visitors = {event.visitor_id for event in events if _personal(event) and (event.customer_id or event.order_id)}
        asked = [name for name in visitors if name and name not in self.links]
        values = await get_many(self.redis, [keys.profile_key(self.shop, name) for name in asked]) if asked else []
        self.histories = {name for name, data in zip(asked, values, strict=True) if data is not None}

    def now(self, name: str | None) -> str | None:
        """The present name of somebody who may be named by a former one."""
        for _ in range(_HOPS):
            link = self.links.get(name) if name else None
            if link is None or link.state != "moved":
                break
            name = link.shopper
        return name

    def leads(self, name: str | None) -> str | None:
        """The customer that a name leads to."""
        link = self.links.get(name) if name else None
        if link and link.state == "held" and link.shopper != name:
            holder = self.links.get(self.now(link.shopper) or link.shopper)
            merged = holder and holder.state in ("merged", "shared") and link.since <= holder.since
            return self.now(holder.shopper) if holder and merged else None
        return self.now(link.shopper) if link and link.state in ("alias", "merged") else None

    async def customer(self, event: Event) -> str | None:
        """The customer behind an event, if any; on the way, everything is noted that it teaches."""
        customer, at = self.now(event.customer_id), event.time.timestamp()
        if not _personal(event):
            return customer
        visitor, order, others = self.now(event.visitor_id), _order(self.shop, event), _other_names(event)
        seen_from_both = customer or self.leads(order)
        if seen_from_both is None:
            found = next((leads for name in others if (leads := self.leads(name))), None)
            if found is None:
                self._wait(event, self._holder(visitor, order, others), at)
            elif order and event.type == "purchase-complete":
                self._note(order, found, "alias", at)
            return found
        for name in (order, *others):
            if name:
                await self._belongs(name, seen_from_both, at)
        if visitor:
            await self._login(visitor, seen_from_both, at)
        return seen_from_both

    def _holder(self, visitor: str | None, order: str | None, others: list[str]) -> str | None:
        """Whose an event is that leads to no customer: whoever its order was first seen with, else who it names."""
        held = self.links.get(order) if order else None
        if held and held.state == "held":
            return self.now(held.shopper)
        return visitor or next(iter(others), order)

    def _wait(self, event: Event, holder: str | None, at: float) -> None:
        """An order, and what somebody nameless came by, wait for a customer."""
        order = _order(self.shop, event)
        if order and holder and (event.type == "purchase-complete" or order == holder):
            self._note(order, holder, "held", at)
        if holder in _other_names(event):
            self._note(holder, holder, "held", at)

    def _note(self, name: str, shopper: str, state: State, at: float) -> None:
        if name not in self.links:
            self.links[name] = Link(self.shop, name, shopper, state, at)
            self.lessons.append((None, self.links[name]))

    async def _belongs(self, name: str, customer: str, at: float) -> None:
        """A customer's order, loyalty id, mail, telephone; whatever waited under such a name is the customer's now."""
        link = self.links.get(name)
        if link and link.state == "held":
            await self.learn()
            holder = self.now(link.shopper) or link.shopper  # it may have moved to a new key's name meanwhile
            self.histories.add(holder)
            await self._login(holder, customer, at)
            link = self.links.get(name)
        if link is None:
            self._note(name, customer, "alias", at)
        elif link.state == "held" or (self.now(link.shopper) != customer and link.since < at):
            self.links[name] = Link(self.shop, name, customer, "alias", at)
            self.lessons.append((link, self.links[name]))

    async def _login(self, name: str, customer: str, at: float) -> None:
        """A visitor turned out to be a customer: merged if it is nobody's yet, marked if it is another's."""
        link = self.links.get(name)
        if name == customer:
            return
        if link is None and name not in self.histories:
            self._note(name, customer, "merged", at)
            return
        if link is None or link.state in ("alias", "held"):
            if not await may_learn(self.redis, self.shop, [name, customer]):
                return
            link = await absorb(self.redis, self.shop, name, customer, at)
        if link and link.state == "merged" and self.now(link.shopper) != customer:
            await share(self.redis, link)
            link = (await read_links(self.redis, self.shop, [name])).get(name)
        if link:
            self.links[name] = link

    async def learn(self) -> None:
        """Keep what the batch taught so far."""
        lessons, self.lessons = self.lessons, []
        kept = await learn(self.redis, self.shop, lessons)
        refused = [link.name for _, link in lessons if link.name not in kept]
        for name in refused:
            self.links.pop(name, None)
        self.links |= await read_links(self.redis, self.shop, refused)
        self.histories.update(refused)

    def owner(self, event: Event, customer: str | None) -> Owner | None:
        """Whose profile, now that all links of the batch are known."""
        visitor, order = self.now(event.visitor_id), _order(self.shop, event)
        if not _personal(event):
            return Owner(customer or visitor or "") if customer or visitor else None
        if customer := customer or self.leads(order):
            return Owner(customer)
        name = self._holder(visitor, order, _other_names(event))
        link = self.links.get(name) if name else None
        if link and link.state in ("merged", "shared") and event.time.timestamp() <= link.since:
            return Owner(self.now(link.shopper) or link.shopper, link.name)
        return Owner(name, unlinked=link is None) if name else None
