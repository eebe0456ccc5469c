"""Commands that measure the live bundle again, on weeks nothing was learned from: `coldstart` and `diversity`.

In: arguments, settings from the environment. Out: a table for people, the same as JSON, and as Markdown for documents.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Shown

from training import dataset as datasets
from training.coldstart import OURS, cold_starts
from training.diversity import diversity
from training.settings import Settings
from training.unseen import Unseen, open_unseen

Table = dict[str, dict[str, dict[str, float]]]
Row = tuple[str, ...]

_DATASET_HELP = "prepared data; default <data dir>/datasets/<shop>"
_DAYS_HELP = "only the first days of the weeks nothing was learned from (ENDCAP_TEST_DAYS)"
_ORDERS_HELP = "orders measured on, drawn with a seed"
console = Console(stderr=True)


def coldstart(
    dataset: Annotated[Path | None, typer.Option(help=_DATASET_HELP)] = None,
    orders: Annotated[int, typer.Option(min=1, help=_ORDERS_HELP)] = 3_000,
    days: Annotated[int | None, typer.Option(min=1, help=_DAYS_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of the table")] = False,
    markdown: Annotated[Path | None, typer.Option(help="also write the table here as Markdown")] = None,
) -> None:
    """Measure the live bundle on products without sales, shoppers without history and visits of one product."""
    # Replaying, then the moments: once for shoppers, and once for each of two kinds of new products.
    table = _measured(dataset, orders, days, "cold starts", 3, cold_starts)
    names = ("case", "queries", "method", "hit_rate@10", "ndcg@10", "mrr@20", "Endcap's lead in ndcg@10")
    _tell(table, names, list(cold_rows(table)), as_json, markdown)


def diversity_command(
    dataset: Annotated[Path | None, typer.Option(help=_DATASET_HELP)] = None,
    orders: Annotated[int, typer.Option(min=1, help=_ORDERS_HELP)] = 1_500,
    days: Annotated[int | None, typer.Option(min=1, help=_DAYS_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of the table")] = False,
    markdown: Annotated[Path | None, typer.Option(help="also write the table here as Markdown")] = None,
) -> None:
    """Measure what ENDCAP_DIVERSITY and collapsing families cost in accuracy, and what they change on a shelf."""
    table = _measured(dataset, orders, days, "diversity", 1, diversity)
    names = (
        "shelf",
        "queries",
        "diversity",
        "ndcg@10",
        "change of ndcg@10",
        "kinds in 8",
        "most of a kind",
        "families",
    )
    _tell(table, names, list(diversity_rows(table)), as_json, markdown)


def cold_rows(table: Table) -> Iterator[Row]:
    """A row per case and method, ours first."""
    for case, methods in table.items():
        for method, values in methods.items():
            figures = (f"{values[name]:.4f}" for name in ("hit_rate@10", "ndcg@10", "mrr@20"))
            lead = "" if method == OURS else _interval(values, "lead")
            yield case, f"{values['queries']:,.0f}", method.replace("_", " "), *figures, lead


def diversity_rows(table: Table) -> Iterator[Row]:
    """A row per shelf and setting."""
    for slot, settings in table.items():
        for setting, values in settings.items():
            seen = (f"{values[name]:.2f}" for name in ("kinds", "most_of_a_kind", "families"))
            yield (
                slot,
                f"{values['queries']:,.0f}",
                setting,
                f"{values['ndcg@10']:.4f}",
                _interval(values, "cost"),
                *seen,
            )


def _interval(values: dict[str, float], name: str) -> str:
    return f"{values[name]:+.4f} ({values[f'{name}_low']:+.4f} to {values[f'{name}_high']:+.4f})"


def _measured(
    dataset: Path | None,
    orders: int,
    days: int | None,
    title: str,
    rounds: int,
    measure: Callable[[Unseen, Callable[[int], None]], Table],
) -> Table:
    settings = Settings()
    data = datasets.open_dataset(dataset or settings.dataset_dir)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        replay = progress.add_task("replaying profiles", total=data.summary.lines)
        unseen = open_unseen(data, settings, days, orders, lambda n: progress.update(replay, completed=n))
        progress.update(replay, completed=data.summary.lines)
        task = progress.add_task(title, total=rounds * max(len(unseen.moments), 1))
        return measure(unseen, lambda n: progress.update(task, completed=n))


def _tell(table: Table, names: Row, rows: list[Row], as_json: bool, markdown: Path | None) -> None:
    if markdown:
        lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}", *(f"| {' | '.join(row)} |" for row in rows)]
        markdown.write_text("\n".join(lines) + "\n")
    if as_json:
        print(json.dumps(table, indent=2))
        return
    shown = Shown(*names)
    for at, row in enumerate(rows):
        if at and row[0] != rows[at - 1][0]:
            shown.add_section()
        shown.add_row(*row)
    Console().print(shown)
