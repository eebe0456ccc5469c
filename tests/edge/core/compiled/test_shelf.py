"""A shelf's order, worth and reasons against a plain Python version."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.core.compiled.shelf import arranged, spread
from edge.core.index import Index
from edge.core.sources import HITS, NEIGHBOURS, OWN, PAIR, SOURCES
from tests.edge.core.shops import random_shop

SCALE = 10_000
INDEX = random_shop(np.random.default_rng(2))
Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Told = tuple[Floats, Ints, int, int, Ints]


def plain(
    index: Index,
    items: Ints,
    values: Floats,
    ranked: bool,
    evidence: Floats,
    allowed: NDArray[np.bool_] | None,
    elsewhere: Ints | None,
    told: Told,
    strength: float,
    most: int,
) -> list[tuple[int, float, int]]:
    """Positions, worth and reasons, product by product."""
    worth = {at: float(value) for at, value in enumerate(values)}
    order = sorted(worth, key=lambda at: -worth[at]) if ranked else list(worth)
    top = max([*worth.values(), 1e-9])
    worth = {at: 1 / (1 + np.exp(-w)) if ranked else min(max(w / top, 0), 1) for at, w in worth.items()}
    second = index.category_of[:, :2].max(axis=1)
    if allowed is not None:
        order = [at for at in order if allowed[at]]
    if elsewhere is not None:
        others = second[elsewhere].tolist()
        order = [
            at
            for at in order
            if evidence[HITS, at] > 0
            and second[items[at]] >= 0
            and -1 not in others
            and second[items[at]] not in others
        ]
    seen: dict[int, int] = {}
    for at in order:
        kind = int(index.category_of[items[at]].max())
        worth[at] *= (1 - strength) ** seen.get(kind, 0) if kind >= 0 else 1
        seen[kind] = seen.get(kind, 0) + 1
    if strength > 0:
        order.sort(key=lambda at: -worth[at])
    return [(int(items[at]), worth[at], reason(told, evidence[:, at], int(items[at]))) for at in order[:most]]


def reason(told: Told, evidence: Floats, item: int) -> int:
    """The word for what found a product."""
    weights, words, instead_of, instead, among = told
    word = int(words[int(sum(weight for weight, said in zip(weights, evidence, strict=True) if said > 0))])
    return instead if word == instead_of and item in among else word


def case(seed: int, n: int) -> dict[str, Any]:
    """Candidates and all else that `arranged` is asked with."""
    rng = np.random.default_rng(seed)
    items = rng.choice(120, n, replace=False).astype(np.int32)
    evidence = (rng.random((n, len(SOURCES))) * (rng.random((n, len(SOURCES))) < 0.5)).astype(np.float32)
    weights = np.zeros(len(SOURCES), np.float32)
    weights[[HITS, OWN, NEIGHBOURS]] = 1, 2, 4
    ranked = bool(rng.integers(2))
    values = (rng.integers(-30, 30, n) / 10).astype(np.float32)
    return {
        "items": items,
        "values": values if ranked else -np.sort(-values),
        "ranked": ranked,
        "evidence": evidence.T if rng.integers(2) else np.ascontiguousarray(evidence.T),
        "allowed": rng.random(n) < 0.7 if rng.integers(2) else None,
        "elsewhere": rng.choice(120, rng.integers(0, 3)).astype(np.int32) if rng.integers(2) else None,
        "told": (weights, np.arange(8, dtype=np.int32), int(rng.integers(8)), 99, items[: n // 2]),
        "strength": float(rng.choice([0, 0.3, 1])),
        "most": int(rng.integers(0, n + 10)),
    }


@given(st.integers(0, 2**32), st.sampled_from([0, 1, 2, 11, 12, 13, 23, 24, 25, 60, 99, 100, 101, 120]))
@settings(max_examples=200, deadline=None)
def test_a_shelf_is_that_of_the_plain_version(seed: int, n: int) -> None:
    """The same products in the same order, ties among them; scores to the last digit shown, or the one beside it."""
    asked = case(seed, n)
    positions, scores, reasons = arranged(INDEX.compiled, **asked, scale=SCALE)
    expected = plain(INDEX, **asked)
    assert positions.dtype == scores.dtype == reasons.dtype == np.int32
    assert len(positions) == len(scores) == len(reasons) == len(expected)
    shown = list(zip(positions.tolist(), scores.tolist(), reasons.tolist(), strict=True))
    rounded = [(item, round(worth * SCALE), word) for item, worth, word in expected]
    if asked["strength"] in (0, 1):
        assert [one[::2] for one in shown] == [one[::2] for one in rounded]
    else:  # powers are rounded otherwise than products, so that those equally worth may change places
        assert {one[::2] for one in shown} <= {one[::2] for one in plain(INDEX, **{**asked, "most": n})}, (
            "the same products, for the same reasons"
        )
    assert scores.tolist() == pytest.approx([score for _, score, _ in rounded], abs=1)


def quiet(n: int, **others: Any) -> tuple[Any, ...]:
    """Candidates that nobody speaks of."""
    told = np.zeros(len(SOURCES), np.float32), np.array([7], np.int32), 0, 0, np.empty(0, np.int32)
    asked: dict[str, Any] = {
        "items": np.arange(n, dtype=np.int32),
        "values": np.ones(n, np.float32),
        "ranked": True,
        "evidence": np.zeros((len(SOURCES), n), np.float32),
        "allowed": None,
        "elsewhere": None,
        "told": told,
        "strength": 0.0,
        "most": n,
        "scale": SCALE,
    }
    return tuple((asked | others).values())


@pytest.mark.parametrize("n", [1, 2, 11, 12, 13, 24, 25, 48, 49, 100, 120])
def test_equals_keep_the_order_they_came_in(n: int) -> None:
    """Of a hundred products of one score, and of two scores by turns."""
    positions, scores, reasons = arranged(INDEX.compiled, *quiet(n))
    assert positions.tolist() == list(range(n))
    assert scores.tolist() == [7311] * n
    assert reasons.tolist() == [7] * n
    by_turns = (np.arange(n) % 2).astype(np.float32)
    positions, _, _ = arranged(INDEX.compiled, *quiet(n, values=by_turns))
    assert positions.tolist() == [*range(1, n, 2), *range(0, n, 2)]


@pytest.mark.parametrize("ranked", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_score_stands_somewhere(ranked: bool, value: float) -> None:
    """Each product once all the same, among any number of others, and infinite scores at either end."""
    for n in (1, 12, 13, 100):
        values = np.linspace(2, 1, n).astype(np.float32)
        values[:: max(n // 3, 1)] = value
        positions, scores, _ = arranged(INDEX.compiled, *quiet(n, values=values, ranked=ranked))
        assert sorted(positions.tolist()) == list(range(n))
        if ranked and np.isinf(value):
            assert scores[0 if value > 0 else -1] == (SCALE if value > 0 else 0)


def test_complete_the_look_leaves_the_anchors_category(index: Index) -> None:
    """Of tea's companions green tea is a hot drink too; cake is not. What nobody bought with it is not of them."""
    items = index.positions(["cake", "green", "bread", "soap", "odd"])
    evidence = np.zeros((len(SOURCES), 5), np.float32)
    evidence[HITS] = 1, 1, 0, 1, 1
    others = {"items": items, "evidence": evidence, "values": np.arange(5, 0, -1).astype(np.float32)}

    def beside(*anchors: str) -> list[str]:
        asked = quiet(5, **others, elsewhere=index.positions(anchors))
        return [index.ids[at] for at in arranged(index.compiled, *asked)[0]]

    assert beside("tea") == ["cake", "soap"]
    assert beside("tea", "cake") == ["soap"]
    assert beside("cola") == ["cake", "green", "soap"]
    assert beside("odd") == beside("tea", "odd") == [], "nothing is known to be elsewhere than nowhere"
    assert beside() == ["cake", "green", "soap"]


