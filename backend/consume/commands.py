"""`python -m backend consume`, `dead-letters`, `replay-dead`, `bench-consume`."""

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Annotated

import typer
from redis.asyncio import Redis
from rich.table import Table

from backend.cli import bar, console, with_store
from backend.consume.bench import bench
from backend.consume.consumer import Consumer, Limits
from backend.consume.dead import DeadLetter, dead_letters, replay_dead
from backend.consume.stream import Backlog
from backend.event_log.store import NOTHING
from backend.restricted import Strip
from backend.settings import Settings
from edge.core.keys import LOG_GROUP


def register(app: typer.Typer) -> None:
    """Add the consumer's commands to the backend's."""
    app.command("consume")(consume_command)
    app.command("dead-letters")(dead_letters_command)
    app.command("replay-dead")(replay_dead_command)
    app.command("bench-consume")(bench_command)


def consumer_of(redis: "Redis", settings: Settings, progress: Callable[[int], None] = lambda _: None) -> Consumer:
    """The shop's consumer as the settings give it; entries wait for the event log, too, where there is one."""
    limits = Limits(
        batch=settings.consume_batch,
        reclaim_idle_s=settings.consume_idle_s,
        attempts=settings.consume_attempts,
        janitor_s=settings.consume_janitor_s,
    )
    others = () if settings.event_log == NOTHING else (LOG_GROUP,)
    return Consumer(redis, settings.shop, limits, progress, others=others, strip=Strip(redis, settings))


def consume_command(
    once: Annotated[bool, typer.Option("--once", help="end when everything there is has been applied")] = False,
) -> None:
    """Apply the shop's events to profiles and counts, until SIGTERM; the batch under way is finished first."""
    settings = Settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    async def job(redis: "Redis") -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if once:
            console.print(_said(await _catch_up(redis, settings, stop)))
            return
        consumer = consumer_of(redis, settings)
        console.print(f"consuming the events of shop {settings.shop!r} as {consumer.name}")
        await consumer.run(stop)
        console.print(_said(await consumer.housekeeping()))

    with_store(settings, job)


async def _catch_up(redis: "Redis", settings: Settings, stop: asyncio.Event) -> Backlog:
    with bar() as progress:
        task = progress.add_task("applying events", total=None)
        consumer = consumer_of(redis, settings, lambda n: progress.advance(task, n))
        await consumer.stream.join()
        progress.update(task, total=(await consumer.stream.backlog()).lag)
        return await consumer.catch_up(stop)


def _said(left: Backlog) -> str:
    return f"{left.waiting:,} events wait, {left.pending:,} are at work elsewhere, {left.dead:,} dead letters"


def dead_letters_command(
    limit: Annotated[int, typer.Option(min=1, help="how many, oldest first")] = 50,
) -> None:
    """List the events that could not be applied, with the reason."""
    settings = Settings()

    async def job(redis: "Redis") -> list[DeadLetter]:
        return await dead_letters(redis, settings.shop, limit)

    letters = with_store(settings, job)
    table = Table("dead letter", "since", "times", "reason", "event", box=None)
    for letter in letters:
        since = letter.time.isoformat(timespec="seconds")
        body = letter.data.decode(errors="replace")[:80]
        table.add_row(letter.id, since, str(letter.deliveries), letter.reason, body)
    console.print(table if letters else "no dead letters")


def replay_dead_command(
    entries: Annotated[list[str] | None, typer.Argument(help="dead letters by name; none: all of them")] = None,
) -> None:
    """Put dead letters back into the event stream, once their cause is mended."""
    settings = Settings()

    async def job(redis: "Redis") -> int:
        return await replay_dead(redis, settings.shop, entries or ())

    console.print(f"{with_store(settings, job):,} events are in the stream again")


def bench_command(
    events: Annotated[int, typer.Option(min=1, help="how many events to apply")] = 50_000,
    shoppers: Annotated[int, typer.Option(min=1, help="among how many shoppers")] = 10_000,
    batch: Annotated[int, typer.Option(min=1, help="events taken at once")] = 2_000,
) -> None:
    """Measure the consumer on a store of its own: realistic visits of shoppers with full-sized profiles."""
    console.print(str(bench(events, shoppers, batch)))
