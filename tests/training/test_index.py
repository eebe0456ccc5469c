"""The index builder: every array against numbers counted by hand from a handful of orders."""

from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from edge.core.derived import DERIVED
from edge.core.ids import KEYS, ORDER
from edge.core.index import ARRAYS, Index
from training import affinity, engine, index, pairs, vectors
from training.dataset import Dataset
from training.facts import Facts, collect
from training.pairs import Meetings, Pairs, beyond_chance, count_meetings, select
from training.rules import DataError

Order = tuple[str, str, int, list[str]]  # id, shopper, day, products


def shop(orders: list[Order], products: dict[str, tuple[str, str, float]], kind: str = "purchase-complete") -> Facts:
    """Facts of a shop with these orders; products are id -> (category, brand, price)."""
    rows = [(order, shopper, day, product) for order, shopper, day, goods in orders for product in goods]
    lines = pa.table(
        {
            "event_id": [row[0] for row in rows],
            "type": [kind] * len(rows),
            "time": pa.array([row[2] * 86_400_000_000 for row in rows], pa.timestamp("us")),
            "day": pa.array([row[2] for row in rows], pa.int32()),
            "shopper": [row[1] for row in rows],
            "session_id": pa.array([None] * len(rows), pa.string()),
            "product_id": [row[3] for row in rows],
            "price": pa.array([2.5] * len(rows), pa.float64()),
        }
    )
    goods = pa.table(
        {
            "id": list(products),
            "category": [category for category, _, _ in products.values()],
            "brand": [brand for _, brand, _ in products.values()],
            "price": pa.array([price for _, _, price in products.values()], pa.float64()),
        }
    )
    return collect(engine.connect(), ibis.memtable(lines), ibis.memtable(goods))


GOODS = {
    "a": ("Food > Fruit > Apples", "X", 1.0),
    "b": ("Food > Fruit", "Y", 2.0),
    "c": ("Food", "", 3.0),
    "d": ("", "X", 0.0),
}
ORDERS: list[Order] = [
    ("o1", "anna", 100, ["a", "b"]),
    ("o2", "anna", 110, ["a", "b", "d"]),
    ("o3", "ben", 120, ["a", "b"]),
    ("o4", "ben", 130, ["a"]),
    ("o5", "cleo", 140, ["c"]),
]


def build(facts: Facts, until: int) -> dict[str, NDArray[Any]]:
    """The arrays of an index up to a day."""
    return index.build(facts, count_meetings(facts, until), until)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two sales be enough to be paired, so that five orders say something."""
    monkeypatch.setattr(pairs, "MIN_SOLD", 2)


def test_products_lie_in_the_order_of_their_ids() -> None:
    """Positions do not depend on sales: a later index may be compared with an earlier one, and no future leaks."""
    arrays = build(shop(ORDERS, GOODS), 150)
    assert arrays["ids"].tolist() == [b"a", b"b", b"c", b"d"]
    assert arrays["brand_of"].tolist() == [0, 1, -1, 0]


def test_category_codes_are_wide_before_narrow() -> None:
    """Food, then Food > Fruit, then Food > Fruit > Apples; shorter paths end in -1."""
    arrays = build(shop(ORDERS, GOODS), 150)
    assert arrays["category_paths"].tolist() == [b"Food", b"Food > Fruit", b"Food > Fruit > Apples"]
    assert arrays["category_of"].tolist() == [[0, 1, 2], [0, 1, -1], [0, -1, -1], [-1, -1, -1]]


def test_a_missing_price_is_what_was_paid() -> None:
    """The catalogue's price stands where there is one; d has none, and was sold at 2.5."""
    assert build(shop(ORDERS, GOODS), 150)["price"].tolist() == [1, 2, 3, 2.5]


def test_sold_counts_orders_before_the_day() -> None:
    """Four orders with a, three with b; up to day 120 only two of each."""
    facts = shop(ORDERS, GOODS)
    assert build(facts, 150)["sold"].tolist() == [4, 3, 1, 1]
    early = build(facts, 120)
    assert early["sold"].tolist() == [2, 2, 0, 1]
    assert early["as_of"].tolist() == [120]
    assert early["orders"].tolist() == [2]


def test_recent_sales_fade_with_a_half_life_of_two_weeks() -> None:
    """On day 154 c's sale of day 140 counts one half."""
    assert build(shop(ORDERS, GOODS), 154)["sold_recently"][2] == pytest.approx(0.5)


def test_repeat_rate_is_shrunk_to_the_shops() -> None:
    """a: two buyers, both again; b: two, one again; c, d: one each, never. Usual is 3 in 6, with 5 buyers of doubt."""
    rates = build(shop(ORDERS, GOODS), 150)["repeat_rate"]
    assert rates == pytest.approx([(2 + 2.5) / 7, (1 + 2.5) / 7, 2.5 / 6, 2.5 / 6])


def test_gap_is_the_median_of_days_between_purchases() -> None:
    """a: 10 days by anna, 10 by ben; b: 10 by anna; nobody bought c or d twice."""
    assert build(shop(ORDERS, GOODS), 150)["gap_days"].tolist() == [10, 10, 0, 0]


