"""What arrays.pyx offers."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

class Arrays:
    """Pointers into an index, by what they mean; made by `edge.core.index`, and of no use by itself.

    `arrays`: name -> checked array, as `index.ARRAYS` and `derived.DERIVED` name them, and `popular_tastes`
    [len(popular), dimensions] float32. `categories`, `brands`: how many codes there are. Raises MemoryError for the
    scratch of the kernels.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], categories: int, brands: int) -> None: ...
