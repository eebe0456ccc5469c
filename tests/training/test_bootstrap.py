"""The bootstrap over shoppers, where the answer can be told beforehand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.bootstrap import Estimate, estimate, per_shopper, resample


def column(*values: float) -> NDArray[np.float64]:
    """One method's value per query or shopper."""
    return np.array(values)[:, None]


def test_each_shopper_counts_once() -> None:
    """Somebody asked three times weighs no more than somebody asked once: means 1/3 and 1, not 1/2 of four."""
    means = per_shopper(column(1, 0, 0, 1), np.array([0, 0, 0, 1]))
    assert means.ravel().tolist() == pytest.approx([1 / 3, 1])


def test_shoppers_need_not_stand_together() -> None:
    """Rows of one shopper are found wherever they are, for every column."""
    values = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    assert per_shopper(values, np.array([5, 2, 5])).tolist() == [[2.0, 20.0], [2.0, 20.0]]


def test_one_shopper_leaves_no_width() -> None:
    """Drawn again and again the only shopper gives the same mean: the interval is a point."""
    means = per_shopper(column(0, 1), np.array([0, 0]))
    assert estimate(means, resample(means)) == [Estimate(0.5, 0.5, 0.5)]


def test_equal_methods_have_no_lead() -> None:
    """The same values in two columns: on every draw their difference is zero, so is its interval."""
    values = np.random.default_rng(1).uniform(size=60)
    means = np.stack([values, values], axis=1)
    drawn = resample(means)
    assert estimate(means[:, :1] - means[:, 1:], drawn[:, :1] - drawn[:, 1:]) == [Estimate(0.0, 0.0, 0.0)]


def test_a_constant_lead_is_certain_though_both_methods_are_not() -> None:
    """Ahead by 0.1 for everybody: paired draws give exactly that, while each mean has a width."""
    values = np.linspace(0, 0.5, 50)
    means = np.stack([values + 0.1, values], axis=1)
    drawn = resample(means)
    (lead,) = estimate(means[:, :1] - means[:, 1:], drawn[:, :1] - drawn[:, 1:])
    assert [lead.mean, lead.low, lead.high] == pytest.approx([0.1, 0.1, 0.1])
    assert all(one.high - one.low > 0.05 for one in estimate(means, drawn))


def test_two_shoppers_by_hand() -> None:
    """One has 0, one has 1: a draw of two has mean 0, 1/2 or 1 with chances 1/4, 1/2, 1/4: the interval is 0 to 1."""
    means = column(0, 1)
    drawn = resample(means, samples=4_000)
    assert set(drawn.ravel().tolist()) == {0.0, 0.5, 1.0}
    assert (drawn == 0.5).mean() == pytest.approx(0.5, abs=0.05)
    assert estimate(means, drawn) == [Estimate(0.5, 0.0, 1.0)]


def test_the_width_is_that_of_the_normal_law() -> None:
    """400 shoppers, half 0 and half 1: the standard error is 1/2 / sqrt(400), the interval 1.96 of it either way."""
    means = column(*(at % 2 for at in range(400)))
    (got,) = estimate(means, resample(means))
    assert got.mean == 0.5
    assert got.high - 0.5 == pytest.approx(1.96 * 0.025, abs=0.006)
    assert 0.5 - got.low == pytest.approx(1.96 * 0.025, abs=0.006)


def test_the_same_seed_draws_the_same() -> None:
    """Figures do not change from run to run; another seed changes them."""
    means = column(*np.random.default_rng(3).uniform(size=30))
    np.testing.assert_array_equal(resample(means, 50), resample(means, 50))
    assert (resample(means, 50, seed=8) != resample(means, 50)).any()
