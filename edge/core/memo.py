"""A memory of bounded size: what is the same for every shopper of a page is worked out once.

In: keys and values with their size in bytes. Out: the values, until those used least lately must go.
"""

from collections.abc import Hashable
from threading import Lock
from typing import Any

MOST_BYTES = 12 << 20  # some two thousand pages of the demo shop


class Memo:
    """Values by key; together they hold at most `most` bytes. Threads may share it."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held: dict[Hashable, tuple[Any, int]] = {}  # used least lately first
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Any | None:
        """What was kept under `key`, or None."""
        with self._lock:
            held = self._held.pop(key, None)
            if held is None:
                return None
            self._held[key] = held
        return held[0]

    def keep(self, key: Hashable, value: Any, size: int) -> None:
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
