"""Candidates over shops of thousands, with ties: against the obvious version, and at the limits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.compiled.home import buy_again, for_you
from edge.core.compiled.page import Page, beside
from edge.core.context import Context, History
from edge.core.index import Index
from edge.core.profile import Bought, Profile
from edge.core.retrieval import SCORED_SLOTS, candidates
from edge.core.sources import LIKED, POPULAR, SOURCES
from tests.edge.core import slow
from tests.edge.core.shops import TODAY, arrays_of, random_shop, shopper

NOBODY = np.empty(0, np.int32)
LARGE = random_shop(np.random.default_rng(1), 3_000)
EQUAL = random_shop(np.random.default_rng(2), 600, steps=2)


def asked(index: Index, rng: np.random.Generator, slot: str) -> Context:
    """A page, a cart or a homepage, with a visit or without, for a shopper of up to two hundred purchases."""
    many = len(index.ids)
    pages = {"bought_together": 1, "cart_complements": int(rng.integers(0, 40))}.get(slot, 0)
    anchors = rng.choice(many, pages, replace=False).astype(np.int32)
    recent = rng.choice(many, rng.integers(0, 12) * rng.integers(0, 2), replace=False).astype(np.int32)
    return Context(anchors, recent, History.of(index, shopper(rng, index, 200)), TODAY + 0.25)


@pytest.mark.parametrize("index", [LARGE, EQUAL], ids=["thousands", "equals"])
@pytest.mark.parametrize("slot", SCORED_SLOTS)
@pytest.mark.parametrize("limit", [1, 11, 100, 5_000])
def test_the_best_are_those_of_the_obvious_version(index: Index, slot: str, limit: int) -> None:
    """As much worth, place by place, and the evidence of each, whatever was found and however many are as good."""
    rng = np.random.default_rng([limit, len(slot)])
    for _ in range(3):
        context = asked(index, rng, slot)
        context.anchors.sort()
        thirty = Context(context.anchors[-30:], context.recent[-8:], context.history, context.day)
        every = slow.found(index, slot, thirty, len(index.ids))
        expected = slow.found(index, slot, thirty, limit)
        lines = set(context.anchors.tolist()) - set(thirty.anchors.tolist())
        if lines & set(every):
            continue  # the obvious version knows no lines that do not speak
        some = candidates(index, slot, context, limit)
        assert len(set(some.items.tolist())) == len(some.items) == len(expected)
        assert some.scores == pytest.approx([worth for worth, _ in expected.values()], rel=1e-5, abs=1e-7)
        for at, item in enumerate(some.items.tolist()):
            assert some.evidence[:, at] == pytest.approx(every[item][1], rel=1e-5, abs=1e-6)
            assert some.scores[at] == pytest.approx(every[item][0], rel=1e-5, abs=1e-7)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(0, 320))
@settings(deadline=None)
def test_of_equals_those_found_first_are_kept(worth: list[int], limit: int) -> None:
    """A stable cut, for any number of any ties: of a page's companions, those of lower position."""
    pairs = {0: list(range(1, 1 + len(worth)))}
    arrays = arrays_of(1 + len(worth), pairs=pairs)
    arrays["pair_score"] = np.array(worth, np.float32)
    index = Index.from_arrays(arrays)
    context = Context(np.zeros(1, np.int32), NOBODY, History.of(index, None), TODAY)
    some = candidates(index, "cart_complements", context, limit)
    assert some.items.tolist() == sorted(pairs[0], key=lambda item: -worth[item - 1])[:limit]


@pytest.mark.parametrize("limit", [1, 10, 59])
def test_new_products_have_their_share_of_a_page(limit: int) -> None:
    """Three of ten places for those never bought, though each is worth less than every purchase."""
    index = Index.from_arrays(arrays_of(200, baskets=[(0, *range(1, 100))]))
    profile = Profile("demo", "s", orders=1, last_order_day=TODAY)
    profile.bought = {f"p{item}": Bought(9, TODAY, TODAY, 1) for item in range(100, 160)}
    context = Context(np.zeros(1, np.int32), NOBODY, History.of(index, profile), TODAY)
    items = candidates(index, "cart_complements", context, limit).items
    assert len(items) == limit
    assert sum(items < 100) == int(0.3 * limit)
    assert items[: sum(items >= 100)].min() >= 100, "best first"


