"""The ranker: learns what the labels say, the same every time, and keeps the order where there is nothing to learn."""

import numpy as np
import pytest

from edge.core.features import FEATURE_NAMES
from training.examples import Rows
from training.ranker import MIN_GROUPS, PARAMETERS, TREES, importances, keep_order, train

SIZE = 20


def rows(groups: int, tells: str = "own_count") -> Rows:
    """Shelves of 20 whose one bought product has the largest value of one feature; all else is noise."""
    random = np.random.default_rng(3)
    features = random.uniform(0, 1, (groups * SIZE, len(FEATURE_NAMES))).astype(np.float32)
    column = features[:, FEATURE_NAMES.index(tells)].reshape(groups, SIZE)
    labels = (column == column.max(axis=1, keepdims=True)).ravel().astype(np.int32)
    return Rows(features, labels, np.full(groups, SIZE, np.int32))


@pytest.fixture(scope="module")
def learned() -> Rows:
    """Three hundred such shelves."""
    return rows(300)


def test_the_forest_finds_what_tells_bought_from_not(learned: Rows) -> None:
    """On shelves it never saw, the bought product comes first nearly always."""
    booster = train(learned, threads=1)
    random = np.random.default_rng(11)
    unseen = random.uniform(0, 1, (100, SIZE, len(FEATURE_NAMES))).astype(np.float32)
    scores = np.asarray(booster.predict(unseen.reshape(-1, len(FEATURE_NAMES)), num_threads=1)).reshape(100, SIZE)
    best = unseen[:, :, FEATURE_NAMES.index("own_count")].argmax(axis=1)
    assert (scores.argmax(axis=1) == best).mean() > 0.8


def test_importances_name_the_telling_feature_first(learned: Rows) -> None:
    """Shares of gain, largest first, every feature in them, one in sum."""
    shares = importances(train(learned, threads=1))
    assert next(iter(shares)) == "own_count"
    assert set(shares) == set(FEATURE_NAMES)
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_training_twice_gives_the_same_forest(learned: Rows) -> None:
    """Fixed seeds: equal rows, equal forest, also on another number of threads."""
    first = train(learned, threads=1).predict(learned.features, num_threads=1)
    second = train(learned, threads=2).predict(learned.features, num_threads=1)
    np.testing.assert_array_equal(first, second)


def test_the_forest_keeps_the_latency_budget(learned: Rows) -> None:
    """Never more trees or leaves than the budget of a request allows."""
    booster = train(learned, threads=1)
    assert booster.num_trees() <= TREES <= 200
    assert PARAMETERS["num_leaves"] <= 31
    leaves = booster.trees_to_dataframe().query("left_child.isnull()").groupby("tree_index").size()
    assert leaves.max() <= 31


def test_progress_counts_the_trees(learned: Rows) -> None:
    """The bar is told each tree grown."""
    told: list[int] = []
    train(learned, threads=1, progress=told.append)
    assert told == list(range(1, TREES + 1))


def test_too_few_shelves_keep_the_retrieval_order() -> None:
    """Below the least number of labelled shelves nothing is learned: scores fall with the retrieval rank."""
    booster = train(rows(MIN_GROUPS - 1))
    given = np.random.default_rng(5).uniform(-5, 500, (100, len(FEATURE_NAMES))).astype(np.float32)
    given[:, FEATURE_NAMES.index("retrieval_rank")] = np.arange(100)
    assert (np.diff(booster.predict(given, num_threads=1)) < 0).all()


def test_no_rows_at_all_keep_the_order() -> None:
    """A shop with three orders has no labels, and gets a ranker all the same."""
    empty = Rows(np.empty((0, len(FEATURE_NAMES)), np.float32), np.empty(0, np.int32), np.empty(0, np.int32))
    assert train(empty).num_trees() == 1


@pytest.mark.parametrize("limit", [10, 100])
def test_keep_order_tells_every_rank_apart(limit: int) -> None:
    """As many different scores as ranks, whatever the other features say."""
    given = np.zeros((limit, len(FEATURE_NAMES)), np.float32)
    given[:, FEATURE_NAMES.index("retrieval_rank")] = np.arange(limit)
    assert len(set(np.asarray(keep_order(limit).predict(given, num_threads=1)).tolist())) == limit
