"""What shelf.pyx offers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.arrays import Arrays

_Ints: TypeAlias = NDArray[np.int32]
_Floats: TypeAlias = NDArray[np.float32]
_Told: TypeAlias = tuple[_Floats, _Ints, int, int, _Ints]

def spread(values: NDArray[np.float64], kinds: _Ints, strength: float, most: int) -> tuple[_Ints, NDArray[np.float64]]:
    """The first `most` places once the n-th of a kind is worth (1 - strength)^(n-1), and what each is worth.

    `values` [n], 0 or more, best first; `kinds` [n], where -1 is unlike every other. Out: places [k], worth [k]. Ties
    keep the order given. Raises ValueError where they are not as many, TypeError for another type or layout.
    """

def arranged(
    arrays: Arrays,
    items: _Ints,
    values: _Floats,
    ranked: bool,
    evidence: _Floats,
    allowed: NDArray[np.bool_] | None,
    elsewhere: _Ints | None,
    told: _Told,
    strength: float,
    most: int,
    scale: int,
) -> tuple[_Ints, _Ints, _Ints]:
    """A shelf in order: positions, scores times `scale`, and reasons, each [k], k at most `most`.

    `items` [n] and `values` [n]: the ranker's raw scores where `ranked`, else worth, best first; `evidence`
    [len(SOURCES), n], which need not be contiguous; `allowed` [n], or None where all may stand; `elsewhere`: anchors
    [a] whose category no product may be of, or None; `told`: weights [len(SOURCES)], words [2^w], a word, its
    substitute, products [m] for which it stands in; the sum of the weights of the sources that found a product says
    which word is its reason. `strength`: of diversity.
    Raises ValueError where a shape does not fit, TypeError for another type or layout.
    """
