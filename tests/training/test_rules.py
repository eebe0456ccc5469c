"""The rules of the plain format: each reason once, over rows that differ from a good one in one field."""

from datetime import UTC, datetime

import ibis
import pyarrow as pa
import pytest
from ibis.expr.types import Table

from training import engine as engines
from training import rules

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONG = "x" * 129
Fields = dict[str, str | None]

GOOD_EVENT: Fields = {"event_id": "e1", "type": "purchase-complete", "time": "2026-05-01", "product_id": "p1",
                      "visitor_id": "v1", "quantity": "1", "price": "2.50", "currency": "USD",
                      "consent": "analytics", "source": "web"}  # fmt: skip
GOOD_PRODUCT: Fields = {"id": "p1", "title": "Milk", "price": "2.50", "compare_at_price": "3", "currency": "USD",
                        "available": "true", "category": "Dairy", "url": "/milk", "image": "https://x.test/m.png",
                        "listed": "2026-05-01"}  # fmt: skip


def text_rules(name: str, longest: int) -> list[tuple[Fields, str]]:
    """A value too long, and one with a line break."""
    return [
        ({name: "x" * (longest + 1)}, f"{name} is longer than {longest} characters"),
        ({name: "a\nb"}, f"control character in {name} (a line break, or a quote left open?)"),
    ]


def price_rules(name: str) -> list[tuple[Fields, str]]:
    """No number, below zero, beyond belief."""
    return [
        ({name: "2,50"}, f"{name} is not a number"),
        ({name: "-1"}, f"negative {name}"),
        ({name: "1000000001"}, f"{name} is above 1,000,000,000"),
    ]


BAD_DAYS: list[tuple[Fields, str]] = [
    ({name: value}, f"{name} is not a number from 0 to 400")
    for name in ("promised_days", "delivery_days")
    for value in ("soon", "-1", "401", "nan")
]
BAD_EVENTS: list[tuple[Fields, str]] = [
    ({"event_id": None}, "missing event_id"),
    ({"type": None}, "missing type"),
    ({"type": "buy"}, "unknown type"),
    ({"time": None}, "missing time"),
    ({"time": "May 1st"}, "unreadable time"),
    ({"time": "2026-06-01T12:00:01Z"}, "time in the future"),
    ({"time": "1999-12-31T23:59:59Z"}, "time before the year 2000"),
    ({"visitor_id": None}, "neither visitor_id nor customer_id"),
    ({"product_id": None}, "missing product_id"),
    ({"quantity": "0"}, "quantity is not a whole number from 1 to 10,000"),
    ({"currency": "usd"}, "bad currency"),
    ({"consent": "analytics,everything"}, "unknown consent word"),
    ({"source": "fax"}, "unknown source"),
    *(case for name in ("price", "discount", "delivery_cost") for case in price_rules(name)),
    *BAD_DAYS,
    *text_rules("delivery_method", 64),
    *(case for name in ("event_id", "visitor_id", "customer_id", "product_id", "session_id", "order_id", "variant_id")
      for case in text_rules(name, 128)),
]  # fmt: skip
BAD_PRODUCTS: list[tuple[Fields, str]] = [
    ({"id": None}, "missing id"),
    ({"title": None}, "product without title"),
    ({"price": None}, "product without price"),
    ({"currency": "US"}, "bad currency"),
    ({"available": "maybe"}, "available is neither true nor false"),
    ({"url": "javascript:alert(1)"}, "url is neither a path nor http(s)"),
    ({"image": "//elsewhere.test/m.png"}, "image is neither a path nor http(s)"),
    ({"listed": "soon"}, "listed is not a date"),
    *price_rules("price"),
    *price_rules("compare_at_price"),
    *text_rules("id", 128),
    *text_rules("title", 512),
    *text_rules("category", 512),
    *text_rules("brand", 256),
    *text_rules("handle", 256),
    *text_rules("variant_id", 128),
]


