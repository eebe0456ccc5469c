"""The index: arrays that fit are wrapped without a copy, arrays that do not are refused by name."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.errors import BundleError
from edge.core.ids import KEYS, id_arrays
from edge.core.index import ARRAYS, Index, distinct, gather, spans

Arrays = dict[str, NDArray[Any]]


def test_positions_keep_order_and_drop_strangers(index: Index) -> None:
    """Unknown ids are left out, the others keep the order they were asked in."""
    assert index.positions(["cake", "nothing", "tea"]).tolist() == [4, 0]
    assert index.positions([]).dtype == np.int32


def test_popular_in_takes_the_narrowest_known_level(index: Index) -> None:
    """A path known to its end answers with that end; one with an unknown end answers a level up."""
    assert index.popular_in("Drinks > Hot").tolist() == [1, 0, 7]
    assert index.popular_in("Drinks > Lukewarm").tolist() == [1, 0, 2, 7]
    assert index.popular_in("Drinks > Hot > Tea > Green").tolist() == [1, 0, 7]


def test_popular_in_an_unknown_category_is_empty(index: Index) -> None:
    """A path whose first name is unknown, or none at all, has nothing popular."""
    assert index.popular_in("Garden").size == 0
    assert index.popular_in("").size == 0


def test_arrays_are_not_copied(arrays: Arrays, index: Index) -> None:
    """The big arrays of the index are the very memory it was given."""
    assert np.shares_memory(index.pair_items, arrays["pair_items"])
    assert np.shares_memory(index.vectors, arrays["vectors"])


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_a_missing_array_is_named(arrays: Arrays, name: str) -> None:
    """Whatever array is missing, the error says which."""
    del arrays[name]
    with pytest.raises(BundleError, match=f"'{name}' is missing"):
        Index.from_arrays(arrays)


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_an_array_of_another_kind_is_refused(arrays: Arrays, name: str) -> None:
    """Complex numbers are what no array holds; the error names the array."""
    arrays[name] = np.zeros(arrays[name].shape, np.complex64)
    with pytest.raises(BundleError, match=f"'{name}' is complex64"):
        Index.from_arrays(arrays)


@pytest.mark.parametrize(
    "name", ["category_of", "brand_of", "price", "sold", "sold_recently", "trend", "repeat_rate", "gap_days", "vectors"]
)
def test_an_array_with_a_row_too_few_is_refused(arrays: Arrays, name: str) -> None:
    """Every array per product has a row for each product."""
    arrays[name] = arrays[name][:-1]
    with pytest.raises(BundleError, match=f"'{name}' has 7 rows for 8 products"):
        Index.from_arrays(arrays)


@pytest.mark.parametrize("name", ["popular", "trending", "category_items", "pair_items", "session_items", "brand_of"])
@pytest.mark.parametrize("wrong", [-2, 8])
def test_positions_outside_the_products_are_refused(arrays: Arrays, name: str, wrong: int) -> None:
    """No array may name a product that is not there; a brand may have any code but no negative one below -1."""
    if name == "brand_of" and wrong > 0:
        return
    arrays[name] = arrays[name].copy()
    arrays[name][0] = wrong
    with pytest.raises(BundleError, match=f"'{name}' points outside"):
        Index.from_arrays(arrays)


def test_sessions_outside_the_sessions_are_refused(arrays: Arrays) -> None:
    """A product's session number must be one of the sessions."""
    arrays["item_sessions"] = np.array([3, 0, 1, 2, 1, 2, 0], np.int32)
    with pytest.raises(BundleError, match="'item_sessions' points outside"):
        Index.from_arrays(arrays)


def test_falling_row_starts_are_refused(arrays: Arrays) -> None:
    """Row starts never fall; ones that do would read other products' rows."""
    arrays["pair_ptr"] = np.array([0, 2, 1, 3, 3, 5, 5, 5, 6], np.int32)
    with pytest.raises(BundleError, match="'pair_ptr' does not hold 9 rising row starts"):
        Index.from_arrays(arrays)


