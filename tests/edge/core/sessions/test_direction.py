"""Where a visit is heading: vectors through the encoder's linear map."""

import numpy as np
import pytest

from edge.core.sessions.direction import FADE, direction, expected, faded, unit
from edge.core.sessions.index import SessionIndex
from tests.edge.core.sessions.handmade import arrays, index, visit


def test_unit_vectors_have_length_one_and_zero_stays_zero() -> None:
    """(3, 4) is five long; a zero row stays what it is instead of becoming no number."""
    assert unit(np.array([[3, 4], [0, 0]], np.float32)) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))


def test_clicks_fade() -> None:
    """Newest first: each counts FADE times the one after it, and the sum has length one."""
    clicks = np.array([[1, 0], [0, 1]], np.float32)
    length = (1 + FADE**2) ** 0.5
    assert faded(clicks) == pytest.approx([1 / length, FADE / length])


def test_without_weights_the_direction_is_the_visit() -> None:
    """A map of zeros leaves only the residual."""
    assert direction(index(), visit("ca")) == pytest.approx(np.array([1, FADE]) / (1 + FADE**2) ** 0.5, abs=1e-3)


def test_the_map_sees_the_newest_click_and_the_visit() -> None:
    """One that swaps the newest click's components and turns the visit round gives exactly their sum."""
    weights = np.array([[0, 2], [2, 0], [-1, 0], [0, -1]], np.float32)
    newest, visited = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    # 2 * swapped newest (0, 2), less the visit by the map, plus the visit itself: (0, 2).
    assert expected(newest, visited, weights) == pytest.approx([0, 1])


def test_the_newest_click_is_the_last() -> None:
    """A map that reads only the newest click answers with the last of the visit, not the first."""
    given = arrays()
    given["encoder"] = np.array([[9, 0], [0, 9], [-1, 0], [0, -1]], np.float32)
    asked = SessionIndex.from_arrays(given)
    assert direction(asked, visit("ac")) == pytest.approx([0, 1], abs=1e-3)
    assert direction(asked, visit("ca")) == pytest.approx([1, 0], abs=1e-3)


def test_a_visit_of_unlearned_items_has_no_direction() -> None:
    """e has a zero vector: so has the visit, and nothing divides by zero."""
    assert direction(index(), visit("ee")).tolist() == [0, 0]
