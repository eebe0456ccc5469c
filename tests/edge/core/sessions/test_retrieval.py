"""Candidates: at most so many, none twice, best first, the same for the same visit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.index import Ints
from edge.core.sessions import retrieval
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.retrieval import CANDIDATES, Candidates, candidates
from edge.core.sessions.sources import CHANNELS
from edge.core.sessions.visit import Visit
from tests.edge.core.sessions.handmade import B, index, visit
from training.sessions import index as builder
from training.sessions.clicks import Clicks
from training.sessions.encoder import Encoder
from training.sessions.tuning import usual

ITEMS = 4 * CANDIDATES


@pytest.fixture(scope="module")
def crowded() -> SessionIndex:
    """Long sessions at random, so that far more is found than is kept."""
    rng = np.random.default_rng(3)
    lengths = rng.integers(20, 60, 120)
    clicks = Clicks(
        [str(at) for at in range(ITEMS)],
        rng.integers(ITEMS, size=lengths.sum()).astype(np.int32),
        np.cumsum([0, *lengths]).astype(np.int64),
    )
    vectors = rng.normal(size=(ITEMS, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    encoder = Encoder(vectors, rng.normal(0, 0.2, (16, 8)).astype(np.float32))
    return SessionIndex.from_arrays(builder.build(clicks, encoder, usual(len(clicks))))


VISITS = st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=40).map(lambda given: np.array(given, np.int32))


def same(one: Candidates, other: Candidates) -> bool:
    """Bit for bit."""
    return (
        np.array_equal(one.items, other.items)
        and np.array_equal(one.scores, other.scores)
        and np.array_equal(one.evidence, other.evidence)
        and np.array_equal(one.total, other.total)
        and one.found == other.found
    )


def test_candidates_are_cut(crowded: SessionIndex) -> None:
    """More is found than CANDIDATES; `found` says how much, `total` holds what all of it had."""
    found = candidates(crowded, Visit.of(np.arange(10, dtype=np.int32)))
    assert len(found.items) == CANDIDATES < found.found
    assert (found.total >= found.evidence.sum(axis=1) - 1e-3).all()
    assert found.total[CHANNELS.index("hits")] > found.evidence[CHANNELS.index("hits")].sum()


@settings(max_examples=60, deadline=None)
@given(clicks=VISITS)
def test_candidates_hold_what_they_promise(crowded: SessionIndex, clicks: Ints) -> None:
    """Never too many, no item twice, evidence finite and not negative, scores falling, shapes that fit."""
    found = candidates(crowded, Visit.of(clicks))
    assert 1 <= len(found.items) <= CANDIDATES
    assert len(found.items) <= found.found
    assert len(set(found.items.tolist())) == len(found.items)
    assert found.evidence.shape == (len(CHANNELS), len(found.items))
    assert np.isfinite(found.evidence).all()
    assert (found.evidence >= 0).all()
    assert np.isfinite(found.scores).all()
    assert (np.diff(found.scores) <= 0).all()
    assert found.items.min() >= 0
    assert found.items.max() < ITEMS


@settings(max_examples=30, deadline=None)
@given(clicks=VISITS, others=st.lists(VISITS, max_size=3))
def test_the_answer_does_not_depend_on_visits_before(
    crowded: SessionIndex,
    clicks: Ints,
    others: list[Ints],
) -> None:
    """Asked again after others, the same visit gives the same bits."""
    first = candidates(crowded, Visit.of(clicks))
    for other in others:
        candidates(crowded, Visit.of(other))
    assert same(first, candidates(crowded, Visit.of(clicks)))


@settings(max_examples=30, deadline=None)
@given(clicks=VISITS)
def test_the_newest_click_is_always_found(crowded: SessionIndex, clicks: Ints) -> None:
    """It has evidence of its own, whatever it is: a visit with clicks is never without candidates."""
    assert candidates(crowded, Visit.of(clicks)).found >= len(set(clicks[-9:].tolist()))


def test_asking_changes_nothing(crowded: SessionIndex) -> None:
    """The arrays are the same bytes afterwards: several processes read them."""
    before = {name: value.tobytes() for name, value in vars(crowded).items() if isinstance(value, np.ndarray)}
    for start in range(5):
        candidates(crowded, Visit.of(np.arange(start, start + 7, dtype=np.int32)))
    after = {name: value.tobytes() for name, value in vars(crowded).items() if isinstance(value, np.ndarray)}
    assert before == after


def test_an_empty_visit_has_no_candidates() -> None:
    """Nothing clicked is nothing to go by, and no error."""
    found = candidates(index(), Visit.of(np.empty(0, np.int32)))
    assert (len(found.items), len(found.scores), found.found) == (0, 0, 0)
    assert found.evidence.shape == (len(CHANNELS), 0)


def test_scores_add_up_the_channels() -> None:
    """For a visit to e, whose direction is zero: by hand each channel over its largest, times what it counts."""
    asked = index()
    found = candidates(asked, visit("e"))
    largest = np.maximum(found.evidence.max(axis=1), 1e-9)
    wanted = [
        sum(
            retrieval._WEIGHTS.get(channel, 0) * found.evidence[row, at] / largest[row]
            for row, channel in enumerate(CHANNELS)
        )
        for at in range(len(found.items))
    ]
    assert found.scores == pytest.approx(wanted, rel=1e-5)


def test_the_direction_counts_as_much_as_it_is_told() -> None:
    """Evidence being equal, a heavier direction adds its cosine to the score: 1 for a itself, -1 for d opposite."""
    light, heavy = (candidates(index(direction=weight), visit("a")) for weight in (1.0, 3.0))
    scores = {
        weight: dict(zip(found.items.tolist(), found.scores.tolist(), strict=True))
        for weight, found in ((1, light), (3, heavy))
    }
    cosines = {0: 1.0, 1: 0.6, 2: 0.0, 4: 0.0}
    assert scores[1].keys() == cosines.keys()
    for item, cosine in cosines.items():
        assert scores[3][item] - scores[1][item] == pytest.approx(2 * cosine, abs=2e-3)


def test_the_best_of_the_shortlist_are_kept_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for two, the two best of all stay, in the order they had."""
    whole = candidates(index(), visit("ba"))
    monkeypatch.setattr(retrieval, "CANDIDATES", 2)
    cut = candidates(index(), visit("ba"))
    assert cut.items.tolist() == whole.items.tolist()[:2]
    assert cut.scores.tolist() == whole.scores.tolist()[:2]
    assert cut.found == whole.found == 5
    assert cut.total == pytest.approx(whole.total)


def test_the_shortlist_is_by_evidence_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a shortlist of one, no direction brings back what evidence left out."""
    monkeypatch.setattr(retrieval, "_SHORTLIST", 1)
    for direction in (0.01, 100.0):  # towards a itself, but b is nearer in sessions and transitions
        assert candidates(index(direction=direction), visit("a")).items.tolist() == [B]
