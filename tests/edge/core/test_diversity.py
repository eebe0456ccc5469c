"""Spreading kinds over a shelf, against the greedy choice it stands for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.diversity import diversify, kinds_of
from edge.core.index import Index


def greedy(values: NDArray[np.float64], kinds: NDArray[np.int32], strength: float) -> list[int]:
    """One after the other: of what is left, what is worth most beside those chosen."""
    left, chosen = list(range(len(values))), list[int]()
    while left:
        many = [sum(kinds[at] == kinds[other] >= 0 for other in chosen) for at in left]
        worth = [values[at] * (1 - strength) ** count for at, count in zip(left, many, strict=True)]
        chosen.append(left.pop(int(np.argmax(worth))))
    return chosen


def test_a_second_of_a_kind_counts_less() -> None:
    """By hand: 1, 0.9, 0.8 of one kind become 1, 0.45, 0.2; the 0.5 of another comes second."""
    values, kinds = np.array([1.0, 0.9, 0.8, 0.5]), np.array([7, 7, 7, 3], np.int32)
    assert diversify(values, kinds, 0.5).tolist() == [0, 3, 1, 2]
    assert diversify(values, kinds, 0.1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("strength", [0.05, 0.1, 0.3, 0.7, 1.0])
def test_it_is_the_greedy_choice(strength: float) -> None:
    """On shelves of random worth and kinds; strength 1 makes all seconds worth nothing, in the order given."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        values = np.sort(rng.random(30))[::-1]
        kinds = rng.integers(-1, 6, 30).astype(np.int32)
        assert diversify(values, kinds, strength).tolist() == greedy(values, kinds, strength)


def test_nothing_changes_at_zero_or_without_kinds() -> None:
    """Off is off; products of no category are unlike each other."""
    values = np.array([0.9, 0.8, 0.7])
    assert diversify(values, np.array([1, 1, 1], np.int32), 0).tolist() == [0, 1, 2]
    assert diversify(values, np.array([-1, -1, -1], np.int32), 0.9).tolist() == [0, 1, 2]
    assert diversify(values[:0], np.empty(0, np.int32), 0.9).tolist() == []


def test_ties_keep_the_order_given() -> None:
    """So that the same request gives the same shelf."""
    assert diversify(np.full(6, 0.5), np.arange(6, dtype=np.int32), 0.4).tolist() == list(range(6))


def test_a_kind_is_the_narrow_category(index: Index) -> None:
    """Tea and coffee are one, cola another, the product without category none."""
    assert kinds_of(index, np.array([0, 1, 2, 6], np.int32)).tolist() == [6, 6, 5, -1]
