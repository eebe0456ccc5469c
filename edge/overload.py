"""Whether one more answer may be worked out now, or the popular list must do.

In: when work on an answer begins and ends. Out: `admits`. All work is done by one event loop, so a queue is not seen as
such: requests wait in sockets while the loop takes its turn. What can be known is how long the answers now at work will
take, and how long this turn has taken already; more than `patience_s` of both together is a queue. So past the knee a
shopper waits for two or three turns, each about that long. A slow store costs others nothing and is no overload.

Source: Netflix's concurrency-limits (limit what is at work, by its measured time, not the rate of what comes), after
Little's law; here the time is the processor's, as that is what runs out.
"""

import asyncio
import time
from collections.abc import Callable

_LEAST = 2  # answers at work that a turn may always begin with: a machine as slow as this serves some, all the same
_WEIGHT = 0.05  # of the newest measurement: the mean follows within some thirty answers


def _next_turn(call: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_soon(call)


class Overload:
    """The answers at work in one process. `with` it: the part of an answer that keeps all others waiting."""

    def __init__(
        self,
        most: int,
        patience_s: float,
        clock: Callable[[], float] = time.perf_counter,
        next_turn: Callable[[Callable[[], object]], None] = _next_turn,
    ) -> None:
        self.cost_s = 0.0  # of one answer, without what it waits for the store: a moving mean
        self._most = most
        self._patience_s = patience_s
        self._clock = clock
        self._next_turn = next_turn
        self._turn_began: float | None = None
        self._work_began = 0.0

    def admits(self, at_work: int) -> bool:
        """Whether another answer may be worked out beside as many as are at work."""
        if at_work >= self._most:
            return False
        left_s = self._patience_s - (self._clock() - self._turn())
        return left_s >= 0 and (at_work < _LEAST or (at_work + 1) * self.cost_s <= left_s)

    def __enter__(self) -> None:
        self._turn()
        self._work_began = self._clock()

    def __exit__(self, *_: object) -> None:
        # Above the patience the length says nothing more, and one answer in which the process stood still for a second
        # must not turn others away for long.
        took_s = min(self._clock() - self._work_began, self._patience_s)
        self.cost_s += _WEIGHT * (took_s - self.cost_s)

    def _turn(self) -> float:
        """When this turn of the loop began, as far as it is ours."""
        if self._turn_began is None:
            self._turn_began = self._clock()
            self._next_turn(self._turn_ends)
        return self._turn_began

    def _turn_ends(self) -> None:
        self._turn_began = None
