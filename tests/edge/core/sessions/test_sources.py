"""Evidence worked out by hand on four sessions: neighbours, transitions, the visit's own items."""

from math import exp

import numpy as np
import pytest

from edge.core.sessions.index import SessionIndex
from edge.core.sessions.sources import CHANNELS, neighbours, own, transitions
from edge.core.sessions.visit import ITEMS, Visit
from tests.edge.core.sessions.handmade import DECAY, FRESH, SPREAD, arrays, evidence, index, visit

# Visit `b a`: a is newest and counts 1, b DECAY. Session `a b a e` shares both, `a b c` both, `b d` only b.
ABC, BD, ABAE = (1 + DECAY) * FRESH[0], DECAY * FRESH[1], (1 + DECAY) * FRESH[2]


def near(distance: int) -> float:
    """What is left of a weight so many clicks from the click that is shared."""
    return exp(-distance / SPREAD)


def test_near_weighs_items_by_distance_to_the_newest_shared_click() -> None:
    """Shared is the visit's newest item where the session was last on it: a at 2 in `a b a e`, at 0 in `a b c`."""
    assert evidence(index(), "ba")["near"] == pytest.approx(
        {
            "a": ABAE * (near(2) + near(0)) + ABC * near(0),
            "b": ABAE * near(1) + ABC * near(1) + BD * near(0),
            "c": ABC * near(2),
            "d": BD * near(1),
            "e": ABAE * near(1),
        }
    )


def test_follows_holds_only_the_very_next_click() -> None:
    """After a in `a b a e` comes e, in `a b c` b; after b in `b d` comes d."""
    assert evidence(index(), "ba")["follows"] == pytest.approx({"e": ABAE, "b": ABC, "d": BD})


def test_after_holds_all_later_clicks() -> None:
    """c comes after a, too, two clicks on."""
    assert evidence(index(), "ba")["after"] == pytest.approx({"e": ABAE, "b": ABC, "c": ABC, "d": BD})


def test_hits_count_clicks_of_neighbours() -> None:
    """a was clicked twice in one neighbour and once in another; how alike they are does not count."""
    assert evidence(index(), "ba")["hits"] == {"a": 3, "b": 3, "c": 1, "d": 1, "e": 1}


def test_joint_needs_two_shared_items() -> None:
    """`b d` shares one and is left out; the others count as often as they share."""
    assert evidence(index(), "ba")["joint"] == pytest.approx(
        {
            "a": 2 * (ABAE * (near(2) + near(0)) + ABC * near(0)),
            "b": 2 * (ABAE * near(1) + ABC * near(1)),
            "c": 2 * ABC * near(2),
            "e": 2 * ABAE * near(1),
        }
    )


def test_the_order_of_the_visit_decides_what_is_shared() -> None:
    """Of `a b` the newest is b: what follows it is a in `a b a e`, c in `a b c`, d in `b d`."""
    likeness = {"a": (1 + DECAY) * FRESH[2], "c": (1 + DECAY) * FRESH[0], "d": FRESH[1]}
    assert evidence(index(), "ab")["follows"] == pytest.approx(likeness)


def test_an_unlike_session_gives_nothing() -> None:
    """`c d` shares nothing with a visit to e; only `a b a e` does."""
    found = evidence(index(), "e")
    assert set(found["near"]) == {"a", "b", "e"}
    assert found["near"] == pytest.approx({"e": FRESH[2], "a": FRESH[2] * (near(1) + near(3)), "b": FRESH[2] * near(2)})
    assert found["after"] == {}


def test_only_the_likest_sessions_are_read() -> None:
    """With one neighbour that is `a b a e`, the newer of those that share both."""
    found = evidence(index(neighbours=1), "ba")
    assert found["hits"] == {"a": 2, "b": 1, "e": 1}
    assert found["follows"] == pytest.approx({"e": ABAE})


def test_a_longer_half_life_lets_old_sessions_count() -> None:
    """All ages alike: the short old session is worth more than the long new one."""
    found = evidence(index(half_life=1e6), "a")
    assert found["follows"]["b"] == pytest.approx(1 / 5**0.5, rel=1e-4)
    assert found["follows"]["e"] == pytest.approx(1 / 6**0.5, rel=1e-4)


def test_clicks_far_away_count_alike() -> None:
    """Distances beyond those told apart are all the last one's, and nothing runs out of the table."""
    long = 100
    given = arrays() | {
        "session_ptr": np.array([0, long], np.int32),
        "session_items": np.array([0, *([1] * (long - 2)), 2], np.int32),
        "item_session_ptr": np.array([0, 1, 2, 3, 3, 3], np.int32),
        "item_sessions": np.array([0, 0, 0], np.int32),
        "item_places": np.array([0, long - 2, long - 1], np.int16),
    }
    given["settings"][3] = 10
    found = evidence(SessionIndex.from_arrays(given), "a")
    assert 0 < found["near"]["c"] <= exp(-3) * found["near"]["a"]


