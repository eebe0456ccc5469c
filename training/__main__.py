"""The trainer's command line: prepare data, train, look at a bundle. `python -m training --help`.

In: arguments, and settings from the environment. Out: data sets, bundles, and what is said about them.
"""

import json
import signal
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from edge.core.bundle import read_manifest
from edge.core.errors import EndcapError
from edge.core.events import PURPOSES, Purpose
from edge.core.keys import load_keys
from edge.core.snapshot import write_snapshot
from training import dataset as datasets
from training import engine as engines
from training import measuring, pipeline, report, sample
from training.completejourney.adapter import convert
from training.customers.command import customers
from training.engine import Engine
from training.erased import leave_out
from training.holdout import hold_out
from training.page import render as page
from training.sessions import benchmark, tables
from training.settings import Settings
from training.stages import Stages

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
console = Console()
app.command("coldstart")(measuring.coldstart)
app.command("customers")(customers)
app.command("diversity")(measuring.diversity_command)
_FRESH = timedelta(days=14)


@app.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="directory with events and products in the plain format")],
    out: Annotated[
        Path | None, typer.Option(help="where the data set goes; default <data dir>/datasets/<shop>")
    ] = None,
    assume_consent: Annotated[
        list[str] | None, typer.Option(help="a purpose all rows that say nothing agreed to; may be repeated")
    ] = None,
) -> None:
    """Check and normalise a shop's history, and take its products as the catalogue."""
    settings = Settings()
    _take_in(source, out or settings.dataset_dir, _purposes(assume_consent or []), settings.catalogue_path)


@app.command(name="completejourney")
def complete_journey(
    out: Annotated[
        Path | None, typer.Option(help="where the data set goes; default <data dir>/datasets/<shop>")
    ] = None,
    plain: Annotated[
        Path | None, typer.Option(help="only write the plain format here, to be imported as any shop's history")
    ] = None,
    if_stale: Annotated[bool, typer.Option(help="do nothing when it was done lately, by this code")] = False,
) -> None:
    """Take in the public demo data: a year of one grocer's baskets, and a catalogue made from them."""
    settings = Settings()
    marker = (plain or out or settings.dataset_dir) / "made-by"
    if if_stale and (plain or settings.catalogue_path.is_file()) and _lately(marker):
        console.print(f"{marker.parent} is there and was made by this code; nothing to do", soft_wrap=True)
        return
    if plain:
        convert(plain, progress=_tell)
    else:
        with tempfile.TemporaryDirectory() as directory:
            convert(Path(directory), progress=_tell)
            _take_in(Path(directory), out or settings.dataset_dir, (), settings.catalogue_path)
    marker.write_text(pipeline.code_version())


@app.command()
def holdout(
    out: Annotated[Path, typer.Argument(help="directory for history/ and replay.jsonl.gz")],
    days: Annotated[int, typer.Option(min=1, help="how many of the last days are set aside")] = 35,
) -> None:
    """Set the last days of the prepared data aside, to be replayed through a live server as if they happened now."""
    split = hold_out(datasets.open_dataset(Settings().dataset_dir), days, out)
    console.print(f"{out}: {split}", soft_wrap=True, highlight=False)


@app.command(name="sample")
def write_sample(
    out: Annotated[Path, typer.Argument(help="directory to write events.csv and products.csv into")],
) -> None:
    """Write a small made-up shop in the plain format: an example to look at and to try things on."""
    console.print(f"sample shop written to {sample.generate(out)}; next: python -m training prepare {out}")


@app.command()
def run(
    dataset: Annotated[Path | None, typer.Option(help="prepared data; default <data dir>/datasets/<shop>")] = None,
    publish: Annotated[bool, typer.Option(help="let the new bundle serve at once")] = True,
    if_stale: Annotated[bool, typer.Option(help="do nothing when the live bundle is of this data and code")] = False,
    markdown: Annotated[Path | None, typer.Option(help="also write the evaluation here as Markdown")] = None,
    engine: Annotated[Engine | None, typer.Option(help="what aggregates the history; default ENDCAP_ENGINE")] = None,
    spark_master: Annotated[
        str | None, typer.Option(help="where Spark runs, `local[N]` or a URL; default ENDCAP_SPARK_MASTER")
    ] = None,
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="for programs: progress and result as JSON, one object a line")
    ] = False,
) -> None:
    """Train a bundle, measure it on weeks it never saw, and say what each shelf will do."""
    settings = Settings()
    dataset = dataset or settings.dataset_dir
    fresh = pipeline.up_to_date(settings, datasets.open_dataset(dataset).fingerprint) if if_stale else None
    if fresh:
        console.print(f"bundle {fresh} is live and was made from this data set by this code; nothing to do")
        return
    with engines.opened(
        engine or settings.engine,
        spark_master=spark_master or settings.spark_master,
        memory_mib=settings.engine_memory_mib,
    ) as opened:
        data = datasets.open_dataset(dataset, opened)
        if json_lines:
            done = pipeline.run(data, settings, Console(quiet=True), publish=publish, told=_progress_line)
            _line(version=done.manifest.version, seconds=round(done.total_s, 1), peak_mib=round(done.peak_mib))
            return
        outcome = pipeline.run(data, settings, console, publish=publish)
    report.show(console, outcome.manifest)
    if markdown:
        markdown.write_text(report.evaluation_markdown(outcome.manifest.metrics))
    state = "live" if publish else "not published; `python -m backend publish` makes it live"
    console.print(
        f"{outcome.total_s:.0f} s, {outcome.peak_mib:,.0f} MiB at most; {outcome.directory} ({state})", soft_wrap=True
    )


