"""TIFU-KNN: next baskets from a shopper's decayed product frequencies and those of the most similar shoppers.

In: purchases of all shoppers up to a day, one shopper's orders up to a query. Out: a score per product.
Haoji Hu, Xiangnan He, Jinyang Gao, Zhi-Li Zhang: Modeling Personalized Item Frequency Information for Next-basket
Recommendation, SIGIR 2020. Orders fall into groups of `GROUP`, the newest group full; within a group an order loses
`WITHIN` per later order, a group loses `BETWEEN` per later group.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.purchases import Purchases

# Chosen on the weeks before the measured ones; docs/quality.md has the grid.
GROUP = 7
WITHIN = 0.9
BETWEEN = 0.7
NEIGHBOURS = 300
ALPHA = 0.7  # the shopper's own share of the score; the rest is the neighbours'

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class TifuKnn:
    """Every shopper's vector, and its squared length."""

    vectors: sp.csr_matrix
    lengths: NDArray[np.float32]
    neighbours: int = NEIGHBOURS
    alpha: float = ALPHA

    @classmethod
    def of(cls, purchases: Purchases) -> "TifuKnn":
        """From each shopper's orders up to the day the purchases end."""
        shopper = purchases.shopper
        people = len(purchases.rows)
        new = np.ones(len(shopper), np.bool_)
        new[1:] = (np.diff(shopper) != 0) | (np.diff(purchases.order) != 0)
        orders = np.bincount(shopper[new], minlength=people)
        number = np.cumsum(new) - 1 - (np.cumsum(orders) - orders)[shopper]  # 0 is the shopper's oldest
        weight = decay(number, orders[shopper])
        vectors = sp.csr_matrix((weight, (shopper, purchases.item)), (people, purchases.items))
        return cls(vectors, np.asarray(vectors.multiply(vectors).sum(axis=1), np.float32).ravel())

    def score(self, items: Ints, orders: Ints, row: int = -1) -> NDArray[np.float32]:
        """Of every product, for a shopper with these orders (0 is the oldest) who is not to be their own neighbour."""
        own = np.zeros(self.vectors.shape[1], np.float32)
        if len(items):
            np.add.at(own, items, decay(orders, np.full(len(orders), orders.max() + 1)))
        distance = self.lengths - 2 * (self.vectors @ own)
        if row >= 0:
            distance[row] = np.inf
        kept = min(self.neighbours, len(distance) - (row >= 0))
        if not kept:
            return own
        nearest = np.argpartition(distance, kept - 1)[:kept]
        chosen = np.zeros(len(distance), np.float32)
        chosen[nearest] = 1 / kept
        return np.asarray(
            np.float32(self.alpha) * own + np.float32(1 - self.alpha) * (chosen @ self.vectors), np.float32
        )


def decay(order: NDArray[np.integer], orders: NDArray[np.integer]) -> NDArray[np.float32]:
    """What one purchase in order `order` (0 is the oldest) of `orders` weighs in the shopper's vector."""
    later = orders - 1 - order
    groups = -(-orders // GROUP)
    group = later // GROUP  # 0 is the newest
    size = np.minimum(orders - group * GROUP, GROUP)
    weight = WITHIN ** (later % GROUP) / size * BETWEEN**group / groups
    return np.asarray(weight, np.float32)
