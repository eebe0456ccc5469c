"""What the backend's commands share: the store they work on and the console they write to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend.settings import Settings
from edge.embedded import store_url
from edge.profiles import connect

console = Console()
_Result = TypeVar("_Result")


def with_store(settings: Settings, job: Callable[["Redis"], Awaitable[_Result]]) -> _Result:
    """Run a job against the store at REDIS_URL, or the embedded one, which is started if nobody has done so."""

    async def run(url: str) -> _Result:
        redis = connect(url, timeout_s=settings.store_timeout_s, connections=4)
        try:
            return await job(redis)
        finally:
            await redis.aclose()

    with store_url(settings.redis_url, settings.data_dir / "store") as url:
        return asyncio.run(run(url))


def bar(on: Console = console) -> Progress:
    """A progress bar with count and time left, for work of known size."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=on)
