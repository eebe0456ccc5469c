"""The baselines a ranker has to beat: global popularity, the shopper's own most frequent products, item-item cosine.

In: the same queries the ranker answers. Out: product positions, best first. Each sees the whole history before the
query, which is more than the capped profile the ranker has, and each is filled up with popularity.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from edge.core.index import Index, Ints
from training.examples import Query
from training.pairs import Meetings

POPULARITY, OWN, COSINE = "popularity", "own_frequency", "item_cosine"
BASELINES = (POPULARITY, OWN, COSINE)
_DEPTH = 20  # products a list needs for the metrics


@dataclass(frozen=True, eq=False)
class Baselines:
    """What the baselines know: products by recent sales, and every pair's cosine with 1 on the diagonal."""

    popular: Ints
    cosine: sp.csr_matrix

    @classmethod
    def of(cls, index: Index, meetings: Meetings) -> "Baselines":
        """From the same days as the index. The cosines are of all meetings, not only those beyond chance."""
        items = len(index.ids)
        value = meetings.together / np.sqrt(meetings.sold[meetings.left] * meetings.sold[meetings.right])
        half = sp.csr_matrix((value, (meetings.left, meetings.right)), (items, items))
        popular = np.lexsort((-index.sold, -index.sold_recently)).astype(np.int32)
        return cls(popular, (half + half.T + sp.identity(items, np.float32, "csr")).tocsr())

    def rank(self, query: Query) -> dict[str, Ints]:
        """Each baseline's list for a query: no anchors, and for `buy_again` only what was bought before."""
        return {
            POPULARITY: self._filled(query, np.empty(0, np.int32)),
            OWN: self._filled(query, _own(query)),
            COSINE: self._filled(query, self._alike(query)),
        }

    def _alike(self, query: Query) -> Ints:
        # The page or the cart where there is one, else the whole history, each product as often as it was bought.
        given = query.context.anchors
        items, weights = (given, np.ones(len(given))) if len(given) else (query.owned, query.owned_counts)
        total = sp.csr_matrix((weights, items, [0, len(items)]), (1, self.cosine.shape[0])) @ self.cosine
        return np.asarray(total.indices[np.argsort(-total.data, kind="stable")], np.int32)

    def _filled(self, query: Query, ranked: Ints) -> Ints:
        if query.slot == "buy_again":
            pool = self.popular[np.isin(self.popular, query.owned)]
            ranked = ranked[np.isin(ranked, query.owned)]
        else:
            pool = self.popular[: 4 * _DEPTH + len(query.context.anchors) + len(query.owned)]
        ranked = ranked[~np.isin(ranked, query.context.anchors)]
        pool = pool[~np.isin(pool, query.context.anchors)]
        return np.concatenate([ranked, pool[~np.isin(pool, ranked)]])


def _own(query: Query) -> Ints:
    """Bought most often first; of equals, the one bought last."""
    return query.owned[np.lexsort((-query.owned_days, -query.owned_counts))]


def without(ranked: Ints, hidden: NDArray[np.integer]) -> Ints:
    """The list without some products: what is left of it when only novel, or only known, ones count."""
    return ranked[~np.isin(ranked, hidden)]
