"""What packing.pyx offers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def unplanes(used: bytes, data: bytes, n: int, width: int) -> NDArray[np.signedinteger[Any]]:
    """The numbers [len(used), n], int32 or int64, of `data`: row after row, and of each row `used[row]` planes of n bytes,
    the lowest first. `width`: the bytes of a number, 4 or 8. Raises ValueError where the bytes are no such planes.
    """
