"""What every shopper bought up to a day, order by order: what the collaborative baselines learn from.

In: a dataset, the products by position, the first day not to be looked at. Out: `Purchases`.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from edge.core.ids import Positions
from training import engine as engines
from training.dataset import Dataset
from training.facts import PURCHASE

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Purchases:
    """A row per shopper, order and product, sorted by shopper and time of the order."""

    rows: dict[str, int]  # a shopper's id, as a `Moment` names it -> row
    shopper: Ints
    order: Ints  # numbers of one shopper's orders rise with time
    item: Ints
    items: int  # products there are

    def counts(self) -> sp.csr_matrix:
        """Orders that held a product, shoppers x products, float32."""
        ones = np.ones(len(self.item), np.float32)
        return sp.csr_matrix((ones, (self.shopper, self.item)), (len(self.rows), self.items))


def collect(dataset: Dataset, position: Positions, until: int) -> Purchases:
    """Every purchase before day `until` of a product that has a position."""
    lines = dataset.lines()
    bought = lines.filter((lines.type == PURCHASE) & (lines.day < until))
    # Several lines of one product in an order are one purchase of it.
    bought = bought.group_by("shopper", "event_id", "product_id").aggregate(time=bought.time.min())
    table = engines.arrow(dataset.engine, bought.order_by("shopper", "time", "event_id", "product_id"))
    shopper, names = _codes(table["shopper"])
    order, _ = _codes(table["event_id"])
    product, ids = _codes(table["product_id"])
    item = position.locate(ids)[product]
    known = item >= 0
    # The data set tells customers from visitors by a letter before the id.
    rows = {name[2:]: row for row, name in enumerate(names)}
    return Purchases(rows, shopper[known], order[known], item[known], len(position))


def _codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Whole numbers for the values in order of their first appearance, and the values."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int32), encoded.dictionary.to_pylist()
