"""The sequential test, by simulation: how often it accuses the innocent in many looks, how soon it finds the bad."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.release.sequential import Comparison, Stratum, compare

ALPHA = 0.05
LOOKS, RUNS = 150, 400
RATES = np.array([0.02, 0.06])  # of two shelves


def first_alarm(
    rng: np.random.Generator, ratio: float, *, share: float = 0.1, per_look: int = 600, dispersion: float = 1.0
) -> int | None:
    """The first of many looks at which a canary whose clicks are `ratio` of the live model's is called worse."""
    totals = np.zeros((2, 4))
    for look in range(LOOKS):
        for shelf, rate in enumerate(RATES):
            new = rng.binomial(per_look, share)
            totals[shelf] += [new, rng.binomial(new, rate * ratio), per_look - new, rng.binomial(per_look - new, rate)]
        if compare((Stratum(*row) for row in totals), dispersion).worse(ALPHA):
            return look
    return None


def clustered_alarm(rng: np.random.Generator, dispersion: float) -> int | None:
    """The same for an equal canary, where each shopper sees some ten shelves and has a taste for clicking."""
    totals = np.zeros(4)
    for look in range(LOOKS):
        for column, shoppers in ((0, 12), (2, 60)):
            seen = rng.poisson(10, shoppers)
            clicks = rng.binomial(seen, rng.beta(0.8, 15.2, shoppers))  # mean 5 %, from nobody to a quarter
            totals[column] += seen.sum()
            totals[column + 1] += clicks.sum()
        if compare([Stratum(*totals)], dispersion).worse(ALPHA):
            return look
    return None


def test_an_equal_canary_is_accused_no_more_often_than_promised() -> None:
    """Over 150 looks together; a test at each look by itself would accuse several times as often."""
    rng = np.random.default_rng(1)
    alarms = [first_alarm(rng, 1.0) for _ in range(RUNS)]
    assert sum(alarm is not None for alarm in alarms) / RUNS <= ALPHA
    assert naive_alarms(np.random.default_rng(1)) > 3 * ALPHA


def naive_alarms(rng: np.random.Generator) -> float:
    """The share of equal canaries that a one-sided 5 % test at each of the looks accuses."""
    accused = 0
    for _ in range(100):
        totals = np.zeros((2, 4))
        for _ in range(LOOKS):
            for shelf, rate in enumerate(RATES):
                new = rng.binomial(600, 0.1)
                totals[shelf] += [new, rng.binomial(new, rate), 600 - new, rng.binomial(600 - new, rate)]
            found = compare(Stratum(*row) for row in totals)
            if found.score / math.sqrt(found.information) < -1.645:
                accused += 1
                break
    return accused / 100


def test_a_better_canary_is_never_accused() -> None:
    """The test looks in one direction."""
    rng = np.random.default_rng(2)
    assert [first_alarm(rng, 1.3) for _ in range(60)] == [None] * 60


@pytest.mark.parametrize(("ratio", "within"), [(0.0, 5), (0.4, 15), (0.6, 40)])
def test_a_worse_canary_is_found_and_the_worse_the_sooner(ratio: float, within: int) -> None:
    """In nineteen of twenty cases within so many looks of 120 shelves each."""
    rng = np.random.default_rng(3)
    looks = sorted(LOOKS if (found := first_alarm(rng, ratio)) is None else found for _ in range(60))
    assert looks[57] < within


def test_shoppers_with_a_taste_for_clicking_need_the_dispersion() -> None:
    """Ten shelves of one shopper are not ten draws: counted in full they accuse too often, by the dispersion not."""

    def accused(dispersion: float) -> float:
        rng = np.random.default_rng(4)
        return sum(clustered_alarm(rng, dispersion) is not None for _ in range(200)) / 200

    assert accused(1.0) > ALPHA
    assert accused(2.0) <= ALPHA


def test_the_interval_holds_at_all_looks_together() -> None:
    """The true ratio of odds lies inside from first to last in at least 95 of 100 runs."""
    rng, broken, true = np.random.default_rng(5), 0, (0.045 / 0.955) / (0.05 / 0.95)
    for _ in range(200):
        totals: NDArray[np.float64] = np.zeros(4)
        for _ in range(LOOKS):
            totals += [100, rng.binomial(100, 0.045), 400, rng.binomial(400, 0.05)]
            low, estimate, high = compare([Stratum(*totals)]).odds_ratio(ALPHA)
            assert low <= estimate <= high
            if not low <= true <= high:
                broken += 1
                break
    assert broken / 200 <= ALPHA


def test_strata_keep_apart_what_only_the_mixture_would_blame() -> None:
    """A canary that came on the day with the lower click rate is no worse for it."""
    days = [Stratum(100, 10, 10_000, 1_000), Stratum(10_000, 200, 10_000, 200)]
    assert compare(days).score == pytest.approx(0)
    mixed = Stratum(*(float(sum(column)) for column in zip(*days, strict=True)))
    assert compare([mixed]).worse(ALPHA)


def test_little_or_impossible_data_accuse_nobody() -> None:
    """Nothing, one group only, all successes, and more clicks than impressions."""
    for strata in ([], [Stratum(0, 0, 10, 5)], [Stratum(10, 0, 0, 0)], [Stratum(9, 9, 9, 9)], [Stratum(5, 50, 5, 50)]):
        found = compare(strata)
        assert not found.worse(ALPHA)
        assert found.odds_ratio(ALPHA) == (0.0, 1.0, math.inf)
    assert not compare([Stratum(20, 0, 20, 4)]).worse(ALPHA)


def test_overwhelming_evidence_stays_a_number() -> None:
    """Either way, without overflow."""
    bad, good = Comparison(-20_000, 10_000), Comparison(20_000, 10_000)
    assert bad.worse(1e-300)
    assert -20 < good.log_evidence_of_worse < -5
    assert all(math.isfinite(end) for end in bad.odds_ratio(0.05) + good.odds_ratio(0.05))
