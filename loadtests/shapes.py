"""What a shape adds to a steady run: a throng and its verdict, or a look at memory and its verdict.

In: a site, Locust's plan and the budget. Out: a `Shape`: what Locust is to do instead, what runs beside it, what was
broken, and what the report tells and shows.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from loadtests import knee, shape_plot, soak, spike
from loadtests.budget import Budget
from loadtests.measure import Numbers, Plan
from loadtests.memory import Sampler
from loadtests.seconds import Seconds, added
from loadtests.server import RunError
from loadtests.site import Site
from loadtests.throng import Thronged
from loadtests.thronging import Coming, thronging
from loadtests.traffic import Crowd

_PAGES = (
    60_000  # of the throng: at several thousand a second the same comes again when no answer to it is kept any more
)


@dataclass
class Shape:
    """A steady run: nothing is added."""

    site: Site
    plan: Plan
    budget: Budget
    work: Path
    logs: Path
    seconds: Seconds = field(default_factory=dict)

    def prepared(self, say: Callable[[str], None]) -> Plan:  # noqa: ARG002 -- a steady run has nothing to find out
        """What Locust is to do."""
        return self.plan

    @contextmanager
    def beside(self) -> Iterator[None]:
        """What runs beside Locust, sent for before it."""
        yield

    def begun(self, at: float) -> None:
        """The first request is meant for this moment, in Unix time."""

    def ended(self) -> None:
        """Locust has ended well."""

    def judged(self, numbers: Numbers) -> list[str]:  # noqa: ARG002 -- a steady run has no rules of its own
        """What was broken of the shape's own rules."""
        return []

    def told(self) -> dict[str, Any]:
        """The shape's part of the report."""
        return {}

    def picture(self) -> str | None:
        """The run as SVG, if there is anything to see."""
        return None


@dataclass
class Spike(Shape):
    """Several times the knee. Locust's shoppers ask all the time at a steady rate; a throng does the rest."""

    known_knee: float | None = None
    found: knee.Knee = field(init=False)
    thronged: Thronged = field(init=False)
    _coming: Coming = field(init=False)

    def prepared(self, say: Callable[[str], None]) -> Plan:
        """Find the knee, and have Locust ask below it."""
        self._paths.write_text("\n".join(pages(self.plan)))
        if self.known_knee is None:
            say("Looking for the knee")
            ramp = knee.Ramp(self.site, self.budget, self._paths, self.logs / "throng.log")
            self.found = knee.find(ramp, say)
        else:
            self.found = knee.Knee(self.known_knee)
        self.plan = msgspec.structs.replace(self.plan, rate=self.course.regulars, spike=self.course.window)
        spike_rate, calm = self.course.knee * self.course.budget.times, self.course.calm
        say(
            f"The knee is at {self.course.knee:,.0f} requests/s: {calm:,.0f}/s, from second {self.course.begins_s:g} "
            f"{spike_rate:,.0f}/s, from second {self.course.ends_s:g} {calm:,.0f}/s. "
            f"Of these Locust sends {self.course.regulars:,.0f}/s, the throng the rest."
        )
        return self.plan

    @property
    def _paths(self) -> Path:
        return self.work / "paths"

    @property
    def course(self) -> spike.Course:
        """The phases. The knee must have been found."""
        calm = self.found.rate * self.budget.spike.calm_share
        regulars = min(self.plan.rate, calm * spike.REGULARS_SHARE)
        return spike.Course(self.found.rate, regulars, self.plan.duration_s, self.plan.warm_up_s, self.budget.spike)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """The throng, which waits for the file that Locust writes."""
        coming = thronging(
            self.site,
            self.course.stages(),
            self._paths,
            zero_s=self.plan.warm_up_s,
            seed=self.plan.seed,
            work=self.work,
            begun=Path(self.plan.begun_file),
            log=self.logs / "throng.log",
        )
        with coming as self._coming:
            yield

    def ended(self) -> None:
        """Fetch what the throng saw."""
        self.thronged = self._coming.result()

    def judged(self, numbers: Numbers) -> list[str]:
        """Goodput in the spike, p99 after it, and nothing but 200."""
        self.seconds = added((numbers.seconds, self.thronged.seconds))
        return spike.judge_spike(self.course, self.seconds, self.thronged, self.budget)

    def told(self) -> dict[str, Any]:
        """Figures by phase."""
        limit_ms = self.budget.surfaces["pdp"].p99_scheduled_ms
        told = spike.tell(self.course, self.seconds, self.thronged, limit_ms)
        return {"spike": told | {"tries": [vars(one) for one in self.found.tries]}}

    def picture(self) -> str:
        """What was asked and answered, and how fast."""
        marks = (self.course.begins_s, self.course.ends_s)
        return shape_plot.draw("Spike", self.seconds, {}, marks, self.budget.surfaces["pdp"].p99_scheduled_ms)


@dataclass
class Soak(Shape):
    """A long steady run beside which memory is sampled."""

    _sampler: Sampler = field(init=False)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """The sampler; it begins when Locust has begun."""
        if self.site.pid is None:
            raise RunError("whose memory is to be watched? A soak needs a server of our own")
        self._sampler = Sampler(self.site.pid)
        try:
            yield
        finally:
            self._sampler.stop()

    def begun(self, at: float) -> None:
        """From the end of the warm-up on memory counts."""
        self._sampler.start(at + self.plan.warm_up_s)

    def ended(self) -> None:
        """What ends from now on did not die in the run."""
        self._sampler.stop()

    def judged(self, numbers: Numbers) -> list[str]:
        """Every slice in time, no process growing."""
        self.seconds = numbers.seconds
        return soak.judge_soak(self.seconds, self._sampler.samples, self.plan.duration_s, self.budget)

    def told(self) -> dict[str, Any]:
        """The worst slice, and the memory of each process."""
        return {"soak": soak.tell(self.seconds, self._sampler.samples, self.plan.duration_s, self.budget)}

    def picture(self) -> str:
        """How fast, and how large."""
        limit_ms = self.budget.surfaces["pdp"].p99_scheduled_ms
        return shape_plot.draw("Soak", self.seconds, self._sampler.samples, (), limit_ms)


def make(name: str, site: Site, plan: Plan, budget: Budget, work: Path, logs: Path, known_knee: float | None) -> Shape:
    """The shape of that name."""
    if name == "spike":
        return Spike(site, plan, budget, work, logs, known_knee=known_knee)
    return (Soak if name == "soak" else Shape)(site, plan, budget, work, logs)


def pages(plan: Plan, count: int = _PAGES) -> list[str]:
    """What the throng asks for: the pages of the same crowd as Locust's, of many visits at a time."""
    crowd = Crowd(
        products=plan.products,
        customers=plan.customers,
        mix=plan.mix,
        shoppers=plan.shoppers,
        habits=plan.habits,
        seed=plan.seed,
        run_id=f"{plan.run_id}-throng",
        clock=lambda: datetime.now(UTC),
    )
    visits = crowd.requests()
    paths = list(islice((step.path for step in visits if step.surface != "events"), count))
    random.Random(plan.seed).shuffle(paths)
    return paths
