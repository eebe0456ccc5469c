"""A history from a profile's numbers: what follows from them, in plain Python; hostile numbers; what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.core.compiled.history import HALF_LIFE_DAYS, History
from edge.core.features import FEATURE_NAMES, build
from edge.core.index import Index
from edge.core.profile import RECENT_ORDERS
from edge.core.retrieval import SCORED_SLOTS, Context, candidates
from edge.core.retrieval import History as Aligned
from tests.edge.core.shops import TODAY, random_shop

INDEX = random_shop(np.random.default_rng(3))
LEAST, MOST = np.iinfo(np.int32).min, np.iinfo(np.int32).max
DAYS = st.integers(TODAY - 400, TODAY)
ORDINARY = st.lists(
    st.tuples(st.integers(-1, 119), st.integers(-1, 9), DAYS, DAYS, st.integers(0, 2**RECENT_ORDERS - 1)),
    max_size=60,
    unique_by=lambda one: one[0],
)
ANYTHING = st.integers(LEAST, MOST) | st.sampled_from([LEAST, -1, 0, 1, MOST])
HOSTILE = st.lists(st.tuples(st.integers(-1, 119), ANYTHING, ANYTHING, ANYTHING, ANYTHING), max_size=40)
Row = tuple[int, int, int, int, int]


def history(rows: list[Row], viewed: list[int] | None = None, scalars: tuple[int, int, int] = (9, 0, TODAY)) -> Aligned:
    """Of products by position: count, first day, last day, recent orders."""
    places = np.array([*(row[0] for row in rows), *(viewed or [])], np.int32)
    numbers = np.array([row[1:] for row in rows], np.int32).reshape(-1, 4).T
    return Aligned(INDEX.compiled, places, np.ascontiguousarray(numbers), scalars)


@given(ORDINARY)
@settings(deadline=None)
def test_what_follows_from_a_purchase_is_as_written(rows: list[Row]) -> None:
    """Of those the index knows and that were not all returned: counts, days, weights, faded orders, ranks."""
    made = history(rows)
    kept = sorted(row for row in rows if row[0] >= 0 and row[1] > 0)
    assert made.bought == len(kept)
    assert made.items.tolist() == [row[0] for row in kept]
    for name, column in (("counts", 1), ("first_day", 2), ("last_day", 3)):
        assert getattr(made, name).tolist() == [row[column] for row in kept]
    ages = [[age for age in range(RECENT_ORDERS) if row[4] >> age & 1] for row in kept]
    often = [[sum(0.9**age for age in one), sum(0.7**age for age in one)] for one in ages]
    assert made.often == pytest.approx(np.array(often).reshape(-1, 2), rel=1e-5)
    assert made.since.tolist() == [min(one, default=RECENT_ORDERS) for one in ages]
    decayed = [row[1] * 2 ** ((row[3] - TODAY) / HALF_LIFE_DAYS) for row in kept]
    assert made.weight == pytest.approx([w + 2 * o[0] for w, o in zip(decayed, often, strict=True)], rel=1e-5)
    weight = made.weight.tolist()
    order = sorted(range(len(kept)), key=lambda at: -weight[at])
    assert made.rank.tolist() == [order.index(at) for at in range(len(kept))]


@given(ORDINARY)
@settings(deadline=None)
def test_favourites_are_the_narrow_categories_of_most_weight(rows: list[Row]) -> None:
    """At most eight, of equals the smaller code; and the scratch is clean afterwards."""
    made = history(rows)
    sums: dict[int, float] = {}
    for item, weight in zip(made.items.tolist(), made.weight.tolist(), strict=True):
        code = int(INDEX.narrow_of[item])
        if code >= 0:
            sums[code] = sums.get(code, 0.0) + weight
    assert made.favourites.tolist() == sorted(sums, key=lambda code: (-sums[code], code))[:8]
    assert history([]).favourites.size == 0
    assert made.favourites.tolist() == history(rows).favourites.tolist()


@given(ORDINARY)
@settings(deadline=None)
def test_taste_points_where_purchases_point_together(rows: list[Row]) -> None:
    """By the root of their weight; zero where there are none."""
    made = history(rows)
    total = (np.sqrt(made.weight)[:, None] * INDEX.tastes[made.items].astype(np.float32)).sum(axis=0)
    assert made.taste == pytest.approx(total / max(float(np.linalg.norm(total)), 1e-9), abs=1e-4)


def test_views_keep_their_order_without_those_unknown() -> None:
    """Newest last; one that was viewed twice stands there twice."""
    assert history([], [5, -1, 7, 5, -1]).viewed.tolist() == [5, 7, 5]
    assert history([(3, 1, 1, 1, 1)], [-1, -1]).viewed.tolist() == []
    assert history([], [2]).viewed.dtype == np.int32


def test_an_empty_history_has_nothing_of_anything() -> None:
    """Arrays of no rows, and a taste of zero."""
    made = history([], scalars=(0, 0, 0))
    assert made.bought == made.orders == made.first_order_day == made.last_order_day == 0
    for name in ("items", "counts", "first_day", "last_day", "since", "weight", "rank", "favourites", "viewed"):
        assert getattr(made, name).shape == (0,)
    assert made.often.shape == (0, 2)
    assert made.taste.tolist() == [0] * 8


@given(HOSTILE, st.lists(st.integers(-1, 119), max_size=50), st.tuples(ANYTHING, ANYTHING, ANYTHING))
@settings(max_examples=200, deadline=None)
def test_whatever_a_record_says_answers_are_numbers(
    rows: list[Row], viewed: list[int], scalars: tuple[int, int, int]
) -> None:
    """Products named twice, counts and days at the ends of 32 bits, orders below none: finite weights and features."""
    made = history(rows, viewed, scalars)
    assert (np.diff(made.items) >= 0).all()
    assert np.isfinite(made.weight).all()
    assert np.isfinite(made.taste).all()
    for slot in SCORED_SLOTS:
        anchors = np.array([1, 2] if slot == "cart_complements" else [1] * (slot == "bought_together"), np.int32)
        context = Context(anchors, anchors[:0], made, TODAY)
        some = candidates(INDEX, slot, context, 30)
        assert len(some.items) <= 30
        assert not set(some.items.tolist()) & set(anchors.tolist())
        assert np.isfinite(some.scores).all()
        features = build(INDEX, slot, context, some)
        assert features.shape == (len(some.items), len(FEATURE_NAMES))
        assert np.isfinite(features).all()


def numbers(n: int) -> NDArray[np.int32]:
    """Of so many products."""
    return np.ones((4, n), np.int32)


@pytest.mark.parametrize(
    ("places", "given", "error"),
    [
        (np.zeros(2, np.int32), numbers(3), ValueError),
        (np.zeros(3, np.int32), np.ones((3, 3), np.int32), ValueError),
        (np.zeros(3, np.int32), np.ones(12, np.int32), ValueError),
        (np.zeros(3, np.int32), np.ones((4, 3, 1), np.int32), ValueError),
        (np.zeros(3, np.int32), np.ones((3, 4), np.int32).T, TypeError),
        (np.zeros(3, np.int32), np.ones((4, 3), np.int64), TypeError),
        (np.zeros(3, np.int64), numbers(3), TypeError),
        (np.zeros(6, np.int32)[::2], numbers(3), TypeError),
        (None, numbers(3), TypeError),
        (np.zeros(3, np.int32), None, TypeError),
    ],
)
def test_what_does_not_fit_is_refused(places: Any, given: Any, error: type[Exception]) -> None:
    """Nothing is read past the end of an array."""
    with pytest.raises(error):
        History(INDEX.compiled, places, given, (1, 1, 1))


def test_without_index_or_numbers_there_is_no_history() -> None:
    """Scalars are three."""
    nothing: Any = None
    with pytest.raises(TypeError):
        History(nothing, np.zeros(0, np.int32), numbers(0), (1, 1, 1))
    two: Any = (1, 1)
    with pytest.raises(ValueError, match="unpack"):
        History(INDEX.compiled, np.zeros(0, np.int32), numbers(0), two)


def test_kernels_remember_as_many_orders() -> None:
    """The bits of `recent` are those that a profile keeps."""
    every = history([(1, 1, TODAY, TODAY, 2**RECENT_ORDERS - 1)])
    assert every.often[0] == pytest.approx([sum(base**age for age in range(RECENT_ORDERS)) for base in (0.9, 0.7)])
    oldest = history([(1, 1, TODAY, TODAY, 2 ** (RECENT_ORDERS - 1)), (2, 1, TODAY, TODAY, 2**RECENT_ORDERS)])
    assert oldest.since.tolist() == [RECENT_ORDERS - 1, RECENT_ORDERS]


def test_an_index_outlives_whoever_made_it() -> None:
    """A history holds what its pointers lead into."""
    index: Index | None = random_shop(np.random.default_rng(5))
    assert index is not None
    made = Aligned(index.compiled, np.array([1, 2], np.int32), numbers(2), (1, 1, 1))
    before = made.taste.tolist()
    index = None
    noise = [np.ones(100_000) for _ in range(20)]
    assert (made.taste.tolist(), len(noise)) == (before, 20)
