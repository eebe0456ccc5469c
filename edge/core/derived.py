"""Arrays of the index that follow from its others, laid out for the access a request makes.

In: the arrays of a bundle. Out: those of `DERIVED`. Training writes them into the bundle, so that processes map and
share them; for a bundle of before they were written, `Index.from_arrays` works them out when it loads.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

DERIVED: dict[str, tuple[str, int]] = {
    "narrow_of": ("i", 1),  # N, the narrowest code of `category_of`, -1 where there is none
    "traits": ("f", 2),  # N x len(TRAITS): what the ranker sees of each product, in one row
    "named_ptr": ("i", 1),  # item -> products whose list names it, though its own list, cut short, does not name them
    "named_items": ("i", 1),
    "named_score": ("f", 1),
    "named_lift": ("f", 1),
}
TRAITS = ("sold", "sold_recently", "trend", "repeat_rate", "gap_days", "price")  # `sold` as a share of orders

Arrays = dict[str, NDArray[Any]]


def derive(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The derived arrays of checked ones."""
    columns = [np.asarray(arrays[name], np.float32) for name in TRAITS]
    columns[0] = columns[0] / max(float(arrays["orders"][0]), 1)
    category_of = np.asarray(arrays["category_of"])
    return {
        "narrow_of": category_of.max(axis=1, initial=-1).astype(np.int32),
        "traits": np.stack(columns, axis=1),
        **_named(*(np.asarray(arrays[name]) for name in ("pair_ptr", "pair_items", "pair_score", "pair_lift"))),
    }


def _named(ptr: NDArray[Any], items: NDArray[Any], score: NDArray[Any], lift: NDArray[Any]) -> Arrays:
    """The pairs that stand in one list only, by the product that is named there."""
    count = len(ptr) - 1
    owner = np.repeat(np.arange(count, dtype=np.int64), np.diff(ptr))
    there, back = owner * count + items, items.astype(np.int64) * count + owner
    known = np.sort(there)
    one_way = np.flatnonzero(known.take(known.searchsorted(back), mode="clip") != back) if len(known) else owner
    one_way = one_way[np.argsort(items[one_way], kind="stable")]
    return {
        "named_ptr": np.searchsorted(items[one_way], np.arange(count + 1)).astype(np.int32),
        "named_items": owner[one_way].astype(np.int32),
        "named_score": score[one_way],
        "named_lift": lift[one_way],
    }
