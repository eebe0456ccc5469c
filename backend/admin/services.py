"""The services of the backend: what runs for ever beside the API, each in a process of its own.

In: the settings and a store. Out: objects that run until told to stop and say how they are. To add one: what makes it,
and a line in SERVICES.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Protocol

from redis.asyncio import Redis

from backend.consume.commands import consumer_of
from backend.event_log.commands import writer_of
from backend.event_log.store import EventLog
from backend.event_log.writer import forget_group
from backend.settings import Settings
from backend.task_table import task_worker

Detail = Mapping[str, str | int | float | bool | None]


class Service(Protocol):
    """Something that runs until `stop` is set. It may fail: it is started again, in a new process."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""

    def status(self) -> Detail:
        """How it is going, in a few plain values."""


class Off:
    """A service that the settings leave out, and why."""

    def __init__(self, why: str) -> None:
        self.why = why


Maker = Callable[[Settings, "Redis"], "Awaitable[Service | Off]"]


class Consuming:
    """The consumer, counting what it did."""

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._applied = 0
        self._consumer = consumer_of(redis, settings, self._progress)

    def _progress(self, done: int) -> None:
        self._applied += done

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set."""
        await self._consumer.run(stop)

    def status(self) -> Detail:
        """Events done since this process began."""
        return {"events": self._applied}


class Logging:
    """The event log's writer."""

    def __init__(self, settings: Settings, redis: "Redis", log: EventLog) -> None:
        self._writer = writer_of(redis, settings, log)

    async def run(self, stop: asyncio.Event) -> None:
        """Write until `stop` is set."""
        await self._writer.run(stop)

    def status(self) -> Detail:
        """What was written since this process began."""
        return asdict(self._writer.totals)


async def logging_or_not(settings: Settings, redis: "Redis") -> Service | Off:
    """The log's writer, unless nothing is to be kept; then nobody waits for it either."""
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is None:
        await forget_group(redis, settings.shop)
        return Off("EVENT_LOG is none")
    return Logging(settings, redis, log)


async def consuming(settings: Settings, redis: "Redis") -> Service | Off:
    """The consumer."""
    return Consuming(settings, redis)


class Tasks:
    """What the edge and the platforms ask for: erasing, exporting, fetching."""

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._worker = task_worker(redis, settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Do tasks until `stop` is set."""
        await self._worker.run(stop)

    def status(self) -> Detail:
        """Tasks done since this process began; what came of each stands in the audit log."""
        return {"tasks": self._worker.done}


async def tasking(settings: Settings, redis: "Redis") -> Service | Off:
    """The worker for tasks."""
    return Tasks(settings, redis)


SERVICES: dict[str, Maker] = {
    "consumer": consuming,
    "log": logging_or_not,
    "tasks": tasking,
}


async def make(name: str, settings: Settings, redis: "Redis") -> Service | Off:
    """The service of this name. Raises KeyError."""
    return await SERVICES[name](settings, redis)
