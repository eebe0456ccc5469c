"""Events as rows: the plain format's columns, only what was consented to, no personal data typed into a search."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from backend.event_log.rows import SCHEMA, LogError, by_day, of_events, of_table
from tests.backend.event_log.handmade import DAY, event, order
from training import rules

NOW = datetime(2026, 5, 2, tzinfo=UTC)


def test_the_columns_are_those_of_the_plain_format() -> None:
    """Each of them, by its name."""
    assert set(rules.EVENT_COLUMNS) <= set(SCHEMA.names)


def test_an_event_is_a_row_per_product() -> None:
    """With everything that is known of the order on each."""
    table = of_events([order(1)], NOW)
    assert table.schema == SCHEMA
    first, second = table.to_pylist()
    assert first == {
        "event_id": "e1", "type": "purchase-complete", "time": DAY + timedelta(hours=1), "product_id": "p1",
        "customer_id": "k.c", "visitor_id": None, "session_id": None, "order_id": "o1", "variant_id": None,
        "quantity": 2, "price": 3.0, "currency": "EUR", "consent": "analytics,personalization", "source": "web",
        "line": 0, "discount": 0.5, "delivery_method": "parcel", "delivery_cost": 4.5, "delivery_days": 2.0,
        "promised_days": 3.0, "slot": None, "attribution_token": None, "query": None, "recorded": NOW,
    }  # fmt: skip
    assert (second["product_id"], second["quantity"], second["price"], second["line"]) == ("p2", 1, None, 1)


def test_an_event_without_products_is_one_row() -> None:
    """With an empty product; what the page says of shelves is kept."""
    (row,) = of_events([event("e", "search", slot="for_you", attribution_token="for_you.v1.ab")], NOW).to_pylist()
    assert (row["product_id"], row["quantity"], row["line"]) == (None, None, 0)
    assert (row["slot"], row["attribution_token"]) == ("for_you", "for_you.v1.ab")


def test_only_consented_events_become_rows() -> None:
    """Analytics is what the log is for; personalization alone is not enough."""
    some = [event("a"), event("b", consent=("personalization",)), event("c", consent=()), event("a", "search")]
    assert of_events(some, NOW)["event_id"].to_pylist() == ["a"]
    table = pa.table({"event_id": ["a", "b", "c", "d"], "type": ["search"] * 4, "time": [DAY] * 4,
                      "consent": ["marketing,analytics", "personalization", None, "nonanalytics"]})  # fmt: skip
    assert of_table(table, NOW)["event_id"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Red SHOES 42", "red shoes 42"),
        ("iphone 2024", "iphone 2024"),
        ("Jane@Example.com", None),
        ("call 55512345", None),
        ("call +49 (89) 55-12", None),
        ("order 1 2 3 4 5", None),
        ("٠١٢٣٤", None),
        ("", ""),
        (None, None),
    ],
)
def test_a_search_is_kept_only_if_it_can_be_nobody_s(typed: str | None, kept: str | None) -> None:
    """In small letters; an address, or five digits however grouped, drop it."""
    assert of_events([event("e", "search", query=typed)], NOW)["query"].to_pylist() == [kept]
    table = pa.table({"event_id": ["e"], "type": ["search"], "time": [DAY], "consent": ["analytics"],
                      "query": pa.array([typed], pa.string())})  # fmt: skip
    assert of_table(table, NOW)["query"].to_pylist() == [kept]


def test_an_importer_s_lines_are_numbered_within_their_event() -> None:
    """Also where the rows of an event lie apart; the columns it lacks are empty."""
    ids = ["x", "y", "x", "x", "y"]
    table = pa.table({"event_id": ids, "type": ["return"] * 5, "time": [DAY] * 5, "consent": ["analytics"] * 5})
    full = of_table(table, NOW)
    assert full.schema == SCHEMA
    assert full["line"].to_pylist() == [0, 0, 1, 2, 1]
    assert full["recorded"].to_pylist() == [NOW] * 5
    assert full["price"].null_count == 5


def test_times_are_utc_days() -> None:
    """An event belongs to its own day in UTC, whatever its zone."""
    late = datetime(2026, 5, 2, 1, tzinfo=timezone(timedelta(hours=2)))
    days = {str(day): part["event_id"].to_pylist() for day, part in
            by_day(of_events([event("b", time=late), event("c", time=NOW), event("a")], NOW))}  # fmt: skip
    assert days == {"2026-05-01": ["b", "a"], "2026-05-02": ["c"]}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"email": ["a@b.c"]}, "no column email"),
        ({"consent": None}, "no column consent"),
        ({"event_id": pa.array([None], pa.string())}, "1 of the rows to log have no event_id"),
        ({"quantity": ["many"]}, "column quantity of the rows to log is not int32"),
        ({"time": [["now"]]}, "column time of the rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused(changed: dict[str, object], words: str) -> None:
    """With the column at fault."""
    good: dict[str, object] = {"event_id": ["e"], "type": ["search"], "time": [DAY], "consent": ["analytics"]}
    columns = {name: values for name, values in (good | changed).items() if values is not None}
    with pytest.raises(LogError, match=words):
        of_table(pa.table(columns), NOW)


def test_no_rows_are_no_rows() -> None:
    """Neither of events nor of a table."""
    assert len(of_events([], NOW)) == len(of_table(SCHEMA.empty_table(), NOW)) == 0
    assert list(by_day(SCHEMA.empty_table())) == []
