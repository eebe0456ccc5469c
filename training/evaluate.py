"""Evaluation: how well each method foresees what is bought, on orders of weeks that nothing was learned from.

In: moments after the index's last day, a scoring function. Out: slot -> method -> metric -> value, all methods over
the same queries. `for_you` is also measured in two halves: repeat purchases alone, and novel ones alone, where every
method's list leaves out what the shopper bought before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Index, Ints
from training.baselines import BASELINES, Baselines
from training.examples import Query, labelled, queries
from training.moments import Moment

Metrics = dict[str, dict[str, dict[str, float]]]
Score = Callable[[NDArray[np.float32]], NDArray[np.float32]]

RANKER, RETRIEVAL = "endcap", "retrieval_order"
REPEAT, NOVEL = "for_you_repeat", "for_you_novel"
LEADING = "ndcg@10"  # what the lead over the best baseline is told in
_SAMPLES = 2_000
_DISCOUNT = 1 / np.log2(np.arange(2, 12))
_NOTHING = np.empty(0, np.int32)


def measure(ranked: Ints, wanted: Ints) -> dict[str, float]:
    """HR@10, Recall@10, NDCG@10 and MRR@20 of one list; `wanted` may hold products no list could reach."""
    hit = np.isin(ranked[:20], wanted)
    first_ten = hit[:10]
    places = np.flatnonzero(hit)
    return {
        "hit_rate@10": float(first_ten.any()),
        "recall@10": float(first_ten.sum()) / len(wanted),
        "ndcg@10": float(_DISCOUNT[: len(first_ten)][first_ten].sum() / _DISCOUNT[: min(len(wanted), 10)].sum()),
        "mrr@20": 1.0 / (places[0] + 1) if len(places) else 0.0,
    }


def evaluate(
    index: Index,
    baselines: Baselines,
    moments: Sequence[Moment],
    score: Score,
    progress: Callable[[int], None] | None = None,
) -> Metrics:
    """Means over all queries of these moments, and how many they were; empty where there are no moments."""
    seen: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for done, moment in enumerate(moments, start=1):
        for query in queries(index, moment):
            found, features, _ = labelled(index, query)
            order = np.argsort(-score(features), kind="stable") if len(found.items) else np.empty(0, np.intp)
            lists = {RANKER: found.items[order], RETRIEVAL: found.items, **baselines.rank(query)}
            for slot, wanted, hidden in _views(query):
                for method, ranked in lists.items():
                    seen[slot, method].append(measure(_without(ranked, hidden), wanted))
        if progress is not None:
            progress(done)
    out: Metrics = defaultdict(dict)
    for (slot, method), values in seen.items():
        means = {name: float(np.mean([value[name] for value in values])) for name in values[0]}
        out[slot][method] = means | {"queries": float(len(values))}
    for slot, methods in out.items():
        best = max(BASELINES, key=lambda name: methods[name][LEADING])
        ours, theirs = ([value[LEADING] for value in seen[slot, method]] for method in (RANKER, best))
        methods[RANKER] |= lead(np.array(ours), np.array(theirs))
    return dict(out)


def lead(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, float]:
    """How far ahead one method is of another on the same queries, with a 95 % interval (paired bootstrap, seeded)."""
    ahead = ours - theirs
    samples = np.random.default_rng(7).integers(0, len(ahead), (_SAMPLES, len(ahead)))
    low, high = np.quantile(ahead[samples].mean(axis=1), (0.025, 0.975))
    return {"lead": float(ahead.mean()), "lead_low": float(low), "lead_high": float(high)}


def _views(query: Query) -> Iterator[tuple[str, Ints, Ints]]:
    """The rows of the table a query counts for: name, what is wanted, what is hidden from every list."""
    yield query.slot, query.wanted, _NOTHING
    if query.slot == "for_you":
        novel = ~np.isin(query.wanted, query.owned)
        if not novel.all():
            yield REPEAT, query.wanted[~novel], _NOTHING
        if novel.any():
            yield NOVEL, query.wanted[novel], query.owned


def _without(ranked: Ints, hidden: Ints) -> Ints:
    return ranked[~np.isin(ranked, hidden)] if len(hidden) else ranked
