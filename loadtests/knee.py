"""The knee: the highest rate at which a short steady run of pages keeps the budget.

In: a way to try a rate. Out: `Knee`. The rate is doubled until a try fails, then the gap is halved (as a ratio) until
it is small. Past the knee more is asked for than is worked out; with an overload control that works it comes no slower.
"""

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtests.budget import Budget
from loadtests.measure import percentile
from loadtests.seconds import Second, together
from loadtests.server import RunError
from loadtests.site import Site
from loadtests.throng import Stage
from loadtests.thronging import thronging

_FIRST, _MOST = 100.0, 50_000.0  # requests per second
_CLOSE = 1.08  # a rate that is kept and one that is not, this near to each other: the knee is between them
_LEAD_S, _SETTLE_S, _TRY_S = 1.5, 1.0, 4.0  # for the process to start; not counted; counted
_TRIES = 2  # one stall of the machine is no knee


@dataclass(frozen=True)
class Try:
    """A rate, in requests per second, and what came of it."""

    rate: float
    useful: float  # per second
    p99_ms: float
    kept: bool


@dataclass(frozen=True)
class Knee:
    """The highest rate that is kept up with, and all that was tried."""

    rate: float
    tries: tuple[Try, ...] = ()


@dataclass(frozen=True)
class Ramp:
    """Short steady runs against a site."""

    site: Site
    budget: Budget
    paths_file: Path
    log: Path

    def __call__(self, rate: float) -> Try:
        """Some seconds at a rate."""
        stages = (Stage(rate, _SETTLE_S + _TRY_S),)
        with tempfile.TemporaryDirectory(prefix="endcap-knee-") as directory:
            work = Path(directory)
            coming = thronging(
                self.site,
                stages,
                self.paths_file,
                zero_s=_SETTLE_S,
                seed=random.randrange(2**32),
                work=work,
                begun=work / "begun",
                log=self.log,
            )
            with coming as throng:
                throng.begin(time.time() + _LEAD_S)
                return judged(together(throng.result().seconds, 0, _TRY_S), rate, self.budget)


def judged(seen: Second, rate: float, budget: Budget) -> Try:
    """Whether `_TRY_S` seconds kept the budget of a steady run."""
    p99_ms, run = percentile(seen.took_ms, 0.99), budget.run
    due = rate * _TRY_S
    few = seen.asked - seen.useful <= seen.asked * run.max_hiccup_share
    enough = seen.useful >= due * run.min_rate_share - 3 * due**0.5  # chance decides how many come in so short a time
    kept = few and enough and p99_ms < budget.surfaces["pdp"].p99_scheduled_ms
    return Try(rate, seen.useful / _TRY_S, p99_ms, kept)


def find(try_: Callable[[float], Try], say: Callable[[str], None]) -> Knee:
    """Search it. Raises RunError when even the first rate is not kept up with, or none is too high."""
    tries: list[Try] = []

    def kept(rate: float) -> bool:
        for _ in range(_TRIES):
            tried = try_(rate)
            tries.append(tried)
            verdict = "" if tried.kept else ", not kept up with"
            say(f"  {rate:,.0f} requests/s: {tried.useful:,.0f} useful, p99 {tried.p99_ms:.1f} ms{verdict}")
            if tried.kept:
                return True
        return False

    try_(_FIRST)  # what a server does for the first time takes longer
    low, high = _bracket(kept)
    while high / low > _CLOSE:
        middle = float(round((low * high) ** 0.5))
        low, high = (middle, high) if kept(middle) else (low, middle)
    return Knee(low, tuple(tries))


def _bracket(kept: Callable[[float], bool]) -> tuple[float, float]:
    """A rate that is kept up with, and twice that, which is not."""
    low, high = 0.0, _FIRST
    while kept(high):
        low, high = high, high * 2
        if high > _MOST:
            raise RunError(f"no knee up to {_MOST:,.0f} requests/s; name one with --knee")
    if not low:
        raise RunError(
            f"the server does not keep up with {_FIRST:g} requests/s, so there is no knee to go past; a steady run "
            "shows why: scripts/load --rate 50"
        )
    return low, high
