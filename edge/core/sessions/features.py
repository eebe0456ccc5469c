"""Features of the next-click ranker: the one function that builds the matrix, in training and serving.

In: session index, visit and its candidates. Out: one float32 row per candidate, columns FEATURE_NAMES.
"""

import numpy as np

from edge.core.index import Floats, Ints
from edge.core.sessions.direction import expected, faded
from edge.core.sessions.index import POPULARITY, SessionIndex
from edge.core.sessions.retrieval import Candidates
from edge.core.sessions.sources import CHANNELS
from edge.core.sessions.visit import Visit

_NEAR, _HITS, _COSINE = CHANNELS.index("near"), CHANNELS.index("hits"), CHANNELS.index("last_cosine")
_NEVER = 99.0  # clicks since an item that was not clicked

FEATURE_NAMES: tuple[str, ...] = (
    *CHANNELS,
    "retrieval_score",
    "retrieval_rank",
    # the candidate against all that was found
    "near_share",
    "near_rank",
    "near_by_popularity",
    "hits_by_popularity",
    "cosine_rank",
    # the item
    *POPULARITY,
    # the item and the visit
    "clicks_ago",
    "clicks_on_it",
    "direction",  # cosine to where the encoder expects the next click
    "likeness_last",  # cosine to the newest click
    "likeness_previous",
    "likeness_most",
    "likeness_visit",  # to the visit's clicks, the newer the more
    # the visit
    "clicks",
    "items",
    "last_popularity",
    "neighbour_items",  # in steps of half a doubling
    "found",
)


def build(index: SessionIndex, visit: Visit, found: Candidates) -> Floats:
    """The matrix [len(found.items), len(FEATURE_NAMES)], C-contiguous and finite."""
    items = found.items
    columns = np.empty((len(FEATURE_NAMES), len(items)), np.float32)
    at = 0
    for group in (
        found.evidence,
        _standing(index, found),
        index.popularity[items].T,
        _own(visit, items),
        _likeness(index, visit, items),
    ):
        columns[at : at + len(group)] = group
        at += len(group)
    columns[at:] = _situation(index, visit, found)[:, None]
    return np.ascontiguousarray(columns.T)


def _standing(index: SessionIndex, found: Candidates) -> Floats:
    count = len(found.items)
    near, hits = found.evidence[_NEAR], found.evidence[_HITS]
    known = np.exp2(index.popularity[found.items, POPULARITY.index("ever")]) + 4
    out = np.empty((7, count), np.float32)
    out[0] = found.scores
    out[1] = np.arange(count)
    out[2] = near / max(float(found.total[_NEAR]), 1e-9)
    out[3] = _rank(near)
    out[4] = near / np.sqrt(known)
    out[5] = hits / known
    out[6] = _rank(found.evidence[_COSINE])
    return out


def _rank(values: Floats) -> Floats:
    rank = np.empty(len(values), np.float32)
    rank[np.argsort(-values, kind="stable")] = np.arange(len(values), dtype=np.float32)
    return rank


def _own(visit: Visit, items: Ints) -> Floats:
    out = np.zeros((2, len(items)), np.float32)
    out[0] = _NEVER
    same, which = np.nonzero(items[:, None] == visit.items)
    out[0, same] = visit.ago[which]
    out[1, same] = visit.times[which]
    return out


def _likeness(index: SessionIndex, visit: Visit, items: Ints) -> Floats:
    clicks = index.vectors[visit.clicks[::-1]]
    whole = faded(clicks)
    towards = np.stack([expected(clicks[0], whole, index.encoder), whole, *clicks])
    cosines = towards @ index.vectors[items].T
    return np.stack(
        [
            cosines[0],
            cosines[2],
            cosines[3] if len(clicks) > 1 else np.zeros(len(items), np.float32),
            cosines[2:].max(axis=0),
            cosines[1],
        ]
    )


def _situation(index: SessionIndex, visit: Visit, found: Candidates) -> Floats:
    last = index.popularity[visit.clicks[-1], POPULARITY.index("ever")]
    hits = np.round(2 * np.log2(1 + found.total[_HITS])) / 2
    reach = np.round(2 * np.log2(1 + found.found)) / 2
    return np.array([len(visit.clicks), len(visit.items), last, hits, reach], np.float32)
