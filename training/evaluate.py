"""Evaluation: how well each method foresees what is bought, on orders of weeks that nothing was learned from.

In: moments after the index's last day, a scoring function. Out: slot -> method -> metric -> value, all methods over
the same queries. Rates are means over shoppers of each shopper's mean, with 95 % intervals. `for_you` is also measured
in two halves: repeat purchases alone, and novel ones alone, where every method's list leaves out what the shopper
bought before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Index, Ints
from training.baselines import Baselines
from training.bootstrap import estimate, per_shopper, resample
from training.examples import Query, labelled, queries
from training.metrics import (
    BASELINES,
    CUTS,
    LEADING,
    RANKER,
    RATES,
    RETRIEVAL,
    Exposure,
    Metrics,
    Popularity,
    Score,
    measure,
)
from training.moments import Moment

BOUGHT = "bought"  # not a method: how popular what was wanted is
METHODS = (RANKER, RETRIEVAL, *BASELINES)
REPEAT, NOVEL = "for_you_repeat", "for_you_novel"
_NOTHING = np.empty(0, np.int32)


@dataclass
class _Shelf:
    """What was seen of one row of the table: a row per query, a column per method."""

    shoppers: list[str] = field(default_factory=list)
    values: list[NDArray[np.float64]] = field(default_factory=list)  # each [methods, rates]
    shown: dict[str, Exposure] = field(default_factory=lambda: {method: Exposure() for method in METHODS})
    bought: Exposure = field(default_factory=Exposure)


def evaluate(
    index: Index,
    baselines: Baselines,
    moments: Sequence[Moment],
    score: Score,
    progress: Callable[[int], None] | None = None,
) -> Metrics:
    """The table of these moments; empty where there are none. A query nobody wants anything of is not asked."""
    popularity = Popularity.of(index)
    shelves: dict[str, _Shelf] = defaultdict(_Shelf)
    for done, moment in enumerate(moments, start=1):
        asked = queries(index, moment)
        for query, theirs in zip(asked, baselines.rank(moment.shopper, asked), strict=True):
            lists = _ours(index, query, score) | theirs
            for slot, wanted, hidden in _views(query):
                shown = {method: _without(lists[method], hidden) for method in METHODS}
                _note(shelves[slot], popularity, moment.shopper, wanted, shown)
        if progress is not None:
            progress(done)
    return {slot: _table(shelf, popularity) for slot, shelf in shelves.items()}


def _ours(index: Index, query: Query, score: Score) -> dict[str, Ints]:
    found, features, _ = labelled(index, query)
    order = np.argsort(-score(features), kind="stable") if len(found.items) else np.empty(0, np.intp)
    return {RANKER: found.items[order], RETRIEVAL: found.items}


def _note(shelf: _Shelf, popularity: Popularity, shopper: str, wanted: Ints, lists: dict[str, Ints]) -> None:
    shelf.shoppers.append(shopper)
    shelf.bought.add(popularity, wanted)
    shelf.values.append(np.stack([measure(ranked, wanted) for ranked in lists.values()]))
    for method, ranked in lists.items():
        shelf.shown[method].add(popularity, ranked[: CUTS[0]])


def _table(shelf: _Shelf, popularity: Popularity) -> dict[str, dict[str, float]]:
    """Every method's means, intervals and exposure; the ranker's also with its leads, `bought` with exposure alone."""
    _, shoppers = np.unique(shelf.shoppers, return_inverse=True)
    means = per_shopper(np.stack(shelf.values).reshape(len(shoppers), -1), shoppers)
    drawn = resample(means)
    estimates = dict(zip(((m, rate) for m in METHODS for rate in RATES), estimate(means, drawn), strict=True))
    sizes = {"queries": float(len(shoppers)), "shoppers": float(len(means))}
    out = {}
    for method in METHODS:
        values = {rate: estimates[method, rate].mean for rate in RATES}
        for rate in RATES:
            values |= {f"{rate}_low": estimates[method, rate].low, f"{rate}_high": estimates[method, rate].high}
        out[method] = values | sizes | shelf.shown[method].summary(popularity)
    out[RANKER] |= _leads(out, means, drawn)
    out[BOUGHT] = sizes | shelf.bought.summary(popularity)
    return out


def _leads(
    table: dict[str, dict[str, float]], means: NDArray[np.float64], drawn: NDArray[np.float64]
) -> dict[str, float]:
    """How far the ranker is ahead of each rate's best baseline on the same draws; `lead` alone is of LEADING."""
    out: dict[str, float] = {}
    for at, rate in enumerate(RATES):
        _, best = max((table[name][rate], name) for name in BASELINES)
        ours, theirs = (METHODS.index(method) * len(RATES) + at for method in (RANKER, best))
        (ahead,) = estimate((means[:, ours] - means[:, theirs])[:, None], (drawn[:, ours] - drawn[:, theirs])[:, None])
        name = "lead" if rate == LEADING else f"lead:{rate}"
        out |= {name: ahead.mean, f"{name}_low": ahead.low, f"{name}_high": ahead.high}
    return out


def _views(query: Query) -> Iterator[tuple[str, Ints, Ints]]:
    """The rows of the table a query counts for: name, what is wanted, what is hidden from every list."""
    yield query.slot, query.wanted, _NOTHING
    if query.slot == "for_you":
        novel = ~np.isin(query.wanted, query.past.owned)
        if not novel.all():
            yield REPEAT, query.wanted[~novel], _NOTHING
        if novel.any():
            yield NOVEL, query.wanted[novel], query.past.owned


def _without(ranked: Ints, hidden: Ints) -> Ints:
    return ranked[~np.isin(ranked, hidden)] if len(hidden) else ranked
