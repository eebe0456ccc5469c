"""The budget file, and the verdict on a run."""

from pathlib import Path

import pytest

from loadtests.answers import Outcome
from loadtests.budget import BUDGET_FILE, Budget, BudgetError, judge, read_budget
from loadtests.measure import Numbers
from loadtests.traffic import SURFACES, Surface

BUDGET = read_budget()
RIGHT = Outcome()


def numbers(per_surface: int = 100, response_ms: float = 5.0, asked_rate: float = 100.0) -> Numbers:
    """A run of four seconds in which every surface answered equally well."""
    run = Numbers(asked_rate=asked_rate, duration_s=4.0)
    for surface in SURFACES:
        slow(run, surface, per_surface, response_ms)
    return run


def slow(run: Numbers, surface: Surface, times: int, response_ms: float, late_ms: float = 0.0) -> None:
    """Add that many requests of that length."""
    for _ in range(times):
        run.add(surface, RIGHT, response_ms, response_ms + late_ms, in_time=True)


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The budget file with one place changed."""
    text = BUDGET_FILE.read_text()
    assert old in text
    path = tmp_path / "budget.toml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_budget_is_what_the_project_promises() -> None:
    """p99 below 100 ms on every surface, no failures, the traffic of the promise."""
    assert {limits.p99_ms for limits in BUDGET.surfaces.values()} == {100.0}
    assert {limits.p99_scheduled_ms for limits in BUDGET.surfaces.values()} == {100.0}
    assert BUDGET.run.max_failures == 0
    assert (BUDGET.mix.pdp, BUDGET.mix.home, BUDGET.mix.cart, BUDGET.mix.events) == (0.60, 0.20, 0.15, 0.05)
    assert BUDGET.fault["redis"].degraded_allowed == ("profile",)
    assert (BUDGET.spike.times, BUDGET.spike.min_useful_share, BUDGET.spike.recovery_s) == (3.0, 0.90, 5.0)
    assert BUDGET.soak.max_growth_mb == 2.0
    assert (BUDGET.network.shopper_round_trip_ms, BUDGET.network.store_round_trip_ms) == (40.0, 2.0)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("p99_ms = 100", "p99_ms = 0", "p99_ms"),
        ("p99_ms = 100", 'p99_ms = "fast"', "p99_ms"),
        ("p99_ms = 100", "p98_ms = 100", "p98_ms"),
        ("max_failures = 0", "", "max_failures"),
        ("pdp = 0.60", "pdp = 0.70", r"\[mix\] add up to 1.1"),
        ("known = 0.55", "known = 0.45", r"\[shoppers\] add up to 0.9"),
        ("[surfaces.cart]", "[surfaces.basket]", r"\[surfaces\] must name pdp, home, cart, events"),
        ("[mix]", "[mix", "budget.toml"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """With the file and the place, before anything is started: a mistyped limit must not pass everything."""
    with pytest.raises(BudgetError, match=complaint):
        read_budget(changed(tmp_path, old, new))


def test_a_missing_budget_is_refused(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(BudgetError, match=r"none\.toml"):
        read_budget(tmp_path / "none.toml")


def test_a_good_run_breaks_nothing() -> None:
    """All fast, all answered, as many as asked for."""
    assert judge(numbers(), BUDGET) == []


@pytest.mark.parametrize("surface", SURFACES)
def test_one_slow_surface_fails_the_run(surface: Surface) -> None:
    """Even where the run as a whole is fast: the budget holds for each."""
    run = numbers()
    slow(run, surface, 2, 150.0)
    (broken,) = [rule for rule in judge(run, BUDGET) if "scheduled" not in rule]
    assert broken == f"{surface}: p99 is 150.0 ms, it must stay below 100 ms"


def test_one_slow_request_in_a_hundred_is_within_the_budget() -> None:
    """It is the 99th percentile that is promised, not the slowest."""
    run = numbers(per_surface=99)
    slow(run, "pdp", 1, 150.0)
    assert judge(run, BUDGET) == []


def test_reaching_the_limit_breaks_it() -> None:
    """Below 100 ms means below."""
    assert len(judge(numbers(response_ms=100.0), BUDGET)) == 2 * len(SURFACES)
    assert judge(numbers(response_ms=99.9), BUDGET) == []


def test_a_queue_behind_a_stall_fails_the_run() -> None:
    """Requests that had to wait to be sent count from the moment they were meant to be sent."""
    run = numbers()
    slow(run, "home", 5, response_ms=20.0, late_ms=400.0)
    assert judge(run, BUDGET) == ["home: p99 from the scheduled start is 420.0 ms, it must stay below 100 ms"]


def test_any_failure_fails_the_run_and_is_named() -> None:
    """The commonest reasons first."""
    run = numbers()
    for reason in ("status 500", "no model version", "status 500"):
        run.add("cart", Outcome(reason), 5.0, 5.0, in_time=True)
    assert judge(run, BUDGET) == [
        "3 failed requests, 0 allowed: 2 x cart: status 500; 1 x cart: no model version",
    ]


def test_too_little_throughput_fails_the_run() -> None:
    """98 % of what was asked for must be answered; 400 answers in 4 s are 100 a second."""
    assert judge(numbers(asked_rate=102.0), BUDGET) == []
    (broken,) = judge(numbers(asked_rate=103.0), BUDGET)
    assert broken == "100.0 requests/s answered, 100.9 needed (98% of the 103 asked for)"


def test_a_surface_nobody_asked_is_not_judged_as_fast() -> None:
    """No requests are no proof."""
    run = numbers()
    run.surfaces["events"].response_ms.clear()
    (broken,) = judge(run, BUDGET)
    assert broken.startswith("events: no request was made")


def test_lost_events_and_a_missing_recovery_fail_the_run() -> None:
    """What was found after the traffic counts like what was found in it."""
    run = numbers()
    run.lost, run.lost_reasons = 3, ["3 were accepted and then forgotten"]
    run.broken = ["no recovery within 5 s"]
    assert judge(run, BUDGET) == ["3 events lost: 3 were accepted and then forgotten", "no recovery within 5 s"]


def test_another_budget_gives_another_verdict(tmp_path: Path) -> None:
    """The limits come from the file."""
    stricter: Budget = read_budget(changed(tmp_path, "p99_ms = 100", "p99_ms = 4"))
    (broken,) = judge(numbers(), stricter)
    assert broken == "pdp: p99 is 5.0 ms, it must stay below 4 ms"
