"""What home.pyx offers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.arrays import Arrays
from edge.core.compiled.history import History

_Ints: TypeAlias = NDArray[np.int32]
_Best: TypeAlias = tuple[_Ints, NDArray[np.float32], NDArray[np.float32]]

def for_you(
    arrays: Arrays,
    history: History,
    anchors: _Ints,
    recent: _Ints,
    counts: NDArray[np.float64],
    new: float,
    limit: int,
) -> _Best:
    """Own purchases, what goes with them and with this visit, what is liked, and what is popular.

    Never one of the anchors [a]. `recent` [v]: this visit, newest last. `counts` [len(SOURCES)]: what each source
    counts. `new`: share of the candidates kept for what was never bought. Out: items [k] best first, their scores [k]
    and their evidence [k, len(SOURCES)], k at most `limit`. Raises ValueError for another number of counts,
    TypeError for arrays of another type or layout.
    """

def buy_again(arrays: Arrays, history: History, anchors: _Ints, limit: int) -> _Best:
    """Own purchases alone, the strongest first; all else as of `for_you`."""
