"""Fit a target: examples from several cuts, methods compared by cross-validation, the best one calibrated.

In: a history, cuts, the methods. Out: `Predictor`, which turns features into calibrated chances or amounts. Folds part
customers, so that none is judged by a model that saw them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.customers import measures
from training.customers.counts import Floats
from training.customers.features import Purchasing, matrix
from training.customers.methods import LOGARITHMIC, RISKS, VALUES, Features, Fit, Kind, Model
from training.customers.table import History, outcomes, seen
from training.rules import DataError

LinkName = Literal["logistic", "linear", "log"]
FOLDS = 5
LEAST_ROWS = 50
LEAST_EVENTS = 10  # and as many without: fewer may all lie in one fold


@dataclass(frozen=True)
class Target:
    """What is foretold. `absent` turns the event round: nothing bought instead of something."""

    name: str
    kind: Kind
    days: int
    absent: bool = False

    @property
    def methods(self) -> Mapping[str, Fit]:
        """Those that compete."""
        return RISKS if self.kind == "risk" else VALUES


@dataclass(frozen=True)
class Examples:
    """Rows of one or several cuts: features, outcome, and whose row it is, numbered from 0."""

    features: Features
    outcome: Floats
    who: NDArray[np.intp]


@dataclass(frozen=True)
class Link:
    """From raw score to answer: a chance, or an amount that is never below 0."""

    name: LinkName
    scale: float
    shift: float = 0.0

    def apply(self, raw: Floats) -> Floats:
        """Calibrated answers [rows]."""
        if self.name == "logistic":
            return np.asarray(1 / (1 + np.exp(-np.clip(self.scale * raw + self.shift, -30, 30))))
        return np.asarray(self.scale * (np.exp(np.minimum(raw, 30)) if self.name == "log" else np.maximum(raw, 0)))


@dataclass(frozen=True)
class Predictor:
    """A fitted, calibrated method with the purchase models its features need."""

    target: Target
    method: str
    model: Model
    link: Link
    purchasing: Purchasing

    def predict(self, features: Features) -> Floats:
        """Chances or amounts [rows]."""
        return self.link.apply(self.model.raw(features))


def examples(history: History, target: Target, cuts: Sequence[int], window: int, purchasing: Purchasing) -> Examples:
    """Features before and outcomes after each cut, one below the other."""
    features, found, names = [], [], []
    for cut in cuts:
        known = seen(history, cut, window)
        bought, spent = outcomes(history, known, target.days)
        features.append(matrix(known, purchasing, target.days))
        found.append(spent if target.kind == "value" else (bought != target.absent).astype(np.float64))
        names += known.shoppers
    _, who = np.unique(np.array(names), return_inverse=True)
    return Examples(np.concatenate(features), np.concatenate(found), who)


def compare(target: Target, rows: Examples) -> dict[str, tuple[float, Link]]:
    """By method the cross-validated loss (log loss, or absolute error) and the calibration. Raises DataError."""
    some = int((rows.outcome > 0).sum())
    rare = some if target.kind == "value" else min(some, len(rows.outcome) - some)
    if len(rows.outcome) < LEAST_ROWS or rare < LEAST_EVENTS:
        raise DataError(
            f"{target.name}: {len(rows.outcome)} customers with a known outcome, {some} of them with "
            "purchase or event, are too few to learn from; take in a longer history"
        )
    judged = {}
    loss = measures.log_loss if target.kind == "risk" else measures.mae
    for method, fit in target.methods.items():
        raw = _out_of_fold(target, fit, rows)
        link = calibrate(link_of(target, method), raw, rows.outcome)
        judged[method] = loss(link.apply(raw), rows.outcome), link
    return judged


def link_of(target: Target, method: str) -> LinkName:
    """What the raw score of this method is."""
    return "logistic" if target.kind == "risk" else "log" if method in LOGARITHMIC else "linear"


def calibrate(name: LinkName, raw: Floats, outcome: Floats) -> Link:
    """Platt's sigmoid for a chance; for an amount the factor that makes the total right."""
    if name != "logistic":
        total = float(Link(name, 1.0).apply(raw).sum())
        return Link(name, float(outcome.sum()) / total if total else 0.0)

    def loss(at: Floats) -> tuple[float, Floats]:
        scores = np.clip(at[0] * raw + at[1], -30, 30)
        off = 1 / (1 + np.exp(-scores)) - outcome
        return float((np.logaddexp(0, scores) - outcome * scores).mean()), np.array([(off * raw).mean(), off.mean()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B")
    return Link(name, float(found.x[0]), float(found.x[1]))


def train(target: Target, rows: Examples, method: str, link: Link, purchasing: Purchasing) -> Predictor:
    """The method on all rows, with the calibration that its folds gave."""
    model = target.methods[method](rows.features, _learned(target, rows.outcome))
    return Predictor(target, method, model, link, purchasing)


def _out_of_fold(target: Target, fit: Fit, rows: Examples) -> Floats:
    fold = np.random.default_rng(7).permutation(int(rows.who.max()) + 1)[rows.who] % FOLDS
    raw = np.zeros(len(rows.outcome))
    outcome = _learned(target, rows.outcome)
    for at in range(FOLDS):
        inside = fold == at
        if inside.any():
            raw[inside] = fit(rows.features[~inside], outcome[~inside]).raw(rows.features[inside])
    return raw


def _learned(target: Target, outcome: Floats) -> Floats:
    """Amounts as multiples of their mean: single precision and penalties then fit any currency."""
    mean = float(outcome.mean())
    return outcome / mean if target.kind == "value" and mean else outcome