@pytest.mark.parametrize(
    ("others", "error"),
    [
        ({"items": np.arange(5)}, TypeError),
        ({"items": np.arange(10, dtype=np.int32)[::2]}, TypeError),
        ({"items": None}, TypeError),
        ({"items": np.arange(4, dtype=np.int32)}, ValueError),
        ({"values": np.ones(5)}, TypeError),
        ({"values": np.ones(4, np.float32)}, ValueError),
        ({"evidence": np.zeros((len(SOURCES), 5))}, TypeError),
        ({"evidence": np.zeros((len(SOURCES), 4), np.float32)}, ValueError),
        ({"evidence": np.zeros((len(SOURCES) - 1, 5), np.float32)}, ValueError),
        ({"evidence": np.zeros(len(SOURCES), np.float32)}, ValueError),
        ({"evidence": None}, TypeError),
        ({"allowed": np.ones(4, np.bool_)}, ValueError),
        ({"allowed": np.ones(5, np.uint8)}, TypeError),
        ({"elsewhere": np.ones(1, np.int64)}, TypeError),
        ({"most": -1}, ValueError),
        ({"told": None}, TypeError),
        ({"told": (np.ones(3, np.float32), np.zeros(8, np.int32), 0, 0, np.empty(0, np.int32))}, ValueError),
        ({"told": (np.ones(len(SOURCES)), np.zeros(8, np.int32), 0, 0, np.empty(0, np.int32))}, TypeError),
        (
            {"told": (np.zeros(len(SOURCES), np.float32), np.empty(0, np.int32), 0, 0, np.empty(0, np.int32))},
            ValueError,
        ),
    ],
)
def test_what_does_not_fit_is_refused(others: dict[str, Any], error: type[Exception]) -> None:
    """Nothing is read past the end of an array."""
    with pytest.raises(error):
        arranged(INDEX.compiled, *quiet(5, **others))


def test_sources_that_have_no_word_together_are_refused() -> None:
    """Weights and words belong together."""
    weights = np.zeros(len(SOURCES), np.float32)
    weights[PAIR] = 4
    evidence = np.ones((len(SOURCES), 5), np.float32)
    told = weights, np.zeros(4, np.int32), 0, 0, np.empty(0, np.int32)
    with pytest.raises(ValueError, match="add up to 4, 4 words"):
        arranged(INDEX.compiled, *quiet(5, told=told, evidence=evidence))


@pytest.mark.parametrize("kinds", [np.zeros(4, np.int32), np.zeros(6, np.int32)])
def test_kinds_are_as_many_as_values(kinds: Ints) -> None:
    """Of `spread`, too."""
    with pytest.raises(ValueError, match="5 values"):
        spread(np.ones(5), kinds, 0.5, 5)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 3)), max_size=130), st.integers(0, 140))
@settings(deadline=None)
def test_the_best_of_each_kind_come_first(values: list[tuple[int, int]], most: int) -> None:
    """At full strength: the first of each kind in order, then all that are worth nothing beside them, as they came."""
    values.sort(reverse=True)
    worth, kinds = np.array([value for value, _ in values], np.float64), np.array([k for _, k in values], np.int32)
    places, said = spread(worth, kinds, 1.0, most)
    left = [v if k < 0 or (k not in [one for _, one in values[:at]]) else 0 for at, (v, k) in enumerate(values)]
    expected = sorted(range(len(values)), key=lambda at: -left[at])[:most]
    assert places.tolist() == expected
    assert said.tolist() == [left[at] for at in expected]
