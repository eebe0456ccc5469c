"""The encoder: vectors of the items, and the linear map from a visit to where its next click is expected.

In: sessions. Out: `Encoder`. A visit is the newest click's vector beside the faded sum of all; the map turns both into
a direction, and the next item should lie there: softmax over cosines, learned with sampled negatives (Bengio & Senecal
2008), after Hou et al., CORE, SIGIR 2022, who keep visits and items in one space. Plain NumPy and SciPy: the gradient
of one linear layer takes a page, a deep learning framework two gigabytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from edge.core.index import Floats, Ints
from edge.core.sessions.direction import FADE, unit
from edge.core.sessions.visit import CLICKS
from training.sessions.clicks import Clicks

_BATCH = 2_048
_NEGATIVES = 2_048  # shared by the batch
_SMOOTHING = 0.75  # negatives are drawn by popularity to this power
_SHARPNESS = 14.0  # cosines are multiplied by it before the softmax
_DROPOUT = 0.25  # of the inputs' components
_RATE, _WARM_UP = 0.004, 100
_MOMENTS = (0.9, 0.999)  # Adam's
_NEWEST = 0.3  # share of all clicks after which one is drawn half as often: what is looked at changes


@dataclass(frozen=True, eq=False)
class Encoder:
    """`vectors` [N, D] of unit length, zero for items never clicked; `weights` [2 D, D]."""

    vectors: Floats
    weights: Floats


@dataclass(frozen=True, eq=False)
class _Examples:
    """One row per click that has one before it: the faded clicks before, the newest of them, and the click itself."""

    visits: sp.csr_matrix  # [examples, N]
    newest: Ints
    following: Ints


def train(
    clicks: Clicks,
    dimensions: int = 96,
    epochs: int = 8,
    seed: int = 7,
    progress: Callable[[int], None] | None = None,
) -> Encoder:
    """Learn from all sessions; `progress` gets the number of epochs done. The same input gives the same encoder."""
    rng = np.random.default_rng(seed)
    examples = _examples(clicks)
    model = _Model.start(len(clicks.ids), dimensions, rng)
    counts = np.bincount(clicks.items, minlength=len(clicks.ids)) ** _SMOOTHING
    chances = (counts / counts.sum()).astype(np.float64)
    steps = epochs * -(-len(examples.newest) // _BATCH)
    step = 0
    for epoch in range(1, epochs + 1):
        for batch in _batches(len(examples.newest), rng):
            step += 1
            rate = _RATE * min(step / _WARM_UP, 1.0) * max(1 - step / steps, 0.02)
            model.learn(_taken(examples, batch), rng.choice(len(chances), _NEGATIVES, p=chances), chances, rate, rng)
        if progress is not None:
            progress(epoch)
    known = np.bincount(clicks.items, minlength=len(clicks.ids)) > 0
    return Encoder(unit(model.items.values) * known[:, None], model.weights.values)


def _examples(clicks: Clicks) -> _Examples:
    session = clicks.session_of()
    place = np.arange(len(session)) - clicks.ptr[session]
    ends = np.flatnonzero(place > 0)
    length = np.minimum(place[ends], CLICKS)
    row = np.repeat(np.arange(len(ends)), length)
    ago = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    columns = clicks.items[ends[row] - 1 - ago]
    values = (np.float32(FADE) ** ago).astype(np.float32)
    ptr = np.concatenate([[0], np.cumsum(length)])
    visits = sp.csr_matrix((values, columns, ptr), (len(ends), len(clicks.ids)))
    return _Examples(visits, clicks.items[ends - 1], clicks.items[ends])


def _batches(count: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    if not count:
        return
    chances = np.exp2((np.arange(count) - count) / (_NEWEST * count))
    order = rng.choice(count, count, p=chances / chances.sum())
    for start in range(0, count, _BATCH):
        yield order[start : start + _BATCH]


def _taken(examples: _Examples, rows: NDArray[np.intp]) -> _Examples:
    return _Examples(examples.visits[rows], examples.newest[rows], examples.following[rows])


@dataclass(eq=False)
class _Learned:
    """Parameters with Adam's two moments, of which only some rows are touched at a time."""

    values: Floats
    first: Floats
    second: Floats
    steps: int = 0

    @classmethod
    def of(cls, values: Floats) -> "_Learned":
        return cls(values, np.zeros_like(values), np.zeros_like(values))

    def step(self, rows: Ints | slice, gradient: Floats, rate: float) -> None:
        self.steps += 1
        fast, slow = (np.float32(moment) for moment in _MOMENTS)
        first = self.first[rows] = fast * self.first[rows] + (1 - fast) * gradient
        second = self.second[rows] = slow * self.second[rows] + (1 - slow) * gradient * gradient
        size = rate * np.sqrt(1 - slow**self.steps) / (1 - fast**self.steps)
        self.values[rows] -= np.float32(size) * first / (np.sqrt(second) + np.float32(1e-8))


