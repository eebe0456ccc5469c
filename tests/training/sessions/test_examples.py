"""Rows for the ranker: visits as they stood, asked of an index of before, labelled by the next click."""

import numpy as np
import pytest

from edge.core.sessions.features import FEATURE_NAMES, build
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.visit import Visit
from tests.edge.core.sessions.handmade import A, B, C, D, E, index
from tests.visits import clicks_of
from training.sessions.examples import asked, rows


@pytest.fixture
def four() -> SessionIndex:
    """The index of the sessions abc, bd, abae, cd."""
    return index()


def test_every_click_but_the_first_is_asked_for() -> None:
    """Of the sessions 1 and 2: b then d; a, ab, aba; each with the click that came next. The first is not touched."""
    found = asked(clicks_of("abc", "bd", "abae"), 1, 3)
    assert [(given.tolist(), answer) for given, answer in found] == [
        ([B], D),
        ([A], B),
        ([A, B], A),
        ([A, B, A], E),
    ]


def test_single_clicks_ask_nothing() -> None:
    """There is no next one."""
    assert asked(clicks_of("a", "b"), 0, 2) == []
    assert asked(clicks_of("abc"), 0, 0) == []


def test_a_part_is_drawn_in_order_and_the_same_each_time() -> None:
    """At most so many, at random, oldest first."""
    clicks = clicks_of(*["abcdefgh"] * 20)
    part = asked(clicks, 0, 20, most=30)
    assert len(part) == 30
    whole = [(given.tolist(), answer) for given, answer in asked(clicks, 0, 20)]
    again = asked(clicks, 0, 20, most=30)
    assert [(given.tolist(), answer) for given, answer in part] == [(g.tolist(), a) for g, a in again]
    assert all((given.tolist(), answer) in whole for given, answer in part)
    assert len(asked(clicks, 0, 20, most=1_000)) == len(whole)


def test_the_answer_is_the_only_label(four: SessionIndex) -> None:
    """One row of 1 per question, the features those that serving builds, row for row."""
    questions = [(np.array([B, A], np.int32), E), (np.array([C], np.int32), D)]
    learned = rows(four, questions, negatives=1_000)
    assert learned.groups.tolist() == [5, 4]
    start = 0
    for (given, answer), size in zip(questions, learned.groups.tolist(), strict=True):
        visit = Visit.of(given)
        found = candidates(four, visit)
        np.testing.assert_array_equal(learned.features[start : start + size], build(four, visit, found))
        assert learned.labels[start : start + size].tolist() == (found.items == answer).astype(int).tolist()
        start += size


def test_questions_without_an_answer_among_the_candidates_are_left_out(four: SessionIndex) -> None:
    """From e nothing leads to d: it would teach that nothing is right."""
    learned = rows(four, [(np.array([E], np.int32), D), (np.array([B], np.int32), A)], negatives=1_000)
    assert len(learned.groups) == 1
    assert learned.labels.sum() == 1


def test_negatives_are_thinned_but_never_the_answer(four: SessionIndex) -> None:
    """With none wanted only answers remain."""
    learned = rows(four, [(np.array([B, A], np.int32), E)] * 20, negatives=0)
    assert learned.groups.tolist() == [1] * 20
    assert learned.labels.tolist() == [1] * 20


def test_about_as_many_negatives_as_asked(four: SessionIndex) -> None:
    """Two of four on average, drawn evenly and the same each time."""
    questions = [(np.array([B, A], np.int32), E)] * 300
    learned = rows(four, questions, negatives=2)
    kept = (len(learned.labels) - 300) / 300
    assert 1.3 < kept < 2
    assert learned.features.shape[1] == len(FEATURE_NAMES)
    again = rows(four, questions, negatives=2)
    np.testing.assert_array_equal(learned.features, again.features)


def test_progress_is_told_every_few_hundred(four: SessionIndex) -> None:
    """With the number of questions done, those left out included."""
    seen: list[int] = []
    rows(four, [(np.array([E], np.int32), D)] * 1_001, progress=seen.append)
    assert seen == [500, 1_000]
