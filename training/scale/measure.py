"""One size measured: a shop generated, then a whole training run over it, each in a process of its own.

In: how many events, a directory to work in. Out: `Point`: what the run took, stage by stage, and the most memory its
process held, the query engine's included. A process of its own, because the peak of memory never goes down again.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from edge.core.errors import EndcapError
from training import dataset as datasets
from training import engine as engines
from training import pipeline
from training.scale import shop
from training.settings import Settings

_RESULT = "point.json"


class ScaleError(EndcapError):
    """A run that did not end well; its own words stand above."""


class Point(msgspec.Struct, frozen=True):
    """A measured run. Seconds are of the wall clock, but `cpu_s`: a busy machine lengthens that far less."""

    events: int
    lines: int
    products: int
    shoppers: int
    seconds: dict[str, float]  # by stage
    total_s: float
    cpu_s: float  # of all threads
    peak_mib: float
    bundle_mib: float


def measure(events: int, directory: Path) -> Point:
    """Generate and train in two processes, one after the other; what they say goes where this process writes."""
    for step in ("generate", "train"):
        done = subprocess.run(
            [sys.executable, "-m", "training.scale", step, str(directory), str(events)], check=False
        ).returncode
        if done:
            raise ScaleError(f"the run over {events:,} events ended with code {done} at {step!r}")
    return msgspec.json.decode((directory / _RESULT).read_bytes(), type=Point)


def table(points: Sequence[Point]) -> Table:
    """Sizes as columns: what there was, each stage's seconds, the whole, the memory."""
    out = Table(title="cost of a training run, wall-clock seconds and MiB")
    out.add_column("")
    for point in points:
        out.add_column(f"{point.events:,} events", justify="right")
    for name in ("lines", "products", "shoppers"):
        out.add_row(name, *(f"{getattr(point, name):,}" for point in points))
    out.add_section()
    for name in points[0].seconds:
        out.add_row(name, *(f"{point.seconds[name]:,.1f}" for point in points))
    out.add_section()
    out.add_row("whole run, s", *(f"{point.total_s:,.0f}" for point in points))
    out.add_row("processor time, s", *(f"{point.cpu_s:,.0f}" for point in points))
    out.add_row("peak memory, MiB", *(f"{point.peak_mib:,.0f}" for point in points))
    out.add_row("bundle, MiB", *(f"{point.bundle_mib:,.1f}" for point in points))
    return out


def generate(directory: Path, events: int, console: Console) -> None:
    """The first process: the shop as a prepared data set below `directory`."""
    console.print(f"generating {events:,} events")
    made = datasets.open_dataset(shop.generate(directory / "dataset", events))
    console.print(made.report())


def train(directory: Path, console: Console) -> None:
    """The second process: the run a shop would make, with the settings of the environment, and what it took."""
    began = time.process_time()
    settings = Settings().model_copy(update={"shop": "scale", "bundles": directory / "bundles"})
    with engines.opened("duckdb", memory_mib=settings.engine_memory_mib) as engine:
        made = datasets.open_dataset(directory / "dataset", engine)
        outcome = pipeline.run(made, settings, console)
    files = [path for path in outcome.directory.rglob("*") if path.is_file()]
    point = Point(
        events=made.summary.events,
        lines=made.summary.lines,
        products=made.summary.products,
        shoppers=made.summary.shoppers,
        seconds={name: round(seconds, 2) for name, seconds in outcome.seconds.items()},
        total_s=round(outcome.total_s, 1),
        cpu_s=round(time.process_time() - began, 1),
        peak_mib=round(outcome.peak_mib, 1),
        bundle_mib=round(sum(path.stat().st_size for path in files) / 2**20, 1),
    )
    (directory / _RESULT).write_bytes(msgspec.json.format(msgspec.json.encode(point)))
