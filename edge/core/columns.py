"""A profile as columns: what the request path and training read of it, without a Python object for each product.

In: a `Profile`, or the arrays that `codec` reads straight from stored bytes. Out: `ProfileColumns`.
"""

from array import array

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.ids import key_of
from edge.core.profile import Bought, Profile

Keys = NDArray[np.int64]
Numbers = NDArray[np.int32]
_LIMITS = np.iinfo(np.int32)


class ProfileColumns(msgspec.Struct, eq=False):
    """A `Profile` of n products bought and m viewed; scalars are the profile's own. To be read, not changed."""

    shop: str
    shopper: str
    revision: int
    updated: int
    orders: int
    first_order_day: int
    last_order_day: int
    parts: int
    keys: Keys  # [n + m] `key_of` the products bought, then of those viewed, newest last
    numbers: Numbers  # [4, n] count, first day and last day (unix days), bits of the recent orders
    texts: tuple[str, ...] = ()  # the ids of the negative keys, in their order

    @classmethod
    def of(cls, profile: Profile) -> "ProfileColumns":
        """The columns of a profile, equal to those that `codec` reads from its bytes."""
        ids = (*profile.bought, *profile.viewed)
        keys = np.fromiter(map(key_of, ids), np.int64, len(ids))
        return cls(
            shop=profile.shop,
            shopper=profile.shopper,
            revision=profile.revision,
            updated=profile.updated,
            orders=profile.orders,
            first_order_day=profile.first_order_day,
            last_order_day=profile.last_order_day,
            parts=profile.parts,
            keys=keys,
            numbers=numbers_of(profile.bought),
            texts=tuple(ids[at] for at in np.flatnonzero(keys < 0).tolist()),
        )

    @property
    def bought(self) -> tuple[str, ...]:
        """The ids of the products bought."""
        return self.ids()[: self.numbers.shape[1]]

    @property
    def viewed(self) -> tuple[str, ...]:
        """The ids of the products viewed, newest last."""
        return self.ids()[self.numbers.shape[1] :]

    def ids(self) -> tuple[str, ...]:
        """The ids of all keys."""
        if not self.texts:
            return tuple(map(str, self.keys.tolist()))
        texts = iter(self.texts)
        return tuple(str(key) if key >= 0 else next(texts) for key in self.keys.tolist())


def numbers_of(bought: dict[str, Bought]) -> Numbers:
    """`ProfileColumns.numbers` of these products; counts and days beyond 32 bits stay at their limit."""
    rows = [number for item in bought.values() for number in (item.count, item.first_day, item.last_day, item.recent)]
    wide = np.frombuffer(array("q", rows), np.int64).reshape(-1, 4).T  # twice as fast as an array of NumPy's own
    return np.ascontiguousarray(wide.clip(_LIMITS.min, _LIMITS.max), np.int32)


NO_PROFILE = ProfileColumns.of(Profile(shop="", shopper=""))
