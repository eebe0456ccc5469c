"""The verdict: figures beside their floors and aims, as a table for a terminal or a page.

In: the report, as `--json` writes it. Out: rows, the broken floors, and tables of both kinds.
"""

import statistics
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.bench import stages

Report = dict[str, Any]

# (name, over, floor, aim): the rate of one over that of the other, in the same round.
RATIOS = (
    ("personal", "litserve", 1.5, 2.5),
    ("personal", "bentoml", 2.5, 4.0),
    ("personal", "bare", 0.12, 0.20),
    ("cached", "bare", 0.50, 0.75),
)
_P99_MS, _READY_S, _MEMORY_MB = (15.0, 8.0), (2.0, 1.0), (250.0, 150.0)
_TIMES = {"p50": "p50_ms", "p90": "p90_ms", "p99": "p99_ms", "p99.9": "p999_ms", "max": "max_ms"}
LABELS = {
    "bare": "(a) bare Starlette route, the same bytes",
    "cached": "(b) Endcap, product page, cached",
    "personal": "(c) Endcap, product page, personal, uncached",
    "home": "    Endcap, homepage, personal, uncached",
    "cart": "    Endcap, cart, personal, uncached",
    "litserve": "(d) LitServe, the ranker alone",
    "bentoml": "(e) BentoML, the ranker alone",
    "bentoml-ready-made": "    BentoML, its JSON made by hand",
}


@dataclass(frozen=True)
class Row:
    """A figure that has a floor. `more`: the floor is the least; else it is the most."""

    figure: str
    value: float
    floor: float
    aim: float
    unit: str = ""
    more: bool = True
    low: float | None = None  # of the rounds, or of the starts
    high: float | None = None

    def reaches(self, limit: float) -> bool:
        """Whether the figure is as good as a limit."""
        return self.value >= limit if self.more else self.value <= limit

    @property
    def spread(self) -> str:
        """Least and greatest."""
        return "" if self.low is None or self.high is None else f"{_number(self.low)} to {_number(self.high)}"

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if not self.reaches(self.floor):
            return "BELOW THE FLOOR"
        return "aim reached" if self.reaches(self.aim) else "floor kept"


def rows(report: Report) -> list[Row]:
    """All figures with floors that were measured."""
    found = []
    for name, over, floor, aim in RATIOS:
        if ratios := per_round(report, name, over):
            label = f"{_short(name)} over {_short(over)}"
            found.append(Row(label, statistics.median(ratios), floor, aim, low=min(ratios), high=max(ratios)))
    if told := report.get("open_loop"):
        figure = f"p99 of (c) at {told['asked']:g} requests/s, open loop"
        found.append(Row(figure, told["p99_ms"], *_P99_MS, unit="ms", more=False))
    if told := report.get("ready"):
        starts = told["starts"]
        found.append(Row("ready after start", told["seconds"], *_READY_S, "s", False, min(starts), max(starts)))
    if told := report.get("memory"):
        found.append(Row("memory of one edge process (RSS)", told["rss"] / 1e6, *_MEMORY_MB, unit="MB", more=False))
    return found


def per_round(report: Report, name: str, over: str) -> list[float]:
    """The ratios of two rates, round by round."""
    rates = report.get("rates", {})
    pairs = zip(rates.get(name, ()), rates.get(over, ()), strict=True) if name in rates and over in rates else ()
    return [one["rate"] / other["rate"] for one, other in pairs]


def broken(report: Report) -> list[str]:
    """The floors that were not kept, and what was lost in a swap, in words."""
    said = [
        f"{row.figure}: {_number(row.value)} {row.unit}".rstrip() + f", the floor is {_number(row.floor)}"
        for row in rows(report)
        if not row.reaches(row.floor)
    ]
    if (swap := report.get("swap")) and (lost := swap["lost"] + swap["refused"]):
        said.append(f"{lost} of {swap['requests']:,} requests were lost during {swap['swaps']} model swaps")
    return said


def show(report: Report, console: Console) -> None:
    """Print everything."""
    for title, head, lines in _tables(report):
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        for place, name in enumerate(head):
            table.add_column(name, justify="right" if place else "left", no_wrap=place > 0)
        for line in lines:
            table.add_row(*line, style="bold red" if line[-1].isupper() else None)
        console.print(table)
    for note in notes(report):
        console.print(note, soft_wrap=True, highlight=False)


