"""What a forest costs: the time ONNX Runtime takes on one thread for one prediction's candidates.

In: a booster, how many of its trees, feature rows. Out: milliseconds, the median of many runs.
"""

import time

import lightgbm as lgb
import numpy as np

from edge.core.index import Floats
from edge.core.sessions.retrieval import CANDIDATES
from training.export import convert, exact
from training.scorer import Scorer

_RUNS = 200


def onnx_ms(booster: lgb.Booster, trees: int, features: Floats) -> float:
    """Over different rows each time, as requests bring them; told beside the accuracy, never chosen by."""
    part = lgb.Booster(model_str=booster.model_to_string(num_iteration=trees))
    score = Scorer(convert(exact(part)).SerializeToString()).score
    starts = np.arange(_RUNS) * CANDIDATES % max(len(features) - CANDIDATES, 1)
    seconds = []
    for start in starts:
        rows = features[start : start + CANDIDATES]
        began = time.perf_counter()
        score(rows)
        seconds.append(time.perf_counter() - began)
    return 1_000 * float(np.median(seconds))
