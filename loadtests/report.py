"""The report of a run, for people and for machines.

In: numbers, budget and verdict. Out: one table with the verdict under it, and the same as JSON.
"""

import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadtests.budget import Budget
from loadtests.measure import Numbers, Tally, percentile
from loadtests.traffic import SURFACES


def summary(numbers: Numbers, broken: list[str], notes: list[str]) -> dict[str, Any]:
    """Everything a later reader may ask, without the single times."""
    rows: dict[str, dict[str, float]] = {
        surface: _row(numbers.surfaces[surface], numbers.duration_s) for surface in SURFACES
    }
    rows["all"] = _row(_together(numbers), numbers.duration_s)
    return {
        "passed": not broken,
        "broken": broken,
        "notes": notes,
        "asked_rate": numbers.asked_rate,
        "answered_rate": round(numbers.rate, 2),
        "duration_s": numbers.duration_s,
        "sent_late_p99_ms": round(percentile(numbers.late_ms, 0.99), 2),
        "surfaces": rows,
        "failure_reasons": numbers.failure_reasons,
        "events": {
            "accepted": numbers.events_accepted,
            "sent_again": numbers.events_sent_again,
            "lost": numbers.lost,
        },
    }


def save(report: dict[str, Any], path: Path) -> None:
    """Write the summary as JSON."""
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(console: Console, report: dict[str, Any], budget: Budget, files: list[Path]) -> None:
    """Print the table, the verdict, and where to read more."""
    console.print(_table(report, budget))
    if "spike" in report:
        console.print(_spike_title(report["spike"], budget), soft_wrap=True, highlight=False)
        console.print(_spike_table(report["spike"], budget))
    if "soak" in report:
        console.print(_soak_table(report["soak"], budget))
    limits = ", ".join(f"{name} {of.p99_ms:g} / {of.p99_scheduled_ms:g}" for name, of in budget.surfaces.items())
    late_ms = report["sent_late_p99_ms"]
    for line in (
        f"Times are milliseconds. p99 and sched. must stay below: {limits}.",
        f"sched.: p99 from the moment a shopper meant to ask; Locust itself was up to {late_ms:g} ms late (p99).",
        *(f"Note: {note}" for note in report["notes"]),
        *(f"See {path}" for path in files),
    ):
        console.print(escape(line), soft_wrap=True, highlight=False)
    if report["passed"]:
        console.print("[bold green]PASSED[/]: every budget was kept.")
    else:
        console.print(f"[bold red]FAILED[/]: {len(report['broken'])} broken")
        for rule in report["broken"]:
            console.print(f"  • {escape(rule)}", soft_wrap=True, highlight=False)


def _table(report: dict[str, Any], budget: Budget) -> Table:
    title = f"{report['answered_rate']:g} of {report['asked_rate']:g} requests/s answered, {report['duration_s']:g} s"
    # No lines between the columns, so that it fits into 80.
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("surface", no_wrap=True)
    for name in ("asked", "req/s", "p50", "p95", "p99", "sched.", "max", "failed", "degr.", "refused"):
        table.add_column(name, justify="right", no_wrap=True)
    for surface, row in report["surfaces"].items():
        limits = budget.surfaces.get(surface)
        table.add_row(
            surface,
            f"{row['requests']:,}",
            _short(row["rate"]),
            _short(row["p50_ms"]),
            _short(row["p95_ms"]),
            _short(row["p99_ms"], limits.p99_ms if limits else None),
            _short(row["p99_scheduled_ms"], limits.p99_scheduled_ms if limits else None),
            _short(row["max_ms"]),
            f"[bold red]{row['failures']:,}[/]" if row["failures"] else "0",
            f"{row['degraded_share']:.1%}",
            f"{row['refused']:,}",
            end_section=surface == SURFACES[-1],
        )
    return table


def _spike_title(spike: dict[str, Any], budget: Budget) -> str:
    back_s = spike["recovered_s"]
    return (
        f"Spike to {budget.spike.times:g} times the knee of {spike['knee']:,.0f} pages/s: useful "
        f"{spike['useful_of_knee']:.1%} of it, p99 back {'never' if back_s is None else f'after {back_s:g} s'}; the "
        f"throng was up to {spike['throng_sent_late_p99_ms']:g} ms late (p99)"
    )


def _spike_table(spike: dict[str, Any], budget: Budget) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("Locust and throng", no_wrap=True)
    for name in ("asked/s", "useful/s", "useful", "excess", "lesser", "failed", "p50", "sched."):
        table.add_column(name, justify="right", no_wrap=True)
    limit_ms = budget.surfaces["pdp"].p99_scheduled_ms
    for name, row in spike["phases"].items():
        rates = (f"{row[rate]:,.1f}" for rate in ("asked_rate", "useful_rate"))
        counts = (f"{row[kind]:,}" for kind in ("useful", "excess", "lesser", "failed"))
        judged = limit_ms if name in ("before", "after") else None
        table.add_row(name, *rates, *counts, _short(row["p50_ms"]), _short(row["p99_ms"], judged))
    return table


def _soak_table(soak: dict[str, Any], budget: Budget) -> Table:
    worst_ms = _short(soak["worst_p99_ms"], budget.surfaces["pdp"].p99_scheduled_ms)
    title = f"Worst p99 (sched.) of {soak['slice_s']:g} s: {worst_ms} ms, from second {soak['worst_slice_s']:g} on"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("resident memory, MB")
    for name in ("at first", "at last", "at most", f"growth (below {budget.soak.max_growth_mb:g})"):
        table.add_column(name, justify="right")
    for pid, row in soak["memory"].items():
        sizes = (f"{row[size]:.1f}" for size in ("first_mb", "last_mb", "most_mb"))
        table.add_row(f"process {pid}", *sizes, f"{row['growth_mb']:+.2f}")
    return table


def _short(value: float, limit: float | None = None) -> str:
    text = f"{value:.1f}" if value < 1_000 else f"{value:,.0f}"
    if limit is None:
        return text
    return f"[{'green' if value < limit else 'bold red'}]{text}[/]"


def _row(tally: Tally, duration_s: float) -> dict[str, float]:
    requests = len(tally.response_ms)
    return {
        "requests": requests,
        "rate": round(requests / duration_s, 2),
        **{f"p{share:.0f}_ms": round(percentile(tally.response_ms, share / 100), 2) for share in (50, 95, 99)},
        "p99_scheduled_ms": round(percentile(tally.scheduled_ms, 0.99), 2),
        "max_ms": round(max(tally.response_ms, default=0.0), 2),
        "failures": tally.failures,
        "degraded_share": round(tally.degraded / requests, 4) if requests else 0.0,
        "refused": tally.refused,
    }


def _together(numbers: Numbers) -> Tally:
    tallies = numbers.surfaces.values()
    return Tally(
        [time_ms for tally in tallies for time_ms in tally.response_ms],
        [time_ms for tally in tallies for time_ms in tally.scheduled_ms],
        *(sum(getattr(tally, name) for tally in tallies) for name in ("failures", "degraded", "refused")),
    )
