"""The whole training of next clicks: time runs one way, too little is refused with a reason, the same twice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.core.index import Ints
from edge.core.sessions.features import FEATURE_NAMES
from edge.core.sessions.index import POPULARITY, SETTINGS, SessionIndex
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.visit import Visit
from tests.visits import clicks_of, make_quick, quiet, ring, write_sessions
from training.sessions import examples, model, tuning
from training.sessions.clicks import Clicks, SessionsError, read_sessions
from training.sessions.examples import asked
from training.sessions.model import _WINDOW, Trained, said, train
from training.sessions.tuning import Questions

COUNT = 400
OLDER, NEWER = round(COUNT * (1 - 2 * _WINDOW)), round(COUNT * (1 - _WINDOW))
PLANTED = {"older": OLDER + 3, "newer": NEWER + 3, "first": 5}


@dataclass
class Watched:
    """A training run, with every index that was asked about visits and what it was asked."""

    clicks: Clicks
    trained: Trained
    rows: list[tuple[SessionIndex, Questions]]
    chosen: list[tuple[SessionIndex, Questions]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Training over sessions in which three pairs of products occur once, one pair in each part of time."""
    sessions = ring(COUNT, seed=21, products=30)
    for part, number in PLANTED.items():
        sessions[number] = [f"{part}-one", f"{part}-two"]
    clicks = read_sessions(write_sessions(tmp_path_factory.mktemp("planted") / "train.txt", sessions))
    rows: list[tuple[SessionIndex, Questions]] = []
    chosen: list[tuple[SessionIndex, Questions]] = []
    plain_rows, plain_choose, plain_forest = examples.rows, tuning.choose, tuning.choose_forest

    def watch_rows(index: SessionIndex, questions: list[tuple[Ints, int]], **given: Any) -> Any:
        rows.append((index, questions))
        return plain_rows(index, questions, **given)

    def watch_choose(index: SessionIndex, questions: Questions, progress: Any) -> Any:
        chosen.append((index, questions))
        return plain_choose(index, questions, progress)

    def watch_forest(grow: Any, index: SessionIndex, questions: Questions) -> Any:
        chosen.append((index, questions))
        return plain_forest(grow, index, questions)

    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        # They look on and pass through: what is trained is the same.
        patch.setattr(model, "rows", watch_rows)
        patch.setattr(tuning, "choose", watch_choose)
        patch.setattr(tuning, "choose_forest", watch_forest)
        return Watched(clicks, train(clicks, 1, quiet()), rows, chosen)


def windows(watched: Watched) -> list[tuple[SessionIndex, Questions, int, int, str]]:
    """The two windows the forest learns from: index, questions, first session, end, the pair planted."""
    (first, earlier), (second, later) = watched.rows
    return [(first, earlier, OLDER, NEWER, "older"), (second, later, NEWER, COUNT, "newer")]


def test_the_index_asked_about_a_window_ends_before_it(watched: Watched) -> None:
    """Click by click: its sessions are those before the window, no more and no fewer."""
    for index, _, start, _, _ in windows(watched):
        earlier = watched.clicks.before(start)
        assert len(index.session_ptr) - 1 == start
        np.testing.assert_array_equal(index.session_items, earlier.items)
        np.testing.assert_array_equal(index.session_ptr, earlier.ptr)


def test_the_windows_are_asked_about_themselves_only(watched: Watched) -> None:
    """Every click of the window's sessions but the first of each."""
    for _, questions, start, end, _ in windows(watched):
        wanted = asked(watched.clicks, start, end)
        assert [(given.tolist(), answer) for given, answer in questions] == [(g.tolist(), a) for g, a in wanted]


def test_nothing_is_known_of_a_pair_that_occurs_in_the_window(watched: Watched) -> None:
    """No session, transition, popularity or vector tells of it: asked with the one, the other is not found."""
    for index, questions, _, _, part in windows(watched):
        one, two = index.position[f"{part}-one"], index.position[f"{part}-two"]
        assert ([one], two) in [(given.tolist(), answer) for given, answer in questions]
        for item in (one, two):
            assert index.item_session_ptr[item] == index.item_session_ptr[item + 1]
            assert index.next_ptr[item] == index.next_ptr[item + 1]
            assert not index.vectors[item].any()
            assert index.popularity[item, POPULARITY.index("ever")] == 0
            assert item not in index.popular
        assert candidates(index, Visit.of(np.array([one], np.int32))).items.tolist() == [one]


def test_a_pair_of_before_the_window_is_known(watched: Watched) -> None:
    """The check above would pass on an empty index; this one would not."""
    for index, *_ in windows(watched):
        one, two = index.position["first-one"], index.position["first-two"]
        assert two in candidates(index, Visit.of(np.array([one], np.int32))).items
        assert index.vectors[two].any()


def test_everything_is_chosen_on_the_newest_sessions_by_an_index_of_before(watched: Watched) -> None:
    """Settings and the forest's size: both from questions of the newer window only."""
    newest = {(tuple(given.tolist()), answer) for given, answer in asked(watched.clicks, NEWER, COUNT)}
    assert len(watched.chosen) == 2
    for index, questions in watched.chosen:
        assert len(index.session_ptr) - 1 == NEWER
        assert {(tuple(given.tolist()), answer) for given, answer in questions} <= newest
        assert len(questions) > 0


