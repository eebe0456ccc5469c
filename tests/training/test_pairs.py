"""Pairs and kinds: five baskets, counted and weighed by hand."""

import ibis
import numpy as np
import pyarrow as pa
import pytest

from training import affinity, engine, pairs
from training.facts import Facts, collect
from training.pairs import beyond_chance, count_meetings, select

# Apples 0, bread 1, coffee 2, dates 3: a basket a day, by two shoppers.
BASKETS = [("anna", "abc"), ("ben", "ab"), ("anna", "ab"), ("ben", "ac"), ("anna", "bd")]


def shop(baskets: list[tuple[str, str]]) -> Facts:
    """Facts of these baskets, basket n on day n."""
    rows = [(day, shopper, product) for day, (shopper, goods) in enumerate(baskets) for product in goods]
    lines = pa.table(
        {
            "event_id": [f"o{day}" for day, _, _ in rows],
            "type": ["purchase-complete"] * len(rows),
            "time": pa.array([day * 86_400_000_000 for day, _, _ in rows], pa.timestamp("us")),
            "day": pa.array([day for day, _, _ in rows], pa.int32()),
            "shopper": [shopper for _, shopper, _ in rows],
            "session_id": pa.array([None] * len(rows), pa.string()),
            "product_id": [product for _, _, product in rows],
            "price": [1.0] * len(rows),
        }
    )
    goods = pa.table({"id": list("abcd"), "category": [""] * 4, "brand": [""] * 4, "price": [1.0] * 4})
    return collect(engine.connect(), ibis.memtable(lines), ibis.memtable(goods))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two meetings be enough, so that five baskets say something."""
    monkeypatch.setattr(pairs, "MIN_SOLD", 2)
    monkeypatch.setattr(pairs, "MIN_ORDERS", 2)
    monkeypatch.setattr(affinity, "MIN_ORDERS", 2)
    monkeypatch.setattr(affinity, "MIN_Z", 0.0)


def test_five_baskets_counted_by_hand(few: None) -> None:
    """a in 4, b in 4, c in 2; a and b met 3 times, a and c twice, b and c only once; d is too rare to look at.

    Without d the baskets hold 3, 2, 2, 2 and 1 products: chance is (6 + 2 + 2 + 2 + 0) / 10 squared.
    """
    met = count_meetings(shop(BASKETS), 5)
    assert list(zip(met.left.tolist(), met.right.tolist(), met.together.tolist(), strict=True)) == [
        (0, 1, 3),
        (0, 2, 2),
    ]
    assert met.sold.tolist() == [4, 4, 2, 1]
    assert met.chance == pytest.approx(0.12)


def test_the_day_itself_is_not_counted(few: None) -> None:
    """Until day 3, the baskets of days 0, 1 and 2; until day 0 there is nothing, and no division by it."""
    met = count_meetings(shop(BASKETS), 3)
    assert met.sold.tolist() == [3, 3, 1, 0]
    assert met.together.tolist() == [3]
    none = count_meetings(shop(BASKETS), 0)
    assert (none.left.size, none.chance) == (0, 0)
    assert beyond_chance(none).left.size == 0


def test_a_product_twice_in_a_basket_is_there_once(few: None) -> None:
    """Lines of one order do not meet themselves, nor count double."""
    met = count_meetings(shop([("anna", "aab"), ("ben", "abb")]), 2)
    assert (met.sold.tolist(), met.together.tolist()) == ([2, 2, 0, 0], [2])


def test_lift_is_the_log_of_what_is_above_chance(few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expected: a with b 4 * 4 * 0.12 = 1.92, a with c 0.96; met 3 and 2 times. Cosines lose 5 orders of doubt."""
    monkeypatch.setattr(pairs, "MIN_Z", 0.5)
    found = beyond_chance(count_meetings(shop(BASKETS), 5))
    assert found.lift == pytest.approx([np.log(3 / 1.92), np.log(2 / 0.96)])
    assert found.score == pytest.approx([3 / 4 * 3 / 8, 2 / np.sqrt(8) * 2 / 7])
    ptr, items, score, _ = select(found, 4)
    assert ptr.tolist() == [0, 2, 3, 4, 4]
    assert items.tolist() == [1, 2, 0, 0]
    assert score[:2] == pytest.approx([9 / 32, 4 / 7 / np.sqrt(8)])


def test_ten_baskets_alike_are_beyond_chance_and_five_are_not() -> None:
    """Two products in every basket are expected in half of them: 10 for 5 is two deviations, 5 for 2.5 is not."""
    five = [("anna", "ab"), ("ben", "ab"), ("anna", "ab"), ("ben", "ab"), ("cleo", "ab")]
    assert beyond_chance(count_meetings(shop(five), 5)).left.size == 0
    found = beyond_chance(count_meetings(shop(five * 2), 10))
    assert found.lift == pytest.approx([np.log(2)])
    assert found.score == pytest.approx([10 / 15])


def test_kinds_meet_by_their_narrowest_category(few: None) -> None:
    """Apples are of kind 2 within 0, bread and dates of 1, coffee of none: 2 in four baskets, 1 in four, both in three.

    Three meetings over 4 * 4 / 5 = 3.2 are no more than chance. Until day 3 it is 3 over 3 * 3 / 3.
    """
    category_of = np.array([[0, 2], [1, -1], [-1, -1], [1, -1]], np.int32)
    for until in (3, 5):
        arrays = affinity.build(shop(BASKETS), category_of, 3, until)
        assert arrays["kind_ptr"].tolist() == [0, 0, 1, 2]
        assert (arrays["kind_codes"].tolist(), arrays["kind_lift"].tolist()) == ([1, 2], [1, 1])


def test_kinds_that_meet_more_than_chance_know_each_other(few: None) -> None:
    """Apples 0, coffee 1, dates 2, bread none: 0 and 1 meet in two of five baskets where 4 * 2 / 5 are expected."""
    category_of = np.array([[0], [-1], [1], [2]], np.int32)
    arrays = affinity.build(shop(BASKETS), category_of, 3, 5)
    assert arrays["kind_ptr"].tolist() == [0, 2, 4, 5]
    assert arrays["kind_codes"].tolist() == [0, 1, 1, 0, 2]
    assert arrays["kind_lift"] == pytest.approx([1, np.log(1.25), 1, np.log(1.25), 1])


def test_a_shop_without_categories_has_no_kinds() -> None:
    """Nothing to say, and no error."""
    arrays = affinity.build(shop(BASKETS), np.full((4, 1), -1, np.int32), 0, 5)
    assert [array.tolist() for array in arrays.values()] == [[0], [], []]
