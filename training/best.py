"""The best places of an array of scores, as baselines list them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def top(values: NDArray[Any], most: int) -> NDArray[np.int32]:
    """Positions of the largest positive values, largest first, at most `most`; of equals the first."""
    positive = np.flatnonzero(values > 0)
    if len(positive) > most:
        positive = positive[np.argpartition(-values[positive], most)[:most]]
    return positive[np.argsort(-values[positive], kind="stable")].astype(np.int32)
