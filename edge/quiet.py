"""Log lines that a long trouble would repeat for ever: each kind once, then again only after a while.

In: a kind of trouble. Out: whether to say it now. What is not said is counted in the metrics all the same.
"""

import math
import time
from collections.abc import Callable


class Quiet:
    """Remembers when each kind was said last; kinds come from a small fixed set, such as names of errors."""

    def __init__(self, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._said: dict[str, float] = {}

    def may_say(self, kind: str) -> bool:
        """Whether this kind is due; it then counts as said."""
        now = self._clock()
        if now - self._said.get(kind, -math.inf) < self._every_s:
            return False
        self._said[kind] = now
        return True
