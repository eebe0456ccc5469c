"""Diversity: a shelf in order of worth, where each further product of a kind is worth less than the one before it.

In: values of products best first, and each one's kind. Out: the order to show them in. The same in training, where its
price in accuracy is measured (`python -m training diversity`), and in serving.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.shelf import spread
from edge.core.index import Index, Ints


def diversify(values: NDArray[np.floating[Any]], kinds: Ints, strength: float) -> Ints:
    """The order [len(values)] of values (0 or more, best first) once the n-th of a kind is worth (1 - strength)^(n-1).

    Strength 0 keeps the order, 1 puts the first of every kind before all seconds; kind -1 is unlike every other.
    It is what choosing one after the other gives, each time the product worth most beside those chosen: within a kind
    values only fall, so all can be sorted at once. Ties keep the order given.
    """
    order, _ = spread(values.astype(np.float64), kinds, strength, len(values))
    return order


def kinds_of(index: Index, items: Ints) -> Ints:
    """The narrow category of each product, -1 where it has none."""
    return index.narrow_of[items]
