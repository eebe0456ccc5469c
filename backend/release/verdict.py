"""What the gate says: checks with their figures and limits, passed or refused with reasons.

In: figures. Out: `Verdict`, kept as JSON beside the reports and shown as a table.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from backend.release.contest import Shelf, Speed
from edge.core.bundle import replace_file
from edge.core.errors import UNREADABLE, EndcapError


class Check(msgspec.Struct, frozen=True):
    """One check. `reason` says in a sentence why it failed, or what was found."""

    name: str
    passed: bool
    reason: str
    live: float | None = None
    candidate: float | None = None
    limit: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """The gate's answer. `window` are the first and last day both models were asked about."""

    version: str
    live: str | None
    passed: bool
    checks: tuple[Check, ...]
    window: tuple[str, str] | None = None
    orders: int = 0
    shelves: tuple[Shelf, ...] = ()
    speed: Speed | None = None
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why it may not serve."""
        return tuple(f"{check.name}: {check.reason}" for check in self.checks if not check.passed)


def path_of(reports: Path, version: str) -> Path:
    """Where a version's verdict lies."""
    return reports / f"{version}-gate.json"


def write(reports: Path, verdict: Verdict) -> Path:
    """Keep it."""
    path = path_of(reports, verdict.version)
    replace_file(path, msgspec.json.format(msgspec.json.encode(verdict)))
    return path


def read(reports: Path, version: str) -> Verdict | None:
    """The verdict of a version; None where it was not judged. Raises EndcapError when the file is damaged."""
    path = path_of(reports, version)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Verdict)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise EndcapError(f"{path} is damaged: {error}; judge again with `python -m backend gate {version}`") from error


def shown(verdict: Verdict) -> RenderableType:
    """For a terminal."""
    checks = Table("check", "live", "candidate", "limit", "", "found", title=_title(verdict))
    for check in verdict.checks:
        mark = "[green]pass[/]" if check.passed else "[red bold]FAIL[/]"
        figures = (_figure(check.live), _figure(check.candidate))
        checks.add_row(check.name, *figures, check.limit, mark, escape(check.reason))
    shelves = Table("shelf", "queries", "shoppers", "live", "candidate", "difference", "95 % interval", title="NDCG@10")
    for row in shelf_rows(verdict):
        shelves.add_row(*row)
    parts: list[RenderableType] = [checks, *([shelves] if verdict.shelves else []), *map(escape, verdict.notes)]
    end = [f"refused: {reason}" for reason in verdict.refusals] or ["passed"]
    return Group(*parts, *map(escape, end))


def shelf_rows(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """A row of text per shelf."""
    for one in verdict.shelves:
        counts = (f"{one.queries:,}", f"{one.shoppers:,}")
        figures = (f"{one.live:.4f}", f"{one.candidate:.4f}", f"{one.difference:+.4f}")
        yield one.slot, *counts, *figures, f"{one.low:+.4f} to {one.high:+.4f}"


def _title(verdict: Verdict) -> str:
    asked = f", {verdict.orders:,} orders of {verdict.window[0]} to {verdict.window[1]}" if verdict.window else ""
    return f"{verdict.version} beside {verdict.live or 'no live model'}{asked}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"
