"""What lookup.pyx offers."""

import numpy as np
from numpy.typing import NDArray

def find(
    known: NDArray[np.int64], whose: NDArray[np.int32], wanted: NDArray[np.int64], hashes: bool
) -> NDArray[np.int32]:
    """For each of `wanted` [m] the entry of `whose` [n] beside the first equal of `known` [n], which rise, or -1.

    Negative keys are hashes, which alone find nothing: without `hashes` they are -1. Raises TypeError for arrays of
    another type or layout, ValueError where `whose` and `known` are not as many.
    """
