"""The encoder: its gradient is the loss's, it learns an order, and it learns it the same way twice."""

from math import exp, log

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from edge.core.sessions.direction import FADE, expected, faded
from edge.core.sessions.visit import CLICKS
from tests.visits import clicks_of, ring
from training.sessions import encoder
from training.sessions.clicks import Clicks
from training.sessions.encoder import _SHARPNESS, Encoder, _Examples, _examples, _Learned, _Model, train

Parameters = NDArray[np.float64]
RING = 40


def ring_of(count: int) -> Clicks:
    """Sessions where item k is always followed by k + 1."""
    starts = np.random.default_rng(4).integers(RING, size=count)
    items = (starts[:, None] + np.arange(4)) % RING
    return Clicks(
        [str(item) for item in range(RING)], items.ravel().astype(np.int32), np.arange(0, 4 * count + 1, 4).astype(int)
    )


@pytest.fixture(scope="module")
def learned() -> Encoder:
    """An encoder of the ring, small and quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "_NEGATIVES", 64)
        patch.setattr(encoder, "_BATCH", 64)
        return train(ring_of(600), dimensions=16, epochs=12)


def test_examples_are_every_click_with_one_before() -> None:
    """Of `abc` and `bb`: b after a, c after b then a, b after b; fading backwards, the newest once more by itself."""
    found = _examples(clicks_of("abc", "d", "bb"))
    assert found.following.tolist() == [1, 2, 1]
    assert found.newest.tolist() == [0, 1, 1]
    assert found.visits.toarray() == pytest.approx(np.array([[1, 0, 0, 0], [FADE, 1, 0, 0], [0, 1, 0, 0]]))


def test_examples_forget_clicks_beyond_a_visit() -> None:
    """As serving does: only the newest CLICKS count."""
    found = _examples(clicks_of("a" + "b" * CLICKS + "c"))
    last = found.visits[-1].toarray()[0]
    assert found.following[-1] == 2
    assert last[0] == 0
    assert last[1] == pytest.approx(sum(FADE**ago for ago in range(CLICKS)), rel=1e-5)


def loss(
    items: Parameters, weights: Parameters, batch: _Examples, drawn: NDArray[np.intp], chances: Parameters
) -> float:
    """The sampled softmax, written down plainly: one example after the other, with the serving path's own encoder."""
    vectors = items / np.linalg.norm(items, axis=1, keepdims=True)
    total = 0.0
    for example, answer in enumerate(batch.following):
        visit = batch.visits[example].toarray()[0] @ vectors
        visit /= np.linalg.norm(visit)
        ahead = np.concatenate([vectors[batch.newest[example]], visit]) @ weights + visit
        ahead /= np.linalg.norm(ahead)
        right = _SHARPNESS * float(ahead @ vectors[answer])
        wrong = [
            _SHARPNESS * float(ahead @ vectors[item]) - log(chances[item] * len(drawn))
            for item in drawn
            if item != answer
        ]
        total += log(exp(right) + sum(map(exp, wrong))) - right
    return total / len(batch.following)


class _Step:
    """One step on a small model in double precision, without dropout and without moving."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(encoder, "_DROPOUT", 0.0)
        rng = np.random.default_rng(11)
        self.batch = _examples(clicks_of("abca", "cdb", "eeba", "fa"))
        self.drawn = np.array([0, 1, 1, 3, 5, 2, 4], np.intp)
        self.chances = np.array([0.3, 0.2, 0.1, 0.15, 0.15, 0.1])
        self.items, self.weights = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)) * 0.5
        self.model = _Model(_Learned.of(self.items.copy()), _Learned.of(self.weights.copy()))  # type: ignore[arg-type]  # because doubles show a gradient that floats would blur
        self.model.learn(self.batch, self.drawn, self.chances, 0.0, rng)

    def loss(self) -> float:
        """With the parameters as they are now."""
        return loss(self.items, self.weights, self.batch, self.drawn, self.chances)

    def slope(self, parameters: Parameters, at: tuple[int, int]) -> float:
        """How the loss changes with one parameter, by differences."""
        step, kept = 1e-5, parameters[at]
        parameters[at] = kept + step
        above = self.loss()
        parameters[at] = kept - step
        below = self.loss()
        parameters[at] = kept
        return (above - below) / (2 * step)


def test_the_gradient_is_the_loss_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parameter's analytic gradient equals the finite difference: items through all the places they stand in."""
    one = _Step(monkeypatch)
    share = 1 - encoder._MOMENTS[0]  # Adam's first moment after one step is that part of the gradient
    for parameters, analytic in (
        (one.items, one.model.items.first / share),
        (one.weights, one.model.weights.first / share),
    ):
        by_differences = np.array(
            [[one.slope(parameters, (row, column)) for column in range(3)] for row in range(len(parameters))]
        )
        assert np.abs(by_differences).max() > 0.01
        np.testing.assert_allclose(analytic, by_differences, rtol=2e-5, atol=2e-6)


