"""From clicks to what comes next: the ranker's order over the candidates found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.index import Floats
from edge.core.sessions.features import FEATURE_NAMES
from edge.core.sessions.ranking import Score, rank
from tests.edge.core.sessions.handmade import A, B, C, D, E, index, visit


def by(name: str, sign: float = 1) -> Score:
    """A ranker that goes by one feature."""
    column = FEATURE_NAMES.index(name)
    return lambda rows: sign * rows[:, column]


def test_items_come_by_falling_score() -> None:
    """By the cosine to a: a itself, b, then those without likeness, the opposite last."""
    ranked = rank(index(), by("likeness_last"), visit("ba").clicks)
    assert ranked is not None
    assert ranked.items[:2].tolist() == [A, B]
    assert ranked.items[-1] == D
    assert ranked.scores.tolist() == sorted(ranked.scores.tolist(), reverse=True)


def test_equal_scores_keep_the_order_of_retrieval() -> None:
    """A ranker that tells nothing apart changes nothing."""
    ranked = rank(index(), by("clicks"), visit("ba").clicks)
    assert ranked is not None
    assert ranked.items.tolist() == ranked.found.items.tolist()


def test_the_order_found_is_handed_on() -> None:
    """What the ranker turns round can still be read as it was found."""
    ranked = rank(index(), by("retrieval_score", -1), visit("ba").clicks)
    assert ranked is not None
    assert ranked.found.scores.tolist() == sorted(ranked.found.scores.tolist(), reverse=True)
    assert ranked.items.tolist() == ranked.found.items[::-1].tolist()


def test_no_clicks_are_not_ranked() -> None:
    """There is nothing to go by: the caller answers with what is popular."""
    assert rank(index(), by("near"), np.empty(0, np.int32)) is None


def test_what_the_ranker_raises_is_not_hidden() -> None:
    """The caller decides what to serve instead."""

    def broken(rows: Floats) -> Floats:
        raise ArithmeticError("no scores today")

    with pytest.raises(ArithmeticError, match="no scores today"):
        rank(index(), broken, visit("a").clicks)


@given(st.text("abcde", min_size=1, max_size=25))
def test_ranking_loses_nothing(letters: str) -> None:
    """The same items as found, each once, each with the score its row got."""
    ranked = rank(index(), by("near"), visit(letters).clicks)
    assert ranked is not None
    assert sorted(ranked.items.tolist()) == sorted(ranked.found.items.tolist())
    assert set(ranked.items.tolist()) <= {A, B, C, D, E}
    evidence = dict(zip(ranked.found.items.tolist(), ranked.found.evidence[0].tolist(), strict=True))
    assert [evidence[item] for item in ranked.items.tolist()] == ranked.scores.tolist()