def test_popular_and_category_lists_are_best_first() -> None:
    """c sold last, then a (days 130, 120, ...), b, d; categories hold their own products only."""
    built = Index.from_arrays(build(shop(ORDERS, GOODS), 150))
    recent = built.sold_recently
    assert built.popular.tolist() == sorted(range(4), key=lambda at: -recent[at])
    assert built.popular_in("Food > Fruit").tolist() == [0, 1]
    assert set(built.popular_in("Food").tolist()) == {0, 1, 2}


def test_trend_compares_with_the_time_before() -> None:
    """A product sold only lately rises, one sold only earlier falls; with no earlier time nothing moves."""
    late: list[Order] = [(f"n{at}", "anna", 140 + at, ["c"]) for at in range(8)]
    early: list[Order] = [(f"e{at}", "ben", 60 + 2 * at, ["b"]) for at in range(20)]
    arrays = build(shop(late + early, GOODS), 150)
    assert arrays["trend"][2] > 0 > arrays["trend"][1]
    assert arrays["trending"].tolist() == [2]
    assert not build(shop(late, GOODS), 150)["trend"].any()


def test_sessions_hold_two_products_or_more() -> None:
    """o1, o2 and o3, oldest first; o4 and o5 hold one product; each product's sessions come newest first."""
    arrays = build(shop(ORDERS, GOODS), 150)
    assert arrays["session_ptr"].tolist() == [0, 2, 5, 7]
    assert arrays["session_items"].tolist() == [0, 1, 0, 1, 3, 0, 1]
    start, end = arrays["item_session_ptr"][:2]
    assert arrays["item_sessions"][start:end].tolist() == [2, 1, 0]


def test_sessions_nobody_would_look_up_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one session kept per product, o2 is d's and o3 is a's and b's: o1 is nobody's, so it does not ship."""
    monkeypatch.setattr(index, "_SESSIONS_PER_ITEM", 1)
    built = Index.from_arrays(build(shop(ORDERS, GOODS), 150))
    assert built.session_ptr.tolist() == [0, 3, 5]
    assert built.session_items.tolist() == [0, 1, 3, 0, 1]
    assert built.item_sessions.tolist() == [1, 1, 0]
    assert built.item_session_ptr.tolist() == [0, 1, 2, 2, 3]


def test_meetings_need_three_orders_and_two_shoppers(few: None) -> None:
    """a and b met three times, for anna and ben; a and d once. Up to day 120 only anna had them."""
    facts = shop(ORDERS, GOODS)
    met = count_meetings(facts, 150)
    assert (met.left.tolist(), met.right.tolist(), met.together.tolist()) == ([0], [1], [3])
    assert count_meetings(facts, 120).left.size == 0


def test_three_orders_of_one_shopper_are_a_habit(few: None) -> None:
    """However often one household buys two products together, it is no evidence about others."""
    habit: list[Order] = [(f"o{at}", "anna", 100 + at, ["a", "b"]) for at in range(9)]
    assert count_meetings(shop(habit, GOODS), 150).left.size == 0


def test_chance_takes_the_orders_sizes_into_account(few: None) -> None:
    """Common products are a (4) and b (3): orders of 2, 2, 2 and 1 hold 6 ordered pairs of 7 * 7 possible."""
    assert count_meetings(shop(ORDERS, GOODS), 150).chance == pytest.approx(6 / 49)


def test_only_pairs_beyond_chance_are_kept() -> None:
    """Sold 100 times each at a chance of 0.001, 10 meetings are expected: 10 are not kept, 40 are, their lift ln 4."""
    sold = np.full(3, 100, np.float32)
    left, right = np.array([0, 0], np.int32), np.array([1, 2], np.int32)
    kept = beyond_chance(Meetings(left, right, np.array([10, 40], np.float32), sold, 0.001))
    assert (kept.left.tolist(), kept.right.tolist()) == ([0], [2])
    assert kept.lift == pytest.approx([np.log(4)])
    assert kept.score == pytest.approx([0.4 * 40 / 45])


def test_a_lift_from_few_meetings_is_not_enough() -> None:
    """Four meetings where 2.5 are expected is within two standard deviations: could be luck."""
    sold = np.full(2, 50, np.float32)
    met = Meetings(np.array([0], np.int32), np.array([1], np.int32), np.array([4], np.float32), sold, 0.001)
    assert beyond_chance(met).left.size == 0


def test_select_keeps_the_best_of_each_product_both_ways() -> None:
    """0 met 1 and 2; with one place each, 0 keeps 2 (the better), 1 and 2 keep 0."""
    left, right = np.array([0, 0], np.int32), np.array([1, 2], np.int32)
    found = Pairs(left, right, np.array([0.2, 0.7], np.float32), np.array([1, 2], np.float32))
    ptr, items, score, lift = select(found, 4, kept=1)
    assert ptr.tolist() == [0, 1, 2, 3, 3]
    assert items.tolist() == [2, 0, 0]
    assert score == pytest.approx([0.7, 0.2, 0.7])
    assert lift == pytest.approx([2, 1, 2])


def test_kinds_meet_beyond_chance_and_with_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 4 orders with a kind, apples and fruit met 3 times where 4 * 3 / 5 = 2.4 are expected."""
    monkeypatch.setattr(affinity, "MIN_ORDERS", 3)
    monkeypatch.setattr(affinity, "MIN_Z", 0.1)
    arrays = build(shop(ORDERS, GOODS), 150)
    ptr, codes, lift = arrays["kind_ptr"], arrays["kind_codes"], arrays["kind_lift"]
    apples = slice(ptr[2], ptr[3])
    assert dict(zip(codes[apples].tolist(), lift[apples].tolist(), strict=True)) == {
        2: pytest.approx(1),
        1: pytest.approx(np.log(3 / 2.4)),
    }
    assert codes[ptr[0] : ptr[1]].tolist() == [0]


