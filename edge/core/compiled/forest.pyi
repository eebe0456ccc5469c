"""What forest.pyx offers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Ints: TypeAlias = NDArray[np.int32]
_Floats: TypeAlias = NDArray[np.float32]

MOST_LEAVES: int  # of a tree
MOST_COLUMNS: int

class Forest:
    """A sum of trees: a node goes left where its feature is at most its limit. Rows must hold finite numbers.

    `start` [trees + 1]: the first node of each tree; of each node `feature`, `limit`, and in `left` zeros for the
    leaves on its left, numbered from left to right; `leaf` [trees, most leaves]: what each is worth; `base` is added to
    all. Raises ValueError where these do not fit, TypeError for another type or layout.
    """

    def __init__(
        self, columns: int, start: _Ints, feature: _Ints, limit: _Floats, left: _Ints, leaf: _Floats, base: float
    ) -> None: ...
    @property
    def columns(self) -> int:
        """How many features a row has."""

    def scores(self, rows: _Floats) -> _Floats:
        """[n] for `rows` [n, columns], C-contiguous. Raises ValueError for another width."""
