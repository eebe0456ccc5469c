"""The baselines a ranker has to beat: popularity, own frequency, item-item cosine, ALS, BPR and TIFU-KNN.

In: the same queries the ranker answers. Out: product positions, best first. Each sees the whole history before the
query, which is more than the capped profile the ranker has, and each is filled up with popularity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from edge.core.index import Index, Ints, gather
from training.best import top
from training.examples import Past, Query
from training.factors import Als, Bpr
from training.metrics import ALS, BASELINES, BPR, COSINE, OWN, POPULARITY, TIFU
from training.pairs import Meetings
from training.purchases import Purchases
from training.tifuknn import TifuKnn

# Beside a page or a cart: the share of a score that is the shopper's, the rest being that of the products there.
# docs/quality.md has the grid, of the weeks before the measured ones.
SHOPPER_SHARE = {COSINE: 0.8, ALS: 0.8, BPR: 0.8}
_LISTED = 20  # products a list needs for the metrics

Scores = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Baselines:
    """What the baselines know: each product's place in recent sales, the cosines of all pairs (1 to itself), models."""

    popular: Ints
    place: NDArray[np.int64]
    cosine: sp.csr_matrix
    rows: dict[str, int]  # shopper -> row of the models' factors and vectors
    als: Als
    bpr: Bpr
    tifu: TifuKnn

    @classmethod
    def of(cls, index: Index, meetings: Meetings, purchases: Purchases) -> "Baselines":
        """From the same days as the index. The cosines are of all meetings, not only those beyond chance."""
        items = len(index.ids)
        value = meetings.together / np.sqrt(meetings.sold[meetings.left] * meetings.sold[meetings.right])
        half = sp.csr_matrix((value, (meetings.left, meetings.right)), (items, items))
        popular = np.lexsort((-index.sold, -index.sold_recently)).astype(np.int32)
        place = np.empty(items, np.int64)
        place[popular] = np.arange(items)
        cosine = (half + half.T + sp.identity(items, np.float32, "csr")).tocsr()
        models = Als.of(purchases), Bpr.of(purchases), TifuKnn.of(purchases)
        return cls(popular, place, cosine, purchases.rows, *models)

    def rank(self, shopper: str, asked: Sequence[Query]) -> list[dict[str, Ints]]:
        """Each baseline's list for each query of one moment: no anchors, for `buy_again` only what was bought before.

        Lists are long enough to fill a shelf also after all that was bought before is taken out.
        """
        if not asked:
            return []
        past, row = asked[0].past, self.rows.get(shopper, -1)
        personal = {
            COSINE: self._alike(past.owned, past.counts),
            ALS: self.als.shopper(past.owned, past.counts),
            BPR: self.bpr.shopper(row),
            TIFU: self.tifu.score(past.items, past.orders, row),
        }
        return [self._lists(query, personal) for query in asked]

    def _lists(self, query: Query, personal: dict[str, Scores]) -> dict[str, Ints]:
        pages: dict[str, Callable[[Ints], Scores]] = {
            COSINE: lambda anchors: self._alike(anchors, np.ones(len(anchors))),
            ALS: self.als.goods.page,
            BPR: self.bpr.goods.page,
        }
        lists = {POPULARITY: np.empty(0, np.int32), OWN: _own(query.past)}
        for name, score in personal.items():
            if name in pages and len(query.context.anchors):
                share = SHOPPER_SHARE[name]
                score = share * _scaled(score) + (1 - share) * _scaled(pages[name](query.context.anchors))
            lists[name] = self._best(query, score)
        return {name: self._filled(query, lists[name]) for name in BASELINES}

    def _alike(self, items: Ints, weights: Scores | NDArray[np.int64]) -> Scores:
        """Of every product, the sum of its cosines to these, each as often as it weighs."""
        at, owner = gather(self.cosine.indptr, items)
        values = self.cosine.data[at] * weights[owner].astype(np.float64)
        return np.bincount(self.cosine.indices[at], values, len(self.popular)).astype(np.float64)

    def _best(self, query: Query, score: Scores) -> Ints:
        if query.slot == "buy_again":
            return query.past.owned[np.argsort(-score[query.past.owned], kind="stable")]
        # Factors score below zero, too; what is below the best is popularity's to fill.
        return top(score - min(float(score.min()), 0.0), _depth(query))

    def _filled(self, query: Query, ranked: Ints) -> Ints:
        if query.slot == "buy_again":
            fill = query.past.owned[np.argsort(self.place[query.past.owned])]
        else:
            fill = self.popular[: _depth(query)]
        both = np.concatenate([ranked, fill[~np.isin(fill, ranked)]])
        return both[~np.isin(both, query.context.anchors)]


def _own(past: Past) -> Ints:
    """Bought most often first; of equals, the one bought last."""
    return past.owned[np.lexsort((-past.days, -past.counts))]


def _scaled(score: Scores) -> Scores:
    """At most 1, so that scores of two kinds can be added."""
    return score / max(float(score.max(initial=0.0)), 1e-9)


def _depth(query: Query) -> int:
    return _LISTED + len(query.context.anchors) + len(query.past.owned)