def test_vectors_point_the_same_way_for_the_same_company(known: Index) -> None:
    """Vectors have length one or zero, and two products of one company are nearer than strangers on average."""
    lengths = np.linalg.norm(known.vectors.astype(np.float32), axis=1)
    assert np.all((np.abs(lengths - 1) < 0.01) | (lengths == 0))


def test_vectors_of_a_block_structure_separate_the_blocks() -> None:
    """Two groups of products that pair only among themselves: within a group cosine 1, between 0."""
    size = 60
    group = np.repeat([0, 1], size)
    left, right = (side.astype(np.int32) for side in np.triu_indices(2 * size, 1))
    same = group[left] == group[right]
    left, right = left[same], right[same]
    ones = np.ones(len(left), np.float32)
    out = vectors.directions(Pairs(left, right, ones, ones), 2 * size + 1).astype(np.float32)
    cosines = out[: 2 * size] @ out[: 2 * size].T
    assert cosines[group[:, None] == group].min() > cosines[group[:, None] != group].max()
    assert not out[-1].any()


def test_too_few_products_have_no_vectors() -> None:
    """A handful of products cannot span directions: all zero, so that nothing is near anything."""
    assert not build(shop(ORDERS, GOODS), 150)["vectors"].any()
    assert not build(shop(ORDERS, GOODS), 150)["tastes"].any()


def test_views_count_less_than_purchases() -> None:
    """A shop with views only has popular products, but nothing sold and no pairs."""
    arrays = build(shop(ORDERS, GOODS, kind="detail-page-view"), 141)
    assert not arrays["sold"].any()
    assert 0 < arrays["sold_recently"][2] <= 0.05
    assert arrays["pair_items"].size == 0
    assert arrays["popular"].size == 4


def test_nothing_to_learn_from_is_an_error() -> None:
    """Events that say nothing about products make no index, and the error says so."""
    with pytest.raises(DataError, match="nothing can be learned"):
        shop(ORDERS, GOODS, kind="search")


def test_an_index_of_three_orders_is_valid() -> None:
    """Three orders make an index that loads, with popular products and no pairs."""
    built = Index.from_arrays(build(shop(ORDERS[:3], GOODS), 130))
    assert built.orders == 3
    assert built.pair_items.size == 0
    assert built.popular.size == 3


def test_the_sample_shop_fills_every_array(facts: Facts, shop_dir: Dataset) -> None:
    """All arrays that serving asks for are there and fit; building twice gives the same bytes."""
    until = facts.last_day + 1
    first, second = build(facts, until), build(facts, until)
    assert set(first) == {*ARRAYS, *DERIVED, KEYS, ORDER}
    assert len(Index.from_arrays(first).ids) == shop_dir.summary.products
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


def test_the_sample_shops_partners_are_found(facts: Facts) -> None:
    """The made-up shop sells products in pairs: many of them must be found beyond chance."""
    built = Index.from_arrays(build(facts, facts.last_day + 1))
    linked = np.diff(built.pair_ptr) > 0
    assert linked.sum() > 20


def test_kinds_that_hardly_beat_chance_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same 3 meetings over 2.4 expected are too few where half as many again are asked for."""
    monkeypatch.setattr(affinity, "MIN_ORDERS", 3)
    monkeypatch.setattr(affinity, "MIN_Z", 0.1)
    monkeypatch.setattr(affinity, "MIN_LIFT", 1.5)
    arrays = build(shop(ORDERS, GOODS), 150)
    assert arrays["kind_codes"].tolist() == [0, 1, 2]


def test_a_kind_keeps_its_best_companions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one place each, a kind keeps the strongest: itself at 1 beats ln 1.25."""
    monkeypatch.setattr(affinity, "MIN_ORDERS", 3)
    monkeypatch.setattr(affinity, "MIN_Z", 0.1)
    monkeypatch.setattr(affinity, "KINDS_KEPT", 1)
    arrays = build(shop(ORDERS, GOODS), 150)
    assert np.diff(arrays["kind_ptr"]).tolist() == [1, 1, 1]
    assert arrays["kind_codes"].tolist() == [0, 1, 2]
