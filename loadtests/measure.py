"""What a run is told and what it measures: the two JSON files between `run` and the locustfile.

In: each request's outcome and times. Out: `Numbers`: tallies by surface, with every single time, so that percentiles
are exact. Locust's own statistics round to two digits, which is too coarse at a limit.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from loadtests.answers import Outcome
from loadtests.seconds import Second, Seconds
from loadtests.traffic import SURFACES, Habits, Mix, Shoppers

_T = TypeVar("_T")


class Window(msgspec.Struct, frozen=True):
    """When something is amiss on purpose, in seconds after the first request: an outage, or more than can be answered.

    It lasts from `starts_s` to `ends_s`; from `calm_s` on all must be well again.
    """

    starts_s: float
    ends_s: float
    calm_s: float
    degraded_allowed: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True):
    """All that the Locust process needs to know."""

    rate: float
    users: int
    warm_up_s: float
    duration_s: float
    seed: int
    run_id: str
    customers: tuple[str, ...]
    products: tuple[str, ...]  # most looked at first
    mix: Mix
    shoppers: Shoppers
    habits: Habits
    begun_file: str  # gets the Unix time of the first request, for whoever breaks something on time
    numbers_file: str
    outage: Window | None = None
    spike: Window | None = None


class Tally(msgspec.Struct):
    """One surface. The two lists have one entry per request, failed ones included."""

    response_ms: list[float] = msgspec.field(default_factory=list)
    scheduled_ms: list[float] = msgspec.field(default_factory=list)
    failures: int = 0
    degraded: int = 0
    hiccups: int = 0  # degraded though nothing was broken on purpose
    refused: int = 0  # events answered 503 while the store was away on purpose


class Numbers(msgspec.Struct):
    """What a run measured, after the warm-up."""

    asked_rate: float
    duration_s: float
    surfaces: dict[str, Tally] = msgspec.field(default_factory=lambda: {surface: Tally() for surface in SURFACES})
    in_time: int = 0  # answered rightly before the clock stopped: what counts as throughput
    late_ms: list[float] = msgspec.field(default_factory=list)  # sent after the scheduled moment: Locust's own delay
    failure_reasons: dict[str, int] = msgspec.field(default_factory=dict)
    events_accepted: int = 0
    events_sent_again: int = 0
    lost: int = 0
    lost_reasons: list[str] = msgspec.field(default_factory=list)
    broken: list[str] = msgspec.field(default_factory=list)  # found outside the traffic, such as no recovery
    seconds: Seconds = msgspec.field(default_factory=dict)  # pages, by the second after the warm-up they were meant for

    @property
    def rate(self) -> float:
        """Requests per second answered rightly and in time."""
        return self.in_time / self.duration_s

    def add(
        self,
        surface: str,
        outcome: Outcome,
        response_ms: float,
        scheduled_ms: float,
        *,
        in_time: bool,
        second: int = 0,
        spike: bool = False,
    ) -> None:
        """Count one request. During a spike it counts for the second it was meant for, and else only if it failed."""
        tally = self.surfaces[surface]
        if not spike:
            tally.response_ms.append(response_ms)
            tally.scheduled_ms.append(scheduled_ms)
            tally.degraded += outcome.degraded
            tally.hiccups += outcome.hiccup
        if surface != "events":
            self.seconds.setdefault(second, Second()).add(outcome.kind, scheduled_ms)
        self.late_ms.append(scheduled_ms - response_ms)
        self.in_time += in_time and outcome.failure is None
        tally.refused += outcome.refused
        if outcome.failure is not None:
            tally.failures += 1
            reason = f"{surface}: {outcome.failure}"
            self.failure_reasons[reason] = self.failure_reasons.get(reason, 0) + 1


def percentile(times_ms: Sequence[float], share: float) -> float:
    """The smallest time that at least this share of all times does not exceed; 0 of nothing."""
    if not times_ms:
        return 0.0
    return sorted(times_ms)[max(0, math.ceil(share * len(times_ms)) - 1)]


def write(path: Path, content: Plan | Numbers) -> None:
    """Write a plan or numbers; whoever waits for the file sees all of it or none."""
    staged = path.with_suffix(".part")
    staged.write_bytes(msgspec.json.encode(content))
    staged.replace(path)


def read(path: Path, type_: type[_T]) -> _T:
    """Read what `write` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=type_)
