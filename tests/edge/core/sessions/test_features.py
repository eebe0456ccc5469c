"""The features of next clicks: worked out by hand on four sessions, and of the shape the ranker reads."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.sessions.features import FEATURE_NAMES, build
from edge.core.sessions.index import POPULARITY, SessionIndex
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.sources import CHANNELS
from edge.core.sessions.visit import Visit
from tests.edge.core.sessions.handmade import arrays, index, visit


def table(asked: SessionIndex, letters: str) -> dict[str, dict[str, float]]:
    """Feature -> product -> value."""
    seen = visit(letters)
    found = candidates(asked, seen)
    rows = build(asked, seen, found)
    ids = [asked.ids[item] for item in found.items]
    return {name: dict(zip(ids, rows[:, at].tolist(), strict=True)) for at, name in enumerate(FEATURE_NAMES)}


def half_steps(value: float) -> float:
    """Doublings in steps of a half."""
    return round(2 * log2(1 + value)) / 2


def test_names_are_unique_and_hold_every_channel() -> None:
    """One column each; the evidence of every channel reaches the forest."""
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert FEATURE_NAMES[: len(CHANNELS)] == CHANNELS
    assert set(POPULARITY) < set(FEATURE_NAMES)


@given(st.text("abcde", min_size=1, max_size=30))
def test_the_matrix_is_what_a_ranker_reads(letters: str) -> None:
    """One finite float32 row per candidate, C-contiguous, for any visit."""
    asked, seen = index(), visit(letters)
    found = candidates(asked, seen)
    rows = build(asked, seen, found)
    assert rows.shape == (len(found.items), len(FEATURE_NAMES))
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    assert np.isfinite(rows).all()


@given(st.text("abcde", min_size=1, max_size=12), st.text("abcde", min_size=1, max_size=12))
def test_rows_do_not_depend_on_visits_before(letters: str, other: str) -> None:
    """Asked again after another visit: the same bytes."""
    asked, seen = index(), visit(letters)
    first = build(asked, seen, candidates(asked, seen)).tobytes()
    build(asked, visit(other), candidates(asked, visit(other)))
    assert build(asked, seen, candidates(asked, seen)).tobytes() == first


def test_evidence_is_passed_on() -> None:
    """The channels' columns are the candidates' evidence, in the same order."""
    asked, seen = index(), visit("cba")
    found = candidates(asked, seen)
    rows = build(asked, seen, found)
    np.testing.assert_array_equal(rows[:, : len(CHANNELS)], found.evidence.T)
    np.testing.assert_array_equal(rows[:, FEATURE_NAMES.index("retrieval_score")], found.scores)
    assert rows[:, FEATURE_NAMES.index("retrieval_rank")].tolist() == list(range(len(found.items)))


def test_standing_compares_a_candidate_with_all_found() -> None:
    """Its share of all nearness adds up to one where nothing was cut; ranks count from 0 by falling values."""
    rows = table(index(), "ba")
    assert sum(rows["near_share"].values()) == pytest.approx(1)
    by_nearness = sorted(rows["near"], key=lambda id_: -rows["near"][id_])
    assert [rows["near_rank"][id_] for id_ in by_nearness] == list(range(5))
    by_cosine = sorted(rows["last_cosine"], key=lambda id_: -rows["last_cosine"][id_])
    assert rows["cosine_rank"][by_cosine[0]] == 0
    assert sorted(rows["cosine_rank"].values()) == list(range(5))


def test_evidence_is_weighed_against_popularity() -> None:
    """`ever` is in doublings: b with 2 counts 2^2 + 4 = 8, e with 1 counts 2^1 + 4 = 6."""
    rows = table(index(), "ba")
    assert rows["hits_by_popularity"]["b"] == pytest.approx(3 / 8)
    assert rows["hits_by_popularity"]["e"] == pytest.approx(1 / 6)
    assert rows["near_by_popularity"]["b"] == pytest.approx(rows["near"]["b"] / 8**0.5)


def test_popularity_is_the_item_s_own() -> None:
    """The columns of the index, row by row."""
    rows = table(index(), "ba")
    wanted = arrays()["popularity"]
    for at, name in enumerate(POPULARITY):
        assert rows[name] == {id_: wanted["abcde".index(id_), at] for id_ in rows[name]}


def test_own_clicks_are_counted_back() -> None:
    """a is the newest click of `a b a`, clicked twice; b one before, once; the others never, which is 99 clicks ago."""
    rows = table(index(), "aba")
    assert rows["clicks_ago"] == {"a": 0, "b": 1, "c": 99, "d": 99, "e": 99}
    assert rows["clicks_on_it"] == {"a": 2, "b": 1, "c": 0, "d": 0, "e": 0}


def test_likeness_is_the_cosine_to_clicks() -> None:
    """Of the visit `b a`: to a, the newest; to b, the one before; to the nearer of both; e has no vector."""
    rows = table(index(), "ba")
    assert rows["likeness_last"] == pytest.approx({"a": 1, "b": 0.6, "c": 0, "d": -1, "e": 0}, abs=1e-3)
    assert rows["likeness_previous"] == pytest.approx({"a": 0.6, "b": 1, "c": 0.8, "d": -0.6, "e": 0}, abs=1e-3)
    assert rows["likeness_most"] == pytest.approx({"a": 1, "b": 1, "c": 0.8, "d": -0.6, "e": 0}, abs=1e-3)


def test_the_direction_of_an_encoder_of_zeros_is_the_visit() -> None:
    """Both columns are then the cosine to the faded clicks."""
    rows = table(index(), "ba")
    assert rows["direction"] == pytest.approx(rows["likeness_visit"])
    assert rows["likeness_visit"]["a"] > rows["likeness_visit"]["d"]


def test_one_click_has_no_click_before() -> None:
    """The column is zero, not a copy of the newest click's."""
    rows = table(index(), "a")
    assert set(rows["likeness_previous"].values()) == {0}
    assert rows["likeness_most"] == rows["likeness_last"]


