"""The features of two customers worked out by hand, and the methods that need no learning."""

from typing import Any

import numpy as np
import pytest

from training.customers.bgnbd import BgNbd
from training.customers.features import FEATURE_NAMES, Purchasing, matrix
from training.customers.gamma_gamma import GammaGamma
from training.customers.methods import BASELINES, LOGARITHMIC, RISKS, VALUES, column, forest_of, rule_of
from training.customers.store import to_a_year
from training.customers.table import Seen
from training.scorer import Scorer

CUT = 20_000
MODELS = Purchasing(BgNbd(1.0, 10.0, 0.8, 3.0), GammaGamma(2.0, 3.0, 15.0))


def customers(**changed: list[float]) -> Seen:
    """Ann bought on days -40, -20 and -10 before the cut for 60 in all; Bob once, on day -100, for 8."""
    columns: dict[str, list[float]] = {
        "first": [CUT - 40, CUT - 100], "last": [CUT - 10, CUT - 100], "days": [3, 1], "days_30": [2, 0],
        "days_90": [3, 0], "spend": [60, 8], "spend_30": [45, 0], "spend_90": [60, 0], "units": [12, 2],
        "reduced": [15, 8], "kinds": [6, 1], "gap_spread": [5, 0], "returned": [3, 0], "views_30": [7, 0],
        "carts_30": [2, 0],
    }  # fmt: skip
    arrays = {name: np.array(values, np.float64) for name, values in (columns | changed).items()}
    return Seen(CUT, 120, ["c:ann", "c:bob"], arrays)


def features(known: Seen, horizon: int = 30) -> dict[str, list[float]]:
    """Each feature of both customers."""
    made = matrix(known, MODELS, horizon)
    assert made.shape == (2, len(FEATURE_NAMES))
    assert made.dtype == np.float32
    return dict(zip(FEATURE_NAMES, made.T.tolist(), strict=True))


def test_what_was_counted_by_hand() -> None:
    """Gaps of 20 and 10 days have a mean of 15; one purchase has the window for a gap."""
    made = features(customers())
    by_hand: dict[str, Any] = {
        "recency_days": [10, 100], "frequency": [3, 1], "tenure_days": [40, 100], "log_recency": np.log([11, 101]),
        "log_frequency": np.log([4, 2]), "days_30": [2, 0], "days_90": [3, 0], "spend": [60, 8], "spend_30": [45, 0],
        "spend_90": [60, 0], "log_spend": np.log([61, 9]), "day_spend": [20, 8], "trend_30": [0.75, 0],
        "trend_90": [1, 0], "gap_mean_days": [15, 120], "gap_spread_days": [5, 0], "overdue": [10 / 15, 100 / 120],
        "day_units": [4, 2], "day_kinds": [2, 1], "discount_share": [0.25, 1], "return_share": [0.25, 0],
        "views_30": [7, 0], "carts_30": [2, 0],
    }  # fmt: skip
    for name, values in by_hand.items():
        assert made[name] == pytest.approx(list(values), rel=1e-6), name


def test_what_the_two_models_say() -> None:
    """BG/NBD's chances and purchases by its own functions; Gamma-Gamma draws a mean to the shop's by hand."""
    known = customers()
    made, counts = features(known), known.counts()
    assert made["alive"][1] == 1.0, "who never bought again never had a chance to leave"
    assert made["alive"] == pytest.approx(MODELS.rates.alive(counts).tolist(), rel=1e-6)
    none = MODELS.rates.none_within(30, counts)
    assert made["log_odds_none"] == pytest.approx(np.log(none / (1 - none)).tolist(), rel=1e-5)
    # p (gamma + spend) / (p days + q - 1): 2 (15 + 60) / (6 + 2) and 2 (15 + 8) / (2 + 2)
    assert made["expected_day_spend"] == pytest.approx([18.75, 11.5])
    product = [a * b for a, b in zip(made["expected_days"], made["expected_day_spend"], strict=True)]
    assert made["expected_spend"] == pytest.approx(product, rel=1e-6)


def test_a_longer_look_expects_more() -> None:
    """More purchases, fewer chances of none; what was counted stays."""
    near, far = features(customers(), 14), features(customers(), 90)
    for at in range(2):
        assert near["expected_days"][at] < far["expected_days"][at]
        assert near["log_odds_none"][at] > far["log_odds_none"][at]
    assert near["spend"] == far["spend"]


