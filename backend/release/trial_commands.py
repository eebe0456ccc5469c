"""Commands of a trial: canary and shadow."""

import getpass
from typing import Annotated

import typer
from rich.table import Table

from backend.cli import console, with_store
from backend.release import steps, trials
from backend.settings import Settings


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("canary")(canary)
    app.command("shadow")(shadow)


def canary(
    version: Annotated[str | None, typer.Argument(help="a bundle of the shop; without one: show the trial")] = None,
    percent: Annotated[int, typer.Option(min=1, max=100, help="share of shoppers who get it")] = 10,
    promote: Annotated[bool, typer.Option("--promote", help="let the canary serve everybody")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="end the trial")] = False,
) -> None:
    """Try a model on a share of the shoppers; the backend withdraws it by itself when it is measurably worse."""
    if (version is not None) + promote + withdraw > 1:
        raise typer.BadParameter("one thing at a time: a VERSION, --promote or --withdraw")
    settings, actor = Settings(), f"command:{getpass.getuser()}"
    if promote:
        _say(f"{trials.promote(settings, actor).live.live} serves everybody")
    elif withdraw:
        _say(f"{trials.withdraw(settings, actor) or 'nothing'} withdrawn")
    elif version is not None:
        wanted = version
        with_store(settings, lambda redis: trials.start(settings, redis, actor, wanted, percent))
        _say(f"{version} serves {percent} % of the shoppers of shop {settings.shop!r}")
    else:
        _show(settings)


def shadow(
    version: Annotated[str | None, typer.Argument(help="a bundle of the shop; without one: show the report")] = None,
    off: Annotated[bool, typer.Option("--off", help="ask no shadow any more")] = False,
) -> None:
    """Ask a second model what it would have answered, without serving it, and compare."""
    settings, actor = Settings(), f"command:{getpass.getuser()}"
    if version is not None and off:
        raise typer.BadParameter("one thing at a time: a VERSION or --off")
    if version is not None or off:
        trials.name_shadow(settings, actor, version)
        _say(f"{version} is the shadow of shop {settings.shop!r}" if version else "no shadow any more")
        return
    live = steps.state_of(settings).live()
    name = live.shadow if live else None
    if name is None:
        _say("no shadow")
        return
    report = with_store(settings, lambda redis: trials.shadow_report(redis, settings.shop, name))
    _say(f"{name}: {report['compared']} questions compared, {report['failed']} failed")
    if report["time_ratio"]:
        _say(f"processor time {report['mean_us']} µs a page, {report['time_ratio']} times the live model's")
    table = Table("shelf", "products in common")
    for slot, overlap in report["overlap"].items():
        table.add_row(slot, f"{overlap:.0%}")
    console.print(table)


def _show(settings: Settings) -> None:
    found = with_store(settings, lambda redis: trials.assess(settings, redis))
    if found is None:
        _say("no canary")
        return
    trial, verdict = found
    _say(f"{trial.version} serves {trial.percent} % beside {trial.live}: {verdict.action}")
    for reason in verdict.reasons:
        _say(f"  {reason}")
    table = Table("figure", "value")
    for name, value in verdict.figures.items():
        table.add_row(name, "–" if value is None else str(value))
    console.print(table)


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
