"""Whether one more answer may be worked out now, or the popular list must do.

In: when work on an answer begins and ends. Out: `admits`. All work is done by one event loop, so a queue is not seen as
such: requests wait in sockets while the loop takes its turn. What can be known is how long the answers now at work will
take, and how long this turn has taken already; more than `patience_s` of both together is a queue. A slow store costs
others nothing and is no overload. A burst may queue for all of that; where more is asked than can be done for longer
than that, a queue helps nobody, and turns become half as long: so much less do all wait for theirs.

Sources: Netflix's concurrency-limits (limit what is at work, by its measured time, not the rate of what comes), after
Little's law; here the time is the processor's, as that is what runs out. CoDel (Nichols and Jacobson, ACM Queue 2012):
good queues empty soon, standing ones only delay.
"""

import asyncio
import math
import time
from collections.abc import Callable

_LEAST = 2  # answers at work that a turn may always begin with: a machine as slow as this serves some, all the same
_STANDING_S = 0.1  # of turning away, never so long without: then it is no burst; and so long without, it has passed
_HURRY = 2  # times as short are turns then; shorter ones still carry so little that useful answers are lost
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
        self._began = self._refused = -math.inf  # turning away: when it began, and when it last happened

    def admits(self, at_work: int) -> bool:
        """Whether another answer may be worked out beside as many as are at work."""
        now = self._clock()
        stands = self._refused - self._began > _STANDING_S > now - self._refused
        left_s = (self._patience_s / _HURRY if stands else self._patience_s) - (now - self._turn())
        few = at_work < _LEAST or (at_work + 1) * self.cost_s <= left_s
        if left_s >= 0 and few and at_work < self._most:
            return True
        if now - self._refused >= _STANDING_S:
            self._began = now
        self._refused = now
        return False

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
