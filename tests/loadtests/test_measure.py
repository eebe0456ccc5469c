"""What a run measures, and the files it travels in."""

from pathlib import Path

import pytest

from loadtests.answers import Outcome
from loadtests.budget import read_budget
from loadtests.measure import Numbers, Plan, Tally, Window, percentile, read, write
from loadtests.seconds import Second

RIGHT = Outcome()


@pytest.mark.parametrize(
    ("times_ms", "share", "expected"),
    [
        ([], 0.99, 0.0),
        ([7.0], 0.5, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([1.0] * 98 + [500.0] * 2, 0.99, 500.0),
    ],
)
def test_percentiles_are_times_that_happened(times_ms: list[float], share: float, expected: float) -> None:
    """The nearest rank, never a value between two: two slow ones in a hundred are the 99th percentile."""
    assert percentile(times_ms, share) == expected


def test_a_request_is_counted_for_its_surface() -> None:
    """With both its times; the difference between them is Locust's own delay."""
    numbers = Numbers(asked_rate=10, duration_s=2)
    numbers.add("pdp", RIGHT, response_ms=5.0, scheduled_ms=8.0, in_time=True)
    numbers.add("home", Outcome(degraded=True), 6.0, 6.0, in_time=True)
    assert numbers.surfaces["pdp"].response_ms == [5.0]
    assert numbers.surfaces["pdp"].scheduled_ms == [8.0]
    assert numbers.surfaces["home"].degraded == 1
    assert numbers.surfaces["cart"].response_ms == []
    assert numbers.late_ms == [3.0, 0.0]


def test_throughput_counts_right_answers_that_came_in_time() -> None:
    """A failed request is no throughput, nor is an answer after the clock stopped; both have their time counted."""
    numbers = Numbers(asked_rate=10, duration_s=2)
    numbers.add("pdp", RIGHT, 5.0, 5.0, in_time=True)
    numbers.add("pdp", RIGHT, 5.0, 5.0, in_time=False)
    numbers.add("pdp", Outcome("status 500"), 5.0, 5.0, in_time=True)
    assert numbers.rate == 0.5
    assert len(numbers.surfaces["pdp"].response_ms) == 3


def test_failures_are_counted_by_reason() -> None:
    """So that a thousand equal failures are one line; what was refused is no failure."""
    numbers = Numbers(asked_rate=10, duration_s=2)
    for _ in range(3):
        numbers.add("cart", Outcome("status 500"), 1.0, 1.0, in_time=True)
    numbers.add("events", Outcome(refused=True), 1.0, 1.0, in_time=True)
    assert numbers.surfaces["cart"].failures == 3
    assert numbers.surfaces["events"].failures == 0
    assert numbers.surfaces["events"].refused == 1
    assert numbers.failure_reasons == {"cart: status 500": 3}


def test_pages_are_counted_by_the_second() -> None:
    """With the time from the intended moment; events are no pages."""
    numbers = Numbers(asked_rate=10, duration_s=2)
    numbers.add("pdp", RIGHT, 5.0, 6.0, in_time=True, second=1)
    numbers.add("home", Outcome(degraded=True, lacking="excess"), 2.0, 3.0, in_time=True, second=1)
    numbers.add("events", RIGHT, 5.0, 5.0, in_time=True, second=1)
    assert numbers.seconds == {1: Second(useful=1, excess=1, took_ms=[6.0, 3.0])}


def test_in_a_spike_only_the_seconds_tell() -> None:
    """Its times and what was missing are no part of the surfaces' verdict; what failed is."""
    numbers = Numbers(asked_rate=10, duration_s=2)
    less = Outcome(degraded=True, hiccup=True, lacking="excess")
    numbers.add("pdp", less, 900.0, 900.0, in_time=True, second=1, spike=True)
    numbers.add("pdp", Outcome("status 500"), 5.0, 5.0, in_time=True, second=1, spike=True)
    assert numbers.surfaces["pdp"] == Tally(failures=1)
    assert numbers.seconds[1].asked == 2


def test_numbers_survive_their_file(tmp_path: Path) -> None:
    """What Locust's process writes is what the judge reads."""
    numbers = Numbers(asked_rate=10, duration_s=2, lost=1, lost_reasons=["gone"], broken=["no recovery"])
    numbers.add("pdp", Outcome("status 500", degraded=True), 5.25, 8.5, in_time=True)
    write(tmp_path / "numbers.json", numbers)
    assert read(tmp_path / "numbers.json", Numbers) == numbers
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.json"]


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    """With and without an outage."""
    budget = read_budget()
    for outage in (None, Window(1.0, 2.0, 3.0, ("profile",))):
        plan = Plan(
            rate=10,
            users=4,
            warm_up_s=1,
            duration_s=2,
            seed=1,
            run_id="run",
            customers=("1",),
            products=("p1",),
            mix=budget.mix,
            shoppers=budget.shoppers,
            habits=budget.habits,
            begun_file="begun",
            numbers_file="numbers.json",
            outage=outage,
        )
        write(tmp_path / "plan.json", plan)
        assert read(tmp_path / "plan.json", Plan) == plan
