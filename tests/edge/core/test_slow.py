"""Retrieval and features against their slow, obvious versions (`slow`), on shops and shoppers drawn at random."""

from typing import Any

import numpy as np
import pytest

from edge.core.context import Context, History
from edge.core.features import FEATURE_NAMES, build, build_all
from edge.core.index import Index
from edge.core.retrieval import SCORED_SLOTS, Candidates, candidates
from edge.core.sources import SOURCES
from tests.edge.core import slow
from tests.edge.core.shops import ITEMS, TODAY, random_shop, shopper


def asked(rng: np.random.Generator, index: Index, slot: str) -> Context:
    """A page, a cart or a homepage, with a visit or without."""
    pages = {"bought_together": 1, "cart_complements": int(rng.integers(0, 6))}.get(slot, 0)
    anchors = rng.choice(ITEMS, pages, replace=False).astype(np.int32)
    recent = rng.choice(ITEMS, rng.integers(0, 9) * rng.integers(0, 2), replace=False).astype(np.int32)
    return Context(anchors, recent, History.of(index, shopper(rng, index)), TODAY + 0.25)


def check_candidates(index: Index, slot: str, context: Context, some: Candidates, limit: int) -> None:
    """The same products, as much worth, for the same reasons; of two equally worth either may come first."""
    expected = slow.found(index, slot, context, 2 * ITEMS)  # before the limit, whose edge may be a tie
    most = max((worth for worth, _ in slow.found(index, slot, context, limit).values()), default=0)
    assert len(some.items) == min(limit, len(expected))
    assert len(set(some.items.tolist())) == len(some.items)
    worth = [expected[item][0] for item in some.items.tolist()]
    assert some.scores == pytest.approx(worth, rel=1e-6, abs=1e-7)
    assert (np.diff(some.scores) <= 0).all()
    evidence = np.array([expected[item][1] for item in some.items.tolist()]).reshape(-1, len(SOURCES)).T
    np.testing.assert_allclose(some.evidence, evidence, rtol=2e-6, atol=1e-7)
    assert not len(some.items) or some.scores[0] == pytest.approx(most, rel=1e-6)


@pytest.mark.parametrize("slot", SCORED_SLOTS)
@pytest.mark.parametrize("seed", range(12))
def test_candidates_are_those_of_the_obvious_version(slot: str, seed: int) -> None:
    """The same products with the same worth and evidence, asked twice: from memory, too."""
    rng = np.random.default_rng([seed, len(slot)])
    index = random_shop(rng)
    for _ in range(4):
        context = asked(rng, index, slot)
        for _again in range(2):
            check_candidates(index, slot, context, candidates(index, slot, context, 200), 200)


@pytest.mark.parametrize("slot", SCORED_SLOTS)
@pytest.mark.parametrize("seed", range(6))
def test_a_limit_keeps_whom_the_obvious_version_keeps(slot: str, seed: int) -> None:
    """Cut to ten, the worth of those kept is the same, and as many were never bought."""
    rng = np.random.default_rng([seed, 7, len(slot)])
    index = random_shop(rng)
    for _ in range(4):
        context = asked(rng, index, slot)
        some, expected = candidates(index, slot, context, 10), slow.found(index, slot, context, 10)
        assert some.scores == pytest.approx([worth for worth, _ in expected.values()], rel=1e-6, abs=1e-7)
        own = set(context.history.items.tolist())
        assert sum(item in own for item in some.items.tolist()) == sum(item in own for item in expected)


@pytest.mark.parametrize("slot", SCORED_SLOTS)
@pytest.mark.parametrize("seed", range(8))
def test_features_are_those_of_the_obvious_version(slot: str, seed: int) -> None:
    """Every column of every candidate; only cosines may differ in the last bit, by the order of their sums."""
    rng = np.random.default_rng([seed, 11, len(slot)])
    index = random_shop(rng)
    for _ in range(3):
        context = asked(rng, index, slot)
        some = candidates(index, slot, context)
        rows, expected = build(index, slot, context, some), slow.features(index, slot, context, some)
        for name, column, wanted in zip(FEATURE_NAMES, rows.T, expected.T, strict=True):
            np.testing.assert_allclose(column, wanted, rtol=3e-7, atol=1e-6, err_msg=name)


def test_shelves_of_one_request_are_built_as_if_alone() -> None:
    """Two shelves in one matrix hold the rows of each, bit by bit."""
    rng = np.random.default_rng(5)
    index = random_shop(rng)
    context = asked(rng, index, "for_you")
    some = {slot: candidates(index, slot, context) for slot in ("for_you", "buy_again")}
    alone = [build(index, slot, context, one) for slot, one in some.items()]
    np.testing.assert_array_equal(build_all(index, context, some), np.concatenate(alone))


def test_another_shopper_on_the_same_page_is_not_mixed_up() -> None:
    """What is kept of a page holds nothing of the shopper it was first worked out for."""
    rng = np.random.default_rng(8)
    index, page = random_shop(rng), np.array([4], np.int32)
    people = [History.of(index, shopper(rng, index)) for _ in range(6)]
    contexts = [Context(page, page[:0], history, TODAY) for history in people]
    first = [candidates(index, "bought_together", context) for context in contexts]
    for context, before in reversed(list(zip(contexts, first, strict=True))):
        after = candidates(index, "bought_together", context)
        np.testing.assert_array_equal(after.items, before.items)
        np.testing.assert_array_equal(after.evidence, before.evidence)
    fresh = Index.from_arrays({name: np.asarray(value) for name, value in raw(index).items()})
    for context, before in zip(contexts, first, strict=True):
        np.testing.assert_array_equal(candidates(fresh, "bought_together", context).items, before.items)


def raw(index: Index) -> dict[str, Any]:
    """The arrays an index was made from."""
    held = dict(vars(index))
    single = {"as_of": np.array([index.as_of], np.float32), "orders": np.array([index.orders], np.float32)}
    texts = {"ids": np.array([id_.encode() for id_ in index.ids])}
    paths = {"category_paths": np.array([path.encode() for path in index.category_paths])}
    return {name: value for name, value in held.items() if isinstance(value, np.ndarray)} | single | texts | paths
