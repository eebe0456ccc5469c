"""Leaving without losing a request: what a server process does between SIGTERM and its end.

First it says goodbye: readiness turns 503, so that no new caller is sent here, and every answer carries
`Connection: close`, so that callers who are here come back elsewhere. After the drain time the server stops accepting,
finishes what it has begun, and goes.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType

logger = logging.getLogger("endcap.drain")

_PR_SET_PDEATHSIG = 1
_ASK_AGAIN_S = 2.0


class Drain:
    """Whether this process is leaving. `install` puts itself before the server's own SIGTERM handler."""

    def __init__(self, drain_s: float) -> None:
        self.leaving = False
        self._drain_s = drain_s

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Delay SIGTERM by the drain time; the server puts its handlers back itself. Threads get no signals."""
        if threading.current_thread() is not threading.main_thread():
            return
        stop = signal.getsignal(signal.SIGTERM)

        def leave(number: int, frame: FrameType | None) -> None:
            if self.leaving or not callable(stop):
                return
            self.leaving = True
            loop.call_soon_threadsafe(self._delay, loop, stop, number, frame)

        signal.signal(signal.SIGTERM, leave)

    def _delay(
        self,
        loop: asyncio.AbstractEventLoop,
        stop: Callable[[int, FrameType | None], object],
        number: int,
        frame: FrameType | None,
    ) -> None:
        # Not in the handler itself: it may have come in the middle of another line being written.
        logger.info("leaving: answers close their connections for %.1f s", self._drain_s)
        loop.call_later(self._drain_s, stop, number, frame)


async def end_tasks(tasks: Iterable["asyncio.Task[object]"]) -> None:
    """Cancel tasks until they have ended.

    Once is not enough: redis-py loses a cancellation that comes in the same moment as a reply, and the task goes on.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_ASK_AGAIN_S)


def end_with_parent() -> None:
    """Have the kernel send SIGTERM when the launcher is gone, however it went. Only Linux can; elsewhere: nothing.

    Does nothing either in a process that no launcher started.
    """
    launcher = os.environ.get("ENDCAP_LAUNCHER")
    if launcher is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if launcher != str(os.getppid()):  # it went before the kernel was asked
        signal.raise_signal(signal.SIGTERM)
