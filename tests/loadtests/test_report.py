"""The table and the JSON of a run."""

import io
import json
from pathlib import Path

from rich.console import Console

from loadtests import report
from loadtests.answers import Outcome
from loadtests.budget import read_budget
from loadtests.measure import Numbers
from loadtests.traffic import SURFACES

BUDGET = read_budget()


def numbers() -> Numbers:
    """A run of two seconds: forty requests, one of them degraded, one failed."""
    run = Numbers(asked_rate=20, duration_s=2.0)
    for surface in SURFACES:
        for number in range(1, 11):
            run.add(surface, Outcome(), float(number), float(number) + 0.5, in_time=True)
    run.add("pdp", Outcome(degraded=True), 120.0, 130.0, in_time=True)
    run.add("cart", Outcome("status 500"), 2.0, 2.0, in_time=True)
    return run


def printed(summary: dict[str, object], width: int = 160) -> str:
    """What the console shows."""
    out = io.StringIO()
    report.show(Console(file=out, width=width), summary, BUDGET, [Path("reports/load.html")])
    return out.getvalue()


def test_the_summary_has_each_surface_and_all_together() -> None:
    """With exact percentiles, and shares where shares are asked for."""
    summary = report.summary(numbers(), [], [])
    rows = summary["surfaces"]
    assert list(rows) == [*SURFACES, "all"]
    assert rows["home"] == {
        "requests": 10,
        "rate": 5.0,
        "p50_ms": 5.0,
        "p95_ms": 10.0,
        "p99_ms": 10.0,
        "p99_scheduled_ms": 10.5,
        "max_ms": 10.0,
        "failures": 0,
        "degraded_share": 0.0,
        "refused": 0,
    }
    assert rows["all"]["requests"] == 42
    assert rows["all"]["max_ms"] == 120.0
    assert rows["pdp"]["degraded_share"] == round(1 / 11, 4)
    assert summary["failure_reasons"] == {"cart: status 500": 1}
    assert summary["answered_rate"] == 20.5


def test_a_surface_nobody_asked_has_zeros() -> None:
    """Instead of a division by zero in the report of a run that went wrong."""
    rows = report.summary(Numbers(asked_rate=20, duration_s=2.0), [], [])["surfaces"]
    assert rows["events"]["p99_ms"] == 0.0
    assert rows["all"]["requests"] == 0


def test_the_summary_is_saved_as_json(tmp_path: Path) -> None:
    """For machines; the single times are not in it."""
    summary = report.summary(numbers(), ["too slow"], ["a note"])
    report.save(summary, tmp_path / "load.json")
    assert json.loads((tmp_path / "load.json").read_text()) == summary
    assert summary["passed"] is False
    assert summary["notes"] == ["a note"]
    assert "response_ms" not in json.dumps(summary)


def test_a_run_that_passed_says_so() -> None:
    """One row per surface, the budget beside it, and where to read more."""
    text = printed(report.summary(numbers(), [], []))
    for word in (*SURFACES, "all", "p99", "cart 100 / 100", "PASSED", "reports/load.html", "20.5 of 20 requests/s"):
        assert word in text
    assert "FAILED" not in text


def test_a_run_that_failed_lists_every_broken_budget() -> None:
    """In words, below the table; brackets in them are not taken for colours."""
    text = printed(report.summary(numbers(), ["pdp: too slow", "cart: [red] herring"], ["a note"]))
    assert "FAILED: 2 broken" in text
    assert "pdp: too slow" in text
    assert "cart: [red] herring" in text
    assert "Note: a note" in text


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    """No number is cut off, even of a long and slow run."""
    run = numbers()
    run.surfaces["pdp"].response_ms += [12_345.0] * 20_000
    text = printed(report.summary(run, [], []), width=80)
    assert "20,011" in text
    assert "12,345" in text
    assert "…" not in text


def test_a_spike_is_told_by_phase() -> None:
    """Below the surfaces: what was useful, what was excess, and when it was over; never is said so."""
    row = {"asked_rate": 300.0, "useful_rate": 95.0, "useful": 1_520, "excess": 3_280, "lesser": 0, "failed": 0}
    phases = {name: row | {"p50_ms": 5.0, "p99_ms": 20.0} for name in ("before", "spike", "recovery", "after")}
    spike = {
        "knee": 100.0,
        "useful_of_knee": 0.95,
        "recovered_s": 2.0,
        "throng_sent_late_p99_ms": 1.5,
        "phases": phases,
    }
    text = printed(report.summary(numbers(), [], []) | {"spike": spike}, width=80)
    for word in ("Spike to 3 times the knee of 100 pages/s", "95.0% of it", "after 2 s", "3,280", "recovery"):
        assert word in text
    assert "…" not in text
    assert "back never" in printed(report.summary(numbers(), [], []) | {"spike": spike | {"recovered_s": None}})


def test_a_soak_is_told_by_process() -> None:
    """Its worst slice, and what each process took."""
    memory = {"7": {"first_mb": 150.0, "last_mb": 150.5, "most_mb": 151.0, "growth_mb": 0.42}}
    soak = {"slice_s": 10.0, "worst_slice_s": 40.0, "worst_p99_ms": 12.5, "memory": memory}
    text = printed(report.summary(numbers(), [], []) | {"soak": soak}, width=80)
    for word in ("Worst p99 (sched.) of 10 s: 12.5 ms, from second 40 on", "process 7", "+0.42", "151.0"):
        assert word in text
