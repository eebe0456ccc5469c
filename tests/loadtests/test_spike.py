"""The spike's phases and its verdict, on seconds that are made up."""

from typing import Any

import pytest

from loadtests import spike
from loadtests.budget import read_budget
from loadtests.seconds import Second, Seconds
from loadtests.spike import Course
from loadtests.throng import Thronged

BUDGET = read_budget()
COURSE = Course(knee=100.0, regulars=20.0, duration_s=40.0, warm_up_s=5.0, budget=BUDGET.spike)
NOTHING: dict[int, int] = {}


def seconds(**changes: Any) -> Seconds:
    """A run in which all is well; `useful` of the spike, `slow` seconds, `less` seconds with excess outside it."""
    made: Seconds = {}
    for number in range(40):
        in_spike = COURSE.begins_s <= number < COURSE.ends_s
        useful, excess = (changes.get("useful", 95), 205) if in_spike else (80, 0)
        excess += 5 if number in changes.get("less", ()) else 0
        took_ms = 150.0 if number in changes.get("slow", ()) else 20.0
        made[number] = Second(useful=useful, excess=excess, took_ms=[took_ms] * (useful + excess))
    return made


def judged(made: Seconds, statuses: dict[int, int] = NOTHING) -> list[str]:
    """The verdict."""
    return spike.judge_spike(COURSE, made, Thronged(made, 1.0, statuses), BUDGET)


def test_the_course_is_calm_spike_calm() -> None:
    """80 % of the knee, three times the knee, 80 %; Locust's share is part of each."""
    assert (COURSE.begins_s, COURSE.ends_s) == (10.0, 26.0)
    assert [(stage.rate, stage.seconds) for stage in COURSE.stages()] == [(60.0, 15.0), (280.0, 16.0), (60.0, 14.0)]
    window = COURSE.window
    assert (window.starts_s, window.ends_s, window.calm_s) == (15.0, 31.0, 36.0)
    assert window.degraded_allowed == ("overload", "deadline")


def test_a_good_spike_passes() -> None:
    """The excess is popular, the useful answers are nearly those of the knee, and afterwards all is as before."""
    assert judged(seconds()) == []
    assert judged(seconds(slow=(10, 12, 25, 26, 30))) == [], "slow in the spike, and back within five seconds"


@pytest.mark.parametrize(
    ("made", "statuses", "said"),
    [
        (seconds(useful=89), {}, "89 useful answers/s, 90 needed"),
        (seconds(), {503: 2, 0: 1}, "2 x 503, 1 x no answer"),
        (seconds(slow=(31,)), {}, "only after 6 s"),
        (seconds(slow=(39,)), {}, "not by the end of the run"),
        (seconds(slow=(2,)), {}, "before the spike p99 from the scheduled start is 150.0 ms"),
        (seconds(less=(3, 4, 5)), {}, "before the spike 1.84% of the answers had less"),
        (seconds(less=(33, 34)), {}, "after the spike 1.37% of the answers had less"),
    ],
)
def test_each_rule_can_be_broken(made: Seconds, statuses: dict[int, int], said: str) -> None:
    """And is named with what was measured."""
    assert any(said in rule for rule in judged(made, statuses)), judged(made, statuses)


@pytest.mark.parametrize(
    ("slow", "back_s"), [((), 0.0), ((20,), 0.0), ((26,), 1.0), ((26, 29), 4.0), ((33,), 8.0), ((39,), None)]
)
def test_it_is_back_when_every_later_second_is(slow: tuple[int, ...], back_s: float | None) -> None:
    """Counted from the end of the spike; never, if the last second is still slow."""
    assert spike.recovered_s(COURSE, seconds(slow=slow), 100.0) == back_s


def test_the_report_has_every_phase() -> None:
    """With rates per second of it."""
    told = spike.tell(COURSE, seconds(), Thronged({}, 1.5, {}), 100.0)
    assert list(told["phases"]) == ["before", "spike", "recovery", "after"]
    assert told["phases"]["spike"]["asked_rate"] == 300.0
    assert told["phases"]["spike"]["useful_rate"] == 95.0
    assert told["phases"]["after"]["useful_rate"] == 80.0
    assert (told["useful_of_knee"], told["recovered_s"], told["throng_sent_late_p99_ms"]) == (0.95, 0.0, 1.5)


def test_a_run_too_short_for_all_phases_has_a_report() -> None:
    """No division by nothing."""
    short = Course(knee=100.0, regulars=20.0, duration_s=5.0, warm_up_s=1.0, budget=BUDGET.spike)
    told = spike.tell(short, seconds(), Thronged({}, 1.5, {}), 100.0)
    assert told["phases"]["after"]["asked_rate"] == 0.0
