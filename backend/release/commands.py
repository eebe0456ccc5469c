"""Commands of a release: approve, reject, publish, roll back, and the audit log."""

import getpass
import sys
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from backend import audit
from backend.cli import console
from backend.release import steps
from backend.settings import Settings

_BY = typer.Option("--by", help="who decides; default the user of this machine")
_VERSION = typer.Argument(help="a bundle of the shop, by version")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in {
        "approve": approve,
        "reject": reject,
        "publish": publish,
        "rollback": rollback,
        "audit": audit_command,
    }.items():
        app.command(name)(command)


def approve(
    version: Annotated[str | None, typer.Argument(help="the waiting candidate; default the one there is")] = None,
    by: Annotated[str | None, _BY] = None,
) -> None:
    """Let the candidate that waits serve; edges verify it and swap within seconds."""
    settings = Settings()
    change = steps.approve(settings, _actor(by), version)
    _tell(settings, change.live.live, change.before)


def reject(
    version: Annotated[str | None, typer.Argument(help="the waiting candidate; default the one there is")] = None,
    why: Annotated[str, typer.Option(help="the reason, for the audit log")] = "",
    by: Annotated[str | None, _BY] = None,
) -> None:
    """Decline the candidate that waits."""
    candidate = steps.reject(Settings(), _actor(by), version, why)
    console.print(f"{candidate.version} is rejected", highlight=False)


def publish(version: Annotated[str, _VERSION], by: Annotated[str | None, _BY] = None) -> None:
    """Make any bundle the serving one, past the gate; edges verify it and swap within seconds."""
    settings = Settings()
    change = steps.publish(settings, _actor(by), version)
    _tell(settings, change.live.live, change.before)


def rollback(
    version: Annotated[str | None, typer.Argument(help="a kept version; default the one live before")] = None,
    by: Annotated[str | None, _BY] = None,
) -> None:
    """Return to the model that served before, or to any kept one."""
    settings = Settings()
    change = steps.rollback(settings, _actor(by), version)
    _tell(settings, change.live.live, change.before)


def audit_command(
    verify: Annotated[bool, typer.Option("--verify", help="only check it: exit status 0 whole, 1 changed")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of the table")] = False,
    last: Annotated[int, typer.Option(min=1, help="lines shown, newest last")] = 40,
) -> None:
    """Show the audit log, or verify that no line was changed, removed or put in between."""
    settings = Settings()
    try:
        entries = audit.read(settings.data_dir)
    except audit.AuditError as error:
        _verdict(as_json, None, str(error))
        raise typer.Exit(1) from error
    if verify:
        _verdict(as_json, audit.head_of(settings.data_dir), "")
    elif as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(entries[-last:])) + b"\n")
    else:
        console.print(_audit_table(entries[-last:]))


def _verdict(as_json: bool, head: audit.Head | None, fault: str) -> None:
    if as_json:
        told = {"passed": head is not None, "lines": head and head.number, "digest": head and head.digest}
        print(msgspec.json.encode(told | {"fault": fault}).decode())
    else:
        lines = f"{head.number} lines, each follows from the one before" if head else ""
        console.print(fault or lines, soft_wrap=True, highlight=False, markup=False)


def _audit_table(entries: list[audit.Entry]) -> Table:
    table = Table("no", "time", "shop", "step", "by", "outcome", "details")
    for entry in entries:
        details = ", ".join(
            f"{name} {_plain(value)}" for name, value in entry.details.items() if value not in ("", None)
        )
        row = (str(entry.number), entry.time, entry.shop, entry.action, entry.actor, entry.outcome, details)
        table.add_row(*(text.replace("[", r"\[") for text in row))
    return table


def _plain(value: audit.Detail) -> str:
    return "; ".join(value) if isinstance(value, list) else str(value)


def _actor(by: str | None) -> str:
    return f"command:{by or getpass.getuser()}"


def _tell(settings: Settings, version: str, before: str | None) -> None:
    was = f" (before: {before})" if before and before != version else ""
    console.print(f"{version} is live for shop {settings.shop!r}{was}", highlight=False, soft_wrap=True)
