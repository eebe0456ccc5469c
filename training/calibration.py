"""Calibration: what share of the products scored alike was bought, in weeks the forest never learned from.

In: raw scores and labels, or moments to get them from. Out: `Calibration` by slot, for the manifest.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.core.bundle import Bin, Calibration
from edge.core.index import Index
from training.examples import labelled, queries
from training.metrics import Score
from training.moments import Moment

_BINS = 10
MOMENTS = 500  # give every slot tens of thousands of candidates, a tenth of them enough to tell 1 % from 2 %


def served(raw: NDArray[np.float32]) -> NDArray[np.float64]:
    """Raw scores as answers carry them, 0..1: what `edge.arrange` makes of them."""
    return 1 / (1 + np.exp(-raw.astype(np.float64)))


def calibrate(raw: NDArray[np.float32], labels: NDArray[np.int32]) -> Calibration:
    """Tenths of the candidates by score [n], with the share of 1 among `labels` [n].

    Equal scores stay in one bin: split among two, the order they came in would decide. So there may be fewer bins.
    """
    if not len(raw):
        return Calibration(())
    scores = served(raw)
    edges = np.unique(np.quantile(scores, np.arange(1, _BINS) / _BINS, method="lower"))
    bin_of = np.searchsorted(edges, scores, side="left")
    bins = []
    for which in np.unique(bin_of):
        inside = bin_of == which
        some = scores[inside]
        numbers = (some.min(), some.max(), some.mean(), labels[inside].mean())
        bins.append(Bin(int(inside.sum()), *(round(float(number), 6) for number in numbers)))
    return Calibration(tuple(bins))


def of_moments(
    index: Index, moments: Sequence[Moment], score: Score, progress: Callable[[int], None] | None = None, seed: int = 7
) -> dict[str, Calibration]:
    """By slot, over every candidate of every query of `MOMENTS` of these; a slot without candidates is left out."""
    raw: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    labels: dict[str, list[NDArray[np.int32]]] = defaultdict(list)
    for done, at in enumerate(np.random.default_rng(seed).permutation(len(moments))[:MOMENTS], start=1):
        for query in queries(index, moments[at]):
            found, features, bought = labelled(index, query)
            if len(found.items):
                raw[query.slot].append(score(features))
                labels[query.slot].append(bought)
        if progress is not None:
            progress(done)
    return {slot: calibrate(np.concatenate(raw[slot]), np.concatenate(labels[slot])) for slot in raw}
