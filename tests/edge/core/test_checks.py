"""Checks of index arrays: silent where arrays fit, a reason with the array's name where they do not."""

import numpy as np
import pytest

from edge.core.checks import check_kinds, check_length, check_rows, check_targets, texts
from edge.core.errors import BundleError

WANTED = {"price": ("f", 1), "vectors": ("f", 2)}


def test_arrays_of_the_kinds_wanted_pass() -> None:
    """Any width of the kind will do, and arrays nobody asked for are left alone."""
    check_kinds({"price": np.zeros(3, np.float16), "vectors": np.zeros((3, 2)), "more": np.zeros(1, int)}, WANTED)


def test_kinds_and_dimensions_are_named() -> None:
    """Missing, of another kind, of other dimensions: three different reasons."""
    good = {"price": np.zeros(3), "vectors": np.zeros((3, 2))}
    with pytest.raises(BundleError, match="'price' is missing; train the bundle again"):
        check_kinds({"vectors": good["vectors"]}, WANTED)
    with pytest.raises(BundleError, match="'price' is int64 with 1 dimensions, not kind 'f' with 1"):
        check_kinds(good | {"price": np.zeros(3, np.int64)}, WANTED)
    with pytest.raises(BundleError, match="'vectors' is float64 with 1 dimensions, not kind 'f' with 2"):
        check_kinds(good | {"vectors": np.zeros(6)}, WANTED)


def test_one_row_per_product() -> None:
    """Neither more nor fewer."""
    check_length({"price": np.zeros(3)}, "price", 3)
    for rows in (2, 4):
        with pytest.raises(BundleError, match=f"'price' has {rows} rows for 3 products"):
            check_length({"price": np.zeros(rows)}, "price", 3)


@pytest.mark.parametrize("starts", [[0], [0, 0, 2], [0, 2, 2]])
def test_row_starts_that_rise_to_the_end_pass(starts: list[int]) -> None:
    """Empty rows, no rows: all fit, where as many values follow."""
    check_rows({"ptr": np.array(starts), "values": np.zeros(starts[-1])}, "ptr", ("values",), None)
    check_rows({"ptr": np.array(starts), "values": np.zeros(starts[-1])}, "ptr", ("values",), len(starts) - 1)


@pytest.mark.parametrize(
    ("starts", "rows", "reason"),
    [
        ([], None, "does not hold 0 rising"),
        ([1, 2], None, "does not hold 2 rising"),
        ([0, 2, 1, 2], None, "does not hold 4 rising"),
        ([0, 2], 2, "does not hold 3 rising"),
        ([0, 1], None, "'values' has 2 values, 'ptr' ends at 1"),
        ([0, 3], None, "'values' has 2 values, 'ptr' ends at 3"),
    ],
)
def test_row_starts_that_do_not_fit_are_refused(starts: list[int], rows: int | None, reason: str) -> None:
    """None, not from 0, falling, too few, ending before or after the values."""
    with pytest.raises(BundleError, match=reason):
        check_rows({"ptr": np.array(starts, np.int32), "values": np.zeros(2)}, "ptr", ("values",), rows)


def test_targets_lie_within_reach() -> None:
    """From 0 to below the reach; nothing points nowhere."""
    check_targets("items", np.array([0, 4]), 5)
    check_targets("items", np.empty(0, np.int32), 0)
    for wrong in ([-1, 2], [0, 5]):
        with pytest.raises(BundleError, match="'items' points outside the 5 rows"):
            check_targets("items", np.array(wrong), 5)


def test_texts_are_utf8() -> None:
    """Read as written, or refused by name."""
    assert texts("ids", np.array(["käse".encode(), b"tea"])) == ["käse", "tea"]
    with pytest.raises(BundleError, match="'ids' is not UTF-8"):
        texts("ids", np.array([b"\xe4"]))
