"""Calibration: bins whose shares can be counted by hand."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.bundle import Calibration
from edge.core.compiled.shelf import arranged
from edge.core.index import Index
from edge.core.sources import SOURCES
from edge.picks import SCALE
from training import calibration
from training.calibration import calibrate, of_moments, served
from training.examples import MEASURED_SLOTS
from training.moments import Moment


def raw_of(scores: Sequence[float]) -> NDArray[np.float32]:
    """Raw scores that are served as these."""
    some = np.array(scores)
    return np.asarray(np.log(some / (1 - some)), np.float32)


def by_rank(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """A ranker that keeps the retrieval order."""
    return -features[:, 2]


def test_scores_are_those_that_answers_carry(index: Index) -> None:
    """What is calibrated is what `edge.arrange` serves: the two formulas are one, but for four digits."""
    raw = np.array([8, 2, 0, -0.5, -3], np.float32)
    items, evidence = np.arange(5, dtype=np.int32), np.zeros((len(SOURCES), 5), np.float32)
    words = np.zeros(len(SOURCES), np.float32), np.zeros(1, np.int32), 0, 0, items[:0]
    positions, scores, _ = arranged(index.compiled, items, raw, True, evidence, None, None, words, 0.0, 5, SCALE)
    assert positions.tolist() == items.tolist()
    assert served(raw) == pytest.approx(scores / SCALE, abs=0.5 / SCALE)


def test_ten_bins_of_ten() -> None:
    """100 scores in tenths, of the k-th tenth k - 1 bought: shares 0, 0.1, .. 0.9, whatever order they come in."""
    scores = (np.arange(100) + 0.5) / 100
    labels = (np.arange(100) % 10 < np.arange(100) // 10).astype(np.int32)
    mixed = np.random.default_rng(1).permutation(100)
    bins = calibrate(raw_of(scores[mixed].tolist()), labels[mixed]).bins
    assert [one.rows for one in bins] == [10] * 10
    assert [one.bought for one in bins] == pytest.approx([share / 10 for share in range(10)])
    assert [one.score for one in bins] == pytest.approx([0.05 + step / 10 for step in range(10)], abs=1e-5)
    assert bins[0].low == pytest.approx(0.005, abs=1e-5)
    assert bins[-1].high == pytest.approx(0.995, abs=1e-5)
    assert all(before.high < after.low for before, after in pairwise(bins))


def test_equal_scores_share_a_bin() -> None:
    """90 equal low scores and 10 equal high ones are two bins: the order they came in decides nothing."""
    raw = raw_of([0.2] * 90 + [0.8] * 10)
    labels = np.array([1] * 9 + [0] * 81 + [1] * 5 + [0] * 5, np.int32)
    for order in (np.arange(100), np.arange(100)[::-1]):
        bins = calibrate(raw[order], labels[order]).bins
        assert [(one.rows, one.bought) for one in bins] == [(90, 0.1), (10, 0.5)]


def test_one_score_is_one_bin() -> None:
    """A ranker without an opinion has one bin, whose share is that of all."""
    (one,) = calibrate(np.zeros(8, np.float32), np.array([1, 0] * 4, np.int32)).bins
    assert (one.rows, one.score, one.bought) == (8, 0.5, 0.5)


def test_fewer_rows_than_bins() -> None:
    """Three candidates are at most three bins, none empty."""
    bins = calibrate(raw_of([0.1, 0.5, 0.9]), np.array([0, 0, 1], np.int32)).bins
    assert [one.rows for one in bins] == [1, 1, 1]
    assert [one.bought for one in bins] == [0, 0, 1]


def test_no_rows_are_no_bins() -> None:
    """Nothing scored, nothing told."""
    assert calibrate(np.empty(0, np.float32), np.empty(0, np.int32)) == Calibration(())


def test_every_measured_slot_is_calibrated(known: Index, moments: list[Moment]) -> None:
    """On the sample shop: all slots, all rows in some bin, and more is bought where retrieval ranks higher."""
    got = of_moments(known, moments[:60], by_rank)
    assert set(got) == set(MEASURED_SLOTS)
    for slot in got.values():
        assert sum(one.rows for one in slot.bins) > 100
        assert slot.bins[-1].bought > slot.bins[0].bought


def test_a_sample_is_enough(known: Index, moments: list[Moment], monkeypatch: pytest.MonkeyPatch) -> None:
    """At most MOMENTS orders are looked at, the same ones every time, and each is told to the progress bar."""
    monkeypatch.setattr(calibration, "MOMENTS", 5)
    told: list[int] = []
    first = of_moments(known, moments, by_rank, told.append)
    assert told == [1, 2, 3, 4, 5]
    assert of_moments(known, moments, by_rank) == first


def test_no_moments_calibrate_nothing(known: Index) -> None:
    """A shop without orders in the last days has no bins."""
    assert of_moments(known, [], by_rank) == {}