def test_nothing_spent_and_long_ago_are_finite() -> None:
    """Gifts, a single gap of a day long overdue, returns of more than was bought: numbers all the same."""
    nothing = {name: [0.0, 0.0] for name in ("spend", "spend_30", "spend_90", "reduced", "units")}
    long_ago = {"first": [CUT - 101.0, CUT - 100.0], "last": [CUT - 100.0, CUT - 100.0], "days": [2.0, 1.0]}
    made = features(customers(**nothing, **long_ago, returned=[3, 0]))
    assert all(np.isfinite(values).all() for values in made.values())
    assert made["overdue"] == pytest.approx([20, 100 / 120]), "capped at twenty gaps"
    assert made["return_share"] == [3, 0]
    assert made["trend_30"] == [0, 0]


def test_chances_are_never_quite_sure() -> None:
    """Log-odds stay within what a few months can tell."""
    made = features(customers(last=[CUT - 38.0, CUT - 100.0]), 100_000)
    assert np.abs(made["log_odds_none"]).max() <= np.log(1e6) + 1e-3


def test_a_year_beside_some_days() -> None:
    """More than once, less than as often as the days fit in; the same days are once."""
    known = customers()
    assert to_a_year(MODELS.rates, known, 365).tolist() == [1, 1]
    assert ((to_a_year(MODELS.rates, known, 73) > 1) & (to_a_year(MODELS.rates, known, 73) < 5)).all()


@pytest.mark.parametrize(("name", "sign"), [("spend", 1.0), ("recency_days", -1.0)])
def test_a_method_may_trust_one_feature(name: str, sign: float) -> None:
    """It learns nothing from outcomes, and ships as ONNX with the same scores."""
    made = matrix(customers(), MODELS, 30)
    model = column(name, sign)(made, np.array([99.0, -99.0]))
    wanted = sign * made[:, FEATURE_NAMES.index(name)]
    assert model.raw(made).tolist() == pytest.approx(wanted.tolist())
    assert Scorer(model.onnx()).score(made) == pytest.approx(wanted)


def test_an_unknown_feature_is_an_error_at_the_fit() -> None:
    """Not a column of zeros."""
    with pytest.raises(ValueError, match="not in tuple"):
        column("colour")(matrix(customers(), MODELS, 30), np.zeros(2))


def crowd(rows: int = 400) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Customers of whom the recent ones bought, whatever else is known of them."""
    random = np.random.default_rng(3)
    made = random.gamma(2.0, 1.0, (rows, len(FEATURE_NAMES))).astype(np.float32)
    recency = made[:, FEATURE_NAMES.index("recency_days")]
    return made, (recency < np.median(recency)).astype(np.float64)


def test_the_rule_of_thumb_looks_at_recency_and_frequency_only() -> None:
    """Whatever stands in the other columns; chances as log-odds, never quite sure; values as means."""
    made, outcome = crowd()
    risk, value = rule_of("risk")(made, outcome), rule_of("value")(made, 10 * outcome)
    other = np.random.default_rng(4).permutation(made, axis=0)
    for name in ("recency_days", "frequency"):
        other[:, FEATURE_NAMES.index(name)] = made[:, FEATURE_NAMES.index(name)]
    assert np.array_equal(risk.raw(made), risk.raw(other))
    assert np.array_equal(value.raw(made), value.raw(other))
    assert np.abs(risk.raw(made)).max() <= np.log(0.998 / 0.002) + 1e-6
    assert ((risk.raw(made) > 0) == (outcome > 0)).mean() > 0.95
    assert value.raw(made).mean() == pytest.approx(10 * outcome.mean(), rel=1e-3)


def test_forests_answer_before_their_link() -> None:
    """Log-odds of chances: below and above zero, not within 0 and 1."""
    made, outcome = crowd(200)
    raw = forest_of("binary")(made, outcome).raw(made)
    assert raw.min() < 0 < raw.max()
    assert ((raw > 0) == (outcome > 0)).mean() > 0.95


def test_every_target_has_its_baselines() -> None:
    """And only a value's score may be a logarithm."""
    assert set(BASELINES) <= set(RISKS) | set(VALUES)
    assert set(RISKS) & set(BASELINES)
    assert set(VALUES) & set(BASELINES)
    assert set(VALUES) >= LOGARITHMIC
