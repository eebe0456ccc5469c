"""Fitting: folds part customers, calibration makes chances true and totals right, and ONNX says what the model says."""

import numpy as np
import pytest

from training.customers import fit as fits
from training.customers.features import FEATURE_NAMES
from training.customers.fit import Examples, Link, Target, calibrate, compare, train
from training.customers.methods import RISKS, VALUES, Model
from training.rules import DataError
from training.scorer import Scorer

RISK, VALUE = Target("churn_risk_30d", "risk", 30, absent=True), Target("customer_ltv_12m", "value", 91)


def made(kind: str, rows: int = 900, seed: int = 7) -> Examples:
    """Features as they look in a shop, and outcomes that hang on recency and spend."""
    random = np.random.default_rng(seed)
    features = random.gamma(2.0, 1.0, (rows, len(FEATURE_NAMES))).astype(np.float32)
    features[:, FEATURE_NAMES.index("spend")] *= 400
    features[:, FEATURE_NAMES.index("expected_spend")] *= 200
    recency = features[:, FEATURE_NAMES.index("recency_days")]
    if kind == "risk":
        outcome = (random.random(rows) < 1 / (1 + np.exp(2 - recency))).astype(float)
    else:
        outcome = features[:, FEATURE_NAMES.index("spend")] * random.gamma(2.0, 0.25, rows)
    return Examples(features, outcome, np.arange(rows) // 3)


@pytest.mark.parametrize("target", [RISK, VALUE], ids=["risk", "value"])
def test_every_method_ships_as_onnx_with_the_same_scores(target: Target) -> None:
    """To a few millionths of the score, on rows it was not fitted on."""
    rows, other = made(target.kind), made(target.kind, seed=8)
    for name, (_, link) in compare(target, rows).items():
        predictor = train(target, rows, name, link, None)  # type: ignore[arg-type]  # because features are made up
        wanted = predictor.model.raw(other.features)
        scores = Scorer(predictor.model.onnx()).score(other.features)
        assert np.abs(scores - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max()), name


def test_methods_that_learn_beat_a_table_on_what_only_they_see() -> None:
    """Value hangs on spend, which recency and frequency do not know."""
    judged = compare(VALUE, made("value"))
    assert set(judged) == set(VALUES)
    assert min(judged, key=lambda name: judged[name][0]) in {"ridge", "same_pace", "lightgbm"}
    assert judged["ridge"][0] < 0.8 * judged["recency_frequency"][0]


def test_recency_decides_where_it_is_all_there_is() -> None:
    """The rule of thumb is no straw man: where it is true it does as well as a forest."""
    judged = compare(RISK, made("risk", 3_000))
    assert set(judged) == set(RISKS)
    assert judged["recency_frequency"][0] < judged["bgnbd"][0]
    assert judged["recency_frequency"][0] == pytest.approx(judged["lightgbm"][0], abs=0.02)


def test_platt_finds_the_true_chances() -> None:
    """Log-odds stretched and moved come back."""
    random = np.random.default_rng(7)
    truth = random.normal(0, 1.5, 40_000)
    outcome = (random.random(40_000) < 1 / (1 + np.exp(-truth))).astype(float)
    link = calibrate("logistic", truth * 3 - 2, outcome)
    assert (link.scale, link.shift) == pytest.approx((1 / 3, 2 / 3), abs=0.03)
    assert link.apply(truth * 3 - 2).mean() == pytest.approx(outcome.mean(), abs=1e-4)


def test_amounts_are_scaled_to_the_right_total_and_never_negative() -> None:
    """Also from logarithms; where nothing is foretold nothing can be scaled."""
    raw, outcome = np.array([-1.0, 1, 3]), np.array([2.0, 4, 6])
    for name in ("linear", "log"):
        answers = calibrate(name, raw, outcome).apply(raw)
        assert answers.sum() == pytest.approx(12)
        assert (answers >= 0).all()
    assert calibrate("linear", np.full(3, -1.0), outcome) == Link("linear", 0.0)


def test_no_customer_is_judged_by_a_model_that_saw_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of a customer lie in one fold, and each fold's rows are left out of its fit."""
    rows = made("risk")
    rows.features[:, 0] = rows.who

    class Spy:
        def __init__(self, features: np.ndarray) -> None:
            self.saw = set(features[:, 0].tolist())

        def raw(self, features: np.ndarray) -> np.ndarray:
            assert not self.saw & set(features[:, 0].tolist())
            return np.zeros(len(features))

        def onnx(self) -> bytes:
            return b""

    def spy(features: np.ndarray, outcome: np.ndarray) -> Model:
        return Spy(features)

    monkeypatch.setattr(fits, "RISKS", {"spy": spy})
    assert compare(RISK, rows)["spy"][1].scale == pytest.approx(1)


@pytest.mark.parametrize("outcome", [np.zeros(200), np.ones(20)])
def test_too_little_to_learn_from_is_refused(outcome: np.ndarray) -> None:
    """Nobody with the event, or hardly anybody at all."""
    features = np.ones((len(outcome), len(FEATURE_NAMES)), np.float32)
    with pytest.raises(DataError, match="are too few to learn from"):
        compare(RISK, Examples(features, outcome, np.arange(len(outcome))))
