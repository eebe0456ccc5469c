"""Ranking metrics of one list, and what a set of lists shows of the catalogue.

In: product positions, best first, and the products that were wanted. Out: numbers by name. Rates lie in 0..1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Index, Ints

Metrics = dict[str, dict[str, dict[str, float]]]  # slot -> method -> metric -> value
Score = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# The methods that are compared: ours, ours without its last step, and those to beat.
RANKER, RETRIEVAL = "endcap", "retrieval_order"
POPULARITY, OWN, COSINE, ALS, BPR, TIFU = "popularity", "own_frequency", "item_cosine", "als", "bpr", "tifu_knn"
BASELINES = (POPULARITY, OWN, COSINE, ALS, BPR, TIFU)
LEADING = "ndcg@10"  # what the best baseline is chosen by
CUTS = (10, 20)
DEPTH = max(CUTS)
RATES = tuple(f"{name}@{cut}" for cut in CUTS for name in ("hit_rate", "recall", "ndcg", "mrr"))
_DISCOUNT = 1 / np.log2(np.arange(2, DEPTH + 2))


def measure(ranked: Ints, wanted: Ints) -> NDArray[np.float64]:
    """Hit rate, recall, NDCG and reciprocal rank at each cut, in the order of RATES.

    `wanted` is not empty and may hold products no list could reach; ideal is a list that begins with all of it.
    """
    hit = np.isin(ranked[:DEPTH], wanted)
    places = np.flatnonzero(hit)
    values = []
    for cut in CUTS:
        found = places[places < cut]
        ideal = _DISCOUNT[: min(len(wanted), cut)].sum()
        first = 1 / (found[0] + 1) if len(found) else 0.0
        values += [float(len(found) > 0), len(found) / len(wanted), _DISCOUNT[found].sum() / ideal, first]
    return np.array(values)


@dataclass
class Exposure:
    """Which products some lists hold, and how popular they are."""

    shown: set[int] = field(default_factory=set)
    places: int = 0
    percentiles: float = 0.0
    shares: float = 0.0

    def add(self, popularity: "Popularity", items: Ints) -> None:
        """Count one list."""
        self.shown.update(items.tolist())
        self.places += len(items)
        self.percentiles += float(popularity.percentile[items].sum())
        self.shares += float(popularity.share[items].sum())

    def summary(self, popularity: "Popularity") -> dict[str, float]:
        """Share of the catalogue in them, and the means over all their places."""
        places = max(self.places, 1)
        return {
            "coverage@10": len(self.shown) / max(popularity.products, 1),
            "percentile@10": self.percentiles / places,
            "sold_share@10": self.shares / places,
        }


@dataclass(frozen=True, eq=False)
class Popularity:
    """How popular each product is, by the orders the index knows.

    `percentile` is the share of the products ever sold that sold in fewer orders (ties count half), `share` the share
    of orders that held it: the field's average recommendation popularity (ARP), as a share.
    """

    percentile: NDArray[np.float64]
    share: NDArray[np.float64]
    products: int  # that could be shown: all the index knows

    @classmethod
    def of(cls, index: Index) -> "Popularity":
        """From the orders the index knows."""
        known = np.sort(index.sold[index.sold > 0])
        below, upto = (np.searchsorted(known, index.sold, side) for side in ("left", "right"))
        percentile = (below + upto) / (2 * max(len(known), 1))
        return cls(percentile, index.sold.astype(np.float64) / max(index.orders, 1.0), len(index.ids))
