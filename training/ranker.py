"""The ranker: LambdaMART over the candidates' features.

In: labelled rows in groups. Out: a LightGBM booster; where nothing can be learned, one that keeps the retrieval order.
"""

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np

from edge.core.features import FEATURE_NAMES
from training.examples import Rows

MIN_GROUPS = 100  # fewer labelled shelves teach noise

# The size of the forest is the latency budget, since each tree costs the same for each row: 100 trees that learn faster
# foresee as much as 200 at a little more than half of the time, 60 to 80 foresee less (docs/performance.md). With more
# leaves the forest learns the sample, with fewer it foresees less and costs nearly the same.
TREES = 100
PARAMETERS: dict[str, Any] = {
    "objective": "lambdarank",
    "num_leaves": 15,
    "learning_rate": 0.12,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "lambdarank_truncation_level": 20,
    "max_bin": 127,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 7,
}


def train(rows: Rows, threads: int = 2, progress: Callable[[int], None] | None = None) -> lgb.Booster:
    """Fit the forest. `progress` is told the trees grown so far. With too few groups: `keep_order()`."""
    if len(rows.groups) < MIN_GROUPS:
        return keep_order()
    data = lgb.Dataset(
        rows.features,
        rows.labels,
        group=rows.groups,
        feature_name=list(FEATURE_NAMES),
        params={"max_bin": PARAMETERS["max_bin"], "verbose": -1},
        free_raw_data=True,
    )
    callbacks = [] if progress is None else [lambda env: progress(env.iteration + 1)]
    return lgb.train(PARAMETERS | {"num_threads": threads}, data, TREES, callbacks=callbacks)


def keep_order(limit: int = 100) -> lgb.Booster:
    """A forest of one tree that scores by retrieval rank alone: the order found is the order served."""
    features = np.zeros((limit, len(FEATURE_NAMES)), np.float32)
    rank = np.arange(limit, dtype=np.float32)
    features[:, FEATURE_NAMES.index("retrieval_rank")] = rank
    data = lgb.Dataset(
        features, -rank / limit, feature_name=list(FEATURE_NAMES), params={"max_bin": 255, "min_data_in_bin": 1}
    )
    settings = {"objective": "regression", "num_leaves": limit, "min_data_in_leaf": 1, "learning_rate": 1.0}
    settings |= {
        "min_sum_hessian_in_leaf": 0.0,
        "verbose": -1,
        "seed": 7,
        "num_threads": 1,
        "boost_from_average": False,
    }
    return lgb.train(settings, data, 1)


def importances(booster: lgb.Booster) -> dict[str, float]:
    """Each feature's share of the total gain, largest first."""
    gains = booster.feature_importance("gain")
    shares = gains / max(float(gains.sum()), 1e-12)
    return {FEATURE_NAMES[at]: float(shares[at]) for at in np.argsort(-shares, kind="stable")}
