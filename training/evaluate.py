"""Evaluation: how well each method foresees what is bought, on orders of weeks that nothing was learned from.

In: moments after the index's last day, a scoring function. Out: slot -> method -> metric -> value, all methods over
the same queries. `for_you` is also measured in two halves: only repeat purchases, only novel ones.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Index, Ints
from training.baselines import Baselines, without
from training.examples import Query, labelled, queries
from training.moments import Moment

Metrics = dict[str, dict[str, dict[str, float]]]
Score = Callable[[NDArray[np.float32]], NDArray[np.float32]]

RANKER, RETRIEVAL = "endcap", "retrieval_order"
REPEAT, NOVEL = "for_you_repeat", "for_you_novel"


def measure(ranked: Ints, wanted: Ints) -> dict[str, float]:
    """HR@10, Recall@10, NDCG@10 and MRR@20 of one list; `wanted` may hold products no list could reach."""
    hit = np.isin(ranked[:20], wanted)
    top = hit[:10]
    places = np.flatnonzero(hit)
    ideal = _DISCOUNT[: min(len(wanted), 10)].sum()
    return {
        "hit_rate@10": float(top.any()),
        "recall@10": float(top.sum()) / len(wanted),
        "ndcg@10": float(_DISCOUNT[: len(top)][top].sum() / ideal),
        "mrr@20": 1.0 / (places[0] + 1) if len(places) else 0.0,
    }


_DISCOUNT = 1 / np.log2(np.arange(2, 12))


def evaluate(
    index: Index,
    baselines: Baselines,
    moments: Sequence[Moment],
    score: Score,
    progress: Callable[[int], None] | None = None,
) -> Metrics:
    """Means over all queries of these moments; `queries` beside the metrics says how many. Never raises on none."""
    seen: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for done, moment in enumerate(moments, start=1):
        for query in queries(index, moment):
            lists = answers(index, baselines, query, score)
            for slot, wanted, hidden in _views(query):
                for method, ranked in lists.items():
                    seen[slot, method].append(measure(without(ranked, hidden), wanted))
        if progress is not None:
            progress(done)
    out: Metrics = defaultdict(dict)
    for (slot, method), values in seen.items():
        means = {name: float(np.mean([value[name] for value in values])) for name in values[0]}
        out[slot][method] = means | {"queries": float(len(values))}
    return dict(out)


def answers(index: Index, baselines: Baselines, query: Query, score: Score) -> dict[str, Ints]:
    """Every method's list for one query: the ranker's, the retrieval order it started from, the baselines'."""
    found, features, _ = labelled(index, query)
    order = np.argsort(-score(features), kind="stable") if len(found.items) else np.empty(0, np.intp)
    return {RANKER: found.items[order], RETRIEVAL: found.items, **baselines.rank(query)}


def _views(query: Query) -> list[tuple[str, Ints, Ints]]:
    """The slots a query counts for: name, what is wanted, what is hidden from every list."""
    views = [(query.slot, query.wanted, np.empty(0, np.int32))]
    if query.slot == "for_you":
        novel = query.novel
        known, new = query.wanted[~novel], query.wanted[novel]
        if len(known):
            views.append((REPEAT, known, np.setdiff1d(new, query.owned).astype(np.int32)[:0]))
        if len(new):
            views.append((NOVEL, new, query.owned))
    return views
