"""The schedule and the windows of the locustfile, looked at in a process of its own: Locust patches all it runs in."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from loadtests.budget import read_budget
from loadtests.measure import Plan, Window, write
from loadtests.server import ROOT

BUDGET = read_budget()


def plan(tmp_path: Path, outage: Window | None = None) -> Plan:
    """Twenty requests a second by four shoppers."""
    return Plan(
        rate=20.0,
        users=4,
        warm_up_s=5.0,
        duration_s=10.0,
        seed=3,
        run_id="run",
        customers=("1",),
        products=("p1", "p2"),
        mix=BUDGET.mix,
        shoppers=BUDGET.shoppers,
        habits=BUDGET.habits,
        begun_file=str(tmp_path / "begun"),
        numbers_file=str(tmp_path / "numbers.json"),
        outage=outage,
    )


def inside(tmp_path: Path, code: str, outage: Window | None = None, spike: Window | None = None) -> Any:
    """Run code beside an imported locustfile; what it leaves in `result` comes back."""
    write(tmp_path / "plan.json", replace(plan(tmp_path, outage), spike=spike))
    head = "from itertools import islice\nimport json, time\nfrom loadtests.locustfile import course\n"
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-c", f"{head}{code}\nprint(json.dumps(result))"],
        env={**os.environ, "PYTHONPATH": paths, "ENDCAP_LOAD_PLAN": str(tmp_path / "plan.json")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_shopper_sends_once_in_each_turn(tmp_path: Path) -> None:
    """Four shoppers and twenty requests a second make turns of 0.2 s: the rate is exact, the moments are irregular."""
    places = inside(tmp_path, "result = [list(islice(course.moments(place), 50)) for place in range(4)]")
    for moments in places:
        assert [int(moment / 0.2) for moment in moments] == list(range(50))
        gaps = {round(after - before, 3) for before, after in pairwise(moments)}
        assert len(gaps) > 20
    assert len({tuple(moments) for moments in places}) == 4


def test_the_schedule_is_that_of_the_seed(tmp_path: Path) -> None:
    """A run can be repeated."""
    code = "result = list(islice(course.moments(2), 5))"
    assert inside(tmp_path, code) == inside(tmp_path, code)


def test_only_what_was_due_after_the_warm_up_is_counted(tmp_path: Path) -> None:
    """By its intended moment, whenever the answer came; an answer after the end is counted, but not as in time."""
    code = """
from loadtests.answers import Outcome
from loadtests.traffic import Step
step = Step("home", "/", True)
course.begun = time.monotonic() - 5.5
course.record(step, Outcome(), sent_s=5.2, due_s=4.9)
course.record(step, Outcome(), sent_s=5.2, due_s=5.1)
course.begun = time.monotonic() - 15.5
course.record(step, Outcome(), sent_s=14.9, due_s=14.8)
tally = course.numbers.surfaces["home"]
result = [tally.response_ms, tally.scheduled_ms, course.numbers.in_time]
"""
    response_ms, scheduled_ms, in_time = inside(tmp_path, code)
    assert response_ms == pytest.approx([300, 600], abs=60)
    assert scheduled_ms == pytest.approx([400, 700], abs=60)
    assert in_time == 1


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [(5.0, None), (6.8, ["profile"]), (8.0, ["profile"]), (11.0, ["profile"]), (14.5, None)],
)
def test_answers_are_excused_during_the_outage_and_while_it_heals(
    tmp_path: Path, at_s: float, expected: list[str] | None
) -> None:
    """Half a second before the first kill, because an answer may have begun by then, and never after the calm."""
    code = f"course.begun = time.monotonic() - {at_s}\nresult = course.allowed()"
    assert inside(tmp_path, code, Window(7.0, 9.0, 14.0, ("profile",))) == expected


def test_nothing_is_excused_without_an_outage(tmp_path: Path) -> None:
    """At no time."""
    assert inside(tmp_path, "course.begun = time.monotonic() - 8\nresult = course.allowed()") is None


def test_the_first_moment_is_told_to_whoever_breaks_something(tmp_path: Path) -> None:
    """As Unix time, a second ahead, so that all shoppers are in their places."""
    code = "course.begin()\nresult = [course.at_s, float(open(course.plan.begun_file).read()) - time.time()]"
    at_s, ahead_s = inside(tmp_path, code)
    assert at_s == pytest.approx(-1.0, abs=0.3)
    assert ahead_s == pytest.approx(1.0, abs=0.3)


SPIKE = Window(7.0, 9.0, 12.0, ("overload", "deadline"))


@pytest.mark.parametrize(("at_s", "expected"), [(6.0, None), (8.0, ["overload", "deadline"]), (12.5, None)])
def test_answers_are_excused_in_a_spike_and_while_it_passes(
    tmp_path: Path, at_s: float, expected: list[str] | None
) -> None:
    """What is past the knee is popular, which is right."""
    code = f"course.begun = time.monotonic() - {at_s}\nresult = course.allowed()"
    assert inside(tmp_path, code, spike=SPIKE) == expected


def test_what_was_due_in_a_spike_counts_for_its_second(tmp_path: Path) -> None:
    """And in no surface's times; before and after it does."""
    code = """
from loadtests.answers import Outcome
from loadtests.traffic import Step
course.begun = time.monotonic() - 14.0
for due_s in (5.1, 8.2, 12.5):
    course.record(Step("home", "/", True), Outcome(), sent_s=due_s, due_s=due_s)
numbers = course.numbers
result = [sorted(numbers.seconds), len(numbers.surfaces["home"].response_ms)]
"""
    assert inside(tmp_path, code, spike=SPIKE) == [[0, 3, 7], 2]
