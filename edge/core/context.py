"""What a shelf is asked for: the page or the cart, this visit, and the shopper's history aligned to the index.

In: an index, a profile, positions. Out: `History` and `Context`, read by candidates and features, and computed once
per request however many shelves it has.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge.core.columns import COUNT, NO_PROFILE, RECENT, ProfileColumns
from edge.core.index import Floats, Index, Ints
from edge.core.profile import RECENT_ORDERS, Profile

HALF_LIFE_DAYS = 60.0  # after two months without it, a purchase counts half
_HALF_LIFE = np.float32(HALF_LIFE_DAYS)
_AGES = np.arange(RECENT_ORDERS)  # 0 is the last order
# What an order counts by age: 0.9 keeps about the last ten, 0.7 the last three.
_FADING = np.stack([0.9**_AGES, 0.7**_AGES], axis=1).astype(np.float32)


class Shares:
    """How much of a shopper's weight falls to each code, read as an array would be; code -1 has none."""

    def __init__(self, codes: Ints, weight: Floats, total: float, width: int) -> None:
        """`codes` [n] below `width`, `weight` [n] of each, `total` of all."""
        self._sums = np.bincount(codes + 1, weight, width + 1)
        self._sums[0] = 0
        self._total = total

    def take(self, codes: NDArray[Any]) -> Floats:
        """The shares of these codes, in their shape."""
        shares: Floats = (self._sums.take(codes + 1) / self._total).astype(np.float32)
        return shares

    def __getitem__(self, codes: ArrayLike) -> Floats:
        return self.take(np.asarray(codes))


class History:
    """A profile aligned to the index. Rows of bought products are sorted by position.

    What not every shelf needs is worked out when it is first asked for.
    """

    items: Ints  # bought
    counts: Floats
    first_day: Floats  # unix days
    last_day: Floats
    often: Floats  # [bought, 2]: the orders that held it, of the last ten or so and of the last three or so
    weight: Floats  # counts, decayed to the day of the last order, and much more what was bought lately
    viewed: Ints  # newest last
    orders: int
    first_order_day: int
    last_order_day: int

    def __init__(self, index: Index, columns: ProfileColumns) -> None:
        self.orders = columns.orders
        self.first_order_day, self.last_order_day = columns.first_order_day, columns.last_order_day
        texts = [text.encode(errors="surrogatepass") for text in columns.texts]
        places, numbers = index.position.find(columns.keys, texts), columns.numbers
        bought = places[: numbers.shape[1]]
        seen = places[len(bought) :]
        self.viewed = seen[seen >= 0] if len(seen) else seen
        kept = ((bought >= 0) & (numbers[COUNT] > 0)).nonzero()[0]  # of the others the rest was returned
        items = bought.take(kept)
        order = items.argsort()
        self.items = items.take(order)
        numbers = numbers.take(kept.take(order), axis=1)
        self.counts, self.first_day, self.last_day, _ = numbers.astype(np.float32)
        self._recent = numbers[RECENT]
        bits = self._recent.view(np.uint8).reshape(-1, 4)
        self._held = np.unpackbits(bits, axis=1, count=RECENT_ORDERS, bitorder="little")
        self.often = self._held.astype(np.float32) @ _FADING
        days = self.last_day - np.float32(columns.last_order_day)
        self.weight = self.counts * np.exp2(days / _HALF_LIFE)
        self.weight += 2 * self.often[:, 0]
        self._index = index

    @classmethod
    def of(cls, index: Index, profile: ProfileColumns | Profile | None) -> "History":
        """Look a profile's products up; those the index does not know are left out. None is an empty history."""
        if isinstance(profile, Profile):
            profile = ProfileColumns.of(profile)
        return cls(index, profile or NO_PROFILE)

    @cached_property
    def since(self) -> Floats:
        """Orders after the last that held it; RECENT_ORDERS where none of those remembered did."""
        newest: NDArray[np.intp] = self._held.argmax(axis=1)
        newest[self._recent == 0] = RECENT_ORDERS
        return newest.astype(np.float32)

    @cached_property
    def rank(self) -> Floats:
        """0 for the largest weight."""
        rank = np.empty(len(self.items), np.float32)
        rank[np.argsort(-self.weight, kind="stable")] = np.arange(len(self.items))
        return rank

    @cached_property
    def affinity(self) -> Shares:
        """Of this shopper's weight, the share in each category."""
        codes = self._index.category_of.take(self.items, axis=0)
        weight = self.weight.repeat(codes.shape[1])
        return Shares(codes.ravel(), weight, self._total, len(self._index.category_paths))

    @cached_property
    def brand_affinity(self) -> Shares:
        """The same for each brand."""
        return Shares(self._index.brand_of.take(self.items), self.weight, self._total, self._index.brands)

    @cached_property
    def favourites(self) -> Ints:
        """Narrow categories bought most, strongest first."""
        codes = self._index.narrow_of.take(self.items)
        return top(np.bincount(codes + 1, self.weight)[1:], 8)

    @cached_property
    def taste(self) -> Floats:
        """Where the products bought point together: a unit vector, or zero."""
        return direction(self._index.tastes, self.items, np.sqrt(self.weight))

    @cached_property
    def _total(self) -> float:
        return max(float(self.weight.sum()), 1e-9)


@dataclass(frozen=True, eq=False)
class Context:
    """What a shelf is asked for: `anchors` is the page's product or the cart, `recent` this visit, newest last."""

    anchors: Ints
    recent: Ints
    history: History
    day: float  # now, in unix days


def direction(vectors: NDArray[np.float16], items: Ints, weights: Floats) -> Floats:
    """The unit vector where these products point together; zero when none of them has one."""
    total = weights @ vectors.take(items, axis=0).astype(np.float32)
    return total / np.float32(max(float(np.sqrt(total @ total)), 1e-9))


def top(values: NDArray[Any], most: int) -> Ints:
    """Positions of the largest positive values, largest first, at most `most`."""
    positive = np.flatnonzero(values > 0)
    if len(positive) > most:
        positive = positive[np.argpartition(-values[positive], most)[:most]]
    return positive[np.argsort(-values[positive], kind="stable")].astype(np.int32)
