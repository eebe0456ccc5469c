"""Answers kept for a few seconds.

In: a key that names everything an answer depends on (shop, surface, context, market, locale, consent, model and
switches). Out: the answer and its age. An answer is worked out without giving up the processor, so of many equal
requests at once the first one computes and all others find its result: single flight without a lock.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cachetools import TTLCache

from edge.metrics import CACHE

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Cached(Generic[_Value]):
    """A value, how old it is, how long it is still good for, and whether it was found or made."""

    value: _Value
    age_s: int
    ttl_s: int
    hit: bool

    def map(self, change: Callable[[_Value], _Value]) -> "Cached[_Value]":
        """The same entry with its value changed for one caller; what is kept stays as it is."""
        return replace(self, value=change(self.value))


class AnswerCache(Generic[_Value]):
    """A bounded map with one short time to live; the least recently used go first."""

    def __init__(self, *, ttl_s: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._entries: TTLCache[Hashable, tuple[_Value, float]] = TTLCache(entries, ttl_s, timer=clock)

    def find(self, key: Hashable) -> Cached[_Value] | None:
        """What is kept under `key`, if it is still good."""
        found = self._entries.get(key)
        CACHE.labels("hit" if found else "miss").inc()
        if found is None:
            return None
        value, stored_at = found
        age = self._clock() - stored_at
        return Cached(value, int(age), max(0, int(self._ttl_s - age)), hit=True)

    def keep(self, key: Hashable, value: _Value) -> Cached[_Value]:
        """Keep a value just made."""
        self._entries[key] = (value, self._clock())
        return Cached(value, 0, int(self._ttl_s), hit=False)
