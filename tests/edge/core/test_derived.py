"""Arrays that follow from others: what they hold, that bundles of before them still load, and what is refused."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.derived import DERIVED, LINE, TRAITS, derive, numbers, width
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
    traits = numbers(derive(arrays)["products"])["traits"]
    assert traits[0].tolist() == pytest.approx([0.4, 4, 0, 0.25, 10, 4])


def test_a_product_lies_in_whole_lines(arrays: Arrays) -> None:
    """Its numbers in the first, its two vectors from the second on; what is left over is zero."""
    products = derive(arrays)["products"]
    assert products.shape == (8, 2 * LINE)
    assert products.flags.c_contiguous
    view = numbers(products)
    for name in ("category_of", "brand_of"):
        np.testing.assert_array_equal(view[name], arrays[name])
    np.testing.assert_array_equal(view["narrow_of"], derive(arrays)["narrow_of"])
    vectors = np.ascontiguousarray(products[:, LINE : LINE + 8]).view(np.float16)
    np.testing.assert_array_equal(vectors[:, :2], arrays["vectors"])
    np.testing.assert_array_equal(vectors[:, 2:], arrays["tastes"])
    assert not products[:, 44:LINE].any()
    assert not products[:, LINE + 8 :].any()


@pytest.mark.parametrize(("dimensions", "lines"), [(0, 1), (1, 2), (16, 2), (17, 3), (32, 3), (33, 4), (64, 5)])
def test_as_many_lines_as_two_vectors_of_halves_take(dimensions: int, lines: int) -> None:
    """A vector is never cut where it need not be."""
    assert width(dimensions) == lines * LINE


def test_a_shop_without_orders_has_no_shares(arrays: Arrays) -> None:
    """Nothing is divided by zero."""
    made = derive(arrays | {"orders": np.zeros(1, np.float32), "sold": np.zeros(8, np.float32)})
    assert not numbers(made["products"])["traits"][:, 0].any()


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
    products = derive(arrays)["products"]
    numbers(products)["traits"][:] = 7
    given = Index.from_arrays(arrays | derive(arrays) | {"products": products})
    assert np.shares_memory(given.products, products)


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
        ("narrow_of", np.full(8, 7, np.int32), "'products' says otherwise than 'narrow_of'"),
        ("brand_of", np.full(8, 7, np.int32), "'products' says otherwise than 'brand_of'"),
        ("products", np.zeros((8, 64), np.uint8), r"'products' is uint8 of \(8, 64\), not uint8 of \(8, 128\)"),
        ("products", np.zeros((7, 128), np.uint8), r"'products' is uint8 of \(7, 128\)"),
        ("products", np.zeros((8, 128), np.uint16), "'products' is uint16"),
        ("products", np.zeros((8, 128), np.uint8), "'products' says otherwise than 'category_of'"),
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


@pytest.mark.parametrize("code", [7, -2, 2**31 - 1])
def test_a_narrow_code_must_be_one(arrays: Arrays, code: int) -> None:
    """Where `narrow_of` and `products` agree on a code that no category has, too."""
    made = derive(arrays)
    made["narrow_of"][3] = numbers(made["products"])["narrow_of"][3] = code
    with pytest.raises(BundleError, match="'narrow_of' points outside"):
        Index.from_arrays(arrays | made)


@pytest.mark.parametrize("name", ["category_of", "brand_of", "narrow_of"])
def test_one_code_that_says_otherwise_is_refused(arrays: Arrays, name: str) -> None:
    """A kernel reads codes from `products` and, by them, other arrays: they must be those that were checked."""
    made = derive(arrays)
    numbers(made["products"])[name].reshape(8, -1)[2, 0] += 1
    with pytest.raises(BundleError, match=f"'products' says otherwise than '{name}'"):
        Index.from_arrays(arrays | made)
