"""Profiles from history: every shopper's events replayed through `apply`, and the result written to the store.

In: a prepared dataset. Out: one profile per shopper who allowed personalization, and has not denied it since, under a
pseudonym, with TTL; a `Refreshed` that says how many and how large.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from redis.asyncio import Redis

from edge.core.keys import PseudonymKey, pseudonym
from edge.core.profile import Profile, apply
from edge.profiles import ShopperStore
from training.dataset import Dataset

_BATCH = 500
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


def replay_profiles(dataset: Dataset, shop: str, key: PseudonymKey) -> Iterator[Profile]:
    """Every shopper's profile after the whole history. Ids that are pseudonyms already, as the log's, stay."""
    now = time.time()
    for kind, shopper_id, events in dataset.replay(purpose="personalization"):
        known = dataset.summary.notes.pseudonymous
        profile = Profile(shop, shopper_id if known else pseudonym(key, shop, kind, shopper_id))
        for event in events:
            apply(profile, event, now)
        yield profile


async def refresh(
    redis: "Redis", dataset: Dataset, shop: str, key: PseudonymKey, progress: Callable[[int], None] = lambda _: None
) -> Refreshed:
    """Write all profiles; `progress` hears how many were done since it last did."""
    store = ShopperStore(redis)
    profiles = replay_profiles(dataset, shop, key)
    count = value_bytes = 0
    stored: list[int] = []
    while batch := list(islice(profiles, _BATCH)):
        written = await store.put_profiles(batch)
        count += len(written)
        value_bytes += sum(written.values())
        stored += [await redis.memory_usage(name, samples=0) or 0 for name in list(written)[::_SAMPLE_EVERY]]
        progress(len(batch))
    return Refreshed(count, value_bytes, sum(stored) / max(len(stored), 1), max(stored, default=0))
