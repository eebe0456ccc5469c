"""Vectors: two circles of products that never meet must point two ways, from pairs and from shoppers."""

import ibis
import numpy as np
import pyarrow as pa
import pytest

from training import engine
from training.facts import Facts, collect
from training.pairs import Pairs
from training.vectors import DIMENSIONS, directions, tastes

SIDE = 30  # products in each circle


def circles(shoppers: int) -> Facts:
    """Each shopper buys ten products of one circle, one a day from day 0; product `sixty-one` is bought by one only."""
    rows = [
        (f"s{who:02d}", day, f"p{who % 2 * SIDE + (who * 7 + day * 3) % SIDE:02d}")
        for who in range(shoppers)
        for day in range(10)
    ]
    rows.append(("s00", 3, "sixty-one"))
    ids = [*(f"p{number:02d}" for number in range(2 * SIDE)), "sixty-one"]
    lines = pa.table(
        {
            "event_id": [f"{who}-{day}" for who, day, _ in rows],
            "type": ["purchase-complete"] * len(rows),
            "time": pa.array([day * 86_400_000_000 for _, day, _ in rows], pa.timestamp("us")),
            "day": pa.array([day for _, day, _ in rows], pa.int32()),
            "shopper": [who for who, _, _ in rows],
            "session_id": pa.array([None] * len(rows), pa.string()),
            "product_id": [product for _, _, product in rows],
            "price": [1.0] * len(rows),
        }
    )
    goods = pa.table({"id": ids, "category": [""] * 61, "brand": [""] * 61, "price": [1.0] * 61})
    return collect(engine.connect(), ibis.memtable(lines), ibis.memtable(goods))


def ring(lift: float) -> Pairs:
    """Two rings of products: each pairs with the next three of its own."""
    edges = [(c * SIDE + a, c * SIDE + (a + step) % SIDE) for c in (0, 1) for a in range(SIDE) for step in (1, 2, 3)]
    left, right = (np.array(side, np.int32) for side in zip(*(sorted(edge) for edge in edges), strict=True))
    return Pairs(left, right, np.ones(len(left), np.float32), np.full(len(left), lift, np.float32))


def test_directions_are_unit_vectors_of_those_in_pairs() -> None:
    """One row per product; a product in no pair points nowhere; twice the same pairs, twice the same bytes."""
    out = directions(ring(1.0), 2 * SIDE + 2)
    assert out.shape == (2 * SIDE + 2, DIMENSIONS)
    assert out.dtype.name == "float16"
    lengths = np.linalg.norm(out.astype(np.float32), axis=1)
    assert lengths[: 2 * SIDE] == pytest.approx(1, abs=0.01)
    assert lengths[2 * SIDE :].tolist() == [0, 0]
    assert out.tobytes() == directions(ring(1.0), 2 * SIDE + 2).tobytes()


def test_only_the_proportions_of_lifts_matter() -> None:
    """A shop where everything lifts twice as much has products that point the same ways."""
    one, two = (directions(ring(lift), 2 * SIDE).astype(np.float32) for lift in (0.5, 1.0))
    assert one @ one.T == pytest.approx(two @ two.T, abs=0.02)


def test_neighbours_in_a_ring_are_nearer_than_strangers() -> None:
    """The next product shares company; one of the other ring shares none."""
    out = directions(ring(1.0), 2 * SIDE).astype(np.float32)
    near = np.array([out[a] @ out[(a + 1) % SIDE] for a in range(SIDE)])
    assert near.min() > np.abs(out[:SIDE] @ out[SIDE:].T).max()


def test_tastes_part_the_circles_and_pass_over_the_rare() -> None:
    """Products of one circle's shoppers look one way on average; what one shopper bought has no direction."""
    out = tastes(circles(60), 10).astype(np.float32)
    assert np.linalg.norm(out[:-1], axis=1) == pytest.approx(1, abs=0.01)
    assert not out[-1].any()
    alike = (out[:SIDE] @ out[:SIDE].T).mean()
    assert alike > 5 * np.abs(out[:SIDE] @ out[SIDE:-1].T).mean()


@pytest.mark.parametrize(("shoppers", "until"), [(60, 0), (60, 1), (20, 10)])
def test_too_little_history_has_no_tastes(shoppers: int, until: int) -> None:
    """Before the first day, after one day, or with fewer shoppers than directions: nothing is near anything."""
    assert not tastes(circles(shoppers), until).any()
