"""From the clicks of a visit to the next ones: candidates, features, the ranker's scores, the order.

In: session index, a function that scores feature rows, positions clicked. Out: `Ranked`. The benchmark calls
this; the edge calls the same candidates and features, and scores them with its other shelves (`edge.next_clicks`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.core.index import Floats, Ints
from edge.core.sessions.features import build
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.retrieval import Candidates, candidates
from edge.core.sessions.visit import Visit

Score = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Items best first with the ranker's raw scores, and what they were found by, in the order found."""

    items: Ints
    scores: Floats
    found: Candidates


def rank(index: SessionIndex, score: Score, clicks: Ints) -> Ranked | None:
    """What is clicked next, most likely first; None for no clicks. Raises what `score` raises."""
    if not len(clicks):
        return None
    visit = Visit.of(clicks)
    found = candidates(index, visit)
    scores = score(build(index, visit, found))
    order = np.argsort(-scores, kind="stable")
    return Ranked(found.items[order], scores[order], found)
