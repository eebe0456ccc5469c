"""Commands of a model's life: retrain, drift, gate, review, approve, reject, publish, roll back; and the audit log."""

import asyncio
import getpass
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console, Group
from rich.table import Table

from backend import audit
from backend.cli import bar, console
from backend.release import drift, drift_page, review, steps
from backend.release import verdict as verdicts
from backend.release.retrain import retrain
from backend.release.state import ReleaseError
from backend.settings import Settings
from training.dataset import open_dataset
from training.page import render

_BY = typer.Option("--by", help="who decides; default the user of this machine")
_DATASET = "prepared data; default <data dir>/datasets/<shop>"
_Result = TypeVar("_Result")
_VERSION = typer.Argument(help="a bundle of the shop, by version")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    commands: dict[str, Callable[..., None]] = {
        "retrain": retrain_command,
        "drift": drift_command,
        "gate": gate_command,
        "review": review_command,
        "approve": approve,
        "reject": reject,
        "publish": publish,
        "rollback": rollback,
        "sign": sign,
        "audit": audit_command,
    }
    for name, command in commands.items():
        app.command(name)(command)


def retrain_command(
    why: Annotated[str, typer.Option(help="the reason, for the audit log")] = "asked for",
    by: Annotated[str | None, _BY] = None,
) -> None:
    """Train, judge beside the live model, then wait for a person (or publish, with PUBLISH=auto)."""
    settings = Settings()
    with _progress() as progress:
        attempt = asyncio.run(_until_told(retrain(settings, _actor(by), [why], progress=progress)))
    if attempt.outcome == "failed":
        raise ReleaseError(attempt.message)
    _tell_end(settings, attempt.version or "", attempt.outcome)
    if attempt.outcome == "refused":
        raise typer.Exit(1)


def drift_command(
    dataset: Annotated[Path | None, typer.Option(help=_DATASET)] = None,
    html: Annotated[Path | None, typer.Option(help="also write the page with the plots here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of the table")] = False,
) -> None:
    """Compare the newest days with what the live model was measured on: exit status 0 as usual, 1 drifted."""
    settings = Settings()
    with _progress(quiet=as_json) as progress:
        report = drift.measure(open_dataset(dataset or settings.dataset_dir), settings, progress)
    page = drift_page.render(report)
    drift.write(steps.reports_dir(settings), report)
    for out in (steps.reports_dir(settings) / "drift.html", *([html] if html else [])):
        render.write(page, out)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        console.print(drift_page.table(report) if report.enough else report.note)
    raise typer.Exit(1 if report.drifted else 0)


def gate_command(
    version: Annotated[str, _VERSION],
    dataset: Annotated[Path | None, typer.Option(help=_DATASET)] = None,
    by: Annotated[str | None, _BY] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the verdict as JSON")] = False,
    json_lines: Annotated[bool, typer.Option("--json-lines", help="for programs: progress as JSON lines")] = False,
) -> None:
    """Judge a bundle beside the live one: exit status 0 passed, 1 refused."""
    settings = Settings()
    data = open_dataset(dataset or settings.dataset_dir)
    if json_lines:
        verdict = steps.gate(settings, _actor(by), data, version, _progress_line)
    else:
        with _progress(quiet=as_json) as progress:
            verdict = steps.gate(settings, _actor(by), data, version, progress)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
    elif not json_lines:
        console.print(verdicts.shown(verdict))
    raise typer.Exit(0 if verdict.passed else 1)


def review_command(
    version: Annotated[str | None, typer.Argument(help="a bundle of the shop; default the candidate")] = None,
) -> None:
    """Show what a candidate would change, and write it as a page: the verdict, pairs, shelves."""
    settings = Settings()
    candidate = steps.state_of(settings).candidate()
    if version is None and candidate is None:
        raise ReleaseError(f"there is no candidate of shop {settings.shop!r}; name a bundle")
    version = version or (candidate.version if candidate else "")
    steps.state_of(settings).manifest(version)
    verdict = verdicts.read(steps.reports_dir(settings), version)
    found = review.compare(settings, version, verdict)
    out = review.write(settings, version, verdict)
    if verdict:
        console.print(verdicts.shown(verdict))
    console.print(review_tables(found))
    stage = f"{candidate.stage}; " if candidate and candidate.version == version else ""
    console.print(f"{stage}{out}", soft_wrap=True, highlight=False)


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


def sign(version: Annotated[str, _VERSION], by: Annotated[str | None, _BY] = None) -> None:
    """Sign a bundle that you trust, with ENDCAP_BUNDLE_KEYS, so that edges that ask for a signature take it."""
    signed = steps.sign(Settings(), _actor(by), version)
    console.print(f"{signed} is signed", highlight=False)


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


def review_tables(found: review.Review) -> Group:
    """Pairs and shelves that change, for a terminal."""
    pairs = Table("product", "with", "before", "now", title="pairs that come, go and move most")
    for pair in (*found.new_pairs[:5], *found.gone_pairs[:5], *found.moved_pairs[:5]):
        pairs.add_row(*(one.replace("[", r"\[") for one in (pair.a, pair.b)), f"{pair.before:.3f}", f"{pair.now:.3f}")
    title = f"{found.changed} of {found.compared} shelves change, {found.overlap:.0%} of the places stay"
    shelves = Table("beside", "comes", "goes", "stay", title=title)
    for one in found.shelves[:8]:
        words = (one.place, ", ".join(one.comes), ", ".join(one.goes))
        shelves.add_row(*(word.replace("[", r"\[") for word in words), str(one.stays))
    return Group(*found.remarks, pairs, shelves)


@contextmanager
def _progress(*, quiet: bool = False) -> Iterator[Callable[[str, float], None]]:
    """A bar that follows stages and the share done; nothing where the output is for programs."""
    with bar(Console(stderr=True, quiet=quiet)) as shown:
        task = shown.add_task("", total=100)
        yield lambda stage, done: shown.update(task, description=stage, completed=int(100 * done))


def _progress_line(stage: str, done: float) -> None:
    print(msgspec.json.encode({"stage": stage, "done": round(done, 3)}).decode(), flush=True)


async def _until_told(job: Coroutine[object, object, _Result]) -> _Result:
    """Run a job; SIGTERM and Ctrl-C cancel it, so that what it started ends with it."""
    task = asyncio.ensure_future(job)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise ReleaseError("told to stop; the run was ended") from None


def _tell_end(settings: Settings, version: str, outcome: str) -> None:
    verdict = verdicts.read(steps.reports_dir(settings), version)
    if verdict:
        console.print(verdicts.shown(verdict))
    told = {
        "waiting": f"waits for you: {review.page_of(settings, version)}; then approve or reject",
        "published": "serves",
        "refused": "was refused",
    }[outcome]
    console.print(f"{version} {told}", soft_wrap=True, highlight=False)


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
    """`command:ann`; a program that starts another one has said so already."""
    return by if by and ":" in by else f"command:{by or getpass.getuser()}"


def _tell(settings: Settings, version: str, before: str | None) -> None:
    was = f" (before: {before})" if before and before != version else ""
    console.print(f"{version} is live for shop {settings.shop!r}{was}", highlight=False, soft_wrap=True)
