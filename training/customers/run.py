"""One run: measure every method on the newest days, choose by the days before, fit again on all, write.

In: a dataset, where models lie. Out: the manifest and its directory. What ships is the recipe that was measured, fitted
once more up to the last day; the figures are those of the fit that had not seen the days it was measured on.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edge.core.bundle import new_version
from training.customers import measures, store
from training.customers.counts import Floats
from training.customers.features import FEATURE_NAMES, Purchasing
from training.customers.fit import Examples, Link, Predictor, Target, compare, examples, train
from training.customers.store import Manifest, Measured, TargetModel, Tenth
from training.customers.table import History, collect, seen
from training.customers.windows import Plan
from training.dataset import Dataset
from training.stages import Stages

_CHURN_DAYS, _REPURCHASE_DAYS = 30, 14
_COLLECT, _WRITE = "reading the history", "writing"


def targets(plan: Plan) -> tuple[Target, ...]:
    """What is foretold."""
    return (
        Target(store.LTV, "value", plan.horizon),
        Target(store.CHURN, "risk", _CHURN_DAYS, absent=True),
        Target(store.REPURCHASE, "risk", _REPURCHASE_DAYS),
    )


STAGES = {_COLLECT: 2.0, store.LTV: 4.0, store.CHURN: 12.0, store.REPURCHASE: 18.0, _WRITE: 0.2}


def run(dataset: Dataset, root: Path, shop: str, stages: Stages) -> tuple[Path, Manifest]:
    """Fit, measure and write the models of a shop. Raises DataError or FitError when the history does not suffice."""
    with stages.stage(_COLLECT):
        history = collect(dataset)
    plan = Plan.of(history.first, history.end)
    kept: dict[str, TargetModel] = {}
    models: dict[str, bytes] = {}
    for target in targets(plan):
        with stages.stage(target.name, measures.SAMPLES) as advance:
            method, measured = measure(history, plan, target, advance)
            rows, predictor = fitted(history, plan, target, plan.end, method)
            kept[target.name], models[target.name] = store.keep(predictor, measured, rows.features)
    with stages.stage(_WRITE):
        manifest = Manifest(
            version=new_version(),
            shop=shop,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=dataset.fingerprint,
            fitted_until=plan.end,
            window=plan.window,
            feature_names=FEATURE_NAMES,
            targets=kept,
            files={},
        )
        return store.write(root, manifest, models), manifest


def measure(
    history: History, plan: Plan, target: Target, progress: Callable[[int], None] = lambda _: None
) -> tuple[str, Measured]:
    """The method chosen on what lies before the test days, and every method's worth on those."""
    rows, purchasing = _rows(history, plan, target, plan.test)
    compared = compare(target, rows)
    chosen = min(compared, key=lambda name: compared[name][0])
    cuts = plan.test_cuts(target.days)
    unseen = examples(history, target, cuts, plan.window, purchasing)
    predicted = {
        name: train(target, rows, name, link, purchasing).predict(unseen.features)
        for name, (_, link) in compared.items()
    }
    kind = measures.RISK if target.kind == "risk" else measures.VALUE
    table = measures.judge(kind, predicted, unseen.outcome, unseen.who, chosen, progress)
    return chosen, Measured(
        cuts=tuple(cuts),
        rows=len(unseen.outcome),
        customers=int(unseen.who.max()) + 1,
        mean=float(unseen.outcome.mean()),
        methods=table,
        tenths=_tenths(predicted[chosen], unseen.outcome),
        validation={name: loss for name, (loss, _) in compared.items()},
    )


def fitted(history: History, plan: Plan, target: Target, until: int, method: str) -> tuple[Examples, Predictor]:
    """The method fitted and calibrated on outcomes known before day `until`, and the rows it learned from."""
    rows, purchasing = _rows(history, plan, target, until)
    compared: Mapping[str, tuple[float, Link]] = compare(target, rows)
    return rows, train(target, rows, method, compared[method][1], purchasing)


def _rows(history: History, plan: Plan, target: Target, until: int) -> tuple[Examples, Purchasing]:
    cuts = plan.train_cuts(target.days, until)
    purchasing = Purchasing.fit(seen(history, cuts[0], plan.window))
    return examples(history, target, cuts, plan.window, purchasing), purchasing


def _tenths(predicted: Floats, outcome: Floats) -> tuple[Tenth, ...]:
    return tuple(
        Tenth(len(rows), float(np.mean(predicted[rows])), float(np.mean(outcome[rows])))
        for rows in measures.tenths(predicted)
    )
