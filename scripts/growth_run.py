"""How serving grows with the catalogue: every size made, loaded, asked and served, in processes of their own.

In: sizes. Out: a table, JSON and a picture of loading time, latency and memory; status 1 where retrieval, features and
ranking of a page take longer than allowed at a million products. The ranker is trained on the smallest size and serves
them all; data lie in a temporary directory, one size at a time, and are deleted.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it is started by its path

from training.growth import build, result  # noqa: E402 -- after the path

SIZES = ((10_000, 100_000), (100_000, 1_000_000), (1_000_000, 5_000_000))
QUICK = ((400, 3_000), (1_500, 6_000))
_ORDERS = 3_000  # the forest learns from
_WORKERS = (1, 3)
# Shares of the time, by step of one size, as usually taken.
_STEPS = {"generating": 25, "index": 55, "loading and asking": 8, "serving": 12}

console = Console()
app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(
    quick: Annotated[bool, typer.Option(help="two tiny shops, nothing judged: does it all still run?")] = False,
    busy: Annotated[
        bool, typer.Option(help="this machine has other work: judge the processor's time, not the wall clock's")
    ] = False,
    pages: Annotated[int, typer.Option(min=60, help="pages asked of each size")] = 3_000,
    size: Annotated[list[str] | None, typer.Option(help="PRODUCTSxSESSIONS; may be repeated; default three")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="also write the measurements here")] = None,
    plot: Annotated[Path | None, typer.Option(help="also draw them here, as SVG")] = None,
    work: Annotated[Path | None, typer.Option(help="where the data lie meanwhile (5 GB); default: temporary")] = None,
) -> None:
    """Measure every size, smallest first."""
    sizes = sorted(_read(one) for one in size) if size else list(QUICK if quick else SIZES)
    with tempfile.TemporaryDirectory(prefix="endcap-growth-", dir=work) as directory:
        points = _measure(Path(directory), sizes, min(pages, 150) if quick else pages)
    console.print(result.table(points))
    if json_out:
        json_out.write_bytes(msgspec.json.format(msgspec.json.encode(points)) + b"\n")
    if plot:
        from training.growth.plot import draw

        draw(points, plot)
    found = result.faults(points, busy=busy)
    for fault in found:
        console.print(f"too slow: {fault}", style="red", soft_wrap=True)
    raise typer.Exit(bool(found))


def _measure(directory: Path, sizes: list[tuple[int, int]], pages: int) -> list[result.Point]:
    bars = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    )
    points, forest = [], None
    with bars:
        for products, sessions in sizes:
            where = directory / str(products)
            run = _Run(bars, f"{products:,} products", where)
            where.mkdir()
            run.step("generating", ["-m", "training.growth", "dataset", str(where), str(products), str(sessions)])
            if forest is None:
                run.step("", ["-m", "training.growth", "forest", str(where), str(_ORDERS)])
                made = next((where / build.FOREST / build.SHOP).iterdir())
                forest = shutil.move(made, directory / "forest")
            run.step("index", ["-m", "training.growth", "index", str(where), str(forest)])
            inside = run.step("loading and asking", ["scripts/growth_probe.py", str(where), str(pages)])
            workers = [str(count) for count in _WORKERS]
            served = run.step("serving", ["scripts/growth_server.py", str(where), str(pages // 2), *workers])
            built = msgspec.json.decode((where / build.BUILT).read_bytes())
            points.append(msgspec.convert({"built": built, "inside": inside, "served": served}, result.Point))
            shutil.rmtree(where)
    return points


class _Run:
    """The steps of one size, each a process whose last line is its result."""

    def __init__(self, bars: Progress, title: str, directory: Path) -> None:
        self._bars, self._title, self._directory = bars, title, directory
        self._task = bars.add_task(title, total=sum(_STEPS.values()))
        self._done = 0.0

    def step(self, name: str, command: list[str]) -> object:
        """Run it, showing what it says it is at; what it said last. Ends this program where it fails."""
        share = _STEPS.get(name, 0)
        # The made-up shop's memory is measured in processes that do one thing; one thread each, so that sizes compare.
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        said: object = None
        with process:
            assert process.stdout is not None  # noqa: S101 -- because it was asked for above
            for line in process.stdout:
                said = json.loads(line)
                if isinstance(said, dict) and "stage" in said:
                    self._show(said["stage"], self._done + share * (said["done"] or 0))
        if process.returncode:
            raise SystemExit(f"endcap: {' '.join(command[:3])} ended with status {process.returncode}")
        self._done += share
        self._show(name or "forest", self._done)
        return said

    def _show(self, stage: str, done: float) -> None:
        self._bars.update(self._task, completed=done, description=f"{self._title}: {stage}")


def _read(text: str) -> tuple[int, int]:
    products, _, sessions = text.partition("x")
    if not (products.isdecimal() and sessions.isdecimal() and int(products) >= 200 and int(sessions) >= 1_000):
        raise typer.BadParameter(f"{text!r} is not PRODUCTSxSESSIONS with at least 200 and 1000, such as 10000x100000")
    return int(products), int(sessions)


if __name__ == "__main__":
    app()
