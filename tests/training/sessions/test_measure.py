"""HR, MRR and NDCG, as fractions worked out by hand."""

from fractions import Fraction
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.sessions.measure import LISTED, NOT_LISTED, place_of, rates


def percent(*parts: Fraction, of: int) -> float:
    """The mean over `of` questions, in percent."""
    return float(100 * sum(parts, Fraction(0)) / of)


def test_places_count_from_zero_to_the_last_listed() -> None:
    """First, last listed, one further, nowhere."""
    items = np.arange(100, 100 + LISTED + 1, dtype=np.int32)
    assert place_of(100, items) == 0
    assert place_of(100 + LISTED - 1, items) == LISTED - 1
    assert place_of(100 + LISTED, items) == NOT_LISTED
    assert place_of(7, items) == NOT_LISTED
    assert place_of(7, np.empty(0, np.int32)) == NOT_LISTED


def test_an_unknown_answer_is_never_listed() -> None:
    """The benchmark asks for -1 where a product is not in the index."""
    assert place_of(-1, np.array([3, 1], np.int32)) == NOT_LISTED


def test_lists_of_twenty_are_measured() -> None:
    """The names say @20, and so it is."""
    assert LISTED == 20
    assert set(rates([0])) == {"hr@20", "mrr@20", "ndcg@20"}


def test_rates_are_the_means_over_all_questions() -> None:
    """First, third, not listed, twentieth of four: 3/4; (1 + 1/3 + 1/20)/4; (1 + 1/2 + 1/log2 21)/4."""
    found = rates([0, 2, NOT_LISTED, 19])
    assert found["hr@20"] == percent(Fraction(3), of=4)
    assert found["mrr@20"] == pytest.approx(percent(Fraction(1), Fraction(1, 3), Fraction(1, 20), of=4))
    assert found["ndcg@20"] == pytest.approx(100 * (1 + 1 / 2 + 1 / log2(21)) / 4)


def test_always_first_is_a_hundred_and_never_is_nothing() -> None:
    """The ends of the scale, exactly."""
    assert set(rates([0, 0, 0]).values()) == {100.0}
    assert set(rates([NOT_LISTED]).values()) == {0.0}
    assert set(rates([]).values()) == {0.0}
    assert set(rates(np.empty(0, np.int64)).values()) == {0.0}


@given(st.lists(st.integers(-1, LISTED - 1), min_size=1, max_size=50))
def test_rates_are_ordered_percentages(places: list[int]) -> None:
    """MRR <= NDCG <= HR for one answer each, all between 0 and 100, whatever the order of questions."""
    found = rates(places)
    assert 0 <= found["mrr@20"] <= found["ndcg@20"] + 1e-9 <= found["hr@20"] + 2e-9 <= 100 + 3e-9
    assert rates(places[::-1]) == pytest.approx(found)
