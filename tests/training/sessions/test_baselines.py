"""The four baselines on three sessions whose right answers are worked out by hand."""

import numpy as np
import pytest

from tests.visits import clicks_of
from training.sessions import baselines
from training.sessions.baselines import Baselines
from training.sessions.measure import LISTED

A, B, C = range(3)


def asked(method: str, *clicks: int, known: Baselines | None = None) -> list[int]:
    """What a baseline answers to these clicks, oldest first; over the sessions `ab`, `abc`, `b`."""
    known = known or Baselines.of(clicks_of("ab", "abc", "b"))
    answer: list[int] = known.methods()[method](np.array(clicks, np.int32)).tolist()
    return answer


def test_there_are_the_four_of_the_literature() -> None:
    """By the names the JSON has."""
    methods = Baselines.of(clicks_of("ab")).methods()
    assert list(methods) == ["popularity", "item_cosine", "sequential_rules", "session_knn"]


def test_the_sessions_stay_as_they_were() -> None:
    """Baselines read the clicks the model learned from; their order is what sequential rules live on."""
    clicks = clicks_of("cbac", "ba")
    rules = Baselines.of(clicks).rules.toarray()
    assert clicks.items.tolist() == [C, B, A, C, B, A]
    assert clicks.ptr.tolist() == [0, 4, 6]
    assert rules == pytest.approx(np.array([[0, 0, 1], [2, 0, 0.5], [0.5, 1, 0]]))


def test_popularity_counts_every_click() -> None:
    """Also those on an item seen before in the same session: b three times, a twice."""
    assert asked("popularity", A, known=Baselines.of(clicks_of("bbba", "a"))) == [B, A]


def test_popularity_is_the_same_for_all() -> None:
    """b was clicked three times, a twice, c once."""
    assert asked("popularity", C) == asked("popularity", A, B) == [B, A, C]


def test_item_cosine_goes_by_the_newest_click() -> None:
    """c with a: 1/sqrt 2; with b: 1/sqrt 3. a with b: 2/sqrt 6; with c: 1/sqrt 2. Never the item itself."""
    assert asked("item_cosine", A, B, C) == [A, B]
    assert asked("item_cosine", C, A) == [B, C]
    cosine = Baselines.of(clicks_of("ab", "abc", "b")).cosine.toarray()
    assert cosine == pytest.approx(
        np.array([[0, 2 / 6**0.5, 1 / 2**0.5], [2 / 6**0.5, 0, 1 / 3**0.5], [1 / 2**0.5, 1 / 3**0.5, 0]])
    )


def test_a_session_counts_once_however_often_it_holds_an_item() -> None:
    """`aab` says of a and b no more than `ab`."""
    assert Baselines.of(clicks_of("aab", "ab")).cosine.toarray() == pytest.approx(np.array([[0, 1], [1, 0]]))


def test_sequential_rules_go_forward_only() -> None:
    """After a came b twice right away and c once, two clicks on; after b only c; after c nothing at all."""
    assert asked("sequential_rules", B, A) == [B, C]
    assert asked("sequential_rules", B) == [C]
    assert asked("sequential_rules", C) == []
    rules = Baselines.of(clicks_of("ab", "abc", "b")).rules.toarray()
    assert rules == pytest.approx(np.array([[0, 2, 0.5], [0, 0, 1], [0, 0, 0]]))


def test_sequential_rules_have_a_reach() -> None:
    """The tenth click after still counts 1/10, the eleventh does not."""
    rules = Baselines.of(clicks_of("abcdefghijkl")).rules.toarray()
    assert rules[0, 10] == pytest.approx(0.1)
    assert rules[0, 11] == 0


def test_session_knn_adds_up_the_likeness() -> None:
    """For a, b: `ab` is like 1, `abc` 2/sqrt 6, `b` 1/sqrt 2; so b 2.52, a 1.82, c 0.82."""
    assert asked("session_knn", A, B) == [B, A, C]


def test_session_knn_reads_the_newest_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one that is the newest that holds a click: `b` alone."""
    monkeypatch.setattr(baselines, "_RECENT", 1)
    assert asked("session_knn", A, B) == [B]


def test_session_knn_keeps_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one neighbour that is `ab`: c is not known to it."""
    monkeypatch.setattr(baselines, "_NEAREST", 1)
    assert asked("session_knn", A, B) == [A, B]


def test_session_knn_falls_back_to_popularity() -> None:
    """A product in no session has no neighbours."""
    known = Baselines.of(clicks_of("ab", "b", ids="z"))
    assert asked("session_knn", 2, known=known) == [1, 0, 2]


def test_lists_are_never_longer_than_measured() -> None:
    """A session with more items than are listed, and every method."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    known = Baselines.of(clicks_of(letters, letters))
    for name in known.methods():
        answer = asked(name, 0, known=known)
        assert len(answer) <= LISTED
        assert len(set(answer)) == len(answer)
