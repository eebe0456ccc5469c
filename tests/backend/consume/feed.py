"""Events for the consumer's tests, and what an undisturbed run in order makes of them."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from redis import Redis

from backend.consume.entries import counted
from edge.core import keys
from edge.core.codec import decode_profile
from edge.core.consent import Decision, encode_decision
from edge.core.events import EVENT_TYPES, Event, EventType, Line, Purpose
from edge.core.keys import PseudonymKey, pseudonym
from edge.core.profile import Profile, apply

SHOP = "demo"
KEY = PseudonymKey.from_hex("00" * 32)
BOTH: tuple[Purpose, ...] = ("analytics", "personalization")
TOKEN = "for_you.20261121T100455Z-3f9c.0a1b2c3d"
BEGAN = datetime(2026, 10, 1, 23, 30, tzinfo=UTC)  # before midnight, so that the counts of two days are concerned
NOW = BEGAN.timestamp() + 30 * 86_400


def visitor(name: object) -> str:
    """The pseudonym of a visitor."""
    return pseudonym(KEY, SHOP, "visitor", str(name))


def customer(name: object) -> str:
    """The pseudonym of a customer."""
    return pseudonym(KEY, SHOP, "customer", str(name))


def make(type_: EventType, *products: str, **fields: Any) -> Event:
    """An event as it stands in the stream: by visitor v, with both consents, unless said otherwise."""
    values: dict[str, Any] = {
        "id": f"{type_}-{'-'.join(products)}",
        "time": BEGAN,
        "visitor_id": visitor("v"),
        "consent": BOTH,
        "products": tuple(Line(product) for product in products),
    }
    return Event(type=type_, **(values | fields))


def append(redis: "Redis", *events: Event | bytes) -> list[bytes]:
    """Put events (or bytes that are none) into the shop's stream; their entries."""
    with redis.pipeline(transaction=False) as pipe:
        for event in events:
            data = event if isinstance(event, bytes) else msgspec.json.encode(event)
            pipe.xadd(keys.events_key(SHOP), {"e": data})
        entries: list[bytes] = pipe.execute()
    return entries


def encoded(event: Event) -> bytes:
    """An event as it stands in the stream."""
    return msgspec.json.encode(event)


def profile_at(redis: "Redis", name: bytes) -> dict[str, Profile]:
    """The profile under a key, by its shopper."""
    data: Any = redis.get(name)
    profile = decode_profile(data)
    return {profile.shopper: profile}


def deny(redis: "Redis", shopper: str, *granted: Purpose) -> None:
    """Store a decision that grants only these purposes."""
    decision = Decision(SHOP, shopper, granted, NOW, "banner")
    redis.set(keys.consent_key(SHOP, shopper), encode_decision(decision))


def stored(redis: "Redis", shopper: str) -> Profile | None:
    """A shopper's profile as stored."""
    data: Any = redis.get(keys.profile_key(SHOP, shopper))
    return decode_profile(data) if data else None


def profiles(redis: "Redis") -> dict[str, Profile]:
    """All profiles in the store."""
    names = list(redis.scan_iter("p:*", count=1_000))
    values: Any = redis.mget(names) if names else []
    found = [decode_profile(data) for data in values]
    return {profile.shopper: profile for profile in found}


def counts(redis: "Redis") -> dict[int, dict[str, int]]:
    """All counts in the store, by unix day."""
    found = {}
    for name in redis.scan_iter("n:*"):
        fields: Any = redis.hgetall(name)
        found[int(name.rpartition(b":")[2])] = {field.decode(): int(value) for field, value in fields.items()}
    return found


def undisturbed(
    events: Iterable[Event], denied: Sequence[str] = ()
) -> tuple[dict[str, Profile], dict[int, dict[str, int]]]:
    """Profiles and counts after these events, each once, in the order of their times."""
    made: dict[str, Profile] = {}
    days: dict[int, Counter[str]] = {}
    for event in sorted(events, key=lambda event: event.time):
        shopper = event.customer_id or event.visitor_id
        assert shopper is not None
        if not event.consent or {event.visitor_id, event.customer_id} & set(denied):
            continue
        if "personalization" in event.consent:
            apply(made.setdefault(shopper, Profile(SHOP, shopper)), event, NOW)
        day, fields = counted(event, NOW)
        days.setdefault(day, Counter()).update(fields)
    return made, {day: dict(counter) for day, counter in days.items()}


def load(count: int, shoppers: int, seed: int) -> list[Event]:
    """Random events of every type, few enough per shopper that nothing falls off a profile."""
    rng = random.Random(seed)
    consents: list[tuple[Purpose, ...]] = [BOTH] * 8 + [("analytics",), ("personalization",), ()]
    events = []
    for number in range(count):
        who = rng.randrange(shoppers)
        kind = rng.choices(EVENT_TYPES, weights=[8, 8, 20, 5, 10, 4, 5, 3, 3, 1, 10, 5])[0]
        lines = tuple(Line(f"{who % 50}{product:02}") for product in rng.sample(range(25), rng.randint(1, 4)))
        events.append(
            Event(
                id=f"event-{number}",
                type=kind,
                time=BEGAN + timedelta(seconds=rng.randrange(3 * 86_400)),
                visitor_id=visitor(who),
                customer_id=customer(who) if who % 3 == 0 else None,
                products=lines,
                order_id=f"order-{number}" if kind == "purchase-complete" else None,
                attribution_token=TOKEN if kind.startswith("recommendation") else None,
                consent=rng.choice(consents),
            )
        )
    return events


def with_trouble(events: Sequence[Event], seed: int) -> list[Event]:
    """The same events, a tenth of them twice, orders also as the platform tells them, all in any order."""
    rng = random.Random(seed)
    again = rng.sample(list(events), len(events) // 10)
    told = [
        msgspec.structs.replace(event, id=f"webhook-{event.id}", source="store")
        for event in events
        if event.type == "purchase-complete"
    ]
    everything = [*events, *again, *told]
    rng.shuffle(everything)
    return everything
