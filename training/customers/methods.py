"""The methods that compete for each fact, from a rule of thumb to a forest; each can be shipped as ONNX.

In: features and outcomes. Out: raw scores, and the ONNX bytes that give the same ones. A risk's score is a log-odds; a
value's is an amount in mean amounts, or its logarithm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from training import export
from training.customers.counts import Floats
from training.customers.features import FEATURE_NAMES

Kind = Literal["risk", "value"]
Features = NDArray[np.float32]
_LEAVES = 25  # recency and frequency in about five classes each, placed where they tell most
_SURE = 0.002
_FOREST: dict[str, Any] = {
    "num_leaves": 7,
    "learning_rate": 0.03,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 7,
}
_TREES = 200


class Model(Protocol):
    """A fitted method."""

    def raw(self, features: Features) -> Floats:
        """Scores [rows]."""
        ...

    def onnx(self) -> bytes:
        """The same as an ONNX model of one input and one score per row."""
        ...


@dataclass(frozen=True)
class Forest:
    """Trees; scores before any link."""

    booster: lgb.Booster

    def raw(self, features: Features) -> Floats:
        """Scores [rows]."""
        return np.asarray(self.booster.predict(features, num_threads=1), np.float64)

    def onnx(self) -> bytes:
        """The trees with float32 thresholds that decide alike."""
        return bytes(export.convert(export.exact(self.booster)).SerializeToString())


@dataclass(frozen=True)
class Linear:
    """A weighted sum of standardised features."""

    pipeline: Pipeline

    def raw(self, features: Features) -> Floats:
        """Scores [rows]."""
        return np.asarray(self.pipeline.predict(features.astype(np.float64)), np.float64).reshape(-1)

    def onnx(self) -> bytes:
        """A Scaler and a LinearRegressor."""
        inputs = [("features", FloatTensorType([None, len(FEATURE_NAMES)]))]
        return bytes(to_onnx(self.pipeline, initial_types=inputs, target_opset=export.OPSET).SerializeToString())


Fit = Callable[[Features, Floats], Model]


def column(name: str, sign: float = 1.0) -> Fit:
    """The method that trusts one feature."""

    def fit(features: Features, outcome: Floats) -> Model:
        weights = np.zeros(len(FEATURE_NAMES))
        weights[FEATURE_NAMES.index(name)] = sign
        return _linear(np.zeros(len(weights)), np.ones(len(weights)), weights, 0.0)

    return fit


def logistic(features: Features, outcome: Floats) -> Model:
    """Logistic regression over all features."""
    scaler = StandardScaler().fit(features.astype(np.float64))
    found = LogisticRegression(C=0.05, max_iter=500).fit(scaler.transform(features), outcome)
    return _linear(scaler.mean_, scaler.scale_, found.coef_[0], float(found.intercept_[0]))


def ridge(features: Features, outcome: Floats) -> Model:
    """Ridge regression over all features."""
    scaler = StandardScaler().fit(features.astype(np.float64))
    found = Ridge(alpha=100.0).fit(scaler.transform(features), outcome)
    return _linear(scaler.mean_, scaler.scale_, found.coef_, float(found.intercept_))


def rule_of(kind: Kind) -> Fit:
    """A table over recency and frequency alone: what came of customers with such a pair."""

    def fit(features: Features, outcome: Floats) -> Model:
        two = np.zeros_like(features)
        for name in ("recency_days", "frequency"):
            two[:, FEATURE_NAMES.index(name)] = features[:, FEATURE_NAMES.index(name)]
        settings = _FOREST | {"objective": "regression", "num_leaves": _LEAVES, "learning_rate": 1.0}
        settings |= {"bagging_freq": 0, "feature_fraction": 1.0, "lambda_l2": 0.0, "boost_from_average": False}
        booster = lgb.train(settings, lgb.Dataset(two, outcome, params={"verbose": -1}), 1)
        if kind == "risk":
            leaves = booster.predict(two, pred_leaf=True)
            for leaf in np.unique(leaves):
                share = float(np.clip(booster.get_leaf_output(0, int(leaf)), _SURE, 1 - _SURE))
                booster.set_leaf_output(0, int(leaf), float(np.log(share / (1 - share))))
        return Forest(booster)

    return fit


def forest_of(objective: str) -> Fit:
    """Gradient boosting with this objective; raw scores, so a log-odds (`binary`) or a logarithm (`tweedie`)."""

    def fit(features: Features, outcome: Floats) -> Model:
        booster = lgb.train(_FOREST | {"objective": objective}, lgb.Dataset(features, outcome), _TREES)
        return Forest(_without_link(booster))

    return fit


RISKS: Mapping[str, Fit] = {
    "recency_frequency": rule_of("risk"),
    "bgnbd": column("log_odds_none"),
    "logistic": logistic,
    "lightgbm": forest_of("binary"),
}
VALUES: Mapping[str, Fit] = {
    "same_pace": column("spend"),
    "recency_frequency": rule_of("value"),
    "bgnbd": column("expected_spend"),
    "ridge": ridge,
    "lightgbm": forest_of("tweedie"),
}
BASELINES = ("same_pace", "recency_frequency", "bgnbd")
LOGARITHMIC = frozenset({"lightgbm"})  # of VALUES: those whose raw score is a logarithm


def _linear(mean: Floats, scale: Floats, weights: Floats, intercept: float) -> Linear:
    scaler, sum_ = StandardScaler(), LinearRegression()
    scaler.mean_, scaler.scale_, scaler.var_ = mean, scale, scale**2
    scaler.n_features_in_ = sum_.n_features_in_ = len(weights)
    sum_.coef_, sum_.intercept_ = weights, intercept
    return Linear(Pipeline([("scaler", scaler), ("sum", sum_)]))


def _without_link(booster: lgb.Booster) -> lgb.Booster:
    """The same trees under an objective without a link, so that LightGBM and the converter both give the plain sum."""
    lines = booster.model_to_string().split("\n")
    plain = ["objective=regression" if line.startswith("objective=") else line for line in lines]
    return lgb.Booster(model_str="\n".join(plain))
