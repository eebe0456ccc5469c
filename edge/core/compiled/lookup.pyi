"""What lookup.pyx offers."""

import numpy as np
from numpy.typing import NDArray

class Lookup:
    """Finds positions by key.

    `keys` [n] rise; `whose` [n]: their positions; of equal keys the first is found. Raises ValueError where they are
    not as many, TypeError for another type or layout, MemoryError.
    """

    def __init__(self, keys: NDArray[np.int64], whose: NDArray[np.int32]) -> None: ...
    def row(self, key: int) -> int:
        """The row of a key, -1 where there is none."""

    def decimal(self, id_: str) -> int:
        """The position of an id that is a plain decimal, -1 where there is none; -2 for ids of another kind."""

    def find(self, wanted: NDArray[np.int64], hashes: bool) -> NDArray[np.int32]:
        """For each of `wanted` [m] its position, or -1. Without `hashes`, negative keys are -1.

        Raises TypeError for another type or layout.
        """
