from typing import Any

import numpy as np
from numpy.typing import NDArray

def unplanes(used: bytes, data: bytes, n: int, width: int) -> NDArray[np.signedinteger[Any]]: ...
