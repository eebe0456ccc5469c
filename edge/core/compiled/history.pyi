"""What history.pyx offers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.arrays import Arrays

_Ints: TypeAlias = NDArray[np.int32]
_Floats: TypeAlias = NDArray[np.float32]

HALF_LIFE_DAYS: float  # of a purchase's weight

class History:
    """A shopper's purchases aligned to the index: n products bought, by rising position, and what is known of each.

    `places` [b + m]: the positions of b products bought, then of m viewed, newest last; -1 where the index has none.
    `numbers` [4, b]: count, first day, last day (unix days), bits of the recent orders. `scalars`: orders, first and
    last order day. Raises ValueError where these do not fit, TypeError for another type or layout.
    """

    def __init__(self, arrays: Arrays, places: _Ints, numbers: _Ints, scalars: tuple[int, int, int]) -> None: ...
    @property
    def orders(self) -> int:
        """How many orders there were."""

    @property
    def first_order_day(self) -> int:
        """Unix days."""

    @property
    def last_order_day(self) -> int:
        """Unix days."""

    @property
    def viewed(self) -> _Ints:
        """[at most m] positions, newest last."""

    @property
    def bought(self) -> int:
        """How many products of the index were bought and not all returned: n."""

    @property
    def items(self) -> _Ints:
        """[n] positions bought, rising."""

    @property
    def counts(self) -> _Floats:
        """[n] how often."""

    @property
    def first_day(self) -> _Floats:
        """[n] unix days."""

    @property
    def last_day(self) -> _Floats:
        """[n] unix days."""

    @property
    def often(self) -> _Floats:
        """[n, 2] the orders that held it, of the last ten or so and of the last three or so."""

    @property
    def since(self) -> _Floats:
        """[n] orders after the last that held it; RECENT_ORDERS where none of those remembered did."""

    @property
    def weight(self) -> _Floats:
        """[n] counts, decayed to the day of the last order, and much more what was bought lately."""

    @property
    def rank(self) -> _Floats:
        """[n] 0 for the largest weight; of equals the first is before."""

    @property
    def taste(self) -> _Floats:
        """[dimensions] where the products bought point together: a unit vector, or zero."""

    @property
    def favourites(self) -> _Ints:
        """[at most 8] narrow categories bought most, strongest first; of equals the smaller code."""
