"""What a shelf is asked for: the page or the cart, this visit, and the shopper's history aligned to the index.

In: an index, a profile, positions. Out: `History` and `Context`, read by candidates and features, and computed once
per request however many shelves it has.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Floats, Index, Ints
from edge.core.profile import Profile

HALF_LIFE_DAYS = 60.0  # after two months without it, a purchase counts half


@dataclass(frozen=True, eq=False)
class History:
    """A profile aligned to the index. Rows of bought products are sorted by position."""

    items: Ints  # bought
    counts: Floats
    first_day: Floats  # unix days
    last_day: Floats
    weight: Floats  # counts, decayed to the day of the last order
    viewed: Ints  # newest last
    orders: int
    first_order_day: int
    last_order_day: int
    affinity: Floats  # category code -> share of this shopper's weight in it
    brand_affinity: Floats  # brand code -> the same
    favourites: Ints  # narrow categories bought most, strongest first
    taste: Floats  # unit vector, or zero

    @classmethod
    def of(cls, index: Index, profile: Profile | None) -> Self:
        """Look a profile's products up; those the index does not know are left out. None is an empty history."""
        profile = profile or Profile(shop="", shopper="")
        known = index.position
        rows = sorted((known[id_], item) for id_, item in profile.bought.items() if id_ in known)
        items = np.array([at for at, _ in rows], np.int32)
        columns = np.array([(item.count, item.first_day, item.last_day) for _, item in rows], np.float32).reshape(-1, 3)
        counts, first_day, last_day = np.ascontiguousarray(columns.T)
        weight = counts * np.exp2((last_day - np.float32(profile.last_order_day)) / np.float32(HALF_LIFE_DAYS))
        categories = index.category_of[items]
        narrow = np.bincount(categories.max(axis=1, initial=-1) + 1, weight)[1:]
        return cls(
            items=items,
            counts=counts,
            first_day=first_day,
            last_day=last_day,
            weight=weight,
            viewed=index.positions(profile.viewed),
            orders=profile.orders,
            first_order_day=profile.first_order_day,
            last_order_day=profile.last_order_day,
            affinity=_shares(categories, weight, len(index.category_paths)),
            brand_affinity=_shares(index.brand_of[items, None], weight, index.brands),
            favourites=top(narrow, 8).astype(np.int32),
            taste=direction(index, items, np.sqrt(weight)),
        )


@dataclass(frozen=True, eq=False)
class Context:
    """What a shelf is asked for: `anchors` is the page's product or the cart, `recent` this visit, newest last."""

    anchors: Ints
    recent: Ints
    history: History
    day: float  # now, in unix days


def direction(index: Index, items: Ints, weights: Floats) -> Floats:
    """The unit vector where these products point together; zero when none of them has one."""
    total = weights @ index.vectors[items].astype(np.float32)
    return total / np.float32(max(float(np.sqrt(total @ total)), 1e-9))


def top(values: NDArray[Any], most: int) -> Ints:
    """Positions of the largest positive values, largest first, at most `most`."""
    positive = np.flatnonzero(values > 0)
    if len(positive) > most:
        positive = positive[np.argpartition(-values[positive], most)[:most]]
    return positive[np.argsort(-values[positive], kind="stable")].astype(np.int32)


def _shares(codes: Ints, weight: Floats, width: int) -> Floats:
    """How much of the weight falls to each code; -1 counts nowhere. `codes` is [n, levels]."""
    spread = np.repeat(weight, codes.shape[1])
    sums = np.bincount(codes.ravel() + 1, spread, width + 1)[1:]
    return (sums / max(float(weight.sum()), 1e-9)).astype(np.float32)
