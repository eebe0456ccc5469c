"""Profiles from history: every shopper's events replayed through `apply`, and the result written to the store.

In: a prepared dataset. Out: one profile per shopper who allowed personalization, and has not denied it since, under a
pseudonym, with TTL; a `Refreshed` that says how many and how large.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from redis.asyncio import Redis

from edge.core import clock, keys
from edge.core.codec import encode_profile
from edge.core.events import Event
from edge.core.keys import PseudonymKey, pseudonym
from edge.core.profile import Profile, apply
from edge.profiles import believed_decision, get_many
from training.dataset import Dataset

_BATCH = 500
Strip = Callable[[Event], Event | None]
_SAMPLE_EVERY = 25  # of the profiles, asked for what they really take in the store


@dataclass(frozen=True)
class Refreshed:
    """How many profiles were written, and bytes per shopper: values alone, and as the store accounts for them."""

    profiles: int
    value_bytes: int
    stored_mean: float
    stored_max: int

    def __str__(self) -> str:
        mean = self.value_bytes / max(self.profiles, 1)
        return (
            f"{self.profiles:,} profiles written, {mean:,.0f} bytes each; as stored, with key and overhead: "
            f"mean {self.stored_mean:,.0f}, largest {self.stored_max:,} bytes per shopper"
        )


def _all_of_it(event: Event) -> Event | None:
    return event


def replay_profiles(dataset: Dataset, shop: str, key: PseudonymKey, strip: Strip = _all_of_it) -> Iterator[Profile]:
    """Every shopper's profile after the whole history. Ids that are pseudonyms already, as the log's, stay."""
    now = clock.now()
    for kind, shopper_id, events in dataset.replay(purpose="personalization"):
        known = dataset.summary.notes.pseudonymous
        profile = Profile(shop, shopper_id if known else pseudonym(key, shop, kind, shopper_id))
        for event in filter(None, map(strip, events)):
            apply(profile, event, now)
        yield profile


async def refresh(
    redis: "Redis",
    dataset: Dataset,
    shop: str,
    key: PseudonymKey,
    progress: Callable[[int], None] = lambda _: None,
    strip: Strip = _all_of_it,
) -> Refreshed:
    """Write all profiles; `progress` hears how many more are done, `strip` leaves out what may not count."""
    profiles = replay_profiles(dataset, shop, key, strip)
    count = value_bytes = 0
    stored: list[int] = []
    while batch := list(islice(profiles, _BATCH)):
        written = await put_profiles(redis, batch)
        count += len(written)
        value_bytes += sum(written.values())
        stored += [await redis.memory_usage(name, samples=0) or 0 for name in list(written)[::_SAMPLE_EVERY]]
        progress(len(batch))
    return Refreshed(count, value_bytes, sum(stored) / max(len(stored), 1), max(stored, default=0))


async def put_profiles(redis: "Redis", profiles: Sequence[Profile]) -> dict[str, int]:
    """Write whole profiles, with TTL. Returns the bytes written, by key.

    Not for shoppers who have denied it, nor for those into whose profile other histories were merged: there the
    consumer knows better than the history of one name.
    """
    names = [keys.consent_key(one.shop, one.shopper) for one in profiles]
    decisions = await get_many(redis, names)
    async with redis.pipeline(transaction=False) as pipe:
        for profile in profiles:
            pipe.exists(keys.parts_key(profile.shop, profile.shopper))
        merged = await pipe.execute()
    written = {}
    async with redis.pipeline(transaction=False) as pipe:
        for profile, stored, parts in zip(profiles, decisions, merged, strict=True):
            decision = believed_decision(stored, profile.shop, profile.shopper)
            if not parts and (decision is None or "personalization" in decision.granted):
                name, data = keys.profile_key(profile.shop, profile.shopper), encode_profile(profile)
                written[name] = len(data)
                pipe.set(name, data, ex=keys.PROFILE_TTL_S)
        await pipe.execute()
    return written
