"""BG/NBD: the parameters that made the data are found again, and expectations are what simulation gives."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import hyp2f1

from tests.training.customers.handmade import drawn
from training.customers.bgnbd import BgNbd, FitError, fit, log_likelihood
from training.customers.counts import Counts

TRUTH = BgNbd(r=0.8, alpha=12.0, a=0.8, b=2.5)


@pytest.fixture(scope="module")
def simulated() -> tuple[Counts, np.ndarray]:
    """Customers seen for 250 days, and what they bought in the 100 days after."""
    counts, later = drawn(TRUTH, 12_000, 250.0, 100.0)
    return counts, np.array(later, float)


def test_the_parameters_are_recovered(simulated: tuple[Counts, np.ndarray]) -> None:
    """From twelve thousand customers, each within a fifth, and the mean rate within a twentieth."""
    found = fit(simulated[0])
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found, name) == pytest.approx(getattr(TRUTH, name), rel=0.2), name
    assert found.r / found.alpha == pytest.approx(TRUTH.r / TRUTH.alpha, rel=0.05)


def test_the_gradient_is_the_slope_of_the_likelihood(simulated: tuple[Counts, np.ndarray]) -> None:
    """Against finite differences, away from the optimum."""
    some = Counts(*(column[:500] for column in (simulated[0].repeats, simulated[0].last, simulated[0].observed)))
    at = np.log([0.5, 20.0, 1.3, 1.1])
    slope = approx_fprime(at, lambda logs: log_likelihood(logs, some)[0], 1e-6)
    assert log_likelihood(at, some)[1] == pytest.approx(slope, abs=1e-5)


def test_the_likelihood_is_a_density() -> None:
    """Summed over the number of repeats within ten days and over their times it is one."""
    logs, observed, steps = np.log([0.7, 5.0, 0.9, 2.0]), np.array([10.0]), 50

    def chance(x: int, last: float) -> float:
        return float(np.exp(log_likelihood(logs, Counts(np.array([float(x)]), np.array([last]), observed))[0]))

    total = chance(0, 0.0)
    for x in range(1, 60):
        # The earlier x - 1 repeats lie anywhere before the last one, at t: a volume of t^(x-1) / (x-1)!.
        times = (np.arange(steps) + 0.5) * 10 / steps
        volumes = np.exp((x - 1) * np.log(times) - np.log(np.arange(1, x)).sum())
        total += sum(chance(x, last) * volume for last, volume in zip(times, volumes, strict=True)) * 10 / steps
    assert total == pytest.approx(1, abs=0.02)


def test_expected_purchases_are_those_that_come(simulated: tuple[Counts, np.ndarray]) -> None:
    """For those never, seldom and often seen, within three standard errors."""
    counts, later = simulated
    expected = TRUTH.expected(100, counts)
    for rows in (counts.repeats == 0, (counts.repeats > 0) & (counts.repeats < 5), counts.repeats >= 5):
        chance = 3 * later[rows].std() / np.sqrt(rows.sum())
        assert expected[rows].mean() == pytest.approx(later[rows].mean(), abs=chance)


def test_the_chance_of_nothing_is_how_often_nothing_came(simulated: tuple[Counts, np.ndarray]) -> None:
    """Also by tenths of the chance itself."""
    counts, later = simulated
    none = TRUTH.none_within(100, counts)
    assert ((none >= 0) & (none <= 1)).all()
    for rows in np.array_split(np.argsort(none), 5):
        assert none[rows].mean() == pytest.approx((later[rows] == 0).mean(), abs=0.035)


def test_who_never_came_back_counts_as_alive_and_silence_makes_gone() -> None:
    """The model's own assumption; and the longer the silence after many purchases, the surer."""
    seen = Counts(np.array([0.0, 20, 20, 20]), np.array([0.0, 100, 60, 10]), np.full(4, 100.0))
    alive = TRUTH.alive(seen)
    assert alive[0] == 1
    assert alive[1] > 0.9 > alive[2] > alive[3]
    assert alive[3] < 1e-6


def test_the_expectation_is_the_papers_formula_where_that_can_be_computed() -> None:
    """Equation 10 as printed, for customers with few purchases; frequent ones stay finite besides."""
    x, last, observed, days = 4.0, 30.0, 50.0, 20.0
    r, alpha, a, b = TRUTH.r, TRUTH.alpha, TRUTH.a, TRUTH.b
    wait = (alpha + observed) / (alpha + observed + days)
    above = 1 - wait ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, days / (alpha + observed + days))
    below = 1 + a / (b + x - 1) * ((alpha + observed) / (alpha + last)) ** (r + x)
    printed = (a + b + x - 1) / (a - 1) * above / below
    one = Counts(np.array([x]), np.array([last]), np.array([observed]))
    assert TRUTH.expected(days, one)[0] == pytest.approx(printed, rel=1e-9)
    many = Counts(np.array([3_000.0]), np.array([364.0]), np.array([365.0]))
    assert 100 < TRUTH.expected(365, many)[0] < 3_100


def test_a_pole_of_the_formula_is_no_pole_of_the_answer() -> None:
    """At a = 1 the printed formula divides by nothing; the answer lies between its neighbours."""
    seen = Counts(np.array([3.0]), np.array([30.0]), np.array([50.0]))
    below, at, above = (BgNbd(0.8, 12, a, 2.5).expected(30, seen)[0] for a in (0.99, 1.0, 1.01))
    assert above < at < below


@pytest.mark.parametrize("repeats", [[1.0] * 9, [0.0] * 50])
def test_too_few_to_tell_is_refused(repeats: list[float]) -> None:
    """Few customers, or nobody who came back."""
    many = len(repeats)
    with pytest.raises(FitError, match="too few to tell how customers return"):
        fit(Counts(np.array(repeats), np.array(repeats), np.full(many, 9.0)))
