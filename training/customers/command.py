"""`python -m training customers`: fit the models of value and risk, and say how good they are.

In: arguments, settings from the environment. Out: tables for people, the same as JSON or Markdown, and the models.
"""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table as Shown

from training import dataset as datasets
from training.customers import run as runs
from training.customers.methods import BASELINES
from training.customers.store import Manifest, TargetModel
from training.rules import DataError
from training.settings import Settings
from training.stages import Stages

_BETTER = {"auc": "higher", "spearman": "higher", "top_decile": "higher", "bias": "nearer to 0"}
console = Console(stderr=True)


def customers(
    dataset: Annotated[Path | None, typer.Option(help="prepared data; default <data dir>/datasets/<shop>")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of the tables")] = False,
    markdown: Annotated[Path | None, typer.Option(help="also write the tables here as Markdown")] = None,
    plot: Annotated[Path | None, typer.Option(help="also draw foretold against real here, as SVG")] = None,
) -> None:
    """Fit the models of customers' value and risk, measured on days they never saw, beside baselines."""
    settings = Settings()
    if plot and find_spec("matplotlib") is None:
        raise DataError("matplotlib, which draws the plot, is not installed; pip install matplotlib")
    data = datasets.open_dataset(dataset or settings.dataset_dir)
    with Stages(runs.STAGES, console).shown() as stages:
        directory, manifest = runs.run(data, settings.customers_dir, settings.shop, stages)
    if markdown:
        markdown.write_text("\n".join(_markdown(manifest)) + "\n")
    if plot:
        from training.customers.plot import draw

        draw(manifest, plot)
    if as_json:
        print(json.dumps(document(manifest), indent=2))
        return
    for name, model in manifest.targets.items():
        shown = Shown(*_header(model), title=_title(name, model))
        for row in rows(model):
            shown.add_row(*row)
        Console().print(shown)
    console.print(f"{directory} is in use", soft_wrap=True)


def document(manifest: Manifest) -> dict[str, object]:
    """The figures for machines: by target the method in use, what was measured, and when."""
    return {
        "version": manifest.version,
        "shop": manifest.shop,
        "targets": {
            name: {"method": model.method, "days": model.days, "measured": msgspec.to_builtins(model.measured)}
            for name, model in manifest.targets.items()
        },
    }


def rows(model: TargetModel) -> Iterator[tuple[str, ...]]:
    """A row per method: its figures with intervals, and the lead that the method in use has over it."""
    names = _measures(model)
    for method, figures in model.measured.methods.items():
        mark = ", baseline" if method in BASELINES else ""
        mark += " (in use)" if method == model.method else ""
        lead = "" if method == model.method else _interval(figures[f"lead_{names[0]}"], sign="+")
        yield method.replace("_", " ") + mark, *(_interval(figures[name]) for name in names), lead


def _measures(model: TargetModel) -> list[str]:
    return [name for name in next(iter(model.measured.methods.values())) if not name.startswith("lead_")]


def _header(model: TargetModel) -> tuple[str, ...]:
    names = _measures(model)
    said = (f"{name.replace('_', ' ')} ({_BETTER.get(name, 'lower')} is better)" for name in names)
    return "method", *said, f"lead of the one in use in {names[0].replace('_', ' ')}"


def _title(name: str, model: TargetModel) -> str:
    measured = model.measured
    return (
        f"{name}: the next {model.days} days, {measured.rows:,} cases of {measured.customers:,} customers from "
        f"{len(measured.cuts)} days, mean {measured.mean:.4g}"
    )


def _interval(figure: dict[str, float], sign: str = "") -> str:
    digits = 4 if max(abs(value) for value in figure.values()) < 10 else 1
    return f"{figure['value']:{sign}.{digits}f} ({figure['low']:{sign}.{digits}f} to {figure['high']:{sign}.{digits}f})"


def _markdown(manifest: Manifest) -> Iterator[str]:
    for name, model in manifest.targets.items():
        header = _header(model)
        yield f"**{_title(name, model)}**\n"
        yield f"| {' | '.join(header)} |"
        yield f"|{'---|' * len(header)}"
        yield from (f"| {' | '.join(row)} |" for row in rows(model))
        yield ""
