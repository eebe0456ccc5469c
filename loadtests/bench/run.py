"""One benchmark from start to report: shop, servers, rounds, and what rates do not show.

In: `Options`. Out: the report as one dictionary. All that was started is stopped, whatever happens.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from loadtests.bench import costs
from loadtests.bench.counters import FEW
from loadtests.bench.environments import environment
from loadtests.bench.machine import Cores, alone, check_tools, choose_cores, facts
from loadtests.bench.rounds import Load, Rounds, Sample, check_answer
from loadtests.bench.servers import Place, Server, bare, bentoml, endcap, litserve
from loadtests.bench.shop import Pages, Shop, prepare, store, twin
from loadtests.server import RunError

RATES = ("bare", "cached", "personal", "home", "cart", "litserve", "bentoml", "bentoml-ready-made")
OTHERS = ("open-loop", "swap", "memory", "ready")
PARTS = (*RATES, *OTHERS)
_ROWS = 100  # of the matrix that the frameworks hold
_CACHED_PAGES = 20
_IDLE_S = 2.0


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    data_dir: Path
    shop: str = "demo"
    rounds: int = 5
    seconds: float = 5.0
    connections: int = 8
    shoppers: int = 200_000
    rate: float = 300.0
    starts: int = 5
    parts: tuple[str, ...] = PARTS
    port: int | None = None
    candidates: int = 100  # that are ranked at least on every product page

    @property
    def place(self) -> Path:
        """Where the benchmark keeps its own."""
        return self.data_dir / "bench"


@dataclass
class Bench:
    """What a run works with."""

    options: Options
    console: Console
    cores: Cores
    shop: Shop
    place: Place
    work: Path
    report: dict[str, Any] = field(default_factory=dict)

    def wants(self, *parts: str) -> bool:
        """Whether any of these is to be measured."""
        return not set(parts).isdisjoint(self.options.parts)


def run(options: Options, console: Console) -> dict[str, Any]:
    """Make the run. Raises RunError when it cannot be made."""
    check_tools()
    cores = choose_cores()
    with ExitStack() as stack:
        stack.enter_context(alone(options.place))
        shop = prepare(options.data_dir, options.place, options.shop, options.shoppers, candidates=options.candidates)
        environments = {
            name: environment(name, options.place / "environments")
            for name in ("litserve", "bentoml")
            if any(part.startswith(name) for part in options.parts)
        }
        os.sched_setaffinity(0, {cores.client})
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="endcap-bench-")))
        url = stack.enter_context(store(shop, cores.client))
        place = Place(shop.data, url, cores, options.port, model=model_files(shop, work))
        bench = Bench(options, console, cores, shop, place, work)
        bench.report["machine"] = facts(cores)
        bench.report["settings"] = {name: value for name, value in asdict(options).items() if name != "data_dir"}
        compare(bench, environments, stack)
        if bench.wants("ready"):
            say(bench, f"starting Endcap {options.starts} times")
            idle = replace(place, port=None)
            bench.report["ready"] = costs.times_to_ready(lambda: endcap(idle, name="ready"), options.starts)
    return bench.report


def compare(bench: Bench, environments: dict[str, Path], stack: ExitStack) -> None:
    """All that needs Endcap up: the rounds, then latency, swaps and memory."""
    if set(bench.options.parts) <= {"ready"}:
        return
    say(bench, "starting the servers")
    edge = stack.enter_context(endcap(bench.place))
    if not bench.shop.pages:
        raise RunError("no product page ranks 100 candidates: the live model is of too small a shop to be measured")
    pages = Pages(bench.shop)
    loads = make_loads(bench, edge, pages, environments, stack)
    if loads:
        bench.report["idle_cores"] = idle({load.server.name: load.server for load in loads})
        rounds = Rounds(loads, bench.options.seconds, bench.options.connections, bench.cores.client)
        samples = rounds.run(bench.options.rounds, lambda *told: hear(bench, *told))
        bench.report["rates"] = {name: [one.told() for one in found] for name, found in samples.items()}
        if "personal" in samples:
            candidates = statistics.mean(sample.candidates for sample in samples["personal"])
            products = len({product for _, product in bench.shop.pages})
            counted = {"shoppers": len(bench.shop.shoppers), "pages": len(bench.shop.pages), "products": products}
            bench.report["shop"] = counted | {"candidates": candidates}
    paths = write(bench, "open-loop", list(reversed(pages.personal("pdp"))))
    if bench.wants("open-loop"):
        steady(bench, edge, paths)
    if bench.wants("memory"):
        bench.report["memory"] = costs.memory_of(edge)
    if bench.wants("swap"):
        swap(bench, edge, paths)
        bench.report["memory_after_swaps"] = costs.memory_of(edge)


def idle(servers: Mapping[str, Server]) -> dict[str, float]:
    """What each server takes of a core while nobody asks it: it takes that from the one that is measured, too."""
    before_s = {name: server.cpu_s() for name, server in servers.items()}
    time.sleep(_IDLE_S)
    return {name: round((server.cpu_s() - before_s[name]) / _IDLE_S, 3) for name, server in servers.items()}


def make_loads(bench: Bench, edge: Server, pages: Pages, environments: dict[str, Path], stack: ExitStack) -> list[Load]:
    """Start the other servers, and check one answer of each."""
    wanted = [part for part in RATES if part in bench.options.parts]
    if not wanted:
        return []
    personal = Load(
        "personal",
        edge,
        write(bench, "pdp", pages.personal("pdp")),
        personal=True,
        reference=bench.options.candidates >= FEW,
    )
    answer = bench.work / "answer"
    answer.write_bytes(check_answer(personal))
    contextual = write(bench, "contextual", pages.contextual(_CACHED_PAGES))
    loads = [personal, Load("cached", edge, contextual, cached=True)]
    others = [surface for surface in ("home", "cart") if surface in wanted]
    loads += [Load(surface, edge, write(bench, surface, pages.personal(surface)), personal=True) for surface in others]
    if "bare" in wanted:
        loads.append(Load("bare", stack.enter_context(bare(bench.place, answer)), contextual))
    if "litserve" in wanted:
        server = stack.enter_context(litserve(bench.place, environments["litserve"]))
        loads.append(Load("litserve", server, write(bench, "predict", ["/predict"]), "POST"))
    if by_bentoml := [name for name in wanted if name.startswith("bentoml")]:
        server = stack.enter_context(bentoml(bench.place, environments["bentoml"]))
        ways = {"bentoml": "/predict", "bentoml-ready-made": "/ready_made"}
        loads += [Load(name, server, write(bench, name, [ways[name]]), "POST") for name in by_bentoml]
    loads = [load for load in loads if load.name in wanted]
    scores = golden_scores(bench.shop)
    for load in loads:
        model_only = load.method == "POST"
        check_answer(
            load, body=answer.read_bytes() if load.name == "bare" else None, scores=scores if model_only else None
        )
    return loads


def steady(bench: Bench, edge: Server, paths: Path) -> None:
    """Latency of (c) at a steady rate."""
    seconds, rate = 4 * bench.options.seconds, bench.options.rate
    say(bench, f"open loop, {rate:g} requests/s for {seconds:g} s")
    process = costs.open_loop(edge, paths, rate=rate, seconds=seconds, core=bench.cores.client)
    told: dict[str, Any] = msgspec.to_builtins(costs.timed(process, seconds))
    bench.report["open_loop"] = told | {"asked": rate, "seconds": seconds}


def swap(bench: Bench, edge: Server, paths: Path) -> None:
    """What a model swap costs those who shop meanwhile."""
    seconds, rate = max(8.0, 3 * bench.options.seconds), bench.options.rate
    say(bench, f"model swaps, {rate:g} requests/s for {seconds:g} s")
    told = costs.swap_under_load(
        edge, bench.shop, twin(bench.shop), paths, rate=rate, seconds=seconds, core=bench.cores.client,
        offset=len(bench.shop.pages) // 2,
    )  # fmt: skip
    bench.report["swap"] = told | {"asked": rate, "seconds": seconds}


def golden_scores(shop: Shop) -> list[float]:
    """What onnxruntime says of the frameworks' rows: the bundle's golden scores, as often as the rows are repeated."""
    scores = json.loads((shop.bundle / "manifest.json").read_bytes())["golden"]["scores"]
    return [float(scores[row % len(scores)]) for row in range(_ROWS)]


def model_files(shop: Shop, work: Path) -> dict[str, str]:
    """The ranker, and 100 of its golden rows, for the frameworks."""
    import numpy as np  # here, as nothing else of the benchmark needs it

    golden = np.array(json.loads((shop.bundle / "manifest.json").read_bytes())["golden"]["rows"], np.float32)
    np.save(work / "rows.npy", np.resize(golden, (_ROWS, golden.shape[1])))
    return {"RANKER": str(shop.bundle / "ranker.onnx"), "ROWS": str(work / "rows.npy")}


def write(bench: Bench, name: str, paths: list[str]) -> Path:
    """A file of paths for the clients."""
    file = bench.work / f"{name}.paths"
    file.write_text("\n".join(paths) + "\n")
    return file


def say(bench: Bench, what: str) -> None:
    """What is being done, for whoever waits."""
    bench.console.print(f"[dim]{what} ...[/]", highlight=False)


def hear(bench: Bench, name: str, number: int, sample: Sample) -> None:
    """One line for each burst."""
    lack = f", {sample.degraded:.1%} degraded by {sample.by}" if sample.degraded else ""
    bench.console.print(
        f"[dim]  round {number + 1} {name:>20} {sample.rate:>9,.0f}/s {sample.cpu_us:>8,.0f} us{lack}[/]",
        highlight=False,
    )
