"""A visit: the newest clicks, and each product once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.core.sessions.visit import CLICKS, Visit
from tests.edge.core.sessions.handmade import A, B, C, visit


def test_products_come_once_newest_first() -> None:
    """Of a b a c b: b was the newest click, c one before, a two before; b and a were clicked twice."""
    found = visit("abacb")
    assert found.clicks.tolist() == [A, B, A, C, B]
    assert found.items.tolist() == [B, C, A]
    assert found.ago.tolist() == [0, 1, 2]
    assert found.times.tolist() == [2, 1, 2]


def test_only_the_newest_clicks_count() -> None:
    """One click more than CLICKS: the oldest is forgotten, also among the items and in the counts."""
    found = Visit.of(np.array([7, *([5] * (CLICKS - 1)), 6], np.int32))
    assert len(found.clicks) == CLICKS
    assert found.items.tolist() == [6, 5]
    assert found.ago.tolist() == [0, 1]
    assert found.times.tolist() == [1, CLICKS - 1]


def test_a_visit_without_clicks_is_empty() -> None:
    """Nothing clicked, nothing counted."""
    found = Visit.of(np.empty(0, np.int32))
    assert [len(part) for part in (found.clicks, found.items, found.ago, found.times)] == [0, 0, 0, 0]


def test_the_arrays_are_of_the_kinds_promised() -> None:
    """Positions and ages are 32-bit integers, counts 32-bit floats: what features are computed from."""
    found = visit("ab")
    assert found.items.dtype == found.ago.dtype == np.int32
    assert found.times.dtype == np.float32


@given(st.lists(st.integers(0, 9), max_size=3 * CLICKS))
def test_every_visit_adds_up(clicks: list[int]) -> None:
    """The counts add up to the clicks, `ago` rises and says where each item was clicked last."""
    found = Visit.of(np.array(clicks, np.int32))
    newest = clicks[-CLICKS:]
    assert found.times.sum() == len(newest)
    assert sorted(found.items.tolist()) == sorted(set(newest))
    assert [newest[-1 - ago] for ago in found.ago] == found.items.tolist()
    assert found.ago.tolist() == sorted(found.ago.tolist())
    for item, ago, times in zip(found.items.tolist(), found.ago.tolist(), found.times.tolist(), strict=True):
        assert item not in newest[len(newest) - ago :]
        assert times == newest.count(item)
