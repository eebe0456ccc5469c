"""`python -m backend reconcile`: are all orders of the last days here? Exit status 1 where not."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from backend import audit
from backend.cli import console, with_store
from backend.event_log.store import EventLog
from backend.platforms.connect import NotConnectedError, connected
from backend.reconcile.compare import Reconciled, reconcile, repair
from backend.reconcile.sources import Order, file_orders, platform_orders
from backend.settings import Settings
from edge.core import clock
from edge.core.bundle import replace_file
from edge.core.tasks import Platform

if TYPE_CHECKING:
    from redis.asyncio import Redis

_SHOWN = 20  # ids printed; the report has all


def register(app: typer.Typer) -> None:
    """Add the command to `python -m backend`."""
    app.command("reconcile")(reconcile_command)


@dataclass(frozen=True)
class Asked:
    """What to compare: the last days, with the platform's orders or a directory's."""

    days: int = 7
    orders: Path | None = None
    repair: bool = False


def reconcile_command(
    days: Annotated[int, typer.Option(min=1, max=400, help="how many days back")] = 7,
    orders: Annotated[
        Path | None, typer.Option(help="compare with this directory in the plain format, for want of a platform")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="fetch the missing orders and take them in")] = False,
) -> None:
    """Compare the platform's orders of the last days with those received; write a report."""
    settings = Settings()
    outcome = run(settings, Asked(days, orders, repair))
    _show(outcome)
    if outcome.differs:
        raise typer.Exit(1)


def run(settings: Settings, asked: Asked) -> Reconciled:
    """Compare, repair if asked to, write the report and a line of the audit log. Raises PlatformError."""
    platform = _platform(settings, asked)
    since = datetime.fromtimestamp(clock.now(), UTC).date() - timedelta(days=asked.days)
    log = EventLog.open(settings.event_log, settings.data_dir)
    listed = _listed(settings, platform, asked, since)

    async def job(redis: "Redis") -> Reconciled:
        outcome = await reconcile(redis, settings, log, listed, platform, since)
        if asked.repair and asked.orders is None:
            await repair(redis, settings, platform, outcome)
        return outcome

    outcome = with_store(settings, job)
    replace_file(report_path(settings), msgspec.json.format(msgspec.json.encode(outcome)))
    audit.append(
        settings.data_dir, settings.shop, "reconcile", "reconcile", "fail" if outcome.differs else "pass",
        platform=platform, days=asked.days, by=outcome.by, listed=sum(day.platform for day in outcome.days),
        missing=sum(day.missing for day in outcome.days), extra=sum(day.extra for day in outcome.days),
        repaired=outcome.repaired,
    )  # fmt: skip
    return outcome


def report_path(settings: Settings) -> Path:
    """Where the newest report lies."""
    return settings.data_dir / "reports" / settings.shop / "reconcile.json"


def _platform(settings: Settings, asked: Asked) -> Platform:
    if asked.orders is not None:
        return "endcap"
    found = connected(settings)
    if len(found) != 1:
        raise NotConnectedError(
            f"{' and '.join(found) or 'no platform'} connected; connect one (docs/importing.md), or give --orders"
        )
    return found[0]


def _listed(settings: Settings, platform: Platform, asked: Asked, since: date) -> list[Order]:
    if asked.orders is not None:
        return file_orders(settings, asked.orders, since)
    return asyncio.run(platform_orders(settings, platform, since))


def _show(outcome: Reconciled) -> None:
    table = Table(title=f"orders of {outcome.shop} on {outcome.platform}, by {outcome.by}")
    for name in ("day", "platform", "received", "withheld", "missing", "extra"):
        table.add_column(name, justify="left" if name == "day" else "right")
    for day in outcome.days:
        counts = (day.platform, day.received, day.withheld, day.missing, day.extra)
        if any(counts):
            table.add_row(day.day, *(f"{count:,}" for count in counts))
    console.print(table)
    for what, ids in (("missing", outcome.missing), ("extra", outcome.extra)):
        if ids:
            more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
            console.print(f"{what}: {', '.join(ids[:_SHOWN])}{more}", markup=False, soft_wrap=True)
    if outcome.repaired:
        console.print(f"{outcome.repaired:,} repaired")
