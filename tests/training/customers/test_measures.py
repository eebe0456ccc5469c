"""Measures of value and risk: against scikit-learn and against cases worked out by hand; intervals over customers."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from training.customers import measures

RANDOM = np.random.default_rng(7)
CHANCE = RANDOM.random(900).round(2)  # rounded, so that there are ties
EVENT = (RANDOM.random(900) < CHANCE).astype(float)
SPENT = RANDOM.gamma(1.0, 50.0, 900)
GUESS = SPENT * RANDOM.gamma(4.0, 0.25, 900)


def test_the_measures_of_risk_are_scikit_learns() -> None:
    """With ties."""
    assert measures.auc(CHANCE, EVENT) == pytest.approx(roc_auc_score(EVENT, CHANCE))
    sure = np.clip(CHANCE, 1e-9, 1 - 1e-9)
    assert measures.log_loss(CHANCE, EVENT) == pytest.approx(log_loss(EVENT, sure))
    assert measures.brier(CHANCE, EVENT) == pytest.approx(brier_score_loss(EVENT, CHANCE))


def test_calibration_error_is_the_mean_distance_over_tenths() -> None:
    """None where chances are right, and as large as they are wrong."""
    many = np.repeat(np.arange(10) / 10, 1_000)
    right = np.concatenate([np.r_[np.ones(n * 100), np.zeros(1_000 - n * 100)] for n in range(10)])
    assert measures.calibration_error(many, right) == pytest.approx(0)
    assert measures.calibration_error(np.clip(many + 0.05, 0, 1), right) == pytest.approx(0.05)


def test_the_measures_of_value() -> None:
    """Rank correlation as in SciPy; the best tenth found by knowing it; a bias by its sign."""
    assert measures.spearman(GUESS, SPENT) == pytest.approx(spearmanr(GUESS, SPENT).statistic)
    assert measures.top_decile(SPENT, SPENT) == pytest.approx(1)
    assert 0 < measures.top_decile(-SPENT, SPENT) < 0.1
    assert measures.bias(SPENT * 1.1, SPENT) == pytest.approx(0.1)
    assert measures.mae(SPENT + 2, SPENT) == pytest.approx(2)


def test_what_cannot_be_measured_is_no_number() -> None:
    """One class, one value, nothing spent."""
    none = np.zeros(5)
    for measure in (measures.auc, measures.spearman, measures.top_decile, measures.bias):
        assert np.isnan(measure(np.arange(5.0), none))


def test_intervals_hold_the_value_and_leads_are_paired() -> None:
    """A method that is better for every customer leads surely, although both intervals overlap."""
    who = np.repeat(np.arange(300), 3)
    heard: list[int] = []
    table = measures.judge(
        {"mae": measures.mae}, {"ours": SPENT * 0.9, "theirs": SPENT * 0.895}, SPENT, who, "ours", heard.append
    )
    ours, theirs = table["ours"]["mae"], table["theirs"]["mae"]
    assert ours["low"] < ours["value"] < ours["high"]
    assert ours["high"] > theirs["low"]
    assert table["theirs"]["lead_mae"]["high"] < 0
    assert "lead_mae" not in table["ours"]
    assert heard[-1] == measures.SAMPLES


def test_intervals_are_over_customers_not_rows() -> None:
    """A hundred rows of the same ten customers tell no more than ten."""
    outcome, guess = np.repeat(SPENT[:10], 10), np.repeat(GUESS[:10], 10)
    wide = measures.judge({"mae": measures.mae}, {"m": guess}, outcome, np.repeat(np.arange(10), 10), "m")
    narrow = measures.judge({"mae": measures.mae}, {"m": guess}, outcome, np.arange(100), "m")
    spans = [table["m"]["mae"]["high"] - table["m"]["mae"]["low"] for table in (wide, narrow)]
    assert spans[0] > 2 * spans[1]
