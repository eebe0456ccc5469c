"""Events: what is accepted from the outside."""

from datetime import UTC, datetime

import msgspec
import pytest

from edge.core.events import MAX_LINES, Event, Line

GOOD = {
    "id": "e1",
    "type": "add-to-cart",
    "time": "2026-11-21T10:00:00Z",
    "visitor_id": "v1",
    "products": [{"product_id": "1029743", "quantity": 2, "price": 2.99}],
    "consent": ["personalization"],
}


def read(**changed: object) -> Event:
    """The good event with some fields changed, through JSON."""
    return msgspec.json.decode(msgspec.json.encode(GOOD | changed), type=Event)


def test_a_good_event_comes_through_whole() -> None:
    """All fields, with their types."""
    event = read()
    assert event.time == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert event.products == (Line("1029743", quantity=2, price=2.99),)
    assert event.source == "web"
    assert event.consent == ("personalization",)


def test_json_and_back_is_the_same_event() -> None:
    """What goes into the stream comes out again."""
    event = read(order_id="o1", currency="USD")
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "x" * 129),
        ("id", "line\nbreak"),
        ("type", "teleport"),
        ("time", "yesterday"),
        ("time", "2026-11-21T10:00:00"),  # no zone
        ("currency", "usd"),
        ("consent", ["everything"]),
        ("source", "fax"),
        ("products", [{"product_id": "1", "quantity": 0}]),
        ("products", [{"product_id": "1", "price": -1}]),
        ("products", [{"product_id": "1"}] * (MAX_LINES + 1)),
        ("query", "q" * 257),
    ],
)
def test_bad_values_are_refused_with_their_place(field: str, value: object) -> None:
    """The error says where, so that it can name the parameter."""
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}"):
        read(**{field: value})


def test_numbers_that_json_does_not_have_are_refused() -> None:
    """NaN and overflow would poison every sum they meet."""
    for number in (b"NaN", b"1e999"):
        body = msgspec.json.encode(GOOD).replace(b"2.99", number)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(body, type=Event)


def test_unknown_fields_are_ignored() -> None:
    """Platforms add fields; an event is not lost over one."""
    assert read(theme="dawn").id == "e1"
