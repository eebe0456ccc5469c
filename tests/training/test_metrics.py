"""Every metric, worked out by hand on lists of a few products."""

from fractions import Fraction
from math import log2

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.index import Index
from training.metrics import RATES, Exposure, Popularity, measure


def positions(*values: int) -> NDArray[np.int32]:
    """A list of products."""
    return np.array(values, np.int32)


def by_name(ranked: NDArray[np.int32], wanted: NDArray[np.int32]) -> dict[str, float]:
    """The metrics of one list."""
    return dict(zip(RATES, measure(ranked, wanted).tolist(), strict=True))


def test_a_perfect_list_scores_one_everywhere() -> None:
    """Everything wanted stands first."""
    assert by_name(positions(3, 1, 2), positions(1, 2, 3)) == dict.fromkeys(RATES, 1.0)


def test_an_empty_list_scores_nothing() -> None:
    """A method without an answer scores zero, it is not left out of the mean."""
    assert by_name(positions(), positions(1)) == dict.fromkeys(RATES, 0.0)


def test_two_of_three_by_hand() -> None:
    """Wanted on places 2 and 4, a third one nowhere: recall 2/3, first hit 1/2, discounts over the best of three."""
    got = by_name(positions(9, 1, 8, 2), positions(1, 2, 3))
    ideal = 1 / log2(2) + 1 / log2(3) + 1 / log2(4)
    for cut in (10, 20):
        assert got[f"hit_rate@{cut}"] == 1
        assert got[f"recall@{cut}"] == pytest.approx(float(Fraction(2, 3)))
        assert got[f"mrr@{cut}"] == float(Fraction(1, 2))
        assert got[f"ndcg@{cut}"] == pytest.approx((1 / log2(3) + 1 / log2(5)) / ideal)


def test_the_cut_is_sharp() -> None:
    """Hits on places 10, 11, 20 and 21: one of four within ten, three within twenty, the last never."""
    ranked = np.arange(1, 31, dtype=np.int32)
    got = by_name(ranked, positions(10, 11, 20, 21))
    ideal = sum(1 / log2(place + 1) for place in range(1, 5))
    assert got["recall@10"] == Fraction(1, 4)
    assert got["recall@20"] == Fraction(3, 4)
    assert got["mrr@10"] == got["mrr@20"] == pytest.approx(float(Fraction(1, 10)))
    assert got["ndcg@10"] == pytest.approx(1 / log2(11) / ideal)
    assert got["ndcg@20"] == pytest.approx((1 / log2(11) + 1 / log2(12) + 1 / log2(21)) / ideal)


def test_a_hit_after_the_tenth_counts_at_twenty_only() -> None:
    """Found on place 15: nothing at ten, a fifteenth at twenty."""
    got = by_name(np.arange(100, 130, dtype=np.int32), positions(114))
    assert {got[name] for name in RATES if name.endswith("@10")} == {0.0}
    assert got["hit_rate@20"] == got["recall@20"] == 1
    assert got["mrr@20"] == pytest.approx(float(Fraction(1, 15)))
    assert got["ndcg@20"] == pytest.approx(1 / log2(16))


def test_the_ideal_holds_no_more_than_the_cut() -> None:
    """Twelve wanted, ten of them shown first: a perfect ten, and ten of twelve recalled."""
    got = by_name(np.arange(10, dtype=np.int32), np.arange(12, dtype=np.int32))
    assert got["ndcg@10"] == pytest.approx(1)
    assert got["recall@10"] == pytest.approx(float(Fraction(10, 12)))


def test_popularity_by_hand(index: Index) -> None:
    """Sold 40, 50, 30, 60, 20, 10, 0, 5 of 100 orders: seven were sold; bread's percentile is 13/14, green's 1/14."""
    popularity = Popularity.of(index)
    assert popularity.products == 8
    assert popularity.percentile[3] == pytest.approx(float(Fraction(13, 14)))
    assert popularity.percentile[7] == pytest.approx(float(Fraction(1, 14)))
    assert popularity.percentile[6] == 0
    assert popularity.share[3] == pytest.approx(0.6)


def test_exposure_by_hand(index: Index) -> None:
    """Two lists over bread twice, coffee and soap: three of eight products; shares (60 + 50 + 60 + 10) / 400."""
    popularity, seen = Popularity.of(index), Exposure()
    for items in (positions(3, 1), positions(3, 5)):
        seen.add(popularity, items)
    got = seen.summary(popularity)
    assert got["coverage@10"] == pytest.approx(float(Fraction(3, 8)))
    assert got["sold_share@10"] == pytest.approx(float(Fraction(180, 400)))
    assert got["percentile@10"] == pytest.approx(float(Fraction(13 + 11 + 13 + 3, 14 * 4)))


def test_nothing_shown_exposes_nothing(index: Index) -> None:
    """No list, or only empty ones: zeros, no division by zero."""
    popularity, seen = Popularity.of(index), Exposure()
    seen.add(popularity, positions())
    assert set(seen.summary(popularity).values()) == {0}
