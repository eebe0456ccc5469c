"""How fast the consumer is: a store of its own, shoppers with histories, visits that overlap, one process.

In: how many events and shoppers. Out: `Measured`. CPU time is what counts on a shared machine: the consumer's own (one
process, one thread) and, apart, the store's.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from redis.asyncio import Redis

from backend.consume.consumer import Consumer, Limits
from edge.core import keys
from edge.core.codec import encode_profile
from edge.core.events import Event, EventType, Line
from edge.core.keys import PseudonymKey, pseudonym
from edge.core.profile import Profile, apply
from edge.embedded import EmbeddedStore
from edge.profiles import connect

_SHOP = "bench"
_KEY = PseudonymKey.from_hex("00" * 32)
_AT_ONCE = 2_000  # visits under way at the same time
_VISIT: tuple[tuple[EventType, int], ...] = (
    ("home-page-view", 1), ("category-page-view", 2), ("search", 1), ("recommendation-impression", 4),
    ("detail-page-view", 5), ("recommendation-click", 1), ("add-to-cart", 2), ("shopping-cart-page-view", 1),
)  # fmt: skip
_PRODUCTS = 20_000


@dataclass(frozen=True)
class Measured:
    """Events, seconds of the clock, CPU seconds of the consumer's process and of the store."""

    events: int
    wall_s: float
    cpu_s: float
    store_cpu_s: float
    profile_bytes: float

    def __str__(self) -> str:
        return (
            f"{self.events:,} events, profiles of {self.profile_bytes:,.0f} bytes in the mean: "
            f"{self.events / self.wall_s:,.0f} events/s by the clock, {self.events / self.cpu_s:,.0f} per CPU second "
            f"of the consumer, {self.events / (self.cpu_s + self.store_cpu_s):,.0f} with the store's CPU counted in"
        )


def bench(events: int, shoppers: int, batch: int) -> Measured:
    """Fill a stream, then consume it. Deterministic but for the times."""
    with tempfile.TemporaryDirectory(prefix="endcap-bench-") as directory, EmbeddedStore(Path(directory)) as store:
        return asyncio.run(_run(store.url, events, shoppers, batch))


async def _run(url: str, events: int, shoppers: int, batch: int) -> Measured:
    redis = connect(url, timeout_s=30.0, connections=4)
    try:
        rng = random.Random(1)
        mean = await _write_profiles(redis, shoppers, rng)
        await _write_events(redis, events, shoppers, rng)
        consumer = Consumer(redis, _SHOP, Limits(batch=batch))
        store_cpu, cpu, wall = await _store_cpu_s(redis), time.process_time(), time.perf_counter()
        await consumer.catch_up()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return Measured(events, wall, cpu, await _store_cpu_s(redis) - store_cpu, mean)
    finally:
        await redis.aclose()


async def _store_cpu_s(redis: "Redis") -> float:
    info = await redis.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


async def _write_profiles(redis: "Redis", shoppers: int, rng: random.Random) -> float:
    """Histories of 0 to 60 orders of six products each, among 150; the mean bytes of a profile."""
    now, written = datetime.now(UTC), 0
    async with redis.pipeline(transaction=False) as pipe:
        for number in range(shoppers):
            visitor, customer = _names(number)
            profile = Profile(_SHOP, customer or visitor)
            usual = [str(rng.randrange(10**6, 2 * 10**7)) for _ in range(150)]
            for _ in range(rng.choice((0, 1, 3, 8, 15, 30, 60))):
                at = now - timedelta(hours=rng.uniform(24, 8_000))
                lines = tuple(Line(product) for product in rng.sample(usual, 6))
                apply(profile, Event("e", "purchase-complete", at, products=lines), now.timestamp())
            data = encode_profile(profile)
            written += len(data)
            pipe.set(keys.profile_key(_SHOP, profile.shopper), data, ex=keys.PROFILE_TTL_S)
            if len(pipe) >= _AT_ONCE:
                await pipe.execute()
        await pipe.execute()
    return written / shoppers


async def _write_events(redis: "Redis", events: int, shoppers: int, rng: random.Random) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        for event in _stream(events, shoppers, rng):
            pipe.xadd(keys.events_key(_SHOP), {"e": msgspec.json.encode(event)})
            if len(pipe) >= _AT_ONCE:
                await pipe.execute()
        await pipe.execute()


def _stream(events: int, shoppers: int, rng: random.Random) -> Iterator[Event]:
    """Visits of 10 to 25 events each, `_AT_ONCE` of them under way at any time, as in a busy shop."""
    began = datetime.now(UTC) - timedelta(seconds=events / 500)
    visits: list[tuple[int, int]] = []
    types, weights = zip(*_VISIT, strict=True)
    for number in range(events):
        while len(visits) < min(_AT_ONCE, shoppers):
            visits.append((rng.randrange(shoppers), rng.randint(10, 25)))
        place = rng.randrange(len(visits))
        shopper, left = visits[place]
        kind: EventType = "purchase-complete" if left == 1 and rng.random() < 0.1 else rng.choices(types, weights)[0]
        visits[place] = (shopper, left - 1)
        if left <= 1:
            visits.pop(place)
        yield _event(number, kind, shopper, began + timedelta(milliseconds=2 * number), rng)


def _event(number: int, kind: EventType, shopper: int, at: datetime, rng: random.Random) -> Event:
    visitor, customer = _names(shopper)
    lines = {"purchase-complete": 6, "detail-page-view": 1, "add-to-cart": 1, "recommendation-click": 1}.get(kind, 0)
    shown = kind.startswith("recommendation")
    return Event(
        id=f"{number:032x}",
        type=kind,
        time=at,
        visitor_id=visitor,
        customer_id=customer,
        products=tuple(Line(str(rng.randrange(10**6, 10**6 + _PRODUCTS)), price=9.99) for _ in range(lines)),
        order_id=f"o{number}" if kind == "purchase-complete" else None,
        attribution_token="for_you.20261121T100455Z-3f9c.0a1b2c3d" if shown else None,
        consent=("analytics", "personalization"),
    )


def _names(number: int) -> tuple[str, str | None]:
    """Visitor and customer: a third of the shoppers are logged in."""
    customer = pseudonym(_KEY, _SHOP, "customer", str(number)) if number % 3 == 0 else None
    return pseudonym(_KEY, _SHOP, "visitor", str(number)), customer
