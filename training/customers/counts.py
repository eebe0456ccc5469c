"""What forecasts are made from: how often and when each customer bought, as columns of numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """What the model sees of each customer: repeat purchases, time of the last, time observed, each [customers]."""

    repeats: Floats
    last: Floats
    observed: Floats