def test_a_rate_of_zero_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which the test of the gradient rests on."""
    one = _Step(monkeypatch)
    np.testing.assert_array_equal(one.model.items.values, one.items)
    np.testing.assert_array_equal(one.model.weights.values, one.weights)


def test_steps_make_the_loss_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred small steps on one batch, with the loss measured independently."""
    one = _Step(monkeypatch)
    before = one.loss()
    for _ in range(100):
        one.model.learn(one.batch, one.drawn, one.chances, 0.01, np.random.default_rng(0))
    one.items, one.weights = one.model.items.values.astype(float), one.model.weights.values.astype(float)
    assert one.loss() < 0.7 * before


def test_dropout_leaves_answers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs are thinned, so the gradient differs from draw to draw, but it stays finite."""
    rng = np.random.default_rng(2)
    batch, drawn, chances = _examples(clicks_of("abc", "cab")), np.array([0, 1, 2]), np.full(3, 1 / 3)
    seen = set()
    for _ in range(3):
        model = _Model.start(3, 8, np.random.default_rng(1))
        model.learn(batch, drawn, chances, 0.01, rng)
        assert np.isfinite(model.items.values).all()
        seen.add(model.items.first.tobytes())
    assert len(seen) == 3


def test_adam_s_first_step_is_as_long_as_the_rate() -> None:
    """Whatever the size of the gradient; untouched rows stay where they are."""
    learned = _Learned.of(np.zeros((3, 2), np.float32))
    learned.step(np.array([2], np.int32), np.array([[5.0, -0.01]], np.float32), 0.1)
    assert learned.values == pytest.approx(np.array([[0, 0], [0, 0], [-0.1, 0.1]]), abs=1e-5)


def test_it_learns_what_follows(learned: Encoder) -> None:
    """Item k is always followed by k + 1: from each item, and from each pair, that is the nearest of all."""
    right = 0
    for item in range(RING):
        alone = expected(learned.vectors[item], learned.vectors[item], learned.weights)
        pair = faded(learned.vectors[[item, item - 1]])
        after = expected(learned.vectors[item], pair, learned.weights)
        right += int(np.argmax(learned.vectors @ alone)) == (item + 1) % RING
        right += int(np.argmax(learned.vectors @ after)) == (item + 1) % RING
    assert right >= 0.95 * 2 * RING


def test_vectors_have_length_one_and_are_floats(learned: Encoder) -> None:
    """float32, of the dimensions asked for."""
    assert learned.vectors.shape == (RING, 16)
    assert learned.weights.shape == (32, 16)
    assert learned.vectors.dtype == learned.weights.dtype == np.float32
    assert np.linalg.norm(learned.vectors, axis=1) == pytest.approx(np.ones(RING), abs=1e-5)


def quick(clicks: Clicks, seed: int = 7) -> Encoder:
    """An encoder in no time."""
    return train(clicks, dimensions=8, epochs=2, seed=seed)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few negatives for tests that do not need many."""
    monkeypatch.setattr(encoder, "_NEGATIVES", 32)


@pytest.mark.usefixtures("few")
def test_the_same_input_gives_the_same_bytes() -> None:
    """And another seed others."""
    clicks = ring_of(50)
    one, same, other = quick(clicks), quick(clicks), quick(clicks, seed=8)
    assert one.vectors.tobytes() == same.vectors.tobytes()
    assert one.weights.tobytes() == same.weights.tobytes()
    assert one.vectors.tobytes() != other.vectors.tobytes()


@pytest.mark.usefixtures("few")
def test_items_never_clicked_have_no_vector() -> None:
    """Known by name only: zeros, so that they are like nothing; an item clicked alone has one all the same."""
    found = quick(clicks_of("ab", "bc", "d", ids="xyz"))
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx([1, 1, 1, 1, 0, 0, 0], abs=1e-5)


@pytest.mark.usefixtures("few")
def test_sessions_of_one_click_teach_nothing() -> None:
    """No example at all is no error: the vectors are where they started."""
    found = quick(clicks_of("a", "b"))
    assert np.isfinite(found.vectors).all()
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)


@pytest.mark.usefixtures("few")
def test_progress_counts_epochs() -> None:
    """One call after each."""
    seen: list[int] = []
    train(ring_of(20), dimensions=4, epochs=3, progress=seen.append)
    assert seen == [1, 2, 3]


@pytest.mark.usefixtures("few")
def test_later_sessions_are_not_seen() -> None:
    """An encoder of the sessions before is that of a file that ends there, ids apart."""
    sessions = [[name[1:] for name in session] for session in ring(60, seed=9, products=10)]
    letters = ["".join("abcdefghij"[int(item)] for item in session) for session in sessions]
    whole, short = clicks_of(*letters, ids="abcdefghij"), clicks_of(*letters[:40], ids="abcdefghij")
    assert quick(whole.before(40)).vectors.tobytes() == quick(short).vectors.tobytes()


def test_sums_by_row() -> None:
    """Rows 2, 0 and 2 again: the sparse product adds what belongs together."""
    summed = encoder._gathered(np.array([2, 0, 2]), np.array([[1, 2], [3, 4], [5, 6]], np.float32), 4)
    assert not sp.issparse(summed)
    assert summed.tolist() == [[3, 4], [0, 0], [6, 8], [0, 0]]
