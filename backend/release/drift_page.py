"""The drift report for people: a table for the terminal, a page with plots (plain SVG).

In: a `Report`. Out: a rich table, HTML.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from backend.release.drift import Finding, Report
from backend.release.pages import environment

_LEFT, _WIDE = 176.0, 400.0  # where bars begin, and the widest
_HISTOGRAMS = 8
_FLOOR, _HIGH = 110.0, 100.0


@dataclass(frozen=True)
class Bar:
    """One quantity's PSI, drawn; `limit` is where its limit stands."""

    name: str
    psi: float
    width: float
    limit: float
    kind: str  # far, near, idle
    quiet: bool


@dataclass(frozen=True)
class Bin:
    """Two bars of a histogram."""

    x: float
    wide: float
    then: float
    then_y: float
    now: float
    now_y: float


@dataclass(frozen=True)
class Histogram:
    """Shares by bin then and now."""

    name: str
    psi: float
    ks: float | None
    first: str
    last: str
    bins: list[Bin]


def table(report: Report) -> Table:
    """The table, what is nearest to its limit first."""
    shown = Table("what", "PSI", "limit", "KS", "limit", "", title=_title(report))
    for one in sorted(report.findings, key=_nearness, reverse=True):
        distance = ("–", "–") if one.ks is None else (f"{one.ks:.3f}", f"{one.ks_limit:.3f}")
        remark = "[red bold]drifted[/]" if one.drifted else "not watched" if one.unwatched else ""
        shown.add_row(f"{one.group}/{one.name}", f"{one.psi:.3f}", f"{one.psi_limit:.3f}", *distance, remark)
    return shown


def render(report: Report) -> str:
    """The page."""
    groups: dict[str, list[Finding]] = {}
    for one in report.findings:
        groups.setdefault(one.group, []).append(one)
    widest = max((max(one.psi, one.psi_limit) for one in report.findings), default=1.0)
    plots = [(name, [_bar(one, min(widest, 1.0)) for one in found]) for name, found in groups.items()]
    furthest = sorted(report.findings, key=lambda one: (one.drifted, _nearness(one)), reverse=True)[:_HISTOGRAMS]
    histograms = [_histogram(one) for one in furthest]
    template = environment().get_template("drift.html.jinja")
    return template.render(report=report, plots=plots, histograms=histograms)


def _title(report: Report) -> str:
    days = f"{report.orders:,} orders of {report.first_day} to {report.last_day}" if report.enough else report.note
    return f"{report.version}: {days}"


def _nearness(one: Finding) -> float:
    return max(one.psi / one.psi_limit, (one.ks or 0.0) / one.ks_limit)


def _bar(one: Finding, scale: float) -> Bar:
    kind = "far" if one.drifted else "idle" if one.unwatched else "near"
    width = round(_WIDE * min(one.psi / scale, 1.0), 1)
    limit = round(_LEFT + _WIDE * min(one.psi_limit / scale, 1.0), 1)
    return Bar(one.name, one.psi, width, limit, kind, bool(one.unwatched))


def _histogram(one: Finding) -> Histogram:
    return Histogram(f"{one.group}/{one.name}", one.psi, one.ks, one.bins[0], one.bins[-1], list(_bins(one)))


def _bins(one: Finding) -> Iterator[Bin]:
    tallest = max(*one.before, *one.now, 1e-9)
    step = 328 / len(one.before)
    for at, (then, now) in enumerate(zip(one.before, one.now, strict=True)):
        heights = [round(_HIGH * share / tallest, 1) for share in (then, now)]
        ys = [round(_FLOOR - height, 1) for height in heights]
        yield Bin(round(6 + step * at + step * 0.1, 1), round(step * 0.4, 1), heights[0], ys[0], heights[1], ys[1])
