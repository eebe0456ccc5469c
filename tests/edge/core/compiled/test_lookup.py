"""Positions by key: the table against a dict."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.compiled.lookup import Lookup
from edge.core.ids import key_of

KEYS = st.integers(-(2**63), 2**63 - 1) | st.integers(-20, 20)


@given(st.lists(KEYS, max_size=200), st.lists(KEYS, max_size=50), st.integers(0, 2**32))
def test_every_key_is_found_where_it_lies_and_no_other(known: list[int], others: list[int], seed: int) -> None:
    """Of any 64 bits; of equal keys the first row counts; hashes only where they are asked for."""
    keys = np.sort(np.array(known, np.int64))
    whose = np.random.default_rng(seed).permutation(len(known)).astype(np.int32)
    lookup = Lookup(keys, whose)
    rows: dict[int, int] = {}
    for row, key in enumerate(keys.tolist()):
        rows.setdefault(key, row)
    wanted = [*others, *known]
    assert [lookup.row(key) for key in wanted] == [rows.get(key, -1) for key in wanted]
    places = {key: int(whose[row]) for key, row in rows.items()}
    asked = np.array(wanted, np.int64)
    assert lookup.find(asked, True).tolist() == [places.get(key, -1) for key in wanted]
    assert lookup.find(asked, False).tolist() == [places.get(key, -1) if key >= 0 else -1 for key in wanted]


@pytest.mark.parametrize("step", [1, 4096, 1 << 20, 1 << 44])
def test_keys_in_steps_are_found(step: int) -> None:
    """Ids of one series share many of their bits."""
    keys = np.arange(0, 5_000, dtype=np.int64) * step
    lookup = Lookup(keys, np.arange(5_000, dtype=np.int32)[::-1].copy())
    assert lookup.find(keys, False).tolist() == list(range(4_999, -1, -1))
    assert (lookup.find(keys + 1, False)[:-1] == -1).all() == (step > 1)


@given(st.text(max_size=25) | st.from_regex(r"\A0?[0-9]{1,20}\Z"))
def test_a_decimal_is_what_has_a_key_that_is_itself(id_: str) -> None:
    """As `key_of` says it; ids of another kind are told apart."""
    key = key_of(id_)
    lookup = Lookup(np.array([key], np.int64), np.array([7], np.int32))
    assert lookup.decimal(id_) == (7 if key >= 0 else -2)
    empty = Lookup(np.empty(0, np.int64), np.empty(0, np.int32))
    assert empty.decimal(id_) == (-1 if key >= 0 else -2)
    assert (empty.row(key), lookup.row(key)) == (-1, 0)


@pytest.mark.parametrize(
    ("keys", "whose", "error"),
    [
        (np.zeros(2, np.int64), np.zeros(1, np.int32), ValueError),
        (np.zeros(1, np.int64), np.zeros(2, np.int32), ValueError),
        (np.zeros(2, np.int32), np.zeros(2, np.int32), TypeError),
        (np.zeros(2, np.int64), np.zeros(2, np.int64), TypeError),
        (np.zeros(4, np.int64)[::2], np.zeros(2, np.int32), TypeError),
        (None, np.zeros(2, np.int32), TypeError),
        (np.zeros(2, np.int64), None, TypeError),
        ([1, 2], np.zeros(2, np.int32), TypeError),
    ],
)
def test_keys_and_positions_that_do_not_fit_are_refused(keys: Any, whose: Any, error: type[Exception]) -> None:
    """Another number, type or layout."""
    with pytest.raises(error):
        Lookup(keys, whose)


@pytest.mark.parametrize("wanted", [np.zeros(2, np.int32), np.zeros(4, np.int64)[::2], None])
def test_what_is_wanted_is_keys(wanted: Any) -> None:
    """Another type or layout is refused."""
    lookup = Lookup(np.arange(3, dtype=np.int64), np.arange(3, dtype=np.int32))
    with pytest.raises(TypeError):
        lookup.find(wanted, True)
    nothing: Any = None
    with pytest.raises(TypeError):
        lookup.decimal(nothing)
