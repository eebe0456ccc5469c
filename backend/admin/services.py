"""The services of the backend: what runs for ever beside the API, each in a process of its own.

In: the settings and a store. Out: objects that run until told to stop and say how they are. To add one: what makes it,
and a line in SERVICES.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from redis.asyncio import Redis

from backend.consume.commands import limits
from backend.consume.consumer import Consumer
from backend.settings import Settings

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


Maker = Callable[[Settings, "Redis"], "Service | Off"]


class Consuming:
    """The consumer, counting what it did."""

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._applied = 0
        self._consumer = Consumer(redis, settings.shop, limits(settings), self._progress)

    def _progress(self, done: int) -> None:
        self._applied += done

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set."""
        await self._consumer.run(stop)

    def status(self) -> Detail:
        """Events done since this process began."""
        return {"events": self._applied}


SERVICES: dict[str, Maker] = {
    "consumer": Consuming,
}


def make(name: str, settings: Settings, redis: "Redis") -> Service | Off:
    """The service of this name. Raises KeyError."""
    return SERVICES[name](settings, redis)
