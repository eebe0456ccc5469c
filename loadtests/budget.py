"""The budgets: what a run must keep, and whether it did.

In: budget.toml and the numbers of a run. Out: `Budget`, and the broken rules in plain words; none means the run passed.
"""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from loadtests.measure import Numbers, percentile
from loadtests.traffic import SURFACES, Habits, Mix, Share, Shoppers

BUDGET_FILE = Path(__file__).parent / "budget.toml"
Positive = Annotated[float, msgspec.Meta(gt=0)]


class BudgetError(ValueError):
    """The budget file cannot be used; the message says what to mend."""


class SurfaceBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one surface may take."""

    p99_ms: Positive
    p99_scheduled_ms: Positive


class RunBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for the run as a whole."""

    max_failures: Annotated[int, msgspec.Meta(ge=0)]
    max_hiccup_share: Share
    min_rate_share: Share
    warm_up_s: Annotated[float, msgspec.Meta(ge=0)]


class FaultBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is allowed while something is broken on purpose, and for how long."""

    outage_s: Positive
    recovery_s: Positive
    degraded_allowed: tuple[str, ...]


class SpikeBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How high a spike is, and what holds in it and after it."""

    calm_share: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    times: Annotated[float, msgspec.Meta(gt=1)]
    min_useful_share: Share
    recovery_s: Positive


class SoakBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds in every slice of a long run, and how much a process may grow in it."""

    slice_s: Positive
    warm_up_share: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    max_growth_mb: Positive


class NetworkBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far away things are."""

    shopper_round_trip_ms: Positive
    store_round_trip_ms: Positive


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    surfaces: dict[str, SurfaceBudget]
    run: RunBudget
    mix: Mix
    shoppers: Shoppers
    habits: Habits
    fault: dict[str, FaultBudget]
    spike: SpikeBudget
    soak: SoakBudget
    network: NetworkBudget


def read_budget(path: Path = BUDGET_FILE) -> Budget:
    """Read and check the file. Raises BudgetError that names the place."""
    try:
        budget = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Budget)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BudgetError(f"{path}: {error}") from error
    if set(budget.surfaces) != set(SURFACES):
        raise BudgetError(f"{path}: [surfaces] must name {', '.join(SURFACES)}, each once")
    for table, shares in (("mix", budget.mix), ("shoppers", budget.shoppers)):
        total = sum(msgspec.structs.astuple(shares))
        if abs(total - 1) > 1e-6:
            raise BudgetError(f"{path}: the shares of [{table}] add up to {total:g}, not to 1")
    return budget


def judge(numbers: Numbers, budget: Budget) -> list[str]:
    """Every rule the run broke, in words a person can act on."""
    broken = []
    for surface in SURFACES:
        broken += _judge_times(numbers, surface, budget.surfaces[surface])
    if (failures := sum(tally.failures for tally in numbers.surfaces.values())) > budget.run.max_failures:
        broken.append(f"{failures:,} failed requests, {budget.run.max_failures} allowed: {_reasons(numbers)}")
    hiccups = sum(tally.hiccups for tally in numbers.surfaces.values())
    requests = sum(len(tally.response_ms) for tally in numbers.surfaces.values())
    if hiccups > requests * budget.run.max_hiccup_share:
        broken.append(
            f"{hiccups:,} answers degraded though nothing was broken on purpose, {hiccups / requests:.2%} of all; "
            f"{budget.run.max_hiccup_share:.2%} allowed"
        )
    needed = numbers.asked_rate * budget.run.min_rate_share
    if numbers.rate < needed:
        broken.append(
            f"{numbers.rate:.1f} requests/s answered, {needed:.1f} needed "
            f"({budget.run.min_rate_share:.0%} of the {numbers.asked_rate:g} asked for)"
        )
    if numbers.lost:
        broken.append(f"{numbers.lost:,} events lost: {'; '.join(numbers.lost_reasons)}")
    return broken + numbers.broken


def _judge_times(numbers: Numbers, surface: str, limits: SurfaceBudget) -> list[str]:
    tally = numbers.surfaces[surface]
    if not tally.response_ms:
        return [f"{surface}: no request was made, so nothing is known about it; run longer or at a higher rate"]
    broken = []
    for what, times_ms, limit_ms in (
        ("", tally.response_ms, limits.p99_ms),
        (" from the scheduled start", tally.scheduled_ms, limits.p99_scheduled_ms),
    ):
        p99_ms = percentile(times_ms, 0.99)
        if p99_ms >= limit_ms:
            broken.append(f"{surface}: p99{what} is {p99_ms:.1f} ms, it must stay below {limit_ms:g} ms")
    return broken


def _reasons(numbers: Numbers) -> str:
    """The commonest reasons, most frequent first."""
    most = sorted(numbers.failure_reasons.items(), key=lambda item: -item[1])[:5]
    return "; ".join(f"{count:,} x {reason}" for reason, count in most)
