"""Where a visit is heading: its clicks' vectors through the encoder, as a direction the next item should lie in.

In: vectors of clicks, the encoder's linear map. Out: unit vectors. `training.sessions.encoder` learns both.
"""

import numpy as np

from edge.core.index import Floats
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.visit import CLICKS, Visit

FADE = 0.75  # what a click counts for each later one
_FADING: Floats = (FADE ** np.arange(CLICKS)).astype(np.float32)


def direction(index: SessionIndex, visit: Visit) -> Floats:
    """Where the encoder expects the next click: a unit vector, zero when it knows none of the clicks."""
    clicks = index.vectors[visit.clicks[::-1]]
    if not len(clicks):
        return np.zeros(clicks.shape[1], np.float32)
    return expected(clicks[0], faded(clicks), index.encoder)


def expected(newest: Floats, visit: Floats, encoder: Floats) -> Floats:
    """The encoder: [newest click, whole visit] through one linear map, beside the visit as it is; unit length."""
    return unit(np.concatenate([newest, visit], axis=-1) @ encoder + visit)


def faded(clicks: Floats) -> Floats:
    """The unit vector of clicks [n, D], newest first, each counting FADE times the one after it."""
    return unit(_FADING[: len(clicks)] @ clicks)


def unit(vectors: Floats) -> Floats:
    """Rows of unit length; zero stays zero."""
    length = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    scaled: Floats = vectors / np.maximum(length, np.float32(1e-9))
    return scaled
