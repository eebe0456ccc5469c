"""Checks of index arrays: that they are there, of the right kind, and fit together.

In: the arrays of a bundle. Out: nothing, or BundleError naming the array and what is wrong with it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.errors import BundleError

Arrays = Mapping[str, NDArray[Any]]


def check_kinds(arrays: Arrays, wanted: Mapping[str, tuple[str, int]]) -> None:
    """Every wanted array is there, of its kind of dtype and number of dimensions."""
    for name, (kind, dimensions) in wanted.items():
        array = arrays.get(name)
        if array is None:
            raise BundleError(f"index array {name!r} is missing; train the bundle again with this version")
        if array.dtype.kind != kind or array.ndim != dimensions:
            found = f"{array.dtype} with {array.ndim} dimensions"
            raise BundleError(f"index array {name!r} is {found}, not kind {kind!r} with {dimensions}")


def check_length(arrays: Arrays, name: str, items: int) -> None:
    """One row per product."""
    if len(arrays[name]) != items:
        raise BundleError(f"index array {name!r} has {len(arrays[name])} rows for {items} products")


def check_rows(arrays: Arrays, name: str, values: tuple[str, ...], rows: int | None) -> None:
    """CSR row starts: rising from 0 to the number of values; `rows` of them and one more, or any number for None."""
    ptr = arrays[name]
    expected = len(ptr) if rows is None else rows + 1
    if len(ptr) != expected or not len(ptr) or ptr[0] != 0 or bool(np.any(ptr[1:] < ptr[:-1])):
        raise BundleError(f"index array {name!r} does not hold {expected} rising row starts")
    for value in values:
        if len(arrays[value]) != ptr[-1]:
            raise BundleError(f"index array {value!r} has {len(arrays[value])} values, {name!r} ends at {ptr[-1]}")


def check_targets(name: str, array: NDArray[Any], reach: int, least: int = 0) -> None:
    """Every value names one of `reach` rows; `least` is -1 where that stands for none."""
    if array.size and not least <= int(array.min()) <= int(array.max()) < reach:
        raise BundleError(f"index array {name!r} points outside the {reach} rows it may name")


def texts(name: str, array: NDArray[Any]) -> list[str]:
    """The UTF-8 values of a bytes array."""
    try:
        return [text.decode() for text in array.tolist()]
    except UnicodeDecodeError as error:
        raise BundleError(f"index array {name!r} is not UTF-8: {error}") from error
