"""The baselines a ranker has to beat: global popularity, the shopper's own most frequent products, item-item cosine.

In: the same queries the ranker answers. Out: product positions, best first. Each sees the whole history before the
query, which is more than the capped profile the ranker has, and each is filled up with popularity.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from edge.core.context import top
from edge.core.index import Index, Ints, gather
from training.examples import Query
from training.pairs import Meetings

POPULARITY, OWN, COSINE = "popularity", "own_frequency", "item_cosine"
BASELINES = (POPULARITY, OWN, COSINE)
_LISTED = 20  # products a list needs for the metrics


@dataclass(frozen=True, eq=False)
class Baselines:
    """What the baselines know: each product's place in recent sales, and every pair's cosine, 1 on the diagonal."""

    popular: Ints
    place: NDArray[np.int64]
    cosine: sp.csr_matrix

    @classmethod
    def of(cls, index: Index, meetings: Meetings) -> "Baselines":
        """From the same days as the index. The cosines are of all meetings, not only those beyond chance."""
        items = len(index.ids)
        value = meetings.together / np.sqrt(meetings.sold[meetings.left] * meetings.sold[meetings.right])
        half = sp.csr_matrix((value, (meetings.left, meetings.right)), (items, items))
        popular = np.lexsort((-index.sold, -index.sold_recently)).astype(np.int32)
        place = np.empty(items, np.int64)
        place[popular] = np.arange(items)
        return cls(popular, place, (half + half.T + sp.identity(items, np.float32, "csr")).tocsr())

    def rank(self, query: Query) -> dict[str, Ints]:
        """Each baseline's list: no anchors, for `buy_again` only what was bought before.

        Lists are long enough to fill a shelf also after all that was bought before is taken out.
        """
        return {
            POPULARITY: self._filled(query, np.empty(0, np.int32)),
            OWN: self._filled(query, _own(query)),
            COSINE: self._filled(query, self._alike(query)),
        }

    def _alike(self, query: Query) -> Ints:
        # The page or the cart where there is one, else the whole history, each product as often as it was bought.
        given = query.context.anchors
        items, weights = (given, np.ones(len(given))) if len(given) else (query.owned, query.owned_counts)
        at, owner = gather(self.cosine.indptr, items)
        score = np.bincount(self.cosine.indices[at], self.cosine.data[at] * weights[owner], len(self.popular))
        if query.slot == "buy_again":
            return query.owned[np.argsort(-score[query.owned], kind="stable")]
        return top(score, _depth(query))

    def _filled(self, query: Query, ranked: Ints) -> Ints:
        if query.slot == "buy_again":
            fill = query.owned[np.argsort(self.place[query.owned])]
        else:
            fill = self.popular[: _depth(query)]
        both = np.concatenate([ranked, fill[~np.isin(fill, ranked)]])
        return both[~np.isin(both, query.context.anchors)]


def _own(query: Query) -> Ints:
    """Bought most often first; of equals, the one bought last."""
    return query.owned[np.lexsort((-query.owned_days, -query.owned_counts))]


def _depth(query: Query) -> int:
    return _LISTED + len(query.context.anchors) + len(query.owned)
