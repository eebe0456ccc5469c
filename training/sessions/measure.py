"""How well next clicks are foreseen: HR@20, MRR@20 and NDCG@20 over questions with one answer each.

In: for each question the place of the answer in the list given, from 0. Out: rates in percent.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Ints

LISTED = 20
RATES = ("hr@20", "mrr@20", "ndcg@20")
NOT_LISTED = -1


def place_of(answer: int, items: Ints) -> int:
    """Where the answer stands among the first LISTED, from 0; NOT_LISTED where it does not."""
    at = np.flatnonzero(items[:LISTED] == answer)
    return int(at[0]) if len(at) else NOT_LISTED


def rates(places: Sequence[int] | NDArray[np.int64]) -> dict[str, float]:
    """The share of answers listed; the means of 1 / place and 1 / log2(place + 1), places from 1, 0 if not listed."""
    at = np.asarray(places, np.int64)
    listed = at[at >= 0]
    count = max(len(at), 1)
    return {
        "hr@20": 100 * len(listed) / count,
        "mrr@20": 100 * float((1 / (listed + 1)).sum()) / count,
        "ndcg@20": 100 * float((1 / np.log2(listed + 2)).sum()) / count,
    }
