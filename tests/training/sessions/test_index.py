"""The arrays of the session index, worked out by hand from a few sessions."""

from math import log2

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.sessions.index import ARRAYS, POPULARITY, TRANSITIONS, SessionIndex
from tests.visits import clicks_of
from training.sessions import index as builder
from training.sessions.clicks import Clicks
from training.sessions.encoder import Encoder
from training.sessions.index import _DOUBT, _LATELY, _NEWEST, _RECENT, Chosen, build, flows

CHOSEN = Chosen(decay=0.5, half_life=2, neighbours=10, spread=2, direction=1)
HALVES = 8  # the half-life of transitions is that part of all sessions


def built(clicks: Clicks) -> dict[str, NDArray[np.generic]]:
    """The arrays, over vectors of ones."""
    count = len(clicks.ids)
    return build(clicks, Encoder(np.ones((count, 2), np.float32), np.zeros((4, 2), np.float32)), CHOSEN)


def row(arrays: dict[str, NDArray[np.generic]], pointer: str, name: str, item: int) -> list[object]:
    """One row of a CSR pair."""
    start, end = arrays[pointer][item : item + 2].tolist()
    values: list[object] = arrays[name][start:end].tolist()
    return values


def test_the_arrays_fit_together() -> None:
    """They are the ones serving wants, and the session index takes them."""
    arrays = built(clicks_of("abc", "bd", "abae", "cd"))
    assert set(arrays) == set(ARRAYS)
    asked = SessionIndex.from_arrays(arrays)
    assert list(asked.ids) == ["a", "b", "c", "d", "e"]
    assert (asked.decay, asked.half_life, asked.neighbours, asked.spread, asked.direction) == (0.5, 2, 10, 2, 1)


def test_sessions_are_kept_as_they_were() -> None:
    """Click by click, repeats and all."""
    arrays = built(clicks_of("abc", "bd", "abae"))
    assert arrays["session_ptr"].tolist() == [0, 3, 5, 9]
    assert arrays["session_items"].tolist() == [0, 1, 2, 1, 3, 0, 1, 0, 4]


def test_an_item_s_sessions_come_newest_first_with_its_last_place() -> None:
    """a lies at 0 in the first session and, for the last time, at 2 in the third."""
    arrays = built(clicks_of("abc", "bd", "abae", "cd"))
    assert [row(arrays, "item_session_ptr", "item_sessions", item) for item in range(5)] == [
        [2, 0],
        [2, 1, 0],
        [3, 0],
        [3, 1],
        [2],
    ]
    assert [row(arrays, "item_session_ptr", "item_places", item) for item in range(5)] == [
        [2, 0],
        [1, 0, 1],
        [0, 2],
        [1, 1],
        [3],
    ]


def test_only_an_item_s_newest_sessions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for two: of b's three sessions the oldest is dropped, others lose nothing."""
    monkeypatch.setattr(builder, "_SESSIONS_PER_ITEM", 2)
    arrays = built(clicks_of("abc", "bd", "abae", "cd"))
    assert row(arrays, "item_session_ptr", "item_sessions", 1) == [2, 1]
    assert row(arrays, "item_session_ptr", "item_places", 1) == [1, 0]
    assert row(arrays, "item_session_ptr", "item_sessions", 0) == [2, 0]


def test_very_long_sessions_have_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A robot's visit of 40,000 clicks is a session like any other: its last place is not cut short."""
    clicks = clicks_of("a" + "b" * 40_000 + "c", "ab")
    asked = SessionIndex.from_arrays(built(clicks))
    assert asked.item_places.tolist() == [0, 0, 1, 40_000, 40_001]


def test_items_never_clicked_have_empty_rows() -> None:
    """z is known by name only: no sessions, no transitions, not popular."""
    arrays = built(clicks_of("ab", "ba", ids="z"))
    assert row(arrays, "item_session_ptr", "item_sessions", 2) == []
    assert row(arrays, "next_ptr", "next_items", 2) == []
    assert 2 not in arrays["popular"].tolist()


def test_flows_weigh_by_distance_and_age() -> None:
    """Half after one session: `ab` two sessions ago weighs 1/4, `abc` one ago 1/2, c two clicks on half of that."""
    following, flow = flows(clicks_of("ab", "abc"), 2, half_life=1)
    assert following.toarray().tolist() == [[0, 0.75, 0], [0, 0, 0.5], [0, 0, 0]]
    assert flow.toarray().tolist() == [[0, 0.75, 0.25], [0, 0, 0.5], [0, 0, 0]]


