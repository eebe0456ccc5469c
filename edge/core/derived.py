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
    "products": ("u", 2),  # N x bytes: all that a request reads of each product, side by side; see `_products`
    "named_ptr": ("i", 1),  # item -> products whose list names it, though its own list, cut short, does not name them
    "named_items": ("i", 1),
    "named_score": ("f", 1),
    "named_lift": ("f", 1),
}
LINE = 64  # bytes
TRAITS = ("sold", "sold_recently", "trend", "repeat_rate", "gap_days", "price")  # `sold` as a share of orders

Arrays = dict[str, NDArray[Any]]


def derive(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The derived arrays of checked ones."""
    narrow = np.asarray(arrays["category_of"]).max(axis=1, initial=-1).astype(np.int32)
    return {
        "narrow_of": narrow,
        "products": _products(arrays, narrow),
        **_named(*(np.asarray(arrays[name]) for name in ("pair_ptr", "pair_items", "pair_score", "pair_lift"))),
    }


def numbers(products: NDArray[np.uint8]) -> Arrays:
    """Views of the first line of each product: its traits, codes, brand and narrow code."""
    traits, codes = products[:, :24].view(np.float32), products[:, 24:44].view(np.int32)
    return {"traits": traits, "category_of": codes[:, :3], "brand_of": codes[:, 3], "narrow_of": codes[:, 4]}


def width(dimensions: int) -> int:
    """Bytes of a product: a line of numbers, then its two vectors, in whole lines of a processor's cache."""
    return LINE + -(-4 * dimensions // LINE) * LINE


def _products(arrays: Mapping[str, NDArray[Any]], narrow: NDArray[np.int32]) -> NDArray[np.uint8]:
    """A line of numbers, as `numbers` reads it, then `vectors` and `tastes`.

    A shop's arrays are larger than a processor's caches: side by side, a product costs one wait for memory, not seven.
    """
    dimensions = arrays["vectors"].shape[1]
    out = np.zeros((len(narrow), width(dimensions)), np.uint8)
    view = numbers(out)
    for column, name in enumerate(TRAITS):
        view["traits"][:, column] = arrays[name]
    view["traits"][:, 0] /= max(float(arrays["orders"][0]), 1)
    view["category_of"][:] = arrays["category_of"]
    view["brand_of"][:], view["narrow_of"][:] = arrays["brand_of"], narrow
    vectors = out[:, LINE : LINE + 4 * dimensions].view(np.float16)
    vectors[:, :dimensions], vectors[:, dimensions:] = arrays["vectors"], arrays["tastes"]
    return out


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
