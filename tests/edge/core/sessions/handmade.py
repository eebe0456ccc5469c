"""A session index small enough to work every answer out by hand.

Five products a, b, c, d, e and four sessions, oldest first: `a b c`, `b d`, `a b a e`, `c d`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.sessions.index import SETTINGS, TRANSITIONS, SessionIndex
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.sources import CHANNELS
from edge.core.sessions.visit import Visit

A, B, C, D, E = range(5)
DECAY, HALF_LIFE, NEIGHBOURS, SPREAD, DIRECTION = 0.5, 2.0, 10.0, 2.0, 1.0
# What each session counts: half after two newer ones, over the root of its clicks and two.
FRESH = [0.25 / 5**0.5, 2**-1.5 / 2, 0.5 / 6**0.5, 2**-0.5 / 2]


def arrays() -> dict[str, NDArray[Any]]:
    """As a bundle would hold them. Transitions: a to b and e, b to a and c, c to d."""
    assert TRANSITIONS == ("forward", "backward", "next", "cosine")
    assert SETTINGS == ("decay", "half_life", "neighbours", "spread", "direction")
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0], [0, 0]], np.float16)
    return {
        "ids": np.array([b"a", b"b", b"c", b"d", b"e"], np.bytes_),
        "session_ptr": np.array([0, 3, 5, 9, 11], np.int32),
        "session_items": np.array([A, B, C, B, D, A, B, A, E, C, D], np.int32),
        "item_session_ptr": np.array([0, 2, 5, 7, 9, 10], np.int32),
        "item_sessions": np.array([2, 0, 2, 1, 0, 3, 0, 3, 1, 2], np.int32),
        "item_places": np.array([2, 0, 1, 0, 1, 0, 2, 1, 1, 3], np.int16),
        "next_ptr": np.array([0, 2, 4, 5, 5, 5], np.int32),
        "next_items": np.array([B, E, A, C, D], np.int32),
        "next_values": np.array(
            [[0.5, 0.25, 0.75, 1], [0.25, 0, 0.5, 0.5], [0.125, 0.5, 0, 1], [0.5, 0, 1, 0.25], [1, 0, 1, 0.75]],
            np.float16,
        ),
        "vectors": vectors,
        "encoder": np.zeros((4, 2), np.float32),  # the direction is the visit itself
        "popularity": np.array(
            [
                [0, 1, 1.5, 2, -1, 0, 1],
                [0, 1, 1.5, 2, -1, 0, 1],
                [1, 1, 1, 1.5, 0, 0.5, 0],
                [1, 1, 1, 1.5, 0, 0.5, 0],
                [0, 1, 1, 1, 0, 0, 1],
            ],
            np.float32,
        ),
        "popular": np.array([A, B, C, D, E], np.int32),
        "settings": np.array([DECAY, HALF_LIFE, NEIGHBOURS, SPREAD, DIRECTION], np.float32),
    }


def index(**settings: float) -> SessionIndex:
    """Ready to be asked, with other settings where some are named."""
    given = arrays()
    for name, value in settings.items():
        given["settings"][SETTINGS.index(name)] = value
    return SessionIndex.from_arrays(given)


def visit(letters: str) -> Visit:
    """Clicks on these products, oldest first."""
    return Visit.of(np.array(["abcde".index(letter) for letter in letters], np.int32))


def evidence(asked: SessionIndex, letters: str) -> dict[str, dict[str, float]]:
    """Channel -> product -> what was found for it, without the zeros."""
    found = candidates(asked, visit(letters))
    return {
        channel: {
            asked.ids[item]: float(value)
            for item, value in zip(found.items, found.evidence[row], strict=True)
            if value != 0
        }
        for row, channel in enumerate(CHANNELS)
    }
