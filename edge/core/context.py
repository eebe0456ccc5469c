"""What a shelf is asked for: the page or the cart, this visit, and the shopper's history aligned to the index.

In: an index, a profile, positions. Out: `History` and `Context`, read by candidates and features, and computed once
per request however many shelves it has.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Floats, Index, Ints
from edge.core.profile import RECENT_ORDERS, Profile

HALF_LIFE_DAYS = 60.0  # after two months without it, a purchase counts half
_AGES = np.arange(RECENT_ORDERS, dtype=np.uint32)  # 0 is the last order
# What an order counts by age: 0.9 keeps about the last ten, 0.7 the last three.
_FADING = np.stack([0.9**_AGES, 0.7**_AGES], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class History:
    """A profile aligned to the index. Rows of bought products are sorted by position."""

    items: Ints  # bought
    counts: Floats
    first_day: Floats  # unix days
    last_day: Floats
    since: Floats  # orders after the last that held it; RECENT_ORDERS where none of those remembered did
    often: Floats  # [bought, 2]: the orders that held it, of the last ten or so and of the last three or so
    weight: Floats  # counts, decayed to the day of the last order, and much more what was bought lately
    rank: Floats  # 0 for the largest weight
    viewed: Ints  # newest last
    orders: int
    first_order_day: int
    last_order_day: int
    affinity: Floats  # category code -> share of this shopper's weight in it; code -1 has none
    brand_affinity: Floats  # brand code -> the same
    favourites: Ints  # narrow categories bought most, strongest first
    taste: Floats  # unit vector, or zero

    @classmethod
    def of(cls, index: Index, profile: Profile | None) -> Self:
        """Look a profile's products up; those the index does not know are left out. None is an empty history."""
        profile = profile or Profile(shop="", shopper="")
        bought = {id_: item for id_, item in profile.bought.items() if item.count > 0}  # the rest was returned
        places = index.position.locate(bought)
        flat = [number for item in bought.values() for number in (item.count, item.first_day, item.last_day)]
        recent = np.fromiter((item.recent for item in bought.values()), np.uint32, len(bought))
        kept = np.argsort(places)[int((places < 0).sum()) :]
        items = places[kept]
        counts, first_day, last_day = np.ascontiguousarray(np.array(flat, np.float32).reshape(-1, 3)[kept].T)
        held = (recent[kept, None] >> _AGES & 1).astype(np.float32)
        often = held @ _FADING
        weight = counts * np.exp2((last_day - np.float32(profile.last_order_day)) / np.float32(HALF_LIFE_DAYS))
        weight += 2 * often[:, 0]
        rank = np.empty(len(items), np.float32)
        rank[np.argsort(-weight, kind="stable")] = np.arange(len(items))
        categories = index.category_of[items]
        narrow = np.bincount(categories.max(axis=1, initial=-1) + 1, weight)[1:]
        return cls(
            items=items,
            counts=counts,
            first_day=first_day,
            last_day=last_day,
            since=np.where(recent[kept] > 0, held.argmax(axis=1), RECENT_ORDERS).astype(np.float32),
            often=often,
            weight=weight,
            rank=rank,
            viewed=index.positions(profile.viewed),
            orders=profile.orders,
            first_order_day=profile.first_order_day,
            last_order_day=profile.last_order_day,
            affinity=_shares(categories, weight, len(index.category_paths)),
            brand_affinity=_shares(index.brand_of[items, None], weight, index.brands),
            favourites=top(narrow, 8).astype(np.int32),
            taste=direction(index.tastes, items, np.sqrt(weight)),
        )


@dataclass(frozen=True, eq=False)
class Context:
    """What a shelf is asked for: `anchors` is the page's product or the cart, `recent` this visit, newest last."""

    anchors: Ints
    recent: Ints
    history: History
    day: float  # now, in unix days


def direction(vectors: NDArray[np.float16], items: Ints, weights: Floats) -> Floats:
    """The unit vector where these products point together; zero when none of them has one."""
    total = weights @ vectors[items].astype(np.float32)
    return total / np.float32(max(float(np.sqrt(total @ total)), 1e-9))


def top(values: NDArray[Any], most: int) -> Ints:
    """Positions of the largest positive values, largest first, at most `most`."""
    positive = np.flatnonzero(values > 0)
    if len(positive) > most:
        positive = positive[np.argpartition(-values[positive], most)[:most]]
    return positive[np.argsort(-values[positive], kind="stable")].astype(np.int32)


def _shares(codes: Ints, weight: Floats, width: int) -> Floats:
    """How much of the weight falls to each code; `codes` is [n, levels]. A last place, always zero, answers for -1."""
    sums = np.bincount(codes.ravel() % (width + 1), np.repeat(weight, codes.shape[1]), width + 1)
    sums[-1] = 0
    return (sums / max(float(weight.sum()), 1e-9)).astype(np.float32)
