"""What the weeks say: recall by week, arm and shelf, as means over shoppers with 95 % intervals, and paired leads.

In: `Asked` rows. Out: `Week` rows and `Lead`s. Orders of one shopper are alike, so each shopper's are averaged first
and shoppers are drawn (percentile bootstrap, 1,000 draws, seeded).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from loadtests.live.arms import Asked

_DRAWS = 1_000


@dataclass(frozen=True)
class Week:
    """The mean recall of one arm on one shelf in one week, with its interval."""

    week: int
    arm: str
    shelf: str
    shoppers: int
    recall: float
    low: float
    high: float


@dataclass(frozen=True)
class Lead:
    """By how much the first arm was ahead of another over some weeks, paired by shopper and week."""

    arm: str
    shelf: str
    lead: float
    low: float
    high: float


def by_week(rows: Sequence[Asked]) -> list[Week]:
    """One row per week, shelf and arm, in the order they were first asked."""
    groups: dict[tuple[int, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row.week, row.arm, row.shelf][row.shopper].append(row.recall)
    out = []
    for (week, arm, shelf), shoppers in groups.items():
        means = [fmean(values) for values in shoppers.values()]
        out.append(Week(week, arm, shelf, len(means), fmean(means), *_interval(means)))
    return out


def leads(rows: Sequence[Asked], since: int = 0) -> list[Lead]:
    """The first arm against each other one, over the weeks from `since` on."""
    values: dict[tuple[str, str], dict[tuple[str, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.week >= since:
            values[row.arm, row.shelf][row.shopper, row.week].append(row.recall)
    arms = list(dict.fromkeys(row.arm for row in rows))
    out = []
    for arm in arms[1:]:
        for shelf in dict.fromkeys(row.shelf for row in rows):
            ours, theirs = values[arms[0], shelf], values[arm, shelf]
            paired: dict[str, list[float]] = defaultdict(list)
            for (shopper, week), recalls in ours.items():
                paired[shopper].append(fmean(recalls) - fmean(theirs[shopper, week]))
            if paired:
                means = [fmean(one) for one in paired.values()]
                out.append(Lead(arm, shelf, fmean(means), *_interval(means)))
    return out


def _interval(means: Sequence[float]) -> tuple[float, float]:
    random, count = Random(7), len(means)
    drawn = sorted(fmean(random.choices(means, k=count)) for _ in range(_DRAWS))
    return drawn[int(0.025 * _DRAWS)], drawn[int(0.975 * _DRAWS) - 1]
