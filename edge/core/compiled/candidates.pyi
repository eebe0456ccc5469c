"""What candidates.pyx offers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.arrays import Arrays
from edge.core.compiled.history import History

_Ints: TypeAlias = NDArray[np.int32]
_Best: TypeAlias = tuple[_Ints, NDArray[np.float32], NDArray[np.float32]]

def beside(
    arrays: Arrays,
    history: History,
    anchors: _Ints,
    recent: _Ints,
    pair: float,
    near: float,
    own: float,
    related: bool,
    new: float,
    limit: int,
) -> _Best:
    """Companions of the anchors [a], what orders like them hold, and own purchases; never an anchor.

    `recent` [v]: this visit, newest last, which stands in where there is no anchor. `pair`, `near`, `own`: what the
    sources count. `related`: only what was bought with an anchor beyond chance, and own purchases of its kind. `new`:
    share of the candidates kept for what was never bought. Out: items [k] best first, their scores [k] and their
    evidence [k, len(SOURCES)], k at most `limit`. Raises TypeError for arrays of another type or layout.
    """

def for_you(
    arrays: Arrays,
    history: History,
    anchors: _Ints,
    recent: _Ints,
    counts: NDArray[np.float64],
    new: float,
    limit: int,
) -> _Best:
    """Own purchases, what goes with them and with this visit, what is liked, and what is popular; never an anchor.

    `counts` [len(SOURCES)]: what each source counts; all else as of `beside`. Raises ValueError for another number of
    them.
    """

def buy_again(arrays: Arrays, history: History, anchors: _Ints, limit: int) -> _Best:
    """Own purchases alone, the strongest first; never an anchor. All as of `beside`."""
