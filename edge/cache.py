"""Answers kept for a few seconds.

In: a key that names everything an answer depends on (shop, surface, context, market, locale, consent, model and
switches). Out: the answer and its age. An answer is worked out without giving up the processor, so of many equal
requests at once the first one computes and all others find its result: single flight without a lock.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import msgspec

_Value = TypeVar("_Value")


class Cached(msgspec.Struct, Generic[_Value], frozen=True):
    """A value, how old it is, how long it is still good for, and whether it was found or made.

    `made_at`: when, by the cache's clock; 0 for what is kept nowhere.
    """

    value: _Value
    age_s: int
    ttl_s: int
    hit: bool
    made_at: float = 0.0

    def map(self, change: Callable[[_Value], _Value]) -> "Cached[_Value]":
        """The same entry with its value changed for one caller; what is kept stays as it is."""
        return msgspec.structs.replace(self, value=change(self.value))


class AnswerCache(Generic[_Value]):
    """A bounded map with one short time to live. All live equally long, so the oldest stand first, and go first."""

    def __init__(self, *, ttl_s: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._most = entries
        self._clock = clock
        self._entries: OrderedDict[Hashable, tuple[_Value, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Hashable) -> Cached[_Value] | None:
        """What is kept under `key`, if it is still good."""
        found = self._entries.get(key)
        if found is None:
            return None
        value, made_at = found
        age = self._clock() - made_at
        return Cached(value, int(age), int(self._ttl_s - age), True, made_at) if age < self._ttl_s else None

    def keep(self, key: Hashable, value: _Value, made_at: float | None = None) -> Cached[_Value]:
        """Keep a value just made, or one made of something that is as old as `made_at` says."""
        now, entries = self._clock(), self._entries
        entries.pop(key, None)  # a key that comes again stands last again
        while entries and (len(entries) >= self._most or now - next(iter(entries.values()))[1] >= self._ttl_s):
            entries.popitem(last=False)
        entries[key] = (value, now if made_at is None else made_at)
        return Cached(value, 0, int(self._ttl_s), False, entries[key][1])
