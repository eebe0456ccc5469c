"""What similar.pyx offers."""

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.arrays import Arrays

def alike(
    arrays: Arrays, anchors: NDArray[np.int32], band: float, enough: int, limit: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Products like the last of the anchors [a]: its narrowest category within the price band, more than `enough` of
    them alone, else others after them, first of the next wider category in the band, then of the narrow one outside it.

    Never an anchor. Out: items [k] best first, their scores [k] and evidence [k, len(SOURCES)], k at most `limit`.
    Raises TypeError for anchors of another type or layout.
    """
