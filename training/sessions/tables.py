"""What a benchmark has to say: tables for a terminal, JSON for programs.

In: a `Result`. Out: rich tables, and the document `--json` writes, rates in percent.
"""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from training.sessions.benchmark import Result, Row
from training.sessions.measure import RATES

_NAMES = {
    "popularity": "popularity",
    "item_cosine": "item-item cosine",
    "sequential_rules": "sequential rules",
    "session_knn": "session kNN",
}


def document(result: Result) -> dict[str, Any]:
    """The figures as JSON."""
    return {
        "endcap": result.endcap,
        "endcap_retrieval_order": result.retrieval_order,
        "endcap_by_clicks": result.by_clicks,
        "baselines": result.baselines,
        "forests_on_newest_training_sessions": result.tried,
        "data": result.data,
    }


def show(result: Result) -> RenderableType:
    """The figures for a terminal."""
    return Group(_methods(result), _by_clicks(result), _forests(result), _costs(result))


def _methods(result: Result) -> Table:
    table = Table("method", *RATES, "catalogue_coverage", title="test file, rates in percent")
    for name, row in result.baselines.items():
        table.add_row(_NAMES.get(name, name), *_cells(row, (*RATES, "catalogue_coverage")))
    table.add_section()
    table.add_row("Endcap, retrieval order", *_cells(result.retrieval_order, RATES), "")
    table.add_row("[bold]Endcap", *_cells(result.endcap, (*RATES, "catalogue_coverage")), style="bold")
    return table


def _by_clicks(result: Result) -> Table:
    table = Table("clicks so far", "questions", *RATES, title="short visits and longer ones")
    for name, row in result.by_clicks.items():
        table.add_row(name, f"{row['questions']:,.0f}", *_cells(row, RATES))
    table.add_section()
    for name, row in result.baselines.items():
        cells = _cells({rate: row[f"one_click_{rate}"] for rate in RATES}, RATES)
        table.add_row(f"1, {_NAMES.get(name, name)}", "", *cells)
    return table


def _forests(result: Result) -> Table:
    title = "forests grown on the older window, on the newest training sessions; the choice is made here"
    table = Table("trees x leaves", *RATES, "ONNX ms", title=title)
    for name, row in result.tried.items():
        table.add_row(name, *_cells(row, RATES), f"{row['onnx_ms']:.3f}")
    return table


def _costs(result: Result) -> Table:
    table = Table(show_header=False, title="cost and choices")
    for name, value in _told(result):
        table.add_row(name, value)
    return table


def _told(result: Result) -> Iterator[tuple[str, str]]:
    row = result.endcap
    yield "candidate recall", f"{row['candidate_recall']:.2f} %"
    yield "per prediction, one core", f"p50 {row['p50_ms']:.2f} ms, p99 {row['p99_ms']:.2f} ms"
    yield "training", f"{row['training_seconds']:,.0f} s, {row['training_peak_mib']:,.0f} MiB at most"
    yield "bundle", f"{row['bundle_mib']:.1f} MiB"
    for name, value in result.data.items():
        if not name.startswith("session_gain:"):
            yield name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)


def _cells(row: Row, names: tuple[str, ...]) -> list[str]:
    return [f"{row[name]:.2f}" for name in names]
