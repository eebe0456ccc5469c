"""The session index: arrays that fit are wrapped, arrays that do not are refused by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.errors import BundleError
from edge.core.sessions.index import ARRAYS, POPULARITY, SETTINGS, TRANSITIONS, SessionIndex, freshness
from tests.edge.core.sessions.handmade import DECAY, DIRECTION, FRESH, HALF_LIFE, NEIGHBOURS, SPREAD, arrays, index

Arrays = dict[str, NDArray[Any]]


def test_arrays_that_fit_are_wrapped() -> None:
    """Ids as text, where each lies, and the settings by name."""
    asked = index()
    assert list(asked.ids) == ["a", "b", "c", "d", "e"]
    assert asked.position["d"] == 3
    assert (asked.decay, asked.half_life, asked.spread, asked.direction) == (DECAY, HALF_LIFE, SPREAD, DIRECTION)
    assert asked.neighbours == int(NEIGHBOURS)
    assert isinstance(asked.neighbours, int)


def test_arrays_are_not_copied() -> None:
    """Several processes share the pages of one bundle."""
    given = arrays()
    asked = SessionIndex.from_arrays(given)
    for name in ("session_items", "item_sessions", "next_values", "vectors", "popularity"):
        assert np.shares_memory(getattr(asked, name), given[name]), name


def test_positions_keep_order_and_drop_strangers() -> None:
    """Unknown ids are left out; one clicked twice comes twice."""
    assert index().positions(["d", "nobody", "a", "d"]).tolist() == [3, 0, 3]
    assert index().positions([]).dtype == np.int32


def test_a_session_counts_by_age_and_length() -> None:
    """Half after `half_life` newer ones, over the root of clicks and two: worked out by hand for all four."""
    weights = freshness(arrays()["session_ptr"], HALF_LIFE)
    assert weights == pytest.approx(FRESH)
    assert weights.dtype == np.float32
    assert index().freshness == pytest.approx(FRESH)


def test_newer_sessions_of_one_length_count_more() -> None:
    """And the newest of all is one session old."""
    weights = freshness(np.array([0, 2, 4, 6], np.int32), 1.0)
    assert weights == pytest.approx([0.125 / 2, 0.25 / 2, 0.5 / 2])


def test_no_sessions_weigh_nothing() -> None:
    """An index without sessions is allowed and empty."""
    assert freshness(np.array([0], np.int32), 3.0).size == 0


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_a_missing_array_is_named(name: str) -> None:
    """Whatever array is missing, the error says which and what to do."""
    given = arrays()
    del given[name]
    with pytest.raises(BundleError, match=f"'{name}' is missing; train"):
        SessionIndex.from_arrays(given)


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_an_array_of_another_kind_is_refused(name: str) -> None:
    """Complex numbers are what no array holds."""
    given = arrays()
    given[name] = np.zeros(given[name].shape, np.complex64)
    with pytest.raises(BundleError, match=f"'{name}' is complex64"):
        SessionIndex.from_arrays(given)


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_an_array_of_other_dimensions_is_refused(name: str) -> None:
    """One dimension more than it should have."""
    given = arrays()
    given[name] = given[name][None]
    with pytest.raises(BundleError, match=f"'{name}' is .* with {given[name].ndim} dimensions"):
        SessionIndex.from_arrays(given)


def put(name: str, at: int, value: int) -> Callable[[Arrays], None]:
    """One value changed."""

    def damage(given: Arrays) -> None:
        given[name] = given[name].copy()
        given[name][at] = value

    return damage


def shorter(name: str) -> Callable[[Arrays], None]:
    """The last row gone."""

    def damage(given: Arrays) -> None:
        given[name] = given[name][:-1]

    return damage


def instead(name: str, array: NDArray[Any]) -> Callable[[Arrays], None]:
    """Another array under this name."""

    def damage(given: Arrays) -> None:
        given[name] = array

    return damage


DAMAGES: dict[str, tuple[Callable[[Arrays], None], str]] = {
    "vectors too few": (shorter("vectors"), "'vectors' has 4 rows for 5 products"),
    "popularity too few": (shorter("popularity"), "'popularity' has 4 rows for 5 products"),
    "sessions not from 0": (put("session_ptr", 0, 1), "'session_ptr' does not hold 5 rising"),
    "sessions falling": (put("session_ptr", 2, 1), "'session_ptr' does not hold 5 rising"),
    "no row starts": (instead("session_ptr", np.empty(0, np.int32)), "'session_ptr' does not hold 0 rising"),
    "sessions beyond": (shorter("session_items"), "'session_items' has 10 values, 'session_ptr' ends at 11"),
    "item rows too few": (shorter("item_session_ptr"), "'item_session_ptr' does not hold 6 rising"),
    "item sessions beyond": (shorter("item_sessions"), "'item_sessions' has 9 values, 'item_session_ptr' ends at 10"),
    "places too few": (shorter("item_places"), "'item_places' has 9 values"),
    "transition rows too few": (shorter("next_ptr"), "'next_ptr' does not hold 6 rising"),
    "transitions falling": (put("next_ptr", 1, 5), "'next_ptr' does not hold 6 rising"),
    "transitions too few": (shorter("next_items"), "'next_items' has 4 values, 'next_ptr' ends at 5"),
    "values too few": (shorter("next_values"), "'next_values' has 4 values"),
    "a click on nobody": (put("session_items", 0, 5), "'session_items' points outside the 5 rows"),
    "a click before all": (put("session_items", 0, -1), "'session_items' points outside"),
    "a transition to nobody": (put("next_items", 0, 5), "'next_items' points outside"),
    "popular nobody": (put("popular", 0, 99), "'popular' points outside"),
    "a session of nobody": (put("item_sessions", 0, 4), "'item_sessions' points outside the 4 rows"),
    "a place before the first": (put("item_places", 0, -1), "'item_places' points outside"),
    "an encoder of other dimensions": (instead("encoder", np.zeros((4, 3), np.float32)), r"'encoder' has shape \(4, 3"),
    "an encoder of one part": (instead("encoder", np.zeros((2, 2), np.float32)), r"'encoder' has shape \(2, 2\), not"),
    "transitions of other kinds": (
        instead("next_values", np.zeros((5, len(TRANSITIONS) + 1), np.float16)),
        "'next_values' has shape",
    ),
    "popularity of other windows": (
        instead("popularity", np.zeros((5, len(POPULARITY) - 1), np.float32)),
        "'popularity' has shape",
    ),
    "settings too few": (shorter("settings"), "'settings' has shape"),
    "a setting of zero": (put("settings", SETTINGS.index("spread"), 0), "'settings' holds .*positive"),
    "a negative setting": (put("settings", SETTINGS.index("half_life"), -1), "'settings' holds .*positive"),
    "a setting that is no number": (
        instead("settings", np.array([np.nan, 1, 1, 1, 1], np.float32)),
        "'settings' holds .*positive",
    ),
    "a setting without end": (instead("settings", np.array([1, 1, np.inf, 1, 1], np.float32)), "'settings' holds"),
    "a product twice": (instead("ids", np.array([b"a", b"a", b"c", b"d", b"e"], np.bytes_)), "'ids' names a product"),
    "ids that are no text": (instead("ids", np.array([b"\xff", b"b", b"c", b"d", b"e"], np.bytes_)), "not UTF-8"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_arrays_that_do_not_fit_are_refused(damage: str) -> None:
    """Every check names the array and what is wrong with it."""
    spoil, reason = DAMAGES[damage]
    given = arrays()
    spoil(given)
    with pytest.raises(BundleError, match=reason):
        SessionIndex.from_arrays(given)


def test_an_index_of_no_sessions_and_no_transitions_fits() -> None:
    """Empty is not damaged: every check must let empty rows pass."""
    given = arrays() | {
        "session_ptr": np.array([0], np.int32),
        "session_items": np.empty(0, np.int32),
        "item_session_ptr": np.zeros(6, np.int32),
        "item_sessions": np.empty(0, np.int32),
        "item_places": np.empty(0, np.int16),
        "next_ptr": np.zeros(6, np.int32),
        "next_items": np.empty(0, np.int32),
        "next_values": np.empty((0, len(TRANSITIONS)), np.float16),
        "popular": np.empty(0, np.int32),
    }
    assert len(SessionIndex.from_arrays(given).ids) == 5
