"""Diversity: a shelf in order of worth, where each further product of a kind is worth less than the one before it.

In: values of products best first, and each one's kind. Out: the order to show them in. Pure, and the same in training,
where its price in accuracy is measured (`python -m training diversity`), and in serving.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Index, Ints, Places


def diversify(values: NDArray[np.floating[Any]], kinds: Ints, strength: float) -> Places:
    """The order [len(values)] of values (0 or more, best first) once the n-th of a kind is worth (1 - strength)^(n-1).

    Strength 0 keeps the order, 1 puts the first of every kind before all seconds; kind -1 is unlike every other.
    It is what choosing one after the other gives, each time the product worth most beside those chosen: within a kind
    values only fall, so all can be sorted at once. Ties keep the order given.
    """
    return (-worth_beside(values, kinds, strength)).argsort(kind="stable")


def worth_beside(values: NDArray[np.floating[Any]], kinds: Ints, strength: float) -> NDArray[np.floating[Any]]:
    """What each of these values, best first, is worth beside those of its kind before it."""
    if strength <= 0 or len(values) < 2:
        return values
    return np.asarray(values * (1.0 - strength) ** _before(kinds))


def kinds_of(index: Index, items: Ints) -> Ints:
    """The narrow category of each product, -1 where it has none."""
    return index.narrow_of[items]


def _before(kinds: Ints) -> Places:
    """How many of the same kind stand before each; always 0 for kind -1."""
    by_kind = kinds.argsort(kind="stable")
    ordered = kinds[by_kind]
    before = np.empty(len(kinds), np.intp)
    before[by_kind] = np.arange(len(kinds)) - ordered.searchsorted(ordered)  # less where each one's kind begins
    if len(ordered) and ordered[0] < 0:
        before[kinds < 0] = 0
    return before
