"""Matrix factorisation baselines: ALS and BPR, as the `implicit` library fits them to shoppers x products.

In: purchases up to a day. Out: scores of every product for a shopper, or for what lies on a page.
Hu, Koren, Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008; Rendle et al.: BPR, UAI 2009.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.purchases import Ints, Purchases

Floats = NDArray[np.float32]

MIN_BUYERS = 5  # factors of rarer products are noise
# Chosen on the weeks before the measured ones; docs/quality.md has the grid. One thread and a seed: same in every run.
ALS: dict[str, Any] = {"factors": 64, "regularization": 1.0, "alpha": 1.0, "iterations": 10}
BPR: dict[str, Any] = {"factors": 64, "regularization": 0.1, "learning_rate": 0.02, "iterations": 40}


@dataclass(frozen=True, eq=False)
class Goods:
    """The factors of the products that have any; all others score like the least of these."""

    kept: Ints  # positions of the rows below
    factors: Floats
    units: Floats  # the same, of length 1
    row: Ints  # of every product, -1 where it has none

    @classmethod
    def of(cls, kept: Ints, factors: Floats, directions: Floats, items: int) -> "Goods":
        """`directions` are the columns that say what a product is like, without how popular it is."""
        row = np.full(items, -1, np.int32)
        row[kept] = np.arange(len(kept))
        lengths = np.linalg.norm(directions, axis=1, keepdims=True)
        return cls(kept, factors, directions / np.maximum(lengths, np.float32(1e-9)), row)

    def score(self, towards: Floats) -> Floats:
        """Inner product of every product with a shopper's factors."""
        return self._spread(self.factors @ towards)

    def page(self, anchors: Ints) -> Floats:
        """Of every product, the mean cosine to those of the anchors that have factors."""
        rows = self.row[anchors]
        return self._spread(self.units @ self.units[rows[rows >= 0]].sum(axis=0) / max(len(anchors), 1))

    def _spread(self, values: Floats) -> Floats:
        out = np.full(len(self.row), values.min(initial=0), np.float32)
        out[self.kept] = values
        return out


@dataclass(frozen=True, eq=False)
class Als:
    """ALS. A shopper's factors are solved for again at each query, from the whole history up to it."""

    model: AlternatingLeastSquares
    goods: Goods

    @classmethod
    def of(cls, purchases: Purchases, **changed: float) -> "Als":
        """Fit to the logarithm of how many orders held a product."""
        matrix, kept = common(purchases)
        matrix.data = np.log1p(matrix.data)
        with threadpool_limits(1, "blas"):  # as the library asks for: its own threads and BLAS's hinder each other
            model = AlternatingLeastSquares(**(ALS | changed), num_threads=1, random_state=7)
            model.fit(matrix, show_progress=False)
        factors = np.asarray(model.item_factors, np.float32)
        return cls(model, Goods.of(kept, factors, factors, purchases.items))

    def shopper(self, owned: Ints, counts: NDArray[np.int64]) -> Floats:
        """Scores for somebody who bought these products in so many orders."""
        rows = self.goods.row[owned]
        known = rows >= 0
        weights = np.log1p(counts[known]).astype(np.float32)
        history = sp.csr_matrix((weights, rows[known], [0, int(known.sum())]), (1, len(self.goods.kept)))
        return self.goods.score(np.asarray(self.model.recalculate_user(0, history), np.float32).ravel())


@dataclass(frozen=True, eq=False)
class Bpr:
    """BPR. A shopper's factors are those of the last day learned from: there is no closed form to renew them."""

    shoppers: Floats
    goods: Goods

    @classmethod
    def of(cls, purchases: Purchases, **changed: float) -> "Bpr":
        """Fit to which products each shopper bought."""
        matrix, kept = common(purchases)
        model = BayesianPersonalizedRanking(**(BPR | changed), num_threads=1, random_state=7)
        model.fit(matrix, show_progress=False)
        factors = np.asarray(model.item_factors, np.float32)
        # The last column is the product's own bias.
        goods = Goods.of(kept, factors, factors[:, :-1], purchases.items)
        return cls(np.asarray(model.user_factors, np.float32), goods)

    def shopper(self, row: int) -> Floats:
        """Scores for a shopper by row; of a shopper not seen in training, the mean over all shoppers."""
        return self.goods.score(self.shoppers[row] if row >= 0 else self.shoppers.mean(axis=0))


def common(purchases: Purchases) -> tuple[sp.csr_matrix, Ints]:
    """Shoppers x products bought by MIN_BUYERS or more, orders that held them, and the positions of these products."""
    counts = purchases.counts()
    buyers = np.bincount(counts.indices, minlength=purchases.items)
    kept = np.flatnonzero(buyers >= MIN_BUYERS).astype(np.int32)
    return counts[:, kept].tocsr(), kept