def markdown(report: Report) -> str:
    """The same tables for docs/performance.md."""
    parts = []
    for title, head, lines in _tables(report):
        ruler = ["---", *["--:"] * (len(head) - 1)]
        parts.append("\n".join([f"**{title}**", "", *(f"| {' | '.join(cells)} |" for cells in (head, ruler, *lines))]))
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes(report))])


def _tables(report: Report) -> list[tuple[str, list[str], list[list[str]]]]:
    tables = stages.tables(report) if "stages" in report else []
    if rates := report.get("rates"):
        count = max(map(len, rates.values()))
        head = ["one core", "answers/s", "least to most", "CPU each, us", "p50 ms", "p99 ms"]
        title = f"Rates, medians of {count} rounds"
        tables.append((title, head, [_rate_line(name, rates[name]) for name in LABELS if name in rates]))
    judged = [[row.figure, f"{_number(row.value)} {row.unit}".strip(), row.spread, _number(row.floor),
              _number(row.aim), row.verdict] for row in rows(report)]  # fmt: skip
    if judged:
        head = ["figure", "measured", "least to most", "floor", "aim", "verdict"]
        tables.append(("Floors and aims (ratios: medians of each round's)", head, judged))
    return tables


def _rate_line(name: str, samples: list[dict[str, float]]) -> list[str]:
    def median(field: str) -> float:
        return statistics.median(sample[field] for sample in samples)

    rates = [sample["rate"] for sample in samples]
    spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
    times = [_number(median(field)) for field in ("p50_ms", "p99_ms")]
    return [LABELS[name].strip(), f"{median('rate'):,.0f}", spread, f"{median('cpu_us'):,.0f}", *times]


def notes(report: Report) -> list[str]:
    """What the tables do not say."""
    told = {"machine": _machine, "shop": _shop, "open_loop": _open_loop, "swap": _swap, "memory": _memory}
    told |= {"idle_cores": _idle}
    told |= {"memory_after_swaps": lambda of: f"after the swaps: {_memory(of)}"}
    return [say(report[name]) for name, say in told.items() if name in report]


def _shop(of: dict[str, Any]) -> str:
    return (
        f"{of['shoppers']:,} shoppers in the store; {of['pages']:,} of them ask for a product page each, of "
        f"{of['products']:,} products as often as they are bought; {of['candidates']:.0f} candidates ranked on each in "
        "the mean, never fewer than 100"
    )


def _open_loop(of: dict[str, Any]) -> str:
    times = ", ".join(f"{name} {of[field]:.2f}" for name, field in _TIMES.items())
    return (
        f"open loop, {of['asked']:g} requests/s for {of['seconds']:g} s: {times} ms from the intended start; lost "
        f"{of['lost'] + of['refused']}, degraded {of['degraded']}; the generator itself was late by "
        f"{of['lag_p50_ms']:.2f} ms (p50), {of['lag_p99_ms']:.2f} ms (p99)"
    )


def _idle(of: dict[str, float]) -> str:
    shares = ", ".join(f"{name} {share:.1%}" for name, share in of.items())
    return f"what the servers take of their core while nobody asks them: {shares}"


def _swap(of: dict[str, Any]) -> str:
    return (
        f"{of['swaps']} model swaps under {of['asked']:g} requests/s: {of['lost'] + of['refused']} of "
        f"{of['requests']:,} requests lost, {of['degraded']} degraded, p50 {of['p50_ms']:.2f}, p99 {of['p99_ms']:.2f}, "
        f"max {of['max_ms']:.1f} ms; a swap takes {of['swap_s']:g} s from live.json to serving"
    )


def _memory(of: dict[str, Any]) -> str:
    others = ", ".join(f"{one / 1e6:.0f} MB" for one in of["others_rss"]) or "none"
    return (
        f"memory of the worker {of['rss'] / 1e6:.0f} MB resident, {of['pss'] / 1e6:.0f} MB with shared pages split; "
        f"the server's other processes: {others}"
    )


def _machine(of: dict[str, Any]) -> str:
    return (
        f"{of['at']}, {of['processor']}, {of['cores']} cores (server on {of['server_core']}, clients and store on "
        f"{of['client_core']}), {of['memory_bytes'] / 1e9:.0f} GB, load before {of['load_average_before'][0]}, "
        f"Python {of['python']}, commit {of['commit']}"
    )


def _short(name: str) -> str:
    """A label's letter and first word."""
    return " ".join(LABELS[name].replace("Endcap, product page, ", "").replace(",", "").split()[:2])


def _number(value: float) -> str:
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}".removesuffix(".00")
