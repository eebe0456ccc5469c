"""The baselines of the session benchmark, each in its usual form (Ludewig and Jannach, UMUAI 2018).

In: sessions. Out: for the clicks of a visit, items best first. Popularity; item-item cosine over sessions, asked with
the newest click; sequential rules (SR: what followed the newest click, 1 / distance); session kNN (S-KNN: cosine over
the 500 newest sessions that share a click, the 100 nearest, each adding its likeness to its items).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from edge.core.index import Ints
from training.best import top
from training.sessions.clicks import Clicks
from training.sessions.index import flows
from training.sessions.measure import LISTED

_RECENT, _NEAREST = 500, 100
_RULES_REACH = 10
_FOREVER = 1e12  # a half-life that makes all sessions count alike


@dataclass(frozen=True, eq=False)
class Baselines:
    """What the baselines know. `seen` [sessions, N] is 1 where a session holds an item, `holding` its transpose."""

    popular: Ints
    cosine: sp.csr_matrix
    rules: sp.csr_matrix
    seen: sp.csr_matrix
    holding: sp.csr_matrix

    @classmethod
    def of(cls, clicks: Clicks) -> "Baselines":
        """From the sessions a model learns from."""
        shape = (len(clicks), len(clicks.ids))
        # A copy, because adding up duplicates sorts every row where it lies.
        seen = sp.csr_matrix((np.ones(len(clicks.items), np.float32), clicks.items.copy(), clicks.ptr), shape)
        seen.sum_duplicates()
        seen.data[:] = 1
        sessions = np.asarray(seen.sum(axis=0)).ravel()
        together = (seen.T @ seen).tocoo()
        others = together.row != together.col
        row, column = together.row[others], together.col[others]
        cosine = together.data[others] / np.sqrt(sessions[row] * sessions[column])
        counts = np.bincount(clicks.items, minlength=len(clicks.ids))
        return cls(
            popular=np.argsort(-counts, kind="stable")[:LISTED].astype(np.int32),
            cosine=sp.csr_matrix((cosine, (row, column)), together.shape),
            rules=flows(clicks, _RULES_REACH, _FOREVER)[1],
            seen=seen,
            holding=seen.T.tocsr(),
        )

    def methods(self) -> dict[str, Callable[[Ints], Ints]]:
        """Name -> from the clicks of a visit, oldest first, to at most LISTED items."""
        return {
            "popularity": lambda _clicks: self.popular,
            "item_cosine": lambda clicks: _row(self.cosine, int(clicks[-1])),
            "sequential_rules": lambda clicks: _row(self.rules, int(clicks[-1])),
            "session_knn": self.session_knn,
        }

    def session_knn(self, clicks: Ints) -> Ints:
        """S-KNN; session rows are numbered by time, so the newest are the largest."""
        items = np.unique(clicks)
        some = self.holding[items]
        shared = np.bincount(some.indices, minlength=self.seen.shape[0])
        sessions = np.unique(some.indices)[-_RECENT:]
        if not len(sessions):
            return self.popular
        size = np.diff(self.seen.indptr)[sessions]
        likeness = shared[sessions] / np.sqrt(size * len(items))
        nearest = np.argsort(-likeness, kind="stable")[:_NEAREST]
        score = self.seen[sessions[nearest]].T @ likeness[nearest]
        return top(np.asarray(score), LISTED)


def _row(matrix: sp.csr_matrix, row: int) -> Ints:
    part = slice(matrix.indptr[row], matrix.indptr[row + 1])
    best = np.argsort(-matrix.data[part], kind="stable")[:LISTED]
    items: Ints = matrix.indices[part][best].astype(np.int32)
    return items
