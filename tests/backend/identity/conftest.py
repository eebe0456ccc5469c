"""What the identity tests share: a shop's consumer, and what its store says of a shopper."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend.consume.consumer import Consumer
from backend.identity.links import Link, decode_link
from edge.core import keys
from edge.core.codec import decode_profile
from edge.core.events import Event, EventType, Line
from edge.core.profile import Profile
from edge.profiles import connect
from tests.backend.consume.feed import BEGAN, SHOP, append, customer, stored, visitor

V, W, A, B = visitor("v"), visitor("w"), customer("A"), customer("B")


@dataclass
class Shop:
    """A shop's store, looked at from outside, and the consumer that fills it."""

    redis: "Redis"
    client: "AsyncRedis"

    async def take(self, *events: Event) -> None:
        """Put events into the stream and consume them, one batch each."""
        for event in events:
            append(self.redis, event)
            await Consumer(self.client, SHOP).catch_up()

    async def take_together(self, *events: Event) -> None:
        """The same in one batch."""
        append(self.redis, *events)
        await Consumer(self.client, SHOP).catch_up()

    def profile(self, name: str) -> Profile | None:
        """A profile as stored."""
        return stored(self.redis, name)

    def seen(self, name: str) -> set[str]:
        """The products in a shopper's profile."""
        profile = self.profile(name)
        return {*profile.viewed, *profile.bought} if profile else set()

    def parts(self, name: str) -> dict[str, Profile]:
        """The parts of a shopper's profile."""
        fields: Any = self.redis.hgetall(keys.parts_key(SHOP, name))
        return {field.decode(): decode_profile(data) for field, data in fields.items()}

    def link(self, name: str) -> Link | None:
        """What a name leads to."""
        data: Any = self.redis.get(keys.alias_key(SHOP, name))
        return decode_link(data) if data else None

    def names(self, name: str) -> set[str]:
        """The other names of a shopper."""
        members: Any = self.redis.smembers(keys.links_key(SHOP, name))
        return {member.decode() for member in members if member[:1] != b"+"}


@pytest.fixture
async def shop(session_store: str, redis: "Redis") -> AsyncIterator[Shop]:
    """A shop with an empty store."""
    client = connect(session_store, timeout_s=10, connections=8)
    yield Shop(redis, client)
    await client.aclose()


_made = 0


def act(type_: EventType, *products: str, minute: float = 0, **fields: Any) -> Event:
    """An event with an id of its own, by nobody unless said otherwise, so many minutes after the beginning."""
    global _made
    _made += 1
    values: dict[str, Any] = {"id": f"e{_made}", "time": BEGAN + timedelta(minutes=minute)}
    values |= {"consent": ("analytics", "personalization"), "products": tuple(Line(product) for product in products)}
    return Event(type=type_, **(values | fields))


def look(product: str, minute: float = 0, **fields: Any) -> Event:
    """A look at a product."""
    return act("detail-page-view", product, minute=minute, **fields)


def same(one: Profile | None, other: Profile | None) -> bool:
    """Whether two profiles hold the same, whoever they are of and however they came about."""
    if one is None or other is None:
        return one is other
    return msgspec.structs.replace(one, shopper="", parts=0) == msgspec.structs.replace(other, shopper="", parts=0)
