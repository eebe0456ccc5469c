"""What page.pyx offers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.arrays import Arrays
from edge.core.compiled.history import History

_Ints: TypeAlias = NDArray[np.int32]
_Floats: TypeAlias = NDArray[np.float32]

class Page:
    """What is found beside the anchors [a]; where there are none, in orders like this visit, `recent` [v].

    It is the same for every shopper, and may be kept. Raises TypeError for arrays of another type or layout.
    """

    def __init__(self, arrays: Arrays, anchors: _Ints, recent: _Ints) -> None: ...
    @property
    def size(self) -> int:
        """Bytes."""

def beside(
    arrays: Arrays,
    page: Page,
    history: History,
    anchors: _Ints,
    pair: float,
    near: float,
    own: float,
    related: bool,
    new: float,
    limit: int,
) -> tuple[_Ints, _Floats, _Floats]:
    """The page's products and own purchases; never one of `anchors` [a], which the page was made for.

    `pair`, `near`, `own`: what the sources count. `related`: only what was bought with an anchor beyond chance, and own
    purchases of its kind. `new`: share of the candidates kept for what was never bought. Out: items [k] best first,
    their scores [k] and their evidence [k, len(SOURCES)], k at most `limit`. Raises TypeError for anchors of another
    type or layout.
    """
