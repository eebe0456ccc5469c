"""A visit as the next-click model sees it: the newest clicks, and each product once, newest first.

In: positions clicked, oldest first. Out: `Visit`.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Floats, Ints

CLICKS = 20  # newest clicks that count
ITEMS = 9  # newest different items whose neighbours and transitions are read


@dataclass(frozen=True, eq=False)
class Visit:
    """The clicks of one visit, at most CLICKS, in positions of the session index."""

    clicks: Ints  # oldest first
    items: Ints  # each once, newest first
    ago: NDArray[np.int32]  # clicks since each: 0 is the newest click
    times: Floats  # clicks on each

    @classmethod
    def of(cls, clicks: Ints) -> Self:
        """From all clicks of a visit, oldest first."""
        clicks = clicks[-CLICKS:]
        ago: dict[int, int] = {}
        times: dict[int, int] = {}
        for back, item in enumerate(clicks[::-1].tolist()):
            ago.setdefault(item, back)
            times[item] = times.get(item, 0) + 1
        return cls(
            clicks=clicks,
            items=np.fromiter(ago, np.int32, len(ago)),
            ago=np.fromiter(ago.values(), np.int32, len(ago)),
            times=np.fromiter(times.values(), np.float32, len(times)),
        )
