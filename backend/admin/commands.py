"""Commands of the app: serve it, list its jobs, run one of them, and a service's own process."""

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from redis.asyncio import Redis
from rich.table import Table

from backend.admin.child import run_service
from backend.admin.jobs import JOBS, Record, interval, job_named, next_run, read_records, run_job
from backend.admin.serve import serve
from backend.admin.services import SERVICES
from backend.cli import console, with_store
from backend.settings import Settings
from edge.core import clock
from edge.drain import end_with_parent
from edge.embedded import store_url
from edge.profiles import connect

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def register(app: typer.Typer) -> None:
    """Add these commands; without any, the program runs the app."""
    app.callback(invoke_without_command=True)(bare)
    app.command("serve")(serve_command)
    app.command("jobs")(jobs_command)
    app.command("run")(run_command)
    app.command("service", hidden=True)(service_command)


def bare(context: typer.Context) -> None:
    """The backend: run without a command, it is the app; the commands are its jobs, each once."""
    end_with_parent()
    os.environ.pop("ENDCAP_LAUNCHER", None)  # the children of this process have another one
    if context.invoked_subcommand is None:
        serve_command()


def serve_command() -> None:
    """Run the backend: consumer and other services, the jobs on time, the API and page on a port of their own."""
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    sys.exit(serve(Settings()))


def jobs_command() -> None:
    """List the jobs: how often, the last run and what came of it, the next."""
    settings = Settings()

    async def job(redis: "Redis") -> dict[str, Record]:
        return await read_records(redis, settings.shop)

    records = with_store(settings, job)
    table = Table("job", "every", "last run (UTC)", "outcome", "next (UTC)", "about")
    for one in JOBS:
        record, every = records.get(one.name), interval(one, settings)
        due = next_run(record, every, clock.now())
        outcome = "" if record is None else f"{'' if record.ok else 'FAILED: '}{record.outcome}"
        last = _moment(record.started if record else None)
        seconds = f"{every:g} s" if every > 0 else "never"
        table.add_row(one.name, seconds, last, outcome.replace("[", r"\["), _moment(due), one.about)
    console.print(table)


def run_command(name: Annotated[str, typer.Argument(help="a job, as `python -m backend jobs` lists them")]) -> None:
    """Run one job now, unless another backend is at it."""
    settings, job = Settings(), job_named(name)
    logging.basicConfig(level=logging.WARNING, format=_LOG_FORMAT)

    async def once(url: str) -> Record | None:
        redis = connect(url, timeout_s=settings.store_timeout_s, connections=4)
        try:
            return await run_job(job, settings.model_copy(update={"redis_url": url}), redis)
        finally:
            await redis.aclose()

    with store_url(settings.redis_url, settings.data_dir / "store") as url:  # for the job's own process, too
        record = asyncio.run(once(url))
    if record is None:
        console.print(f"{name} is being run by another process")
        raise typer.Exit(3)
    console.print(record.outcome, highlight=False, markup=False, soft_wrap=True)
    if not record.ok:
        raise typer.Exit(1)


def service_command(name: Annotated[str, typer.Argument(help=f"one of {', '.join(SERVICES)}")]) -> None:
    """A service's own process, as the app starts them."""
    if name not in SERVICES:
        raise typer.BadParameter(f"{name!r} is no service; services are {', '.join(SERVICES)}")
    settings = Settings()
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    status = with_store(settings, lambda redis: run_service(name, settings, redis))
    sys.exit(status)


def _moment(seconds: float | None) -> str:
    return "–" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
