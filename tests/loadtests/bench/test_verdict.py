"""Floors, aims and tables."""

import copy
import io
from typing import Any

from rich.console import Console

from loadtests.bench.verdict import broken, markdown, per_round, rows, show


def sample(rate: float) -> dict[str, float]:
    """One burst."""
    return {"rate": rate, "cpu_us": 1e6 / rate, "p50_ms": 1.0, "p99_ms": 2.0, "requests": rate, "degraded": 0.0}


GOOD: dict[str, Any] = {
    "machine": {
        "at": "2026-11-22T12:00:00+00:00", "processor": "P", "cores": 2, "server_core": 1, "client_core": 0,
        "memory_bytes": 25e9, "load_average_before": [0.1, 0.2, 0.3], "python": "3.11", "commit": "abc",
    },
    "shop": {"shoppers": 200_000, "pages": 80_000, "products": 1_000, "candidates": 100.0},
    "rates": {
        "bare": [sample(10_000), sample(8_000), sample(12_000)],
        "cached": [sample(7_600), sample(6_000), sample(9_200)],
        "personal": [sample(2_000), sample(2_400), sample(1_800)],
        "litserve": [sample(700), sample(800), sample(720)],
        "bentoml": [sample(400), sample(410), sample(390)],
    },
    "open_loop": {
        "asked": 300.0, "seconds": 20.0, "p50_ms": 1.0, "p90_ms": 2.0, "p99_ms": 7.5, "p999_ms": 9.0, "max_ms": 11.0,
        "lost": 0, "refused": 0, "degraded": 0, "lag_p50_ms": 0.05, "lag_p99_ms": 0.2,
    },
    "idle_cores": {"endcap": 0.004, "litserve": 0.01},
    "ready": {"seconds": 0.9, "starts": [0.8, 0.9, 1.2]},
    "memory": {"rss": 140e6, "pss": 120e6, "others_rss": [50e6]},
    "swap": {
        "asked": 300.0, "swaps": 4, "requests": 4_500, "lost": 0, "refused": 0, "degraded": 0, "p50_ms": 1.0,
        "p99_ms": 9.0, "max_ms": 20.0, "swap_s": 1.2,
    },
}  # fmt: skip


def changed(**parts: Any) -> dict[str, Any]:
    """The good report with other parts."""
    report = copy.deepcopy(GOOD)
    for part, values in parts.items():
        report[part] = report[part] | values
    return report


def shown(report: dict[str, Any]) -> str:
    """The tables as a terminal shows them."""
    out = io.StringIO()
    show(report, Console(file=out, width=160))
    return out.getvalue()


def test_ratios_are_of_the_same_round() -> None:
    """So that a machine that slows down slows both sides."""
    assert per_round(GOOD, "personal", "bare") == [0.2, 0.3, 0.15]
    assert per_round(GOOD, "personal", "nobody") == []
    first = rows(GOOD)[2]
    assert (first.figure, first.value, first.low, first.high) == ("(c) personal over (a) bare", 0.2, 0.15, 0.3)


def test_a_good_report_breaks_nothing() -> None:
    """Every figure of the issue is there, with its floor and aim."""
    assert broken(GOOD) == []
    found = rows(GOOD)
    assert [(row.floor, row.aim) for row in found] == [
        (1.5, 2.5), (2.5, 4.0), (0.12, 0.2), (0.5, 0.75), (15.0, 8.0), (2.0, 1.0), (250.0, 150.0),
    ]  # fmt: skip
    assert all(row.verdict == "aim reached" for row in found)


def test_what_is_below_a_floor_is_named() -> None:
    """With the figure and the floor; between floor and aim is no failure."""
    report = changed(open_loop={"p99_ms": 15.5}, ready={"seconds": 2.5}, memory={"rss": 251e6})
    assert broken(report) == [
        "p99 of (c) at 300 requests/s, open loop: 15.5 ms, the floor is 15.0",
        "ready after start: 2.50 s, the floor is 2",
        "memory of one edge process (RSS): 251 MB, the floor is 250",
    ]
    between = changed(ready={"seconds": 1.5})
    assert broken(between) == []
    assert rows(between)[5].verdict == "floor kept"


def test_slow_rates_fail() -> None:
    """By the median of the rounds, not by the best."""
    report = changed(rates={"personal": [sample(900), sample(900), sample(5_000)]})
    assert len(broken(report)) == 3
    assert broken(report)[0].startswith("(c) personal over (d) LitServe: 1.2")


def test_a_request_lost_in_a_swap_fails() -> None:
    """One is enough."""
    assert broken(changed(swap={"refused": 1})) == ["1 of 4,500 requests were lost during 4 model swaps"]


def test_what_was_not_measured_is_not_judged() -> None:
    """A part of a run has a part of the table."""
    assert rows({"ready": {"seconds": 0.5, "starts": [0.5]}})[0].spread == "0.50 to 0.50"
    assert broken({}) == []
    assert shown({}) == ""


def test_the_tables_say_it_all() -> None:
    """Rates with their spread and CPU, floors with verdicts, and the notes."""
    text = shown(GOOD)
    assert "(a) bare Starlette route, the same bytes" in text
    assert "8,000 to 12,000" in text
    assert "aim reached" in text
    assert "BELOW" in shown(changed(memory={"rss": 300e6}))
    assert "100 candidates ranked on each" in text
    assert "the generator itself was late by 0.05 ms (p50), 0.20 ms (p99)" in text
    assert "0 of 4,500 requests lost" in text
    assert "endcap 0.4%, litserve 1.0%" in text


def test_markdown_has_the_same() -> None:
    """For docs/performance.md."""
    text = markdown(GOOD)
    assert "| (c) personal over (d) LitServe | 2.86 | 2.50 to 3 | 1.50 | 2.50 | aim reached |" in text
    assert "- memory of the worker 140 MB resident" in text


def test_stages_have_tables_of_their_own() -> None:
    """Before and after beside the budget; no verdict."""
    page = {"store": 300.0, "retrieve": 70.4, "all": 500.0, "p50": 700.0}
    figures = dict.fromkeys(("pdp", "home", "cart", "cached"), page)
    slow = {surface: {stage: 4 * spent for stage, spent in page.items()} for surface in figures}
    text = markdown({"stages": {"before": slow, "after": figures}})
    assert "| stage | budget | before | after | ratio |" in text
    assert "| retrieve | 70 | 282 | 70 | 4.0 |" in text
    assert "| CPU of the server | 500 | 2,000 | 500 | 4.0 |" in text