@dataclass(eq=False)
class _Model:
    items: _Learned  # [N, D], of any length; only directions count
    weights: _Learned  # [2 D, D]

    @classmethod
    def start(cls, items: int, dimensions: int, rng: np.random.Generator) -> "_Model":
        vectors = rng.normal(0, 0.1, (items, dimensions)).astype(np.float32)
        weights = rng.normal(0, 0.3 / np.sqrt(dimensions), (2 * dimensions, dimensions)).astype(np.float32)
        return cls(_Learned.of(vectors), _Learned.of(weights))

    def learn(
        self,
        batch: _Examples,
        negatives: NDArray[np.intp],
        chances: NDArray[np.float64],
        rate: float,
        rng: np.random.Generator,
    ) -> None:
        """One step on one batch: forward, the gradient of the sampled softmax, Adam."""
        rows, place = np.unique(
            np.concatenate([batch.visits.indices, batch.newest, batch.following, negatives]), return_inverse=True
        )
        read, newest, following, drawn = np.split(
            place, np.cumsum([len(batch.visits.indices), len(batch.newest), len(batch.following)])
        )
        visits = sp.csr_matrix((batch.visits.data, read, batch.visits.indptr), (len(newest), len(rows)))
        raw = self.items.values[rows]
        vectors = unit(raw)
        kept = (rng.random(vectors.shape, np.float32) >= _DROPOUT) / np.float32(1 - _DROPOUT)
        given = vectors * kept

        summed = visits @ given
        visit = unit(summed)
        both = np.concatenate([given[newest], visit], axis=1)
        ahead = both @ self.weights.values + visit
        towards = unit(ahead)

        to_towards, to_vectors = _softmax(towards, vectors, following, drawn, chances[rows[drawn]])
        to_ahead = _through_unit(to_towards, towards, ahead)
        to_both = to_ahead @ self.weights.values.T
        dimensions = vectors.shape[1]
        to_summed = _through_unit(to_both[:, dimensions:] + to_ahead, visit, summed)
        to_given = visits.T @ to_summed + _gathered(newest, to_both[:, :dimensions], len(rows))
        self.weights.step(slice(None), both.T @ to_ahead, rate)
        self.items.step(rows.astype(np.int32), _through_unit(to_vectors + to_given * kept, vectors, raw), rate)


def _softmax(
    towards: Floats, vectors: Floats, following: NDArray[np.intp], drawn: NDArray[np.intp], chances: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    """Gradients of the mean loss by `towards` [n, D] and by `vectors` [rows, D].

    Negatives are corrected by how often they are drawn; one that is the answer counts as none.
    """
    right, wrong = vectors[following], vectors[drawn]
    logit = _SHARPNESS * (towards * right).sum(axis=1)
    logits = towards @ (_SHARPNESS * wrong).T
    logits -= np.log(chances * len(drawn)).astype(np.float32)
    logits[following[:, None] == drawn] = -np.inf
    most = np.maximum(logits.max(axis=1), logit)
    share = np.exp(logits - most[:, None])
    own = np.exp(logit - most)
    scale = np.float32(_SHARPNESS / len(following)) / (share.sum(axis=1) + own)
    share *= scale[:, None]
    missing = (own * scale - np.float32(_SHARPNESS / len(following)))[:, None]
    to_vectors = _gathered(drawn, share.T @ towards, len(vectors))
    to_vectors += _gathered(following, missing * towards, len(vectors))
    return share @ wrong + missing * right, to_vectors


def _through_unit(gradient: Floats, scaled: Floats, raw: Floats) -> Floats:
    """The gradient before `unit`, from the one after it."""
    length = np.maximum(np.sqrt((raw * raw).sum(axis=1, keepdims=True)), np.float32(1e-9))
    inner = (gradient * scaled).sum(axis=1, keepdims=True)
    before: Floats = (gradient - scaled * inner) / length
    return before


def _gathered(rows: NDArray[np.intp], values: Floats, count: int) -> Floats:
    """Sum `values` [n, D] into [count, D] by row; a sparse product is many times faster than np.add.at."""
    ones = np.ones(len(rows), np.float32)
    summed: Floats = sp.csr_matrix((ones, (rows, np.arange(len(rows)))), (count, len(rows))) @ values
    return summed
