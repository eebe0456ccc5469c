"""What the backend app is made of, put together in one place, and the short memory its page draws from."""

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.admin.access import Door
from backend.admin.scheduler import Scheduler
from backend.admin.supervise import Supervisor
from backend.consume.stream import EventStream
from backend.release.trials import read_counts
from backend.settings import Settings
from edge.core import clock

logger = logging.getLogger("endcap.backend")

_EVERY_S = 5.0
_HOUR = int(3_600 / _EVERY_S)
_DAY_S = 86_400


class Sample(NamedTuple):
    """One look at the stream: when (monotonic), its unix day, events counted that day so far, and what waits."""

    at: float
    day: int
    events: int
    lag: int


@dataclass
class Backend:
    """The parts of the app."""

    settings: Settings
    redis: "Redis"
    supervisors: list[Supervisor]
    scheduler: Scheduler
    door: Door
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=_HOUR))

    async def watch(self, stop: asyncio.Event) -> None:
        """Look at the stream every few seconds until `stop` is set."""
        while not stop.is_set():
            try:
                self.samples.append(await self._look())
            except (RedisError, OSError) as error:
                logger.warning("the stream cannot be looked at: %s", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY_S)

    async def _look(self) -> Sample:
        day = int(clock.now() // _DAY_S)
        counts = await read_counts(self.redis, self.settings.shop, day)
        events = sum(n for name, n in counts.items() if name.startswith("events:"))
        backlog = await EventStream(self.redis, self.settings.shop, "admin").backlog()
        return Sample(time.monotonic(), day, events, backlog.lag)

    def rates(self) -> list[float]:
        """Events applied per second between the samples of the last hour, oldest first; days begin at nothing."""
        pairs = zip(self.samples, list(self.samples)[1:], strict=False)
        return [max(b.events - (a.events if a.day == b.day else 0), 0) / max(b.at - a.at, 1e-9) for a, b in pairs]


def assemble(settings: Settings, redis: "Redis", supervisors: list[Supervisor], scheduler: Scheduler) -> Backend:
    """Put the parts together."""
    door = Door(settings.data_dir, settings.shop, settings.admin_session_h * 3_600)
    return Backend(settings, redis, supervisors, scheduler, door)
