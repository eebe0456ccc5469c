"""Candidates for the next click, with the evidence each was found by.

In: the session index and a visit. Out: at most CANDIDATES items, best first; that order serves when the ranker fails.
Evidence alone picks a shortlist; the encoder's direction helps to order it, since comparing vectors costs more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Floats, Ints, distinct
from edge.core.sessions.direction import direction
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.sources import CHANNELS, Chunk, neighbours, own, transitions
from edge.core.sessions.visit import Visit

# How much each channel counts, scaled to at most 1, in the order of retrieval: mostly nearness in neighbouring
# sessions, with transitions to reach past them. The forest, which sees each channel apart, makes the final order.
_WEIGHTS = {"near": 1.0, "follows": 0.3, "last_forward": 0.3, "last_cosine": 0.5, "earlier_cosine": 0.3, "own": 0.15}
_SHORTLIST = 300
CANDIDATES = 120
_CHANNEL = np.arange(len(CHANNELS))[:, None]
_ORDER = np.array([_WEIGHTS.get(channel, 0.0) for channel in CHANNELS], np.float32)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Items best first, their retrieval scores, and `evidence` [len(CHANNELS), n].

    `found` says how many items there were, `total` what each channel had of all of them.
    """

    items: Ints
    scores: Floats
    evidence: Floats
    total: Floats
    found: int


def candidates(index: SessionIndex, visit: Visit) -> Candidates:
    """What may be clicked next; empty for an empty visit."""
    chunks = [chunk for find in (neighbours, transitions, own) for chunk in find(index, visit)]
    items, row = distinct(np.concatenate([chunk.items for chunk in chunks]), index.tables.of(len(index.ids)))
    evidence = _added_up(chunks, row, len(items))
    largest = np.maximum(evidence.max(axis=1, initial=0), np.float32(1e-9))
    score = (_ORDER / largest) @ evidence
    short = _best(score, _SHORTLIST)
    nearness = index.vectors[items[short]] @ direction(index, visit)
    score = score[short] + np.float32(index.direction) * nearness
    order = _best(score, CANDIDATES)
    kept = short[order]
    return Candidates(items[kept], score[order], evidence[:, kept], evidence.sum(axis=1), len(items))


def _added_up(chunks: list[Chunk], row: Ints, width: int) -> Floats:
    """Each channel's sum by item, in one pass: a cell is a channel and an item."""
    cells, start = [], 0
    for chunk in chunks:
        end = start + len(chunk.items)
        cells.append((_CHANNEL[chunk.rows] * width + row[start:end]).ravel())
        start = end
    weights = np.concatenate([chunk.weights.ravel() for chunk in chunks])
    summed = np.bincount(np.concatenate(cells), weights, len(CHANNELS) * width)
    evidence: Floats = summed.reshape(len(CHANNELS), width).astype(np.float32)
    return evidence


def _best(score: Floats, most: int) -> NDArray[np.intp]:
    if len(score) > most:
        kept = np.argpartition(-score, most)[:most]
        return kept[np.argsort(-score[kept], kind="stable")]
    return np.argsort(-score, kind="stable")
