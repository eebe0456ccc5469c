"""The features of a customer, in one order, for every model of value and risk.

In: `Seen`, the models of purchasing, the days to look ahead. Out: float32 [customers, FEATURE_NAMES].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.customers import bgnbd, gamma_gamma
from training.customers.counts import Floats
from training.customers.table import Seen

FEATURE_NAMES = (
    "recency_days",
    "frequency",  # days with a purchase
    "tenure_days",  # since the first purchase in the window
    "log_recency",
    "log_frequency",
    "days_30",
    "days_90",
    "spend",
    "spend_30",
    "spend_90",
    "log_spend",
    "day_spend",
    "trend_30",  # share of the spend that fell into the last 30 days
    "trend_90",
    "gap_mean_days",
    "gap_spread_days",
    "overdue",  # recency in mean gaps
    "day_units",
    "day_kinds",
    "discount_share",
    "return_share",
    "views_30",
    "carts_30",
    "alive",  # by BG/NBD
    "log_odds_none",  # of no purchase within the horizon, by BG/NBD
    "expected_days",  # with a purchase within the horizon, by BG/NBD
    "expected_day_spend",  # by Gamma-Gamma
    "expected_spend",  # both multiplied
)
_MOST_OVERDUE = 20.0
_SURE = 1e-6  # a chance nearer to 0 or 1 than this is nothing a few months of purchases can tell


@dataclass(frozen=True)
class Purchasing:
    """The two textbook models, fitted on what came before one cut."""

    rates: bgnbd.BgNbd
    spends: gamma_gamma.GammaGamma

    @classmethod
    def fit(cls, seen: Seen) -> "Purchasing":
        """Fit both. Raises FitError when customers are too few."""
        days = seen.columns["days"]
        return cls(bgnbd.fit(seen.counts()), gamma_gamma.fit(days, seen.columns["spend"] / days))


def matrix(seen: Seen, purchasing: Purchasing, horizon: int) -> NDArray[np.float32]:
    """Features of these customers for a look `horizon` days ahead."""
    values = _habits(seen) | _foretold(seen, purchasing, horizon)
    return np.stack([values[name] for name in FEATURE_NAMES], axis=1).astype(np.float32)


def _habits(seen: Seen) -> dict[str, Floats]:
    """What was counted, and ratios of it, by feature."""
    column = seen.columns
    days, spend = column["days"], column["spend"]
    recency, tenure = seen.cut - column["last"], seen.cut - column["first"]
    # One purchase has no gap: the whole window stands in for one that was not seen to end.
    gap = np.where(days > 1, (column["last"] - column["first"]) / np.maximum(days - 1, 1), seen.window)
    some = np.maximum(spend, 1e-9)
    as_counted = ("days_30", "days_90", "spend", "spend_30", "spend_90", "views_30", "carts_30")
    return {name: column[name] for name in as_counted} | {
        "recency_days": recency,
        "frequency": days,
        "tenure_days": tenure,
        "log_recency": np.log1p(recency),
        "log_frequency": np.log1p(days),
        "log_spend": np.log1p(spend),
        "day_spend": spend / days,
        "trend_30": column["spend_30"] / some,
        "trend_90": column["spend_90"] / some,
        "gap_mean_days": gap,
        "gap_spread_days": column["gap_spread"],
        "overdue": np.minimum(recency / gap, _MOST_OVERDUE),
        "day_units": column["units"] / days,
        "day_kinds": column["kinds"] / days,
        "discount_share": column["reduced"] / some,
        "return_share": column["returned"] / np.maximum(column["units"], 1),
    }


def _foretold(seen: Seen, purchasing: Purchasing, horizon: int) -> dict[str, Floats]:
    """What the two textbook models say, by feature."""
    counts, days = seen.counts(), seen.columns["days"]
    none = np.clip(purchasing.rates.none_within(horizon, counts), _SURE, 1 - _SURE)
    expected = purchasing.rates.expected(horizon, counts)
    worth = purchasing.spends.mean(days, seen.columns["spend"] / days)
    return {
        "alive": purchasing.rates.alive(counts),
        "log_odds_none": np.log(none / (1 - none)),
        "expected_days": expected,
        "expected_day_spend": worth,
        "expected_spend": expected * worth,
    }
