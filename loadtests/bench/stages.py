"""Where the time of a request goes, by stage: this checkout beside another one, in one run.

In: this checkout's data and, for a comparison, an older checkout with its own. Out: microseconds per request by page
and stage, as the servers' own histograms have them, and the CPU of all of a server's processes, from /proc. One
connection, so that no request waits for another; rounds alternate, and the least of them counts, as noise only adds.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.ask import Asker
from loadtests.bench.counters import counting
from loadtests.bench.machine import Cores, alone
from loadtests.bench.servers import Place, Server, endcap
from loadtests.bench.shop import Pages, Shop, prepare, store
from loadtests.bench.wrk import Burst, burst
from loadtests.server import ROOT, RunError

# Of a product page, idle machine, in microseconds. What of it the server counts as one stage, and the whole.
BUDGET_US = {
    "store": (120, "trip to the store 50, records read and aligned 70"),
    "retrieve": (70, "candidates"),
    "rank": (170, "features 40, ONNX 90, shelves arranged 40"),
    "shelve": (40, "live rules, JSON"),
    "all": (500, "CPU of the whole server, with uvicorn 60, door, query, headers and metrics 40"),
}
SURFACES = ("pdp", "home", "cart", "cached")
_SKIPPED = 500  # paths between bursts: some were sent whose answers nobody waited for
SHOPPERS = 20_000
_CACHED_PAGES = 20


@dataclass(frozen=True)
class Side:
    """One checkout with its data."""

    name: str
    root: Path
    source: Path


@dataclass(frozen=True)
class Running:
    """A side that is up."""

    side: Side
    server: Server


Figures = dict[str, dict[str, dict[str, float]]]  # side -> page -> stage -> microseconds per request


def measure(
    sides: tuple[Side, ...], *, place: Path, cores: Cores, rounds: int, seconds: float, shop: str = "demo",
    shoppers: int = SHOPPERS,
    candidates: int = 100,
) -> dict[str, Any]:  # fmt: skip
    """Run all sides at once, ask them in turn. Raises RunError."""
    figures: Figures = {side.name: {surface: {} for surface in SURFACES} for side in sides}
    with ExitStack() as stack:
        stack.enter_context(alone(place))
        runs = [stack.enter_context(up(side, place, cores, shop, (shoppers, candidates))) for side in sides]
        paths = files(place, runs[-1][1])  # its pages are chosen by this checkout's retrieval
        sent = dict.fromkeys(SURFACES, 0)
        for number in range(rounds + 1):  # the first warms up
            for surface in SURFACES:
                most = 0
                for running, _ in runs if number % 2 else reversed(runs):
                    told, costs = sample(running.server, paths[surface], sent[surface], cores.client, seconds)
                    most = max(most, told)
                    if number:
                        least(figures[running.side.name][surface], costs)
                sent[surface] += most + _SKIPPED  # all sides are asked for the same pages
    return {"stages": figures, "rounds": rounds, "seconds": seconds}


@contextmanager
def up(side: Side, place: Path, cores: Cores, shop: str, size: tuple[int, int]) -> Iterator[tuple[Running, Shop]]:
    """A side's store, filled in its own codec, and its server. `size`: shoppers, and candidates on each page."""
    data = place / f"stages-{side.name}"
    data.mkdir(parents=True, exist_ok=True)
    ready = prepare(side.source, data, shop, size[0], side.root, size[1])
    with (
        store(ready, cores.client, side.root) as url,
        endcap(Place(data, url, cores, root=side.root), name=side.name) as server,
    ):
        yield Running(side, server), ready


def files(place: Path, shop: Shop) -> dict[str, Path]:
    """The paths of each page, in a file each."""
    pages = Pages(shop)
    paths = {surface: pages.personal(surface) for surface in ("pdp", "home", "cart")}
    paths["cached"] = pages.contextual(_CACHED_PAGES)
    found = {}
    for surface, lines in paths.items():
        found[surface] = place / f"{surface}.paths"
        found[surface].write_text("\n".join(lines) + "\n")
    return found


def sample(server: Server, paths: Path, offset: int, core: int, seconds: float) -> tuple[int, dict[str, float]]:
    """One burst over one connection: the requests made, and the microseconds of each stage per request."""
    found: list[Burst] = []
    before_s = server.cpu_s()

    def ask() -> None:
        found.append(burst(server.url, paths, seconds=seconds, connections=1, core=core, offset=offset))

    with Asker(server.url) as asker:
        counted = counting(asker, ask)
    cpu_s, told = server.cpu_s() - before_s, found[0]
    stages = {stage: spent_s / told.requests * 1e6 for stage, spent_s in counted.stages_s.items()}
    return told.requests, stages | {"all": cpu_s / told.requests * 1e6, "p50": told.p50_ms * 1e3}


def least(figures: dict[str, float], more: Mapping[str, float]) -> None:
    """Keep the smaller of each figure."""
    for stage, spent_us in more.items():
        figures[stage] = min(figures.get(stage, spent_us), spent_us)


def tables(report: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """A table for each page: the stages, the budget of the product page, and each side's microseconds."""
    figures: Figures = report["stages"]
    sides, found = list(figures), []
    for surface in SURFACES:
        names = [stage for stage in figures[sides[-1]][surface] if stage not in ("all", "p50")]
        lines = []
        for stage in (*names, "all", "p50"):
            spent = [figures[side][surface].get(stage, 0.0) for side in sides]
            if not any(round(one) for one in spent):
                continue
            label = {"all": "CPU of the server", "p50": "seen by the client, p50"}.get(stage, stage)
            budget = str(BUDGET_US[stage][0]) if surface == "pdp" and stage in BUDGET_US else ""
            ratio = f"{spent[0] / spent[-1]:.1f}" if len(spent) > 1 and spent[-1] else ""
            lines.append([label, budget, *(f"{one:,.0f}" for one in spent), ratio])
        found.append((f"{surface}, us per request", ["stage", "budget", *sides, "ratio"], lines))
    return found


def sides(data: Path, against: Path | None, against_data: Path | None) -> tuple[Side, ...]:
    """Before and after, or only this checkout. Raises RunError when there is no other one."""
    if against and not (against / "edge" / "__main__.py").exists():
        raise RunError(f"{against} is no checkout of Endcap; make one, such as: git worktree add {against} <commit>")
    if against:
        _compile(against)
    after = Side("after", ROOT, data)
    return (Side("before", against, against_data or data), after) if against else (after,)


def _compile(checkout: Path) -> None:
    """The kernels of another checkout, for this Python; one from before there were any has nothing to compile."""
    if not (checkout / "setup.py").exists():
        return
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-800:]
        raise RunError(f"{checkout} cannot be compiled: {said}\nTry in it: {shlex.join(command)}")
