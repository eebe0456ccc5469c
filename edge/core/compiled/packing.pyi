from typing import Any

import numpy as np
from numpy.typing import NDArray

def unplanes(used: bytes, data: bytes, n: int, width: int) -> NDArray[np.signedinteger[Any]]: ...
def purchases(widths: bytes, data: bytes, n: int, first_day: int) -> NDArray[np.int32]: ...