def table(columns: tuple[str, ...], rows: list[Fields]) -> Table:
    """The rows as text columns with their number."""
    text = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns}
    return ibis.memtable(pa.table({"line": list(range(len(rows))), **text}))


def event_reasons(changes: list[Fields]) -> list[str | None]:
    """The reason for each event that differs from the good one."""
    typed = rules.typed_events(table(rules.EVENT_COLUMNS, [GOOD_EVENT | change for change in changes]))
    return reasons(typed, rules.event_rules(typed, NOW))


def product_reasons(changes: list[Fields]) -> list[str | None]:
    """The same for products."""
    typed = rules.typed_products(table(rules.PRODUCT_COLUMNS, [GOOD_PRODUCT | change for change in changes]))
    return reasons(typed, rules.product_rules(typed))


def reasons(typed: Table, asked: list[rules.Rule]) -> list[str | None]:
    """The first reason of each row, in order."""
    engine = engines.connect()
    judged = typed.select(line=typed.line, reason=rules.first_reason(asked)).order_by("line")
    found: list[str | None] = engines.arrow(engine, judged)["reason"].to_pylist()
    engine.disconnect()
    return found


def test_every_reason_of_an_event_is_given_for_its_own_fault() -> None:
    """One bad field, one reason; and no rule is without a case here."""
    assert event_reasons([change for change, _ in BAD_EVENTS]) == [reason for _, reason in BAD_EVENTS]
    typed = rules.typed_events(table(rules.EVENT_COLUMNS, [GOOD_EVENT]))
    assert {reason for _, reason in BAD_EVENTS} == {reason for reason, _ in rules.event_rules(typed, NOW)}


def test_every_reason_of_a_product_is_given_for_its_own_fault() -> None:
    """Likewise for the products file."""
    assert product_reasons([change for change, _ in BAD_PRODUCTS]) == [reason for _, reason in BAD_PRODUCTS]
    typed = rules.typed_products(table(rules.PRODUCT_COLUMNS, [GOOD_PRODUCT]))
    assert {reason for _, reason in BAD_PRODUCTS} == {reason for reason, _ in rules.product_rules(typed)}


def test_rows_at_the_edge_of_a_rule_are_good() -> None:
    """The longest id, the largest quantity and price, this very second, and nothing where nothing is asked for."""
    good: list[Fields] = [
        {},
        {"event_id": "x" * 128, "product_id": "ü" * 128},
        {"quantity": "10000", "price": "1000000000"},
        {"quantity": "1.0", "price": "0"},
        {"time": "2026-06-01T12:00:00Z"},
        {"time": "2026-06-01T14:00:00+02:00"},
        {"time": "2000-01-01T00:00:00Z"},
        {"visitor_id": None, "customer_id": "7"},
        {"quantity": None, "price": None, "currency": None, "consent": None, "source": None},
        {"consent": "[ 'Analytics', 'MARKETING' ]"},
        {"type": "search", "product_id": None},
    ]
    assert event_reasons(good) == [None] * len(good)
    assert product_reasons([{}, {"available": "NO"}, {"price": "0"}, {"url": "/"}, {"category": " > "}]) == [None] * 5


def test_the_first_fault_is_the_reason() -> None:
    """A row with many faults is named by the one that stands first in the list."""
    assert event_reasons([{"event_id": LONG, "type": "buy", "time": None}, {"time": "never", "price": "-1"}]) == [
        "event_id is longer than 128 characters",
        "unreadable time",
    ]


@pytest.mark.parametrize("kind", rules.ABOUT_A_PRODUCT)
def test_what_is_done_to_a_product_must_name_it(kind: str) -> None:
    """Looked at, put in the cart, bought, sent back: without a product such a row says nothing."""
    assert event_reasons([{"type": kind}, {"type": kind, "product_id": None}]) == [None, "missing product_id"]
