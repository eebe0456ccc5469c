"""Two models asked the same questions: how right each one's shelves are, how wide they reach, how long they take.

In: moments of days neither model learned from, a model and an index for each. Out: `Contest`: figures by shelf with
their difference, paired by shopper. Questions and wanted products are set by ids, so that an index that lacks a product
has not been asked something easier.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.codec import decode_profile
from edge.core.context import Context, History
from edge.core.features import build
from edge.core.index import Index, Ints
from edge.core.retrieval import candidates
from edge.scoring import Model
from training.bootstrap import Estimate, estimate, per_shopper, resample
from training.examples import Query, queries
from training.metrics import CUTS, LEADING, RATES, measure
from training.moments import Moment

_TIMED = 150  # shelves whose time is taken, each of both models in turn
_ROUNDS = 3  # times each; the fastest counts, since whatever else the machine does only adds
_RATE = RATES.index(LEADING)


@dataclass(frozen=True, eq=False)
class Contender:
    """A model and the index it answers with here. `shipped` is the one it would serve with."""

    model: Model
    index: Index

    @property
    def shipped(self) -> Index:
        """The bundle's own index."""
        return self.model.index

    def shelf(self, index: Index, slot: str, context: Context) -> Ints:
        """The whole ranked shelf, by position in this index."""
        found = candidates(index, slot, context)
        if not len(found.items):
            return found.items
        scores = self.model.ranker.scores(build(index, slot, context, found))
        return found.items[np.argsort(-scores, kind="stable")]


class Shelf(msgspec.Struct, frozen=True):
    """One shelf's figures: NDCG@10 of both with intervals, the difference (candidate less live), reach."""

    slot: str
    queries: int
    shoppers: int
    live: float
    candidate: float
    difference: float
    low: float
    high: float
    live_coverage: float
    candidate_coverage: float


class Speed(msgspec.Struct, frozen=True):
    """Processor time of a shelf in microseconds (medians), measured in turns in one run, and the ratio of both."""

    live_us: float
    candidate_us: float
    ratio: float


@dataclass
class _Seen:
    shoppers: list[str] = field(default_factory=list)
    values: list[tuple[float, float]] = field(default_factory=list)
    shown: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))


def compete(
    live: Contender,
    candidate: Contender,
    moments: Sequence[Moment],
    progress: Callable[[int], None] | None = None,
) -> list[Shelf]:
    """The figures by shelf, most asked for first. Raises RankerError when a model fails on a question."""
    seen: dict[str, _Seen] = defaultdict(_Seen)
    for done, moment in enumerate(moments, start=1):
        for query in queries(candidate.index, moment):
            wanted = query.wanted
            note = seen[query.slot]
            values = []
            for at, one in enumerate((live, candidate)):
                context = translated(query, candidate.index, one.index, moment)
                ids = one.index.ids.take(one.shelf(one.index, query.slot, context))
                # A product that is no longer sold takes its place and is nobody's wish.
                ranked = candidate.index.position.locate(ids)
                values.append(float(measure(ranked, wanted)[_RATE]))
                note.shown[at].update(ids[: CUTS[0]])
            note.shoppers.append(moment.shopper)
            note.values.append((values[0], values[1]))
        if progress is not None:
            progress(done)
    products = len(candidate.index.ids)
    shelves = [_shelf(slot, one, products) for slot, one in seen.items()]
    return sorted(shelves, key=lambda shelf: -shelf.queries)


def translated(query: Query, asked: Index, index: Index, moment: Moment) -> Context:
    """The question as another index understands it; products it lacks are left out."""
    if index is asked:
        return query.context

    def there(items: Ints) -> Ints:
        return index.positions(asked.ids[place] for place in items)

    history = History.of(index, decode_profile(moment.profile))
    return Context(there(query.context.anchors), there(query.context.recent), history, query.context.day)


def race(live: Contender, candidate: Contender, moments: Sequence[Moment]) -> Speed:
    """How long a shelf takes with the indexes that ship: candidates, features and scores, on one core."""
    best: list[tuple[float, float]] = []
    for moment in moments:
        for query in queries(candidate.index, moment):
            contexts = [translated(query, candidate.index, one.shipped, moment) for one in (live, candidate)]
            times = np.empty((_ROUNDS, 2))
            for turn in range(_ROUNDS):
                for at, one in enumerate((live, candidate)):
                    began = time.thread_time_ns()
                    one.shelf(one.shipped, query.slot, contexts[at])
                    times[turn, at] = time.thread_time_ns() - began
            best.append(tuple(times.min(axis=0)))
        if len(best) >= _TIMED:
            break
    if not best:
        return Speed(0.0, 0.0, 1.0)
    figures = np.array(best) / 1_000
    both = np.median(figures, axis=0)
    return Speed(round(float(both[0]), 1), round(float(both[1]), 1), round(float(both[1] / max(both[0], 1e-9)), 3))


def _shelf(slot: str, seen: _Seen, products: int) -> Shelf:
    _, shoppers = np.unique(seen.shoppers, return_inverse=True)
    means = per_shopper(np.array(seen.values), shoppers)
    ahead: NDArray[np.float64] = np.column_stack([means, means[:, 1] - means[:, 0]])
    live, candidate, difference = estimate(ahead, resample(ahead)) if len(means) > 1 else _lone(ahead)
    covered = [len(shown) / max(products, 1) for shown in seen.shown]
    return Shelf(
        slot=slot,
        queries=len(seen.values),
        shoppers=len(means),
        live=live.mean,
        candidate=candidate.mean,
        difference=difference.mean,
        low=difference.low,
        high=difference.high,
        live_coverage=covered[0],
        candidate_coverage=covered[1],
    )


def _lone(ahead: NDArray[np.float64]) -> list[Estimate]:
    """One shopper says nothing about others: intervals without end."""
    return [Estimate(float(value), -1.0, 1.0) for value in ahead[0]]
