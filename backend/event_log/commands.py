"""The event log from the command line: write it, compact it, prepare a data set from it."""

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from redis.asyncio import Redis

from backend.catalogue import current_products
from backend.cli import bar, console, with_store
from backend.event_log.compaction import compact
from backend.event_log.history import prepare_from_log
from backend.event_log.known import denied_in, known_of
from backend.event_log.rows import LogError
from backend.event_log.store import EventLog
from backend.event_log.writer import LogWriter, Written, forget_group
from backend.restricted import Strip
from backend.settings import Settings
from edge.core import clock
from training.dataset import Dataset

_ATTEMPTS = 5
_KEEPS_NOTHING = "EVENT_LOG is `none`: events are not kept"


def register(app: typer.Typer) -> None:
    """Add the commands to the backend's."""
    app.command("log")(log_command)
    app.command("compact")(compact_command)
    app.command("prepare")(prepare_command)


def log_command(
    once: Annotated[bool, typer.Option("--once", help="write what stands in the stream now, then end")] = False,
) -> None:
    """Write consented events from the stream into the event log, until stopped."""
    settings = Settings()
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is None:
        with_store(settings, lambda redis: forget_group(redis, settings.shop))
        console.print(_KEEPS_NOTHING)
        return

    async def job(redis: "Redis") -> Written:
        writer = writer_of(redis, settings, log)
        if once:
            return await writer.once()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        console.print(f"writing the events of shop {settings.shop!r} to {log.location}", soft_wrap=True)
        await writer.run(stop)
        return writer.totals

    console.print(str(with_store(settings, job)))


def writer_of(redis: "Redis", settings: Settings, log: EventLog) -> LogWriter:
    """The shop's log writer with the limits of the settings."""
    return LogWriter(
        redis,
        settings.shop,
        log,
        events=settings.log_events,
        wait_s=settings.log_wait_s,
        claim_s=settings.log_claim_s,
        strip=Strip(redis, settings),
    )


def compact_command() -> None:
    """Merge the small files of each past day of the event log into one."""
    settings = Settings()
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is None:
        console.print(_KEEPS_NOTHING)
        return
    today = datetime.fromtimestamp(clock.now(), UTC).date()
    with bar() as progress:
        task = progress.add_task("compacting days", total=sum(day < today for day in log.days(settings.shop)))
        done = compact(log, settings.shop, today, lambda _: progress.advance(task))
    console.print(str(done))


def prepare_command() -> None:
    """Make the data set that training reads from the event log and the current catalogue."""
    settings = Settings()
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is None:
        raise LogError(f"{_KEEPS_NOTHING}; prepare the platform's order history with `python -m training prepare`")

    with console.status("preparing") as status:
        dataset = with_store(settings, lambda redis: retraining_set(redis, log, settings, status.update))
    console.print(dataset.report())


async def retraining_set(
    redis: "Redis", log: EventLog, settings: Settings, progress: Callable[[str], None] | None = None
) -> Dataset:
    """Prepare the shop's data set from the log, the present catalogue, and what the store knows of the shoppers."""
    for _ in range(_ATTEMPTS):
        products = await current_products(redis, settings.shop, settings.data_dir)
        known = await known_of(redis, log, settings.shop)
        dataset = await asyncio.to_thread(
            prepare_from_log, log, settings.shop, products, settings.dataset_dir,
            links=known.links, excluded=known.denied, progress=progress,
        )  # fmt: skip
        # Whoever was erased meanwhile was erased from the data set that stood there before.
        if not await denied_in(redis, settings.shop, dataset):
            return dataset
    raise LogError(f"shoppers kept being erased while the data set was prepared, {_ATTEMPTS} times; prepare it again")
