"""What shelving.pyx offers."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Ints: TypeAlias = NDArray[np.int32]
_Fragment: TypeAlias = tuple[bytes, bytes, bytes]

class Filler:
    """Fills the shelves of one page, one after the other; no product twice on it.

    `shown`: of each row its family's number, 0 where it may not be shown. `least`: the score below which nothing is
    shown. `taken`: rows that may not stand on the page; None is no row.
    """

    def __init__(self, shown: NDArray[np.int64], least: float, taken: Iterable[int | None]) -> None: ...
    def begin(self, collapses: bool) -> None:
        """Begin a shelf. `collapses`: it shows each family at most once."""

    def take(
        self, places: _Ints, rows_of: _Ints | None, scores: _Ints, reasons: _Ints, start: int, count: int
    ) -> tuple[list[tuple[int, int, int]], int]:
        """The next `count` picks from `start` on that may be shown: of each its row, score and reason.

        Then where to go on. `places` [n] are places in `rows_of`, or rows where that is None. Raises ValueError where
        `scores` or `reasons` are not as many.
        """
