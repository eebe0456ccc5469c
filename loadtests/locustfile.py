"""The load itself, run by Locust in a process of its own: `run` starts it, with a plan in ENDCAP_LOAD_PLAN.

In: a `Plan`. Out: `Numbers`, and Locust's HTML report. Shoppers keep to a schedule of intended moments rather than
pausing after each answer: a server that stalls is not spared the requests that would have come meanwhile, and the
times from the intended moment show the wait. Each keeps one connection, as browsers and headless servers do.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

import gevent
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.exception import StopUser

from loadtests.answers import Outcome, judge_answer
from loadtests.measure import Numbers, Plan, read, write
from loadtests.resend import Ledger
from loadtests.traffic import Crowd, Step

_SPAWN_S = 1.0  # from the start of the test to the first intended moment
_TIMEOUT_S = 10.0
_STRAGGLERS_S = 5.0  # how long the last answers are waited for


class Course:
    """What all shoppers of the process share: plan, clock, crowd, numbers."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.crowd = Crowd(
            products=plan.products,
            customers=plan.customers,
            mix=plan.mix,
            shoppers=plan.shoppers,
            habits=plan.habits,
            seed=plan.seed,
            run_id=plan.run_id,
            clock=lambda: datetime.now(UTC),
        )
        self.numbers = Numbers(plan.rate, plan.duration_s)
        self.ledger = Ledger()
        self.places = count()
        self.in_flight = 0
        self.begun = float("inf")

    @property
    def at_s(self) -> float:
        """Seconds since the first intended moment."""
        return time.monotonic() - self.begun

    @property
    def ends_s(self) -> float:
        """When shoppers stop."""
        return self.plan.warm_up_s + self.plan.duration_s

    def begin(self) -> None:
        """Start the clock, and tell whoever breaks something on time."""
        self.begun = time.monotonic() + _SPAWN_S
        Path(self.plan.begun_file).write_text(repr(time.time() + _SPAWN_S))

    def moments(self, place: int) -> Iterator[float]:
        """When the shopper at a place sends: once in each of its turns, at a random moment in it."""
        random = Random(f"{self.plan.seed}/{place}")
        turn_s = self.plan.users / self.plan.rate
        return (turn_s * (turn + random.random()) for turn in count())

    def allowed(self) -> tuple[str, ...] | None:
        """What answers may lack right now; None while nothing is broken on purpose."""
        for window in filter(None, (self.plan.outage, self.plan.spike)):
            # Half a second early: an answer may have begun, and both clocks are read twice.
            if window.starts_s - 0.5 <= self.at_s <= window.calm_s:
                return window.degraded_allowed
        return None

    def record(self, step: Step, outcome: Outcome, sent_s: float, due_s: float) -> None:
        """Count a request that was due after the warm-up."""
        if due_s >= self.plan.warm_up_s:
            now_s = self.at_s
            spike = self.plan.spike
            self.numbers.add(
                step.surface,
                outcome,
                (now_s - sent_s) * 1000,
                (now_s - due_s) * 1000,
                in_time=now_s <= self.ends_s,
                second=int(due_s - self.plan.warm_up_s),
                spike=spike is not None and spike.starts_s <= due_s <= spike.calm_s,
            )


course = Course(read(Path(os.environ["ENDCAP_LOAD_PLAN"]), Plan))


class Shopper(FastHttpUser):
    """One place in the crowd: sends visit after visit over one connection."""

    network_timeout = connection_timeout = _TIMEOUT_S

    def on_start(self) -> None:
        """Take a place."""
        self.moments = course.moments(next(course.places))
        self.steps = course.crowd.requests()
        self.due_s = next(self.moments)

    @task
    def go_on(self) -> None:
        """Wait for the intended moment and send the next request; late ones go out at once."""
        gevent.sleep(max(0.0, self.due_s - course.at_s))
        if course.at_s >= course.ends_s:
            raise StopUser
        step = next(self.steps)
        course.in_flight += 1
        try:
            self._send(step)
        finally:
            course.in_flight -= 1
        self.due_s = next(self.moments)

    def _send(self, step: Step) -> None:
        headers = {"Content-Type": "application/json"} if step.events else {}
        sent_s = course.at_s
        with self.client.request(
            step.method, step.path, name=step.surface, data=step.body, headers=headers, catch_response=True
        ) as response:
            if response.status_code == 0:
                outcome = Outcome(f"no answer: {type(response.error).__name__}")
            else:
                body = response.content or b""
                outcome = judge_answer(step, response.status_code, response.headers, body, course.allowed())
            course.record(step, outcome, sent_s, self.due_s)
            if outcome.failure is None:
                response.success()
            else:
                response.failure(outcome.failure)
        if step.events and step.consents:
            course.ledger.note(step.events, accepted=outcome.failure is None and not outcome.refused)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # because Locust's hooks carry no types
def start(environment: Environment, **_: object) -> None:
    """Start the clock and the one who ends the run."""
    course.begin()
    gevent.spawn(conduct, environment)


def conduct(environment: Environment) -> None:
    """Forget the warm-up, wait for the end, send again what was refused, write the numbers, end Locust."""
    gevent.sleep(_SPAWN_S + course.plan.warm_up_s)
    environment.stats.reset_all()
    gevent.sleep(max(0.0, course.ends_s - course.at_s))
    give_up_s = course.at_s + _STRAGGLERS_S
    while course.in_flight and course.at_s < give_up_s:
        gevent.sleep(0.02)
    course.ledger.settle(str(environment.host), course.numbers, check_kept=course.plan.outage is not None)
    write(Path(course.plan.numbers_file), course.numbers)
    if environment.runner is not None:
        environment.runner.quit()
