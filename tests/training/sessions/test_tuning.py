"""Settings chosen by what they reach; the forest chosen likewise, of equals the smallest."""

from collections.abc import Callable
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest

from edge.core.sessions.features import FEATURE_NAMES
from edge.core.sessions.index import freshness
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.visit import Visit
from tests.edge.core.sessions.handmade import A, B, D, E, index
from training.examples import Rows
from training.sessions import ranker, tuning
from training.sessions.ranker import Forest
from training.sessions.tuning import choose, choose_forest, scaled, usual, with_settings, worth


def questions(*pairs: tuple[list[int], int]) -> list[tuple[np.ndarray[tuple[int], np.dtype[np.int32]], int]]:
    """Clicks so far and the next one."""
    return [(np.array(given, np.int32), answer) for given, answer in pairs]


def nothing(done: int) -> None:
    """Progress nobody looks at."""


def test_worth_is_hits_and_ranks_of_the_retrieval_order() -> None:
    """e leads to e, a or b but never to d: one question of two is listed, at the place retrieval gives it."""
    first = int(candidates(index(), Visit.of(np.array([E], np.int32))).items[0])
    assert worth(index(), questions(([E], first), ([E], D))) == pytest.approx(50 + 50)
    assert worth(index(), questions(([E], D))) == 0


def test_settings_change_how_the_same_arrays_are_read() -> None:
    """Every setting and the weights of sessions that follow from one; nothing is copied, the old index stays."""
    before = index()
    chosen = replace(usual(4), decay=0.9, half_life=7, neighbours=3, spread=6, direction=0.25)
    after = with_settings(before, chosen)
    assert (after.decay, after.half_life, after.neighbours) == (0.9, 7, 3)
    assert (after.spread, after.direction) == (6, 0.25)
    assert after.freshness == pytest.approx(freshness(before.session_ptr, 7))
    assert after.session_items is before.session_items
    assert before.half_life == 2


def test_the_half_life_grows_with_the_sessions() -> None:
    """Half of the sessions stays half of the sessions; nothing else changes."""
    chosen = replace(usual(1_000), half_life=500, decay=0.65)
    assert scaled(chosen, before=1_000, now=1_200) == replace(chosen, half_life=600)


def test_the_choice_is_the_best_that_was_tried() -> None:
    """Never worse than where the search starts, and every value is one of those offered."""
    asked = questions(([B, A], E), ([A], B), ([B], D), ([A, B], D))
    chosen = choose(index(), asked, nothing)
    assert worth(with_settings(index(), chosen), asked) >= worth(with_settings(index(), usual(4)), asked)
    for name, values in tuning._CHOICES.items():
        offered = [value * 4 if name == "half_life" else value for value in values]
        assert getattr(chosen, name) in [*offered, getattr(usual(4), name)]


def test_the_choice_is_the_same_each_time() -> None:
    """No chance is involved."""
    asked = questions(([B, A], E), ([A], B), ([B], D))
    assert choose(index(), asked, nothing) == choose(index(), asked, nothing)


def test_where_nothing_helps_the_start_is_kept() -> None:
    """Questions nothing can answer leave every setting as it was."""
    assert choose(index(), questions(([E], D)), nothing) == usual(4)


def test_progress_counts_the_trials() -> None:
    """Rising to the number announced when nothing is worth a change."""
    seen: list[int] = []
    choose(index(), questions(([E], D)), seen.append)
    assert seen == list(range(2, tuning.TRIALS + 1))


@pytest.fixture
def grow(monkeypatch: pytest.MonkeyPatch) -> Callable[[Forest], lgb.Booster]:
    """Forests that learn, from made-up rows, that what neighbours hold is clicked."""
    monkeypatch.setattr(tuning, "FORESTS", (Forest(1, 3), Forest(20, 3), Forest(20, 5)))
    rng = np.random.default_rng(5)
    features = rng.random((600, len(FEATURE_NAMES)), np.float32)
    labels = (features[:, FEATURE_NAMES.index("near")] > 0.8).astype(np.int32)
    made = Rows(features, labels, np.full(60, 10, np.int32))
    return lambda forest: ranker.train(made, forest, 1)


def test_all_sizes_are_compared(grow: Callable[[Forest], lgb.Booster]) -> None:
    """Each has its rates; the choice is among the best of them."""
    best, reached = choose_forest(grow, index(), questions(([B, A], B), ([A], B)))
    assert set(reached) == set(tuning.FORESTS)
    worths = {forest: row["hr@20"] + row["mrr@20"] for forest, row in reached.items()}
    assert worths[best] >= max(worths.values()) - 0.1


def test_of_equals_the_smallest_is_chosen(grow: Callable[[Forest], lgb.Booster]) -> None:
    """Where no forest finds anything, the first and smallest ships."""
    best, reached = choose_forest(grow, index(), questions(([E], D)))
    assert {row["hr@20"] for row in reached.values()} == {0}
    assert best == Forest(1, 3)


def test_forests_of_as_many_leaves_are_grown_once(grow: Callable[[Forest], lgb.Booster]) -> None:
    """The largest, of which the others are the beginning."""
    grown: list[Forest] = []

    def counted(forest: Forest) -> lgb.Booster:
        grown.append(forest)
        return grow(forest)

    choose_forest(counted, index(), questions(([A], B)))
    assert grown == [Forest(20, 3), Forest(20, 5)]


def test_a_grown_forest_has_the_size_asked_for(grow: Callable[[Forest], lgb.Booster]) -> None:
    """Trees, leaves at most, columns by name; progress counts the trees."""
    booster = grow(Forest(7, 4))
    assert booster.num_trees() == 7
    assert booster.feature_name() == list(FEATURE_NAMES)
    assert max(tree["num_leaves"] for tree in booster.dump_model()["tree_info"]) <= 4
    seen: list[int] = []
    features = np.random.default_rng(1).random((20, len(FEATURE_NAMES)), np.float32)
    made = Rows(features, (np.arange(20) % 2).astype(np.int32), np.array([20], np.int32))
    ranker.train(made, Forest(3, 2), 1, seen.append)
    assert seen == [1, 2, 3]


def test_forests_offered_are_sizes_that_make_sense() -> None:
    """None twice, all with trees and leaves."""
    assert len(set(tuning.FORESTS)) == len(tuning.FORESTS) > 0
    assert all(forest.trees > 0 and forest.leaves > 1 for forest in tuning.FORESTS)
