"""Rows of features at the seams: several shelves in one matrix, agreement of numbers between kernels and Python."""

from typing import Any

import numpy as np
import pytest

from edge.core.compiled.features import FEATURES, fill
from edge.core.context import Context, History
from edge.core.features import FEATURE_NAMES, build_all
from edge.core.profile import RECENT_ORDERS
from edge.core.retrieval import RANKED_SLOTS, SCORED_SLOTS, candidates
from edge.core.sources import SOURCES
from tests.edge.core import slow
from tests.edge.core.shops import TODAY, random_shop, shopper

INDEX = random_shop(np.random.default_rng(6), 400)
NOBODY = np.empty(0, np.int32)


def test_there_is_a_name_for_every_column() -> None:
    """Kernel and names count alike; sources stand in their order."""
    assert len(FEATURE_NAMES) == FEATURES
    assert FEATURE_NAMES[3 : 3 + len(SOURCES)] == tuple(f"from_{source}" for source in SOURCES)


@pytest.mark.parametrize("seed", range(6))
def test_all_shelves_of_a_request_stand_one_below_the_other(seed: int) -> None:
    """Each with its own rows and place, as the obvious version has them; a shelf of nothing takes no row."""
    rng = np.random.default_rng(seed)
    anchors = rng.choice(400, int(rng.integers(0, 4)), replace=False).astype(np.int32)
    recent = rng.choice(400, int(rng.integers(0, 5)), replace=False).astype(np.int32)
    context = Context(anchors, recent, History.of(INDEX, shopper(rng, INDEX)), TODAY + 0.5)
    some = {slot: candidates(INDEX, slot, context, 60) for slot in SCORED_SLOTS if slot != "bought_together"}
    rows, start = build_all(INDEX, context, some), 0
    for slot, one in some.items():
        part = rows[start : start + len(one.items)]
        np.testing.assert_allclose(part, slow.features(INDEX, slot, context, one), rtol=1e-5, atol=2e-6)
        assert (part[:, 0] == RANKED_SLOTS.index(slot)).all()
        start += len(one.items)
    assert start == len(rows)


def test_who_bought_nothing_has_the_orders_that_are_remembered() -> None:
    """As many as a profile keeps: what was never bought is as long ago as that."""
    context = Context(np.array([1], np.int32), NOBODY, History.of(INDEX, None), TODAY)
    rows = build_all(INDEX, context, {"cart_complements": candidates(INDEX, "cart_complements", context)})
    assert len(rows)
    assert set(rows[:, FEATURE_NAMES.index("own_orders_since")].tolist()) == {RECENT_ORDERS}


def asked(**others: Any) -> tuple[Any, ...]:
    """Three candidates for two rows from the first on, and what else `fill` takes."""
    told: dict[str, Any] = {
        "arrays": INDEX.compiled,
        "history": History.of(INDEX, None),
        "anchors": NOBODY,
        "recent": NOBODY,
        "day": float(TODAY),
        "slot": 1,
        "items": np.arange(3, dtype=np.int32),
        "scores": np.ones(3, np.float32),
        "evidence": np.zeros((len(SOURCES), 3), np.float32),
        "out": np.full((5, FEATURES), 7, np.float32),
        "start": 1,
    }
    return tuple((told | others).values())


def test_only_the_rows_of_the_shelf_are_written() -> None:
    """Those before and after stay as they are."""
    out = np.full((5, FEATURES), 7, np.float32)
    fill(*asked(out=out))
    assert (out[[0, 4]] == 7).all()
    assert out[1:4, 2].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("others", "error"),
    [
        ({"start": 3}, ValueError),
        ({"start": -1}, ValueError),
        ({"start": 2**30}, ValueError),
        ({"out": np.zeros((5, FEATURES - 1), np.float32)}, ValueError),
        ({"out": np.zeros(5 * FEATURES, np.float32)}, ValueError),
        ({"out": np.zeros((5, FEATURES))}, TypeError),
        ({"out": np.zeros((FEATURES, 5), np.float32).T}, TypeError),
        ({"out": None}, TypeError),
        ({"scores": np.ones(2, np.float32)}, ValueError),
        ({"scores": np.ones(3)}, TypeError),
        ({"items": np.arange(3)}, TypeError),
        ({"items": np.arange(4, dtype=np.int32)}, ValueError),
        ({"items": None}, TypeError),
        ({"evidence": np.zeros((len(SOURCES), 2), np.float32)}, ValueError),
        ({"evidence": np.zeros((3, len(SOURCES)), np.float32)}, ValueError),
        ({"evidence": np.zeros(len(SOURCES), np.float32)}, ValueError),
        ({"evidence": np.zeros((len(SOURCES), 3))}, TypeError),
        ({"evidence": None}, TypeError),
        ({"anchors": np.zeros(1)}, TypeError),
        ({"recent": np.zeros(1)}, TypeError),
        ({"history": None}, TypeError),
        ({"arrays": None}, TypeError),
    ],
)
def test_what_does_not_fit_is_refused(others: dict[str, Any], error: type[Exception]) -> None:
    """Nothing is read or written past the end of an array."""
    with pytest.raises(error):
        fill(*asked(**others))
