"""Distributions and how far apart they are: PSI and KS against figures worked out by hand and by scipy."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from edge.core.errors import BundleError
from training.drift import FILE, Sample, Spread, Values, _pieces, counts_in, encode, ks, named, psi, read, reference


def values(numbers: object, days: object = None) -> Values:
    """Values, all of one day unless said otherwise."""
    array = np.asarray(numbers)
    return Values(array, np.zeros(len(array)) if days is None else np.asarray(days, np.float64))


def one(of: Values, days: list[float] | None = None) -> Spread:
    """The reference distribution of one quantity."""
    kept = reference(Sample({"inputs": {"x": of}}, days if days is not None else sorted(set(of.days.tolist()))))
    return kept.groups["inputs"]["x"]


def test_psi_of_equal_counts_is_zero() -> None:
    """However many there are of them."""
    assert psi([10, 20, 30], [10, 20, 30]) == 0
    assert psi([10_000, 20_000, 30_000], [100, 200, 300]) == pytest.approx(0, abs=1e-4)


def test_psi_by_hand() -> None:
    """Half and half becoming nine to one: (0.9 - 0.5) ln(0.9 / 0.5) + (0.1 - 0.5) ln(0.1 / 0.5)."""
    by_hand = 0.4 * np.log(1.8) - 0.4 * np.log(0.2)
    assert psi([50_000, 50_000], [90_000, 10_000]) == pytest.approx(by_hand, rel=1e-3)


def test_an_empty_bin_does_not_make_psi_endless() -> None:
    """Half a count in each."""
    assert 1 < psi([100, 100, 0], [0, 100, 100]) < 20


def test_ks_is_scipys() -> None:
    """Of the quantiles kept; close to that of all values."""
    random = np.random.default_rng(1)
    then, now = random.normal(0, 1, 5_000), random.normal(0.5, 1, 3_000)
    spread = one(values(then))
    assert ks(spread.quantiles, now) == pytest.approx(ks_2samp(then, now).statistic, abs=0.02)
    assert ks((), now) == 0
    assert ks(spread.quantiles, now[:0]) == 0


def test_numbers_are_binned_by_tenths() -> None:
    """Ten bins of equal counts; a value beyond all falls into the last, one below all into the first."""
    spread = one(values(np.arange(1_000)))
    assert len(spread.counts) == 10
    assert max(spread.counts) - min(spread.counts) <= 2
    assert sum(spread.counts) == 1_000
    assert counts_in(spread, np.array([-5.0, 2_000.0])).tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_mostly_one_value_has_few_bins() -> None:
    """Nine of ten are zero: zero and the rest."""
    spread = one(values(np.r_[np.zeros(900), np.ones(100)]))
    assert spread.counts == (900, 100)
    assert one(values(np.full(50, 7.0))).counts == (50, 0)


def test_words_are_counted_and_new_ones_are_the_rest() -> None:
    """Most frequent first; at most twenty are told apart."""
    spread = one(values(np.array(["tea"] * 3 + ["cake"], object)))
    assert (spread.names, spread.counts) == (("tea", "cake", "other"), (3, 1, 0))
    assert counts_in(spread, np.array(["tea", "soap"], object)).tolist() == [1, 0, 1]
    many = one(values(np.array([f"kind {at:02d}" for at in range(30)], object)))
    assert len(many.names) == 21
    assert many.counts[-1] == 10


def test_the_natural_distance_is_that_of_weeks() -> None:
    """Weeks alike: nearly nothing. One week unlike the others: much."""
    random = np.random.default_rng(2)
    days = np.repeat(np.arange(28), 100).astype(float)
    alike = random.normal(0, 1, len(days))
    orders = [float(day) for day in days[::10]]
    assert one(values(alike, days), orders).natural_psi < 0.05
    odd = alike + np.where((days >= 14) & (days < 21), 2.0, 0.0)
    spread = one(values(odd, days), orders)
    assert spread.natural_psi > 0.5
    assert spread.natural_ks > 0.3


def test_a_short_time_is_split_in_halves() -> None:
    """Too few orders in every week: before and after the middle one."""
    days = np.arange(20, dtype=float)
    rising = one(values(np.r_[np.zeros(10), np.ones(10)], days), days.tolist())
    assert rising.natural_psi > 0.5


def test_nothing_seen_is_nothing_kept() -> None:
    """A shop without an order in the measured weeks."""
    kept = reference(Sample({"inputs": {"price": values(np.empty(0))}}, []))
    assert named(kept.groups) == []
    assert kept.orders == 0


def test_weeks_need_orders_of_their_own() -> None:
    """Two full weeks stand apart; where one is too thin the two halves do, split at the middle order."""
    full = np.repeat(np.arange(14, dtype=float), 10)
    assert _pieces(full) == [(0.0, 7.0), (7.0, 14.0)]
    thin = np.r_[full[full < 7], 8.0]
    assert _pieces(thin) == [(0.0, 3.0), (3.0, 9.0)]
    assert _pieces(np.full(5, 3.0)) == [(3.0, 3.0), (3.0, 4.0)]
    assert _pieces(np.empty(0)) == []


def test_edges_belong_to_the_lower_bin() -> None:
    """A value that is an edge was counted there at first, and is so later."""
    spread = Spread((0, 0, 0), edges=(1.0, 2.0))
    assert counts_in(spread, np.array([1.0, 1.5, 2.0, 2.5])).tolist() == [1, 2, 1]
    assert counts_in(Spread((0,)), np.array([5.0, 6.0])).tolist() == [2]


def test_a_category_called_other_is_the_rest() -> None:
    """It has no bin of its own beside the rest."""
    spread = one(values(np.array(["other"] * 5 + ["tea"], object)))
    assert (spread.names, spread.counts) == (("tea", "other"), (1, 5))


def test_a_reference_is_read_as_it_was_written(tmp_path: Path) -> None:
    """None where there is no file; JSON of another shape is damage with a remedy."""
    kept = reference(Sample({"inputs": {"x": values(np.arange(50.0))}}, [0.0] * 50))
    assert read(tmp_path) is None
    (tmp_path / FILE).write_bytes(encode(kept))
    assert read(tmp_path) == kept
    for content in (b"", b"[]", b"\xff", b'{"groups": {"x": 1}, "orders": 1}'):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(BundleError, match="train again"):
            read(tmp_path)