def test_flows_stay_within_sessions_and_reach() -> None:
    """b is never followed by the next session's a; with a reach of one only neighbours count; a to a is no flow."""
    following, flow = flows(clicks_of("aab", "ab"), 1, half_life=1e9)
    assert flow.toarray() == pytest.approx(np.array([[0, 2], [0, 0]]))
    assert following.toarray() == pytest.approx(flow.toarray())


def transitions_by_hand() -> tuple[Clicks, float, float]:
    """Eight sessions, the last two `abc` and `ac`, with what those two weigh."""
    old, new = (2 ** (-age / (8 / HALVES)) for age in (2, 1))
    return clicks_of(*"zzzzzz", "abc", "ac"), old, new


def test_transitions_are_shares_of_the_flow() -> None:
    """a to b: of a's outflow, of what flows into a, of a's very next clicks, and both together; each with doubt."""
    clicks, old, new = transitions_by_hand()
    arrays = built(clicks)
    assert TRANSITIONS == ("forward", "backward", "next", "cosine")
    ab, ac, bc = old, old / 2 + new, old
    out_a, out_b, into_a, into_b = ab + ac, bc, 0, ab
    both = ((out_a + into_a + 2 * _DOUBT) * (out_b + into_b + 2 * _DOUBT)) ** 0.5
    values = dict(
        zip(
            row(arrays, "next_ptr", "next_items", 0),
            np.array(row(arrays, "next_ptr", "next_values", 0)),
            strict=True,
        )
    )
    wanted = [ab / (out_a + _DOUBT), 0, old / (old + new + _DOUBT), ab / both]
    assert values[1] == pytest.approx(wanted, rel=1e-3)
    back = dict(
        zip(
            row(arrays, "next_ptr", "next_items", 1),
            np.array(row(arrays, "next_ptr", "next_values", 1)),
            strict=True,
        )
    )
    assert back[0] == pytest.approx([0, ab / (into_b + _DOUBT), 0, ab / both], rel=1e-3)
    assert back[2][0] == pytest.approx(bc / (out_b + _DOUBT), rel=1e-3)


def test_transitions_come_strongest_first_and_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a, c is stronger than b: clicked next in the newer session, and two on in the older."""
    clicks, _, _ = transitions_by_hand()
    assert row(built(clicks), "next_ptr", "next_items", 0) == [2, 1]
    monkeypatch.setattr(builder, "_NEXT_KEPT", 1)
    arrays = built(clicks)
    assert [row(arrays, "next_ptr", "next_items", item) for item in range(4)] == [[2], [2], [0], []]


def halves(value: float) -> float:
    """Doublings in steps of a half."""
    return round(2 * log2(value)) / 2


@pytest.fixture(scope="module")
def hundred() -> dict[str, NDArray[np.generic]]:
    """100 sessions: b in each of the first 96, a in the last four, in the very last twice; c in none."""
    return built(clicks_of(*(["b"] * 96), "a", "a", "a", "aa", ids="c"))


def clicked(share: float, item: str) -> int:
    """Clicks on it in the newest share of the hundred."""
    sessions = ["b"] * 96 + ["a", "a", "a", "aa"]
    return sum(session.count(item) for session in sessions[100 - max(round(share * 100), 1) :])


@pytest.mark.parametrize("item", ["a", "b", "c"])
def test_popularity_counts_the_newest_sessions(hundred: dict[str, NDArray[np.generic]], item: str) -> None:
    """By window, rising and trend against the wider window, sessions since the last click: all in half doublings."""
    newest, recent, lately, ever = (clicked(share, item) for share in (_NEWEST, _RECENT, _LATELY, 1.0))
    idle = {"a": 1, "b": 5, "c": 101}[item]
    wanted = {
        "newest": halves(1 + newest),
        "recent": halves(1 + recent),
        "lately": halves(1 + lately),
        "ever": halves(1 + ever),
        "rising": halves(0.05 + newest * (_LATELY / _NEWEST) / (lately + 5)),
        "trend": halves(0.05 + recent / _RECENT / (ever + 5)),
        "idle": halves(idle),
    }
    found = dict(zip(POPULARITY, np.asarray(hundred["popularity"])["abc".index(item)].tolist(), strict=True))
    assert found == pytest.approx(wanted)


def test_popular_is_by_the_recent_sessions(hundred: dict[str, NDArray[np.generic]]) -> None:
    """a was clicked in the newest sessions, b far more often but before; c never and is left out."""
    assert hundred["popular"].tolist() == [0, 1]


def test_popular_of_equal_recency_is_by_all_clicks_then_by_number() -> None:
    """In one session of five clicks: b twice, then a, c and d in their order."""
    assert built(clicks_of("dbcba"))["popular"].tolist() == [1, 0, 2, 3]
