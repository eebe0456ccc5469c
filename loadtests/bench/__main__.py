"""`python -m loadtests.bench`: rates, latency, memory and start beside others'.

Exit status: 0 the floors were kept, 1 they were not, 2 the run could not be made.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from loadtests.bench import stages
from loadtests.bench.machine import check_tools, choose_cores, facts
from loadtests.bench.run import PARTS, Options
from loadtests.bench.run import run as make_run
from loadtests.bench.verdict import broken, markdown, show
from loadtests.run import leave
from loadtests.server import RunError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_BAD_USAGE, _INTERRUPTED = 2, 130
_ONLY = f"comma list of what to measure: {', '.join(PARTS)}"


@app.command()
def bench(
    json_file: Annotated[Path | None, typer.Option("--json", help="write all figures here")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="how often each server is measured")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="of each burst of requests")] = 5.0,
    connections: Annotated[int, typer.Option(min=1, max=512, help="kept connections, the same for all")] = 8,
    shoppers: Annotated[int, typer.Option(min=100, help="profiles in the store")] = 200_000,
    only: Annotated[str | None, typer.Option(help=_ONLY)] = None,
    without: Annotated[str | None, typer.Option(help="comma list of what to leave out")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="small numbers, no verdict: does it work?")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65_530, help="first of four; default: free ones")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="the demo's data; default ENDCAP_DATA_DIR, else data")] = None,
    shop: Annotated[str, typer.Option(help="the shop in it")] = "demo",
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print the tables as Markdown")] = False,
    by_stage: Annotated[bool, typer.Option("--stages", help="only the time by stage, one connection")] = False,
    against: Annotated[Path | None, typer.Option(help="with --stages: an older checkout, measured beside")] = None,
    against_data: Annotated[Path | None, typer.Option(help="its data, if its model is another one")] = None,
    figures: Annotated[Path | None, typer.Option("--from", help="measure nothing: tables of this JSON file")] = None,
) -> None:
    """Measure Endcap beside a bare Starlette route, LitServe and BentoML, on one core, and judge it by its floors."""
    console = Console(stderr=as_markdown)
    if figures is not None:
        report = json.loads(figures.read_bytes())
    else:
        data = (data_dir or Path(os.environ.get("ENDCAP_DATA_DIR", "data"))).resolve()
        options = Options(data, shop, rounds, seconds, connections, shoppers, parts=chosen(only, without), port=port)
        options = quickly(options) if quick else options
        staged = by_stage or against is not None
        report = measured(options, console, (against, against_data) if staged else None)
        report["quick"] = quick
    report["broken"] = broken(report)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=1) + "\n")
    if as_markdown:
        print(markdown(report))
    show(report, console)
    judge(report, console)


def measured(options: Options, console: Console, other: tuple[Path | None, Path | None] | None) -> dict[str, Any]:
    """The report of a run: of the stages where `other` says beside which checkout and data, else of everything."""
    signal.signal(signal.SIGTERM, leave)  # so that the blocks below end what they started
    for name in [name for name in os.environ if name.startswith("ENDCAP_") or name == "REDIS_URL"]:
        del os.environ[name]  # nobody's own settings shall shape the figures
    try:
        return measure_stages(options, *other) if other else make_run(options, console)
    except KeyboardInterrupt:
        console.print("bench: interrupted; everything that was started has been stopped")
        raise typer.Exit(_INTERRUPTED) from None


def measure_stages(options: Options, against: Path | None, against_data: Path | None) -> dict[str, Any]:
    """Time by stage, beside another checkout if one is named."""
    check_tools()
    cores = choose_cores()
    sides = stages.sides(options.data_dir, *(path and path.resolve() for path in (against, against_data)))
    figures = stages.measure(
        sides,
        place=options.place,
        cores=cores,
        rounds=options.rounds,
        seconds=options.seconds,
        shop=options.shop,
        shoppers=min(options.shoppers, stages.SHOPPERS),
    )
    return {"machine": facts(cores), "settings": {"rounds": options.rounds, "seconds": options.seconds}} | figures


def judge(report: dict[str, Any], console: Console) -> None:
    """The verdict in words, and as exit status."""
    if report.get("quick") or "stages" in report:
        console.print("No verdict: " + ("too short." if report.get("quick") else "stages have a budget, not a floor."))
        return
    faults = broken(report)
    for fault in faults:
        console.print(f"  • {fault}", soft_wrap=True, highlight=False)
    console.print("[bold red]FAILED[/]" if faults else "[bold green]PASSED[/]: every floor that was measured was kept.")
    if faults:
        raise typer.Exit(1)


def quickly(options: Options) -> Options:
    """The same in a minute, for tests."""
    return Options(
        options.data_dir, options.shop, 1, 1.0, 4, min(options.shoppers, 400), 40.0, 1, options.parts, options.port
    )


def chosen(only: str | None, without: str | None) -> tuple[str, ...]:
    """The parts to measure. Raises ValueError for a name that is none."""
    named = [part.strip() for text in (only, without) if text for part in text.split(",")]
    if unknown := [part for part in named if part not in PARTS]:
        raise ValueError(f"{unknown[0]!r} cannot be measured; parts are {', '.join(PARTS)}")
    wanted = only.split(",") if only else PARTS
    left_out = {part.strip() for part in without.split(",")} if without else set()
    return tuple(part for part in PARTS if part in {name.strip() for name in wanted} and part not in left_out)


def main() -> int:
    """Measure; what cannot be done is said in plain words, not as a traceback."""
    try:
        app()
    except (RunError, ValueError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return _BAD_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
