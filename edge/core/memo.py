"""A memory of bounded size: what is the same for every shopper of a page is worked out once.

In: keys and values with their size in bytes. Out: the values, until those used least lately must go.
"""

from collections.abc import Hashable
from threading import Lock
from typing import TypeVar

MOST_BYTES = 16 << 20  # some thousand pages of the demo shop, and what their categories say

T = TypeVar("T")


class Memo:
    """Values by key; together they hold at most `most` bytes. Threads may share it."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held: dict[Hashable, tuple[object, int]] = {}  # used least lately first
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable, kind: type[T]) -> T | None:
        """What was kept under `key`, if it is of this kind, or None."""
        with self._lock:
            held = self._held.pop(key, None)
            if held is None:
                return None
            self._held[key] = held
        return held[0] if isinstance(held[0], kind) else None

    def keep(self, key: Hashable, value: object, size: int) -> None:
        """Remember a value of `size` bytes; one larger than the whole memory is not kept."""
        if size > self._most:
            return
        with self._lock:
            self._bytes += size - self._held.pop(key, (None, 0))[1]
            self._held[key] = (value, size)
            while self._bytes > self._most:
                self._bytes -= self._held.pop(next(iter(self._held)))[1]

    def __len__(self) -> int:
        return len(self._held)
