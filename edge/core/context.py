"""What a shelf is asked for: the page or the cart, this visit, and the shopper's history aligned to the index.

In: an index, a profile, positions. Out: `History` and `Context`, read by candidates and features, and computed once
per request however many shelves it has.
"""

from typing import Self

import numpy as np
from msgspec import Struct

from edge.core.columns import NO_PROFILE, ProfileColumns
from edge.core.compiled import history
from edge.core.index import Index, Ints
from edge.core.profile import Profile


class History(history.History):
    """A profile aligned to the index: rows of bought products are sorted by position."""

    @classmethod
    def of(cls, index: Index, profile: ProfileColumns | Profile | None) -> Self:
        """Look a profile's products up; those the index does not know are left out. None is an empty history."""
        columns = ProfileColumns.of(profile) if isinstance(profile, Profile) else profile or NO_PROFILE
        texts = [text.encode(errors="surrogatepass") for text in columns.texts]
        places = index.position.find(columns.keys, texts)
        days = columns.first_order_day, columns.last_order_day
        return cls(index.compiled, places, np.ascontiguousarray(columns.numbers, np.int32), (columns.orders, *days))


class Context(Struct, frozen=True, eq=False):
    """What a shelf is asked for: `anchors` is the page's product or the cart, `recent` this visit, newest last."""

    anchors: Ints
    recent: Ints
    history: History
    day: float  # now, in unix days