def test_the_situation_is_the_same_for_all_candidates() -> None:
    """Clicks, items, the newest click's popularity, what neighbours held and how much was found, in half doublings."""
    rows = table(index(), "aba")
    wanted = {"clicks": 3, "items": 2, "last_popularity": 2, "neighbour_items": half_steps(9), "found": half_steps(5)}
    for name, value in wanted.items():
        assert set(rows[name].values()) == {value}, name


def test_no_feature_is_the_item_s_number() -> None:
    """Products renumbered from the last to the first keep their features, each its own."""
    given, last = arrays(), 4
    turned = dict(given)
    for name in ("ids", "vectors", "popularity"):
        turned[name] = given[name][::-1]
    for name in ("session_items", "next_items", "popular"):
        turned[name] = last - given[name]
    for pointer, names in (
        ("item_session_ptr", ("item_sessions", "item_places")),
        ("next_ptr", ("next_items", "next_values")),
    ):
        starts = given[pointer]
        order = np.concatenate([np.arange(starts[item], starts[item + 1]) for item in range(last, -1, -1)])
        turned[pointer] = np.array([0, *np.cumsum(np.diff(starts)[::-1])], np.int32)
        for name in names:
            turned[name] = turned[name][order]
    there = SessionIndex.from_arrays(turned)
    one, other = table(index(), "cba"), {}
    seen = Visit.of(np.array([last - 2, last - 1, last], np.int32))
    found = candidates(there, seen)
    rows = build(there, seen, found)
    for at, name in enumerate(FEATURE_NAMES):
        other[name] = dict(zip((there.ids[item] for item in found.items), rows[:, at].tolist(), strict=True))
    ranks = {"retrieval_rank", "near_rank", "cosine_rank"}  # equals stand in the order they were found
    for name in set(FEATURE_NAMES) - ranks:
        assert one[name] == pytest.approx(other[name], rel=1e-5, abs=1e-6), name
