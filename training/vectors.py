"""Where each product points: unit vectors of the company it is bought in, and of the shoppers who buy it.

In: pairs beyond chance; numbered lines of purchases. Out: float16 vectors [products, DIMENSIONS], zero where too little
is known. Only their cosines mean anything, so vectors of two indexes need not agree.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training import engine as engines
from training.facts import Facts
from training.pairs import MIN_SOLD, Pairs

DIMENSIONS = 32
_SPARE = 8  # more than are kept, for the accuracy of those
_ROUNDS = 4

Vectors = NDArray[np.float16]


def directions(pairs: Pairs, items: int) -> Vectors:
    """From the log lifts of the pairs: products bought in like company point the same way."""
    used, code = np.unique(np.concatenate([pairs.left, pairs.right]), return_inverse=True)
    left, right = code[: len(pairs.left)], code[len(pairs.left) :]
    half = sp.csr_matrix((pairs.lift.astype(np.float32), (left, right)), (len(used), len(used)))
    return _placed(_factors((half + half.T).tocsr()), used, items)


def tastes(facts: Facts, until: int) -> Vectors:
    """From who bought what before day `until`: products of the same shoppers point the same way."""
    items = facts.products.num_rows
    bought = facts.lines.filter(facts.lines.purchase & (facts.lines.day < until))
    counted = bought.group_by("shopper", "item").aggregate(orders=bought.order.nunique())
    table = engines.arrow(facts.engine, counted.order_by("shopper", "item"))
    shopper, item, orders = (table[name].to_numpy() for name in ("shopper", "item", "orders"))
    buyers = np.bincount(item, minlength=items)
    keep = buyers[item] >= MIN_SOLD
    used, code = np.unique(item[keep], return_inverse=True)
    row = np.unique(shopper[keep], return_inverse=True)[1]
    people = int(row.max(initial=-1)) + 1
    # Rare products say more of a taste than bananas do, and shoppers with much on record no more than others.
    weight = np.log1p(orders[keep]) * np.log(max(people, 2) / buyers[item[keep]]).clip(0.1)
    weight /= np.sqrt(np.bincount(row, weight**2))[row]
    matrix = sp.csr_matrix((weight.astype(np.float32), (code, row)), (len(used), people))
    return _placed(_factors(matrix), used, items)


def _factors(matrix: sp.csr_matrix) -> NDArray[np.float32]:
    """The strongest left singular directions by subspace iteration: fixed seed and rounds, the same on every run."""
    rows, columns = matrix.shape
    if min(rows, columns) <= DIMENSIONS + _SPARE:
        return np.zeros((rows, DIMENSIONS), np.float32)
    basis = np.random.default_rng(7).standard_normal((columns, DIMENSIONS + _SPARE)).astype(np.float32)
    across = matrix.T.tocsr()
    for _ in range(_ROUNDS):
        basis, _ = np.linalg.qr(across @ (matrix @ basis))
    left, strength, _ = np.linalg.svd(matrix @ basis, full_matrices=False)
    return np.asarray(left[:, :DIMENSIONS] * np.sqrt(strength[:DIMENSIONS]), np.float32)


def _placed(factors: NDArray[np.float32], used: NDArray[np.integer], items: int) -> Vectors:
    out = np.zeros((items, DIMENSIONS), np.float16)
    out[used] = factors / np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), 1e-9)
    return out