def test_of_equally_liked_products_the_most_popular_are_found() -> None:
    """Sixty of a hundred that all point where the shopper does, in their order."""
    tastes = np.tile(np.array([1, 0], np.float16), (101, 1))
    popular = np.random.default_rng(3).permutation(100).astype(np.int32)
    index = Index.from_arrays(arrays_of(101, others={"tastes": tastes, "popular": popular}))
    profile = Profile("demo", "s", orders=1, bought={"p100": Bought(1, TODAY, TODAY, 1)})
    some = candidates(index, "for_you", Context(NOBODY, NOBODY, History.of(index, profile), TODAY), 200)
    for source in (LIKED, POPULAR):
        assert set(some.items[some.evidence[source] > 0].tolist()) == set(popular[:60].tolist())


def test_a_page_kept_says_the_same_to_everybody() -> None:
    """Asked by other shoppers and other pages between, it is as at first; its size is that of what it holds."""
    rng = np.random.default_rng(9)
    page, empty = np.array([4], np.int32), np.empty(0, np.int32)
    kept = Page(LARGE.compiled, page, empty)
    for _ in range(5):
        history = History.of(LARGE, shopper(rng, LARGE))
        other = rng.choice(3_000, 20).astype(np.int32)
        for_you(LARGE.compiled, history, empty, other, np.ones(len(SOURCES)), 0.4, 50)
        again = beside(LARGE.compiled, kept, history, page, 1.0, 0.3, 0.5, True, 0.3, 100)
        fresh = beside(LARGE.compiled, Page(LARGE.compiled, page, other), history, page, 1.0, 0.3, 0.5, True, 0.3, 100)
        for one, two in zip(again, fresh, strict=True):
            np.testing.assert_array_equal(one, two)
    assert Page(LARGE.compiled, empty, empty).size < kept.size < 100_000


@pytest.mark.parametrize("limit", [0, -1, -1_000])
def test_no_places_hold_nothing(limit: int) -> None:
    """None are none; below none is the caller's mistake."""
    history = History.of(EQUAL, shopper(np.random.default_rng(7), EQUAL))
    anchors = np.arange(0, 20, 2, dtype=np.int32)
    page = Page(EQUAL.compiled, anchors, NOBODY)
    counts = np.ones(len(SOURCES))
    asking: list[Callable[[], tuple[Any, Any, Any]]] = [
        lambda: beside(EQUAL.compiled, page, history, anchors, 1.0, 1.0, 1.0, False, 0.3, limit),
        lambda: for_you(EQUAL.compiled, history, NOBODY, anchors, counts, 0.4, limit),
        lambda: buy_again(EQUAL.compiled, history, NOBODY, limit),
    ]
    for ask in asking:
        if limit == 0:
            items, scores, evidence = ask()
            assert (items.shape, scores.shape, evidence.shape) == ((0,), (0,), (0, len(SOURCES)))
        else:
            with pytest.raises(ValueError, match="negative"):
                ask()


WRONG: list[Any] = [None, np.zeros(2, np.int64), np.zeros(4, np.int32)[::2], np.zeros((), np.int32), [1, 2]]


@pytest.mark.parametrize("wrong", WRONG, ids=["none", "wide", "strided", "single", "list"])
def test_positions_of_another_kind_are_refused(wrong: Any) -> None:
    """Another type or layout, or none; of every array of positions that is asked with."""
    history, counts = History.of(EQUAL, None), np.ones(len(SOURCES))
    page = Page(EQUAL.compiled, NOBODY, NOBODY)
    for ask in (
        lambda: Page(EQUAL.compiled, wrong, NOBODY),
        lambda: Page(EQUAL.compiled, NOBODY, wrong),
        lambda: beside(EQUAL.compiled, page, history, wrong, 1.0, 1.0, 1.0, False, 0.3, 5),
        lambda: for_you(EQUAL.compiled, history, wrong, NOBODY, counts, 0.4, 5),
        lambda: for_you(EQUAL.compiled, history, NOBODY, wrong, counts, 0.4, 5),
        lambda: for_you(EQUAL.compiled, history, NOBODY, NOBODY, wrong, 0.4, 5),
        lambda: buy_again(EQUAL.compiled, history, wrong, 5),
    ):
        with pytest.raises(TypeError):
            ask()


def test_what_is_missing_is_refused() -> None:
    """No index, no page, no history; counts of other sources."""
    nothing: Any = None
    history = History.of(EQUAL, None)
    for ask in (
        lambda: Page(nothing, NOBODY, NOBODY),
        lambda: beside(EQUAL.compiled, nothing, history, NOBODY, 1.0, 1.0, 1.0, False, 0.3, 5),
        lambda: buy_again(nothing, history, NOBODY, 5),
        lambda: buy_again(EQUAL.compiled, nothing, NOBODY, 5),
    ):
        with pytest.raises(TypeError):
            ask()
    with pytest.raises(ValueError, match="counts of 3 sources"):
        for_you(EQUAL.compiled, history, NOBODY, NOBODY, np.ones(3), 0.4, 5)
