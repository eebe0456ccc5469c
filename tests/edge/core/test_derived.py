"""Arrays that follow from others: what they hold, that bundles of before them still load, and what is refused."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.derived import DERIVED, TRAITS, derive
from edge.core.errors import BundleError
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index

Arrays = dict[str, NDArray[Any]]


def test_all_that_is_promised_is_derived(arrays: Arrays) -> None:
    """Every array by its name, of its kind and number of dimensions."""
    made = derive(arrays)
    assert made.keys() == DERIVED.keys()
    assert {name: (array.dtype.kind, array.ndim) for name, array in made.items()} == DERIVED


def test_the_narrowest_code_is_that_of_the_last_level_known(arrays: Arrays) -> None:
    """Tea is Drinks > Hot, soap ends at Home, the odd product has none."""
    assert derive(arrays)["narrow_of"][[0, 5, 6]].tolist() == [6, 2, -1]


def test_traits_are_the_features_of_the_product(arrays: Arrays) -> None:
    """In the order of the feature matrix; sales as a share of the hundred orders."""
    start = FEATURE_NAMES.index("sold")
    assert FEATURE_NAMES[start : start + len(TRAITS)] == TRAITS
    traits = derive(arrays)["traits"]
    assert traits[0].tolist() == pytest.approx([0.4, 4, 0, 0.25, 10, 4])
    assert traits.flags.c_contiguous


def test_named_are_the_pairs_of_one_list_only(arrays: Arrays) -> None:
    """All lists here name each other but one: cola's names soap, whose own is empty."""
    lists = {"pair_ptr": np.array([0, 2, 3, 4, 4, 6, 6, 6, 7], np.int32)}
    values = np.arange(7, dtype=np.float32)
    pairs = {"pair_items": np.array([4, 7, 4, 5, 0, 1, 0], np.int32), "pair_score": values, "pair_lift": values + 1}
    made = derive(arrays | lists | pairs)
    assert made["named_items"].tolist() == [2]
    assert np.diff(made["named_ptr"]).tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    assert (made["named_score"].tolist(), made["named_lift"].tolist()) == ([3], [4])


def test_without_pairs_nobody_is_named(arrays: Arrays) -> None:
    """A shop whose orders hold one product each."""
    none = {name: arrays[name][:0] for name in ("pair_items", "pair_score", "pair_lift")}
    made = derive(arrays | none | {"pair_ptr": np.zeros(9, np.int32)})
    assert made["named_ptr"].tolist() == [0] * 9
    assert not made["named_items"].size


def test_a_bundle_of_before_them_loads_all_the_same(arrays: Arrays) -> None:
    """What the file lacks is worked out; what it holds is used as it is."""
    before, after = Index.from_arrays(arrays), Index.from_arrays(arrays | derive(arrays))
    for name in DERIVED:
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    traits = np.full((8, len(TRAITS)), 7, np.float32)
    given = Index.from_arrays(arrays | derive(arrays) | {"traits": traits})
    assert np.shares_memory(given.traits, traits)


@pytest.mark.parametrize("name", sorted(DERIVED))
def test_one_of_another_kind_is_refused(arrays: Arrays, name: str) -> None:
    """As of every other array of the index."""
    made = derive(arrays)
    made[name] = np.zeros(made[name].shape, np.complex64)
    with pytest.raises(BundleError, match=f"'{name}' is complex64"):
        Index.from_arrays(arrays | made)


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("narrow_of", np.zeros(7, np.int32), "'narrow_of' has 7 rows"),
        ("narrow_of", np.full(8, 7, np.int32), "'narrow_of' points outside"),
        ("narrow_of", np.full(8, -2, np.int32), "'narrow_of' points outside"),
        ("traits", np.zeros((8, 5), np.float32), r"'traits' has shape \(8, 5\)"),
        ("named_ptr", np.zeros(8, np.int32), "'named_ptr' does not hold 9"),
        ("named_items", np.array([8], np.int32), "'named_items' has 1 values"),
    ],
)
def test_one_that_does_not_fit_is_refused(arrays: Arrays, name: str, wrong: NDArray[Any], told: str) -> None:
    """Too few rows, or a code that no category has: an answer must not read past the end."""
    with pytest.raises(BundleError, match=told):
        Index.from_arrays(arrays | derive(arrays) | {name: wrong})


def test_a_product_named_must_be_one(arrays: Arrays) -> None:
    """Positions beyond the products are refused where their number fits."""
    one = {"named_ptr": np.array([0, 1, 1, 1, 1, 1, 1, 1, 1], np.int32), "named_items": np.array([8], np.int32)}
    values = {"named_score": np.ones(1, np.float32), "named_lift": np.ones(1, np.float32)}
    with pytest.raises(BundleError, match="'named_items' points outside"):
        Index.from_arrays(arrays | derive(arrays) | one | values)
