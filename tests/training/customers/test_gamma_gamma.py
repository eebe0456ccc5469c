"""Gamma-Gamma: parameters found again, and means drawn to the shop's where little was seen."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from training.customers.bgnbd import FitError
from training.customers.gamma_gamma import GammaGamma, fit, log_likelihood

TRUTH = GammaGamma(p=3.0, q=4.0, gamma=30.0)


@pytest.fixture(scope="module")
def spends() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Purchases, mean spend and true mean of customers who spend as the model says."""
    random = np.random.default_rng(7)
    rates = random.gamma(TRUTH.q, 1 / TRUTH.gamma, 8_000)
    purchases = random.integers(1, 12, 8_000).astype(float)
    totals = random.gamma(TRUTH.p * purchases, 1 / rates)
    return purchases, totals / purchases, TRUTH.p / rates


def test_the_parameters_are_recovered(spends: tuple[np.ndarray, ...]) -> None:
    """From eight thousand customers, within a tenth; in any currency."""
    for scale in (1.0, 1_000.0):
        found = fit(spends[0], spends[1] * scale)
        assert (found.p, found.q, found.gamma / scale) == pytest.approx((3.0, 4.0, 30.0), rel=0.1)


def test_the_gradient_is_the_slope_of_the_likelihood(spends: tuple[np.ndarray, ...]) -> None:
    """Against finite differences, away from the optimum."""
    at, some = np.log([1.5, 2.0, 50.0]), (spends[0][:500], spends[1][:500])
    slope = approx_fprime(at, lambda logs: log_likelihood(logs, *some)[0], 1e-6)
    assert log_likelihood(at, *some)[1] == pytest.approx(slope, abs=1e-5)


def test_the_expected_mean_is_nearer_to_the_truth_than_the_seen_one(spends: tuple[np.ndarray, ...]) -> None:
    """Most of all for customers seen once, and without a bias."""
    purchases, seen, truth = spends
    expected = TRUTH.mean(purchases, seen)
    once = purchases == 1
    assert np.abs(expected - truth)[once].mean() < 0.8 * np.abs(seen - truth)[once].mean()
    assert expected.mean() == pytest.approx(truth.mean(), rel=0.02)


def test_who_spent_nothing_is_left_out_of_the_fit_but_not_of_the_answer() -> None:
    """A purchase for nothing has no logarithm."""
    purchases, seen = np.full(40, 3.0), np.r_[np.zeros(5), np.linspace(5, 40, 35)]
    found = fit(purchases, seen)
    assert 0 < found.mean(purchases, seen)[0] < found.mean(purchases, seen)[-1]


def test_too_few_spends_are_refused() -> None:
    """Nine are not enough."""
    with pytest.raises(FitError, match="9 customers with spend"):
        fit(np.full(20, 2.0), np.r_[np.full(9, 5.0), np.zeros(11)])