def test_values_beyond_the_last_row_are_refused(arrays: Arrays) -> None:
    """As many values as the row starts say, no more."""
    arrays["pair_lift"] = np.append(arrays["pair_lift"], np.float32(1))
    with pytest.raises(BundleError, match="'pair_lift' has 7 values, 'pair_ptr' ends at 6"):
        Index.from_arrays(arrays)


def test_ids_must_be_unique_and_utf8(arrays: Arrays) -> None:
    """A product twice, or an id that is no text, makes the index unusable."""
    twice = arrays | {"ids": np.array([b"tea"] * 8, np.bytes_)}
    with pytest.raises(BundleError, match="names a product twice"):
        Index.from_arrays(twice)
    broken = arrays | {"ids": np.array([b"\xff", *(str(at).encode() for at in range(7))], np.bytes_)}
    with pytest.raises(BundleError, match="not UTF-8"):
        Index.from_arrays(broken)


def test_category_columns_and_single_values_have_their_shape(arrays: Arrays) -> None:
    """Three category levels per product, one day, one number of orders."""
    for name, wrong in (("category_of", np.zeros((8, 2), np.int32)), ("as_of", np.zeros(2, np.float32))):
        with pytest.raises(BundleError, match="'category_of', 'as_of', 'orders'"):
            Index.from_arrays(arrays | {name: wrong})


def test_gather_reads_rows_one_after_the_other() -> None:
    """Rows 2 and 0 of [0 1 | 2 | 3 4 5]: positions 3 4 5 then 0 1, owned by the first and the second row asked for."""
    at, owner = gather(np.array([0, 2, 3, 6], np.int32), np.array([2, 0], np.int32))
    assert at.tolist() == [3, 4, 5, 0, 1]
    assert owner.tolist() == [0, 0, 0, 1, 1]


def test_spans_may_be_empty() -> None:
    """Empty spans own nothing, and no spans give nothing."""
    at, owner = spans(np.array([4, 7, 1]), np.array([6, 7, 2]))
    assert at.tolist() == [4, 5, 1]
    assert owner.tolist() == [0, 0, 2]
    assert gather(np.array([0, 2], np.int32), np.empty(0, np.int32))[0].size == 0


def test_distinct_gives_each_code_once() -> None:
    """Each code once, and for every one its row: rows put back give the codes again."""
    codes = np.array([5, 3, 5, 9, 3, 5], np.int32)
    different, row = distinct(codes, np.full(10, 77, np.int32))
    assert sorted(different.tolist()) == [3, 5, 9]
    np.testing.assert_array_equal(different[row], codes)


def test_an_empty_shop_is_an_index(arrays: Arrays) -> None:
    """No product at all is a valid index: a shop may start so."""
    empty = {name: array[:0] for name, array in arrays.items()}
    one = np.zeros(1, np.int32)
    empty |= dict.fromkeys(("category_ptr", "pair_ptr", "kind_ptr", "session_ptr", "item_session_ptr"), one)
    index = Index.from_arrays(empty | {"as_of": np.zeros(1, np.float32), "orders": np.zeros(1, np.float32)})
    assert list(index.ids) == []
    assert index.brands == 0


def test_ids_are_read_in_place_and_answer_as_before(arrays: Arrays) -> None:
    """With what training writes beside them nothing is copied; a bundle of before that finds the same."""
    written = arrays | id_arrays(arrays["ids"])
    index, before = Index.from_arrays(written), Index.from_arrays(arrays)
    assert np.shares_memory(index.position._sorted, written[KEYS])
    assert index.ids == before.ids
    assert [index.position[id_] for id_ in before.ids] == list(range(8))


def test_keys_of_other_products_are_refused(arrays: Arrays) -> None:
    """Arrays that do not belong to the ids would find wrong products."""
    others = id_arrays(np.array([b"%d" % at for at in range(8)]))
    with pytest.raises(BundleError, match="'id_keys' does not hold the keys of the ids"):
        Index.from_arrays(arrays | others)
