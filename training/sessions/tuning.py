"""Hyper-parameters chosen on the newest sessions, by an index that does not hold them.

In: an index of the sessions before, questions from those after. Out: `Chosen`, by coordinate search over HR@20 + MRR@20
of the retrieval order; and the size of the forest, by what forests of older questions reach on the newer ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import lightgbm as lgb
import numpy as np

from edge.core.index import Ints
from edge.core.sessions.features import build
from edge.core.sessions.index import SessionIndex, freshness
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.visit import Visit
from training.sessions.cost import onnx_ms
from training.sessions.index import Chosen
from training.sessions.measure import place_of, rates
from training.sessions.ranker import Forest

Questions = Sequence[tuple[Ints, int]]

# half_life as a share of the sessions there are; the others as they are.
_CHOICES: dict[str, tuple[float, ...]] = {
    "direction": (0.5, 1.0, 2.0, 3.0),
    "half_life": (0.1, 0.3, 1.0, 3.0),
    "decay": (0.5, 0.65, 0.75, 0.85, 0.95),
    "spread": (1.5, 3.0, 6.0),
    "neighbours": (200, 500),  # 1,000 found no more and cost a tenth of a millisecond
}
# More trees than these cost more time than a prediction has; see docs/quality.md for the trade.
FORESTS = tuple(Forest(trees, leaves) for leaves in (15, 31) for trees in (50, 100, 200))
_GIVEN_AWAY = 0.2  # points of HR@20 + MRR@20 that a smaller forest may cost: a tree is latency on every request
TRIALS = 1 + sum(len(values) - 1 for values in _CHOICES.values())


def usual(sessions: int) -> Chosen:
    """Where the search starts."""
    return Chosen(decay=0.75, half_life=0.3 * sessions, neighbours=500, spread=3.0, direction=2.0)


def choose(index: SessionIndex, questions: Questions, progress: Callable[[int], None]) -> Chosen:
    """One pass over the coordinates, each set to its best before the next is tried."""
    best = usual(len(index.session_ptr) - 1)
    reached, done = worth(with_settings(index, best), questions), 1
    for name, values in _CHOICES.items():
        for step in values:
            value = step * (len(index.session_ptr) - 1) if name == "half_life" else step
            trial = replace(best, **{name: value})
            if trial == best:
                continue
            found = worth(with_settings(index, trial), questions)
            best, reached = (trial, found) if found > reached else (best, reached)
            done += 1
            progress(done)
    return best


def scaled(chosen: Chosen, before: int, now: int) -> Chosen:
    """The same choice for another number of sessions."""
    return replace(chosen, half_life=chosen.half_life * now / before)


def with_settings(index: SessionIndex, chosen: Chosen) -> SessionIndex:
    """The same arrays, read by other settings."""
    return replace(
        index,
        decay=chosen.decay,
        half_life=chosen.half_life,
        neighbours=int(chosen.neighbours),
        spread=chosen.spread,
        direction=chosen.direction,
        freshness=freshness(index.session_ptr, chosen.half_life),
    )


def worth(index: SessionIndex, questions: Questions) -> float:
    """HR@20 + MRR@20 of the retrieval order."""
    places = [place_of(answer, candidates(index, Visit.of(given)).items) for given, answer in questions]
    return _worth(rates(places))


def choose_forest(
    grow: Callable[[Forest], lgb.Booster], index: SessionIndex, questions: Questions
) -> tuple[Forest, dict[Forest, dict[str, float]]]:
    """The cheapest forest within _GIVEN_AWAY of the best on these questions, and what each reached.

    Forests of as many leaves are one forest, cut after some of its trees.
    """
    asked = []
    for given, answer in questions:
        visit = Visit.of(given)
        found = candidates(index, visit)
        asked.append((found.items, build(index, visit, found), answer))
    ends = np.cumsum([len(items) for items, _, _ in asked])
    features = np.concatenate([matrix for _, matrix, _ in asked])
    reached: dict[Forest, dict[str, float]] = {}
    for leaves in sorted({forest.leaves for forest in FORESTS}):
        sizes = sorted(forest.trees for forest in FORESTS if forest.leaves == leaves)
        booster = grow(Forest(sizes[-1], leaves))
        for trees in sizes:
            scores = np.split(booster.predict(features, num_iteration=trees, num_threads=1), ends[:-1])
            places = [
                place_of(answer, items[np.argsort(-score, kind="stable")])
                for (items, _, answer), score in zip(asked, scores, strict=True)
            ]
            reached[Forest(trees, leaves)] = rates(places) | {"onnx_ms": onnx_ms(booster, trees, features)}
    best = max(_worth(row) for row in reached.values())
    good = [forest for forest, row in reached.items() if _worth(row) >= best - _GIVEN_AWAY]
    return min(good, key=lambda forest: (forest.trees * forest.leaves, forest.leaves)), reached


def _worth(row: dict[str, float]) -> float:
    return row["hr@20"] + row["mrr@20"]
