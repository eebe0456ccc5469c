"""Facts: everything numbered once, by time, the same in every run."""

from typing import Any

import ibis
import pyarrow as pa
import pytest

from training import engine
from training.dataset import Dataset
from training.facts import INTEREST, Facts, collect

HOUR_US = 3_600_000_000
Row = tuple[str, str, int, str, str | None, str, float | None]  # event, type, hour, shopper, session, product, price


def number(*rows: Row, prices: dict[str, float | None] | None = None) -> Facts:
    """Facts of these lines, over the products a, b and c."""
    listed = prices or {"a": 1.0, "b": 2.0, "c": None}
    lines = pa.table(
        {
            "event_id": [row[0] for row in rows],
            "type": [row[1] for row in rows],
            "time": pa.array([row[2] * HOUR_US for row in rows], pa.timestamp("us")),
            "day": pa.array([row[2] // 24 for row in rows], pa.int32()),
            "shopper": [row[3] for row in rows],
            "session_id": pa.array([row[4] for row in rows], pa.string()),
            "product_id": [row[5] for row in rows],
            "price": pa.array([row[6] for row in rows], pa.float64()),
        }
    )
    goods = pa.table(
        {
            "id": list(listed),
            "category": ["X"] * len(listed),
            "brand": ["Y"] * len(listed),
            "price": pa.array(list(listed.values()), pa.float64()),
        }
    )
    # Products in another order than their ids: numbering must not depend on the file.
    return collect(engine.connect(), ibis.memtable(lines), ibis.memtable(goods.take([2, 0, 1])))


def rows_of(facts: Facts) -> list[dict[str, Any]]:
    """The numbered lines in a fixed order."""
    found: list[dict[str, Any]] = engine.arrow(facts.engine, facts.lines.order_by("order", "item")).to_pylist()
    return found


def test_products_are_numbered_by_id() -> None:
    """a, b, c, in whatever order the file has them."""
    facts = number(("o1", "purchase-complete", 0, "anna", None, "b", 1.0))
    assert facts.products["id"].to_pylist() == ["a", "b", "c"]
    assert [row["item"] for row in rows_of(facts)] == [1]


def test_orders_are_numbered_by_time() -> None:
    """The earliest event is 0, whatever its name; lines of one event share the number."""
    facts = number(
        ("z", "purchase-complete", 1, "anna", None, "a", 1.0),
        ("z", "purchase-complete", 1, "anna", None, "b", 1.0),
        ("a", "purchase-complete", 9, "anna", None, "a", 1.0),
    )
    assert [(row["order"], row["item"]) for row in rows_of(facts)] == [(0, 0), (0, 1), (1, 0)]


def test_numbers_go_on_from_day_to_day() -> None:
    """Two orders of one day, none on the next, then two at the same hour: by time, and of equals by name."""
    facts = number(
        ("late", "purchase-complete", 51, "anna", None, "a", 1.0),
        ("noon", "purchase-complete", 12, "cleo", None, "a", 1.0),
        ("dawn", "purchase-complete", 5, "ben", None, "b", 1.0),
        ("also", "purchase-complete", 51, "dora", None, "b", 1.0),
    )
    expected = [(0, 0, 1, 0), (1, 1, 0, 0), (2, 2, 1, 2), (3, 3, 0, 2)]
    assert [(row["order"], row["session"], row["item"], row["day"]) for row in rows_of(facts)] == expected
    assert [row["shopper"] for row in rows_of(facts)] == [0, 1, 3, 2]


def test_a_session_over_midnight_keeps_the_place_of_its_first_event() -> None:
    """It began before the one that begins and ends on the next day."""
    facts = number(
        ("v1", "detail-page-view", 23, "anna", "over", "a", None),
        ("v2", "detail-page-view", 24, "ben", "short", "a", None),
        ("v3", "detail-page-view", 25, "anna", "over", "b", None),
    )
    assert [row["session"] for row in rows_of(facts)] == [0, 1, 0]


def test_a_session_joins_its_events() -> None:
    """Events of one session share a number; an event without session is one of its own."""
    facts = number(
        ("v1", "detail-page-view", 1, "anna", "s1", "a", None),
        ("o1", "purchase-complete", 2, "anna", "s1", "a", 1.0),
        ("o2", "purchase-complete", 3, "ben", None, "b", 1.0),
    )
    assert [row["session"] for row in rows_of(facts)] == [0, 0, 1]
    assert facts.shoppers == 2


def test_interest_is_in_purchases() -> None:
    """A view is worth a twentieth of a purchase, a cart line three tenths; only a purchase is one."""
    facts = number(
        ("e1", "detail-page-view", 1, "anna", None, "a", None),
        ("e2", "add-to-cart", 2, "anna", None, "a", None),
        ("e3", "purchase-complete", 3, "anna", None, "a", 1.0),
    )
    assert [round(row["interest"], 2) for row in rows_of(facts)] == [0.05, 0.3, 1.0]
    assert [row["purchase"] for row in rows_of(facts)] == [False, False, True]


@pytest.mark.parametrize("kind", ["search", "return", "recommendation-impression", "home-page-view"])
def test_other_events_say_nothing_about_interest(kind: str) -> None:
    """What was shown, searched or sent back is left out."""
    facts = number(("e1", kind, 1, "anna", None, "a", None), ("e2", "purchase-complete", 30, "anna", None, "a", 1.0))
    assert kind not in INTEREST
    assert len(rows_of(facts)) == 1
    assert facts.first_day == facts.last_day == 1


def test_unknown_products_are_left_out() -> None:
    """A line about a product that the shop does not list cannot be recommended, so it is not learned from."""
    facts = number(
        ("e1", "purchase-complete", 1, "anna", None, "gone", 1.0), ("e2", "purchase-complete", 2, "ben", None, "a", 1.0)
    )
    assert [row["item"] for row in rows_of(facts)] == [0]


def test_prices_come_from_the_catalogue_else_from_the_till() -> None:
    """a is listed at 1; c is not, and was sold at 3, 5 and 40: the median; b is listed at 0 and never sold."""
    facts = number(
        *((f"e{at}", "purchase-complete", at, "anna", None, "c", price) for at, price in enumerate((3.0, 5.0, 40.0))),
        ("e9", "purchase-complete", 9, "anna", None, "a", 7.0),
        prices={"a": 1.0, "b": 0.0, "c": None},
    )
    assert facts.products["price"].to_pylist() == [1.0, 0.0, 5.0]


def test_numbering_twice_over_one_engine_works(shop_dir: Dataset) -> None:
    """Two runs may share a data set and its engine; both give the same rows."""
    first, second = (collect(shop_dir.engine, shop_dir.lines(), shop_dir.products()) for _ in range(2))
    assert rows_of(first)[:50] == rows_of(second)[:50]


def test_only_consented_lines_are_numbered(shop_dir: Dataset, facts: Facts) -> None:
    """The sample shop has shoppers who did not agree to analytics: fewer are numbered than came."""
    everybody = int(str(engine.scalar(shop_dir.engine, shop_dir.lines(None).shopper.nunique())))
    assert facts.shoppers < everybody
