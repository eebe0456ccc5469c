"""Matrix factorisation baselines: ALS and BPR, as the `implicit` library fits them to shoppers x products.

In: purchases up to a day. Out: item factors, and scores of every product for a shopper or for what lies on a page.
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

# Chosen on the weeks before the measured ones; docs/quality.md has the grid. One thread and a seed: same in every run.
ALS: dict[str, Any] = {"factors": 64, "regularization": 1.0, "alpha": 5.0, "iterations": 10}
BPR: dict[str, Any] = {"factors": 64, "regularization": 0.01, "learning_rate": 0.05, "iterations": 50}


@dataclass(frozen=True, eq=False)
class Als:
    """ALS. A shopper's factors are solved for again at each query, from the whole history up to it."""

    model: AlternatingLeastSquares

    @classmethod
    def of(cls, purchases: Purchases, **changed: float) -> "Als":
        """Fit to the logarithm of how many orders held a product."""
        matrix = purchases.counts()
        matrix.data = np.log1p(matrix.data)
        with threadpool_limits(1, "blas"):  # as the library asks for: its own threads and BLAS's hinder each other
            model = AlternatingLeastSquares(**(ALS | changed), num_threads=1, random_state=7)
            model.fit(matrix, show_progress=False)
        return cls(model)

    def shopper(self, owned: Ints, counts: NDArray[np.int64]) -> Floats:
        """Scores for somebody who bought these products in so many orders."""
        row = sp.csr_matrix((np.log1p(counts).astype(np.float32), owned, [0, len(owned)]), (1, len(self.items)))
        return np.asarray(self.items @ self.model.recalculate_user(0, row).ravel(), np.float32)

    def page(self, anchors: Ints) -> Floats:
        """Mean cosine to these products."""
        return cosines(self.items, anchors)

    @property
    def items(self) -> Floats:
        """A row per product."""
        return np.asarray(self.model.item_factors, np.float32)


@dataclass(frozen=True, eq=False)
class Bpr:
    """BPR. A shopper's factors are those of the last day learned from: there is no closed form to renew them."""

    shoppers: Floats
    items: Floats

    @classmethod
    def of(cls, purchases: Purchases, **changed: float) -> "Bpr":
        """Fit to which products each shopper bought."""
        model = BayesianPersonalizedRanking(**(BPR | changed), num_threads=1, random_state=7)
        model.fit(purchases.counts(), show_progress=False)
        return cls(np.asarray(model.user_factors, np.float32), np.asarray(model.item_factors, np.float32))

    def shopper(self, row: int) -> Floats:
        """Scores for a shopper by row; of a shopper not seen in training, the mean over all shoppers."""
        factors = self.shoppers[row] if row >= 0 else self.shoppers.mean(axis=0)
        return np.asarray(self.items @ factors, np.float32)

    def page(self, anchors: Ints) -> Floats:
        """Mean cosine to these products."""
        return cosines(self.items[:, :-1], anchors)  # the last column is a product's popularity


def cosines(items: Floats, anchors: Ints) -> Floats:
    """Of every product, the mean cosine to some of them; zero for products without factors."""
    unit = items / np.maximum(np.linalg.norm(items, axis=1, keepdims=True), 1e-9)
    return np.asarray(unit @ unit[anchors].mean(axis=0), np.float32)