@app.command(name="benchmark")
def run_benchmark(
    train: Annotated[Path, typer.Argument(help="sessions, one a line, oldest first; ids between spaces; .gz or plain")],
    test: Annotated[Path, typer.Argument(help="one `ids so far<TAB>next id` a line; .gz or plain")],
    json_out: Annotated[Path | None, typer.Option("--json", help="also write the figures here")] = None,
    bundles: Annotated[Path | None, typer.Option(help="where the bundle goes; default <data dir>/bundles")] = None,
) -> None:
    """Foresee next clicks: train on one file, score another through the bundle, beside baselines."""
    settings = Settings()
    with Stages(benchmark.STAGES, console).shown() as stages:
        result = benchmark.run(train, test, bundles or settings.bundles_dir, settings.threads, stages)
    console.print(tables.show(result))
    console.print(result.bundle, soft_wrap=True, highlight=False)  # whole, to be copied: a table would break it
    if json_out:
        json_out.write_text(json.dumps(tables.document(result), indent=2) + "\n")


@app.command()
def scale(
    events: Annotated[list[int], typer.Option(min=1_000, help="a size to measure; may be repeated")],
    json_out: Annotated[Path | None, typer.Option("--json", help="also write the measurements here")] = None,
    plot: Annotated[Path | None, typer.Option(help="also draw them here, as SVG")] = None,
) -> None:
    """Measure how the cost of a training run grows, on generated shops; each size in a process of its own."""
    from training.scale import measure

    if plot and find_spec("matplotlib") is None:
        raise measure.ScaleError("matplotlib, which draws the plot, is not installed; pip install matplotlib")
    points = []
    for size in sorted(events):
        with tempfile.TemporaryDirectory(prefix="endcap-scale-") as directory:
            points.append(measure.measure(size, Path(directory)))
        console.print(measure.table(points))
        if json_out:
            json_out.write_bytes(msgspec.json.format(msgspec.json.encode(points)) + b"\n")
    if plot:
        from training.scale.plot import draw

        draw(points, plot)


@app.command()
def inspect(
    bundle: Annotated[str, typer.Argument(help="a bundle's directory, its version, or `live`")],
    as_json: Annotated[bool, typer.Option("--json", help="only the metrics and readiness, as JSON")] = False,
) -> None:
    """Explain a bundle: where it came from, what it looks at, how good it is, and whether its files are whole."""
    settings = Settings()
    directory = report.find_bundle(bundle, settings.bundles_dir, settings.shop)
    shown = report.inspect(directory)
    if as_json:
        manifest = read_manifest(directory)
        print(json.dumps({"metrics": manifest.metrics, "readiness": manifest.readiness}, indent=2))
    else:
        console.print(shown)


@app.command(name="report")
def write_report(
    bundle: Annotated[str, typer.Argument(help="a bundle's directory, its version, or `live`")],
    out: Annotated[
        Path | None, typer.Option(help="the HTML file; default <data dir>/reports/<shop>/<version>.html")
    ] = None,
    previous: Annotated[
        str | None, typer.Option(help="the bundle to compare with; default the newest older one beside it")
    ] = None,
) -> None:
    """Write a page about a bundle: figures, features, calibration, reach, real shelves, what changed."""
    settings = Settings()
    directory = report.find_bundle(bundle, settings.bundles_dir, settings.shop)
    before = None if previous is None else report.find_bundle(previous, settings.bundles_dir, settings.shop)
    html = page.render(directory, settings.catalogue_path, before)
    out = out or settings.data_dir / "reports" / settings.shop / f"{directory.resolve().name}.html"
    console.print(f"{out}: {page.write(html, out) / 1024:,.0f} KiB", soft_wrap=True, highlight=False)


def _lately(marker: Path) -> bool:
    """Whether it was made by this code, and its dates, moved up to that day, still end about now."""
    try:
        age = datetime.now(UTC) - datetime.fromtimestamp(marker.stat().st_mtime, UTC)
        return marker.read_text() == pipeline.code_version() and age < _FRESH
    except OSError:
        return False


def _take_in(source: Path, out: Path, consent: tuple[Purpose, ...], catalogue: Path) -> None:
    datasets.prepare(source, out, assume_consent=consent, progress=_tell)
    settings = Settings()
    gone = leave_out(
        out, settings.data_dir, settings.shop, lambda: load_keys(settings.data_dir, settings.pseudonym_key)
    )
    prepared = datasets.open_dataset(out)
    count = write_snapshot(catalogue, prepared.catalogue())
    console.print(prepared.report())
    if gone:
        console.print(f"{gone:,} lines of erased shoppers are left out")
    console.print(f"{out} holds the data set, {catalogue} the {count:,} products", soft_wrap=True)


def _purposes(names: list[str]) -> tuple[Purpose, ...]:
    wrong = set(names) - set(PURPOSES)
    if wrong:
        raise typer.BadParameter(f"{min(wrong)!r} is not a purpose; choose from {', '.join(PURPOSES)}")
    return tuple(purpose for purpose in PURPOSES if purpose in names)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Told to end: as an exception, so that what was begun is taken back and no half bundle stays."""
    raise SystemExit(128 + number)


def _progress_line(stage: str, done: float) -> None:
    _line(stage=stage, done=round(done, 3))


def _line(**fields: str | float) -> None:
    print(json.dumps(fields), flush=True)


def _tell(what: str) -> None:
    console.print(what, style="dim")


def main() -> NoReturn:
    """Run a command; what goes wrong on purpose is one line, not a traceback."""
    try:
        app()
    except EndcapError as error:
        Console(stderr=True).print(f"endcap: {error}", style="red", soft_wrap=True, markup=False)
        sys.exit(2)
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    main()
