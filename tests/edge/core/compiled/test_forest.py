"""The compiled forest against onnxruntime: the same scores, bit by bit, of every forest that it takes."""

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.compiled.forest import MOST_COLUMNS, MOST_LEAVES, Forest
from edge.core.forest import read_forest
from tests.edge.core.forests import COLUMNS, Floats, Tree, chain, onnx_of, random_tree, rows_of, run
from training.export import convert, exact


def compiled(model: bytes, columns: int = COLUMNS) -> Forest:
    """The forest of a model that holds one."""
    forest = read_forest(model, columns)
    assert forest is not None
    return forest


def check(model: bytes, rows: Floats) -> None:
    """Both give the same, to the last bit."""
    columns = rows.shape[1]
    np.testing.assert_array_equal(compiled(model, columns).scores(rows), run(model, rows))


@given(
    st.lists(st.integers(1, MOST_LEAVES), min_size=1, max_size=12),
    st.integers(0, 2**32),
    st.integers(0, 40),
    st.sampled_from([None, 0.0, 0.25, -1.5]),
)
@settings(max_examples=150, deadline=None)
def test_any_forest_scores_as_in_onnxruntime(leaves: list[int], seed: int, count: int, base: float | None) -> None:
    """Of trees of any shape and size, single leaves among them; also where a row lies on a limit."""
    rng = np.random.default_rng(seed)
    rows = rows_of(rng, count)
    model = onnx_of([random_tree(rng, one) for one in leaves], base)
    if count:
        check(model, rows)
    else:
        assert compiled(model).scores(rows).shape == (0,)


@pytest.mark.parametrize(("leaves", "rounds"), [(2, 1), (7, 30), (16, 60), (31, 20), (32, 20)])
@pytest.mark.parametrize("seed", [1, 2])
def test_forests_of_lightgbm_score_as_in_onnxruntime(leaves: int, rounds: int, seed: int) -> None:
    """Trained and exported as the shop's are."""
    rng = np.random.default_rng([leaves, seed])
    rows = rng.normal(size=(600, 8)).round(1).astype(np.float32)
    labels = (rows[:, 0] * rows[:, 1] + rows[:, 2] + rng.normal(size=600) > 0).astype(np.int32)
    options = {"num_leaves": leaves, "min_data_in_leaf": 2, "verbose": -1, "num_threads": 1, "seed": seed}
    booster = lgb.train({"objective": "lambdarank", **options}, lgb.Dataset(rows, labels, group=[20] * 30), rounds)
    check(convert(exact(booster)).SerializeToString(), rows)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 31, 32, 33, 100])
def test_rows_beyond_a_multiple_of_sixteen_are_scored_too(count: int) -> None:
    """Sixteen go together; what is left over goes alone."""
    rng = np.random.default_rng(count)
    check(onnx_of([random_tree(rng, 20) for _ in range(9)], 0.125), rows_of(rng, count))


@pytest.mark.parametrize("leaves", [2, 3, MOST_LEAVES])
def test_the_deepest_trees_score_as_in_onnxruntime(leaves: int) -> None:
    """As deep as they have leaves."""
    check(onnx_of([chain(leaves)] * 3), rows_of(np.random.default_rng(3), 200))


@pytest.mark.parametrize("worth", [0.0, -3.5, 1e30])
def test_a_tree_that_is_one_leaf_gives_the_same_to_all(worth: float) -> None:
    """Alone and among others."""
    rng = np.random.default_rng(4)
    single: list[Tree] = [worth]
    check(onnx_of(single), rows_of(rng, 20))
    check(onnx_of([random_tree(rng, 5), worth, random_tree(rng, 9)], -0.5), rows_of(rng, 20))


def test_many_columns_are_held() -> None:
    """As many as there may be, each asked for."""
    rng = np.random.default_rng(5)
    trees = [random_tree(rng, 32, MOST_COLUMNS) for _ in range(40)]
    check(onnx_of(trees, columns=MOST_COLUMNS), rows_of(rng, 50, MOST_COLUMNS))
    assert read_forest(onnx_of(trees, columns=MOST_COLUMNS + 1), MOST_COLUMNS + 1) is None


@pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, -3e38, 1e-42])
def test_the_ends_of_the_scale_go_as_in_onnxruntime(value: float) -> None:
    """Infinite and tiny numbers are below or above a limit like any other."""
    rng = np.random.default_rng(6)
    rows = rows_of(rng, 60)
    rows[rng.random(rows.shape) < 0.3] = value
    check(onnx_of([random_tree(rng, 25) for _ in range(10)]), rows)


@given(st.integers(0, 2**32))
def test_what_is_no_number_reaches_some_leaf(seed: int) -> None:
    """Rows of NaN are the caller's mistake; they get a score of some leaves, and the others theirs."""
    rng = np.random.default_rng(seed)
    trees = [random_tree(rng, int(rng.integers(1, 33))) for _ in range(4)]
    rows = rows_of(rng, 20)
    rows[::2, rng.integers(0, COLUMNS)] = np.nan
    model = onnx_of(trees)
    scores = compiled(model).scores(rows)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores[1::2], run(model, rows)[1::2])


# --- what is no forest ----------------------------------------------------------------------------------------------


def parts(**others: Any) -> tuple[Any, ...]:
    """One tree of three leaves, with other parts."""
    told: dict[str, Any] = {
        "columns": 2,
        "start": np.array([0, 2], np.int32),
        "feature": np.array([0, 1], np.int32),
        "limit": np.array([0.5, 1.5], np.float32),
        "left": np.array([~1, ~2], np.int32),
        "leaf": np.array([[1, 2, 3]], np.float32),
        "base": 0.0,
    }
    return tuple((told | others).values())


def test_parts_that_fit_are_taken() -> None:
    """Left of both limits, between them, right of both."""
    rows = np.array([[0, 0], [1, 1], [1, 2]], np.float32)
    assert Forest(*parts()).scores(rows).tolist() == [1, 2, 3]
    assert Forest(*parts()).columns == 2
    none = {"feature": np.empty(0, np.int32), "limit": np.empty(0, np.float32), "left": np.empty(0, np.int32)}
    bare = parts(start=np.zeros(1, np.int32), leaf=np.empty((0, 1), np.float32), base=2.5, **none)
    assert Forest(*bare).scores(rows).tolist() == [2.5] * 3


@pytest.mark.parametrize(
    ("others", "error"),
    [
        ({"columns": 0}, ValueError),
        ({"columns": MOST_COLUMNS + 1}, ValueError),
        ({"columns": 1}, ValueError),
        ({"feature": np.array([0, -1], np.int32)}, ValueError),
        ({"feature": np.array([0], np.int32)}, ValueError),
        ({"feature": np.array([0, 1], np.int64)}, TypeError),
        ({"limit": np.array([0.5], np.float32)}, ValueError),
        ({"limit": np.array([0.5, 1.5])}, TypeError),
        ({"left": np.array([~1], np.int32)}, ValueError),
        ({"left": np.array([~1, ~4], np.int32)}, ValueError),
        ({"left": np.array([~1, 5, ~2], np.int32)[::2]}, TypeError),
        ({"start": np.array([0, 3], np.int32)}, ValueError),
        ({"start": np.array([1, 2], np.int32)}, ValueError),
        ({"start": np.array([0], np.int32)}, ValueError),
        ({"start": np.array([0, 3, 2], np.int32), "leaf": np.ones((2, 3), np.float32)}, ValueError),
        ({"leaf": np.ones((1, MOST_LEAVES + 1), np.float32)}, ValueError),
        ({"leaf": np.ones((1, 0), np.float32)}, ValueError),
        ({"leaf": np.ones(3, np.float32)}, ValueError),
        ({"leaf": np.ones((1, 3))}, TypeError),
        ({"leaf": None}, TypeError),
        ({"start": None}, TypeError),
    ],
)
def test_parts_that_do_not_fit_are_refused(others: dict[str, Any], error: type[Exception]) -> None:
    """Nothing is read past the end of an array."""
    with pytest.raises(error):
        Forest(*parts(**others))


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (np.zeros((3, 3), np.float32), ValueError),
        (np.zeros((3, 1), np.float32), ValueError),
        (np.zeros(2, np.float32), ValueError),
        (np.zeros((3, 2)), TypeError),
        (np.zeros((3, 4), np.float32)[:, ::2], TypeError),
        (np.zeros((2, 3), np.float32).T, TypeError),
        (None, TypeError),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows: Any, error: type[Exception]) -> None:
    """Another width, another type, another layout."""
    with pytest.raises(error):
        Forest(*parts()).scores(rows)
