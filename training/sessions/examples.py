"""Rows for the next-click ranker: visits of a window, as they stood before each click, asked of an index of before.

In: sessions and a window of them. Out: feature rows with 1 for the item clicked next, grouped by visit.
"""

from collections.abc import Callable, Iterator

import numpy as np

from edge.core.index import Ints
from edge.core.sessions.features import build
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.visit import Visit
from training.examples import Rows, stack
from training.sessions.clicks import Clicks


def asked(clicks: Clicks, start: int, end: int, most: int | None = None, seed: int = 0) -> list[tuple[Ints, int]]:
    """Every visit of sessions [start, end) before each click but the first, with that click; `most` at random."""
    places = [(number, place) for number in range(start, end) for place in range(1, len(clicks.session(number)))]
    if most is not None and len(places) > most:
        chosen = np.random.default_rng(seed).choice(len(places), most, replace=False)
        places = [places[at] for at in np.sort(chosen)]
    return [(clicks.session(number)[:place], int(clicks.session(number)[place])) for number, place in places]


def rows(
    index: SessionIndex,
    questions: list[tuple[Ints, int]],
    negatives: int = 30,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Rows:
    """The answer and about `negatives` other candidates of each question, drawn evenly.

    Evenly, because a forest that sees mostly the strong ones orders the weak ones badly: preferring the first twenty
    cost two points of HR@20 and more. Questions whose answer was not found teach nothing and are left out.
    """
    rng = np.random.default_rng(seed)
    return stack(list(_told(_parts(index, questions, negatives, rng), progress)))


def _parts(
    index: SessionIndex, questions: list[tuple[Ints, int]], negatives: int, rng: np.random.Generator
) -> Iterator[Rows | None]:
    for given, answer in questions:
        visit = Visit.of(given)
        found = candidates(index, visit)
        labels = found.items == answer
        if not labels.any() or len(labels) < 2:
            yield None
            continue
        kept = np.flatnonzero(labels | (rng.random(len(labels)) < negatives / len(labels)))
        features = build(index, visit, found)[kept]
        yield Rows(features, labels[kept].astype(np.int32), np.array([len(kept)], np.int32))


def _told(parts: Iterator[Rows | None], progress: Callable[[int], None] | None) -> Iterator[Rows]:
    for done, part in enumerate(parts, start=1):
        if progress is not None and not done % 500:
            progress(done)
        if part is not None:
            yield part
