"""Evidence for the next click: sessions like this visit, transitions between items, the visit's own items.

In: the session index and a visit. Out: chunks of items with one weight per channel; an item may be in many, `retrieval`
adds them up. Sessions are found as in VMIS-kNN (Kersbergen, Sprangers, Schelter, SIGMOD 2022), their items weighted by
distance to the click they share, as in STAN (Garg et al., SIGIR 2019).
"""

from typing import NamedTuple

import numpy as np

from edge.core.index import Floats, Ints, distinct, gather
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.visit import ITEMS, Visit

CHANNELS = (
    "near",  # neighbours' items, the nearer to the shared click the stronger
    "follows",  # those clicked right after it
    "after",  # those clicked after it
    "hits",  # clicks on it in them
    "joint",  # near, of neighbours that share two items or more with the visit
    "last_forward",  # the newest click's transitions
    "last_backward",
    "last_next",
    "last_cosine",
    "previous_forward",  # of the click before
    "previous_cosine",
    "earlier_forward",  # of all before the newest, fading
    "earlier_cosine",
    "earlier_hits",  # items before the newest that know it
    "own",  # clicked in this visit, the newer the stronger
)
_OF_NEIGHBOURS, _OF_LAST, _OF_PREVIOUS, _OF_EARLIER, _OWN = slice(0, 5), slice(5, 9), slice(9, 11), slice(11, 14), 14
_SPREAD = 32  # clicks of distance told apart


class Chunk(NamedTuple):
    """`weights` [channels, n] of the channels `rows`, for `items` [n]."""

    rows: slice
    items: Ints
    weights: Floats


def neighbours(index: SessionIndex, visit: Visit) -> list[Chunk]:
    """What the newest sessions most like this visit hold."""
    items = visit.items[:ITEMS]
    at, owner = gather(index.item_session_ptr, items)
    if not len(at):
        return []
    sessions, row = distinct(index.item_sessions[at], index.tables.of(len(index.session_ptr)))
    shared = np.bincount(row, minlength=len(sessions))
    fading = _powers(index.decay)
    likeness = np.bincount(row, fading[owner], len(sessions)) * index.freshness[sessions]
    place = np.empty(len(sessions), np.int32)
    place[row[::-1]] = index.item_places[at[::-1]]  # written last, the newest shared click stays
    if len(sessions) > index.neighbours:
        kept = np.argpartition(-likeness, index.neighbours)[: index.neighbours]
        sessions, shared, likeness, place = sessions[kept], shared[kept], likeness[kept], place[kept]
    at, owner = gather(index.session_ptr, sessions)
    distance = at - (index.session_ptr[sessions] + place)[owner]
    weight = likeness.astype(np.float32)[owner]
    nearness = np.exp(-np.arange(_SPREAD, dtype=np.float32) / np.float32(index.spread))
    near = weight * nearness[np.minimum(np.abs(distance), _SPREAD - 1)]
    joint = np.where(shared > 1, shared, 0).astype(np.float32)[owner]
    weights = np.stack(
        [near, weight * (distance == 1), weight * (distance > 0), np.ones(len(at), np.float32), near * joint]
    )
    return [Chunk(_OF_NEIGHBOURS, index.session_items[at], weights)]


def transitions(index: SessionIndex, visit: Visit) -> list[Chunk]:
    """What is clicked before and after the visit's items."""
    items = visit.items[:ITEMS]
    ends = index.next_ptr[items + 1] - index.next_ptr[items]
    at, owner = gather(index.next_ptr, items)
    if not len(at):
        return []
    found, values = index.next_items[at], index.next_values[at].astype(np.float32).T
    last, both = int(ends[0]), int(ends[:2].sum())
    chunks = [Chunk(_OF_LAST, found[:last], values[:, :last])]
    if both > last:
        chunks.append(Chunk(_OF_PREVIOUS, found[last:both], values[[0, 3], last:both]))
    if len(at) > last:
        fading: Floats = _powers(index.decay)[owner[last:]]
        earlier = values[:, last:]
        weights = np.stack([earlier[0] * fading, earlier[3] * fading, np.ones(len(fading), np.float32)])
        chunks.append(Chunk(_OF_EARLIER, found[last:], weights))
    return chunks


def own(_index: SessionIndex, visit: Visit) -> list[Chunk]:
    """The visit's own items: visitors go back to compare."""
    return [Chunk(slice(_OWN, _OWN + 1), visit.items, np.reciprocal(1 + visit.ago, dtype=np.float32)[None])]


def _powers(decay: float) -> Floats:
    """What the newest item counts, the one before it, and so on."""
    return np.power(decay, np.arange(ITEMS)).astype(np.float32)
