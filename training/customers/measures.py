"""How good predictions of value and risk are, with intervals over customers.

In: predictions by method, outcomes, who each row is about. Out: by method and measure the value with its 95 % interval,
and the lead of one method over the others, all from the same draws of customers.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.bootstrap import SURE
from training.customers.counts import Floats

Measure = Callable[[Floats, Floats], float]
Table = dict[str, dict[str, dict[str, float]]]  # method -> measure -> value, low, high
SAMPLES = 400
BINS = 10
_SURE = 1e-9


def auc(predicted: Floats, outcome: Floats) -> float:
    """The chance that of two rows the one with the event is scored higher; ties count half."""
    events = float(outcome.sum())
    others = len(outcome) - events
    if not events or not others:
        return float("nan")
    ranks = rankdata(predicted)
    return float((ranks[outcome > 0].sum() - events * (events + 1) / 2) / (events * others))


def log_loss(predicted: Floats, outcome: Floats) -> float:
    """Mean surprise in nats; 0 is best."""
    sure = np.clip(predicted, _SURE, 1 - _SURE)
    return float(-np.where(outcome > 0, np.log(sure), np.log(1 - sure)).mean())


def brier(predicted: Floats, outcome: Floats) -> float:
    """Mean squared error of the probability; 0 is best."""
    return float(((predicted - outcome) ** 2).mean())


def calibration_error(predicted: Floats, outcome: Floats) -> float:
    """Mean distance between probability and share, over tenths by probability."""
    return float(sum(len(rows) * abs(predicted[rows].mean() - outcome[rows].mean()) for rows in tenths(predicted))
                 / len(outcome))  # fmt: skip


def tenths(predicted: Floats) -> list[NDArray[np.intp]]:
    """Rows in tenths by prediction, lowest first."""
    return [rows for rows in np.array_split(np.argsort(predicted, kind="stable"), BINS) if len(rows)]


def mae(predicted: Floats, outcome: Floats) -> float:
    """Mean absolute error."""
    return float(np.abs(predicted - outcome).mean())


def spearman(predicted: Floats, outcome: Floats) -> float:
    """Correlation of the ranks; undefined where one side is all alike."""
    one, other = rankdata(predicted), rankdata(outcome)
    if not one.std() or not other.std():
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def top_decile(predicted: Floats, outcome: Floats) -> float:
    """Share of what the truly best tenth spends that the tenth predicted best spends; 1 is best."""
    many = max(len(outcome) // 10, 1)
    best = float(np.sort(outcome)[-many:].sum())
    return float(outcome[np.argsort(-predicted, kind="stable")[:many]].sum()) / best if best else float("nan")


def bias(predicted: Floats, outcome: Floats) -> float:
    """How far the total is off, as a share of the total; 0 is best."""
    total = float(outcome.sum())
    return float(predicted.sum()) / total - 1 if total else float("nan")


RISK: Mapping[str, Measure] = {"auc": auc, "log_loss": log_loss, "brier": brier, "calibration_error": calibration_error}
VALUE: Mapping[str, Measure] = {"mae": mae, "spearman": spearman, "top_decile": top_decile, "bias": bias}


def judge(
    measures: Mapping[str, Measure],
    predicted: Mapping[str, Floats],
    outcome: Floats,
    who: NDArray[np.intp],
    chosen: str,
    progress: Callable[[int], None] = lambda _: None,
) -> Table:
    """All measures of all methods; `lead_<measure>` is the chosen method's value less this one's.

    `who` [rows] numbers the customers from 0: drawn as wholes, since one customer's rows are alike.
    """
    random = np.random.default_rng(7)
    people = int(who.max()) + 1
    whole = _all(measures, predicted, outcome)
    draws = []
    for at in range(SAMPLES):
        times = np.bincount(random.integers(0, people, people), minlength=people)
        rows = np.repeat(np.arange(len(who)), times[who])
        draws.append(_all(measures, {name: values[rows] for name, values in predicted.items()}, outcome[rows]))
        progress(at + 1)
    drawn = np.stack(draws)  # [draws, methods, measures]
    table: Table = {}
    for row, method in enumerate(predicted):
        lead_of = list(predicted).index(chosen)
        figures = {}
        for place, name in enumerate(measures):
            figures[name] = _interval(whole[row, place], drawn[:, row, place])
            if method != chosen:
                lead = drawn[:, lead_of, place] - drawn[:, row, place]
                figures[f"lead_{name}"] = _interval(whole[lead_of, place] - whole[row, place], lead)
        table[method] = figures
    return table


def _all(measures: Mapping[str, Measure], predicted: Mapping[str, Floats], outcome: Floats) -> Floats:
    return np.array([[measure(values, outcome) for measure in measures.values()] for values in predicted.values()])


def _interval(value: float, drawn: Floats) -> dict[str, float]:
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, SURE) if len(known) else (float("nan"), float("nan"))
    return {"value": float(value), "low": float(low), "high": float(high)}