def test_transitions_of_the_newest_click() -> None:
    """The four shares of a's row, as they stand in the index."""
    found = evidence(index(), "a")
    assert found["last_forward"] == {"b": 0.5, "e": 0.125 * 2}
    assert found["last_backward"] == {"b": 0.25}
    assert found["last_next"] == {"b": 0.75, "e": 0.5}
    assert found["last_cosine"] == {"b": 1, "e": 0.5}
    assert found["previous_forward"] == found["earlier_hits"] == {}


def test_transitions_of_clicks_before() -> None:
    """Of `c b a`, b is the click before; b and c are the earlier ones, c fading by one step more."""
    found = evidence(index(), "cba")
    assert found["last_forward"] == {"b": 0.5, "e": 0.25}
    assert found["previous_forward"] == {"a": 0.125, "c": 0.5}
    assert found["previous_cosine"] == {"a": 1, "c": 0.25}
    assert found["earlier_forward"] == pytest.approx({"a": 0.125 * DECAY, "c": 0.5 * DECAY, "d": 1 * DECAY**2})
    assert found["earlier_cosine"] == pytest.approx({"a": 1 * DECAY, "c": 0.25 * DECAY, "d": 0.75 * DECAY**2})
    assert found["earlier_hits"] == {"a": 1, "c": 1, "d": 1}


def test_a_newest_click_without_transitions_leaves_the_earlier_ones() -> None:
    """d leads nowhere: its channels are empty, those of the click before are not."""
    found = evidence(index(), "ad")
    assert found["last_forward"] == {}
    assert found["previous_forward"] == {"b": 0.5, "e": 0.25}
    assert found["earlier_hits"] == {"b": 1, "e": 1}


def test_own_items_count_by_age() -> None:
    """The newest 1, the one before 1/2, the third 1/3."""
    assert evidence(index(), "cba")["own"] == pytest.approx({"a": 1, "b": 1 / 2, "c": 1 / 3})


def test_an_item_that_nothing_is_known_of_gives_no_chunks() -> None:
    """No sessions, no transitions: only the visit itself remains."""
    given = arrays() | {
        "item_session_ptr": np.array([0, 2, 5, 7, 9, 9], np.int32),
        "item_sessions": arrays()["item_sessions"][:9],
        "item_places": arrays()["item_places"][:9],
    }
    asked = SessionIndex.from_arrays(given)
    assert neighbours(asked, visit("e")) == []
    assert transitions(asked, visit("e")) == []
    assert evidence(asked, "e")["own"] == {"e": 1}


def test_every_channel_is_filled_by_one_source() -> None:
    """The rows of the chunks cover all channels, none twice within a source."""
    asked, seen = index(), visit("cba")
    rows = [
        row
        for find in (neighbours, transitions, own)
        for chunk in find(asked, seen)
        for row in range(chunk.rows.start, chunk.rows.stop)
    ]
    assert sorted(rows) == list(range(len(CHANNELS)))


def test_only_the_newest_items_are_looked_up() -> None:
    """An item clicked more than ITEMS different ones ago brings no neighbours and no transitions, only itself."""
    count = ITEMS + 1
    given = arrays() | {
        "ids": np.array([f"p{at}".encode() for at in range(count + 1)], np.bytes_),
        "session_ptr": np.array([0, 2], np.int32),
        "session_items": np.array([0, count], np.int32),
        "item_session_ptr": np.array([0, *([1] * count), 2], np.int32),
        "item_sessions": np.zeros(2, np.int32),
        "item_places": np.array([0, 1], np.int16),
        "next_ptr": np.array([0, *([1] * (count + 1))], np.int32),
        "next_items": np.array([count], np.int32),
        "next_values": np.ones((1, 4), np.float16),
        "vectors": np.zeros((count + 1, 2), np.float16),
        "popularity": np.zeros((count + 1, 7), np.float32),
        "popular": np.array([0], np.int32),
    }
    asked = SessionIndex.from_arrays(given)
    letters = np.arange(count, dtype=np.int32)
    assert neighbours(asked, Visit.of(letters)) == []
    assert transitions(asked, Visit.of(letters)) == []
    assert len(neighbours(asked, Visit.of(letters[:-1]))) == 1
    assert [chunk.items.tolist() for chunk in transitions(asked, Visit.of(letters[:-1]))] == [[], [count]]
