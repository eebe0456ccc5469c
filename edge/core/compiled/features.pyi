"""What features.pyx offers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.arrays import Arrays
from edge.core.compiled.history import History

_Ints: TypeAlias = NDArray[np.int32]
_Floats: TypeAlias = NDArray[np.float32]

FEATURES: int  # columns of a row, in the order of `edge.core.features.FEATURE_NAMES`

def fill(
    arrays: Arrays,
    history: History,
    anchors: _Ints,
    recent: _Ints,
    day: float,
    slot: int,
    items: _Ints,
    scores: _Floats,
    evidence: _Floats,
    out: _Floats,
    start: int,
) -> None:
    """Write the rows of one shelf's candidates into `out` [*, FEATURES] from row `start` on.

    `items` [n] and `scores` [n] are contiguous, `evidence` [len(SOURCES), n] need not be; `day`: unix days; `slot`: the
    shelf's place in RANKED_SLOTS. Raises ValueError where a shape does not fit, TypeError for another type or layout.
    """