def test_the_index_that_ships_knows_all_sessions(watched: Watched) -> None:
    """Also the newest, with the chosen settings, whose half-life has grown with the sessions."""
    shipped = SessionIndex.from_arrays(watched.trained.arrays)
    np.testing.assert_array_equal(shipped.session_items, watched.clicks.items)
    for part in PLANTED:
        one, two = shipped.position[f"{part}-one"], shipped.position[f"{part}-two"]
        assert two in candidates(shipped, Visit.of(np.array([one], np.int32))).items
    chosen = watched.trained.chosen
    told = dict(zip(SETTINGS, watched.trained.arrays["settings"].tolist(), strict=True))
    assert told["half_life"] == pytest.approx(chosen.half_life * COUNT / NEWER, rel=1e-5)
    assert told["decay"] == pytest.approx(chosen.decay)


def test_the_windows_are_read_with_the_settings_chosen(watched: Watched) -> None:
    """What the forest learns from is what serving will show it."""
    chosen = watched.trained.chosen
    for index, _, start, _, _ in windows(watched):
        assert (index.decay, index.spread, index.direction) == (chosen.decay, chosen.spread, chosen.direction)
        assert index.half_life == pytest.approx(chosen.half_life * start / NEWER)


def test_what_was_chosen_is_told(watched: Watched) -> None:
    """Settings, the forest, the parity measured, and what each feature gained: shares that add up to one."""
    told = said(watched.trained)
    assert {f"sessions:{name}" for name in SETTINGS} <= set(told)
    assert (told["sessions:trees"], told["sessions:leaves"]) == (
        watched.trained.forest.trees,
        watched.trained.forest.leaves,
    )
    gains = {name.removeprefix("session_gain:"): float(told[name]) for name in told if name.startswith("session_gain:")}
    assert tuple(gains) == FEATURE_NAMES
    assert sum(gains.values()) == pytest.approx(1, abs=1e-4)
    assert watched.trained.forest in watched.trained.tried


@pytest.mark.usefixtures("quick")
def test_the_same_sessions_give_the_same_model(watched: Watched) -> None:
    """Forest and arrays, byte for byte."""
    again = train(watched.clicks, 1, quiet())
    assert again.exported.ranker == watched.trained.exported.ranker
    assert again.chosen == watched.trained.chosen
    for name, array in again.arrays.items():
        assert array.tobytes() == watched.trained.arrays[name].tobytes(), name


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_too_few_sessions_are_refused(count: int) -> None:
    """Before anything is trained, with what would be enough."""
    with pytest.raises(SessionsError, match=f"^{count} sessions are too few .* bring thousands"):
        train(clicks_of(*["ab"] * count), 1, quiet())


@pytest.mark.usefixtures("quick")
def test_as_few_as_are_said_to_be_enough_are_enough() -> None:
    """Thirty sessions make a model."""
    assert train(clicks_of(*["abc", "bcd"] * 15), 1, quiet()).exported.ranker


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "sessions",
    [
        ["abc"] * 84 + ["a"] * 8 + ["abc"] * 8,
        ["a"] * 84 + ["abc"] * 16,
        ["abc"] * 92 + ["a"] * 8,
        ["aaa"] * 100,
    ],
    ids=["older window of one click", "unknown before", "newer window of one click", "one product"],
)
def test_windows_with_nothing_to_learn_are_refused(sessions: list[str]) -> None:
    """One line that says what is missing, whatever window it is missing from."""
    with pytest.raises(SessionsError, match=r"no next click .* more sessions are needed"):
        train(clicks_of(*sessions), 1, quiet())


@pytest.mark.usefixtures("quick")
def test_newest_sessions_of_new_products_do_not_stop_training(tmp_path: Path) -> None:
    """None of their next clicks can be found: the forest learns from the older window alone."""
    sessions = [["a", "b", "c"]] * 92 + [[f"x{at}", f"y{at}"] for at in range(8)]
    clicks = read_sessions(write_sessions(tmp_path / "train.txt", sessions))
    assert train(clicks, 1, quiet()).exported.ranker


def test_stages_are_told_by_name(watched: Watched) -> None:
    """Every stage of a training run has its share of the time, so that the bars can say how long is left."""
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        stages = quiet(dict(model.STAGES))
        train(watched.clicks.before(100), 1, stages)
    assert list(stages.seconds) == [
        model._OLDER,
        model._NEWER,
        model._SETTINGS,
        model._ROWS,
        model._SIZE,
        model._GROW,
        model._ALL,
        model._EXPORT,
    ]
    assert set(stages.seconds) == set(model.STAGES)


def test_some_questions_are_spread_over_all() -> None:
    """At most so many, at equal steps from the first to the last; all where there are few."""
    many: Any = [(np.array([at], np.int32), at) for at in range(10)]
    assert [answer for _, answer in model._some(many, 5)] == [0, 2, 4, 6, 9]
    assert [answer for _, answer in model._some(many, 100)] == list(range(10))
    assert len(model._some(many, 3)) == 3
