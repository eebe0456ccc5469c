"""Asking servers before an order, and telling the live one what a storefront would have told it: over real HTTP."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from loadtests.live.arms import Arms, Shelf, Shown, _Item, reported
from loadtests.live.replay import Line, Past
from loadtests.live.send import Sender
from loadtests.server import RunError
from tests.serving import Running, Serve


@pytest.fixture
def shop(serve: Serve) -> Running:
    """The small shop, running."""
    return serve()


def order(customer: str, *products: str) -> Past:
    """An order of now."""
    now = datetime.now(UTC)
    raw = {
        "id": uuid.uuid4().hex,
        "type": "purchase-complete",
        "time": now.isoformat(),
        "customer_id": customer,
        "products": [{"product_id": id_} for id_ in products],
        "consent": ["personalization", "analytics"],
    }
    return Past(raw["id"], raw["type"], now, customer, None, tuple(map(Line, products)), raw)  # type: ignore[arg-type]  # because the values of this JSON differ in type


def test_every_arm_is_asked_the_same(shop: Running) -> None:
    """One server under two names answers alike: a row per arm and shelf, all recalls between 0 and 1."""
    arms = Arms([("live", shop.url), ("frozen", shop.url)], seed=3)
    rows, shown = arms.ask(4, order("c0001", "p001", "p002", "p003", "p004"))
    arms.close()
    by_arm = {name: [(row.shelf, row.recall) for row in rows if row.arm == name] for name in ("live", "frozen")}
    assert by_arm["live"] == by_arm["frozen"]
    assert {shelf for shelf, _ in by_arm["live"]} == {"for_you", "buy_again", "cart_complements"}
    assert all(0 <= row.recall <= 1 and row.week == 4 for row in rows)
    assert {shelf.id for shelf in shown.shelves} <= {"for_you", "buy_again", "cart_complements"}


def test_an_order_of_one_product_asks_nothing_of_the_cart(shop: Running) -> None:
    """There is no half of it."""
    arms = Arms([("live", shop.url)], seed=3)
    rows, _ = arms.ask(0, order("c0001", "p001"))
    arms.close()
    assert {row.shelf for row in rows} == {"for_you", "buy_again"}


def test_a_server_that_is_away_ends_the_simulation(shop: Running) -> None:
    """With the arm's name: half an experiment is none."""
    arms = Arms([("live", shop.url), ("frozen", "http://127.0.0.1:9")], seed=3)
    with pytest.raises(RunError, match="arm 'frozen' answered 0"):
        arms.ask(0, order("c0001", "p001"))
    arms.close()


def test_impressions_and_clicks_follow_what_was_shown_and_bought() -> None:
    """One impression per shelf; a click on the first product of it that was bought, none where nothing was."""
    bought = order("c1", "milk", "eggs")
    shelves = (
        Shelf("for_you", "for_you.v1.x", (_Item("tea"), _Item("eggs"), _Item("milk"))),
        Shelf("buy_again", "buy_again.v1.x", (_Item("tea"),)),
        Shelf("empty", "empty.v1.x", ()),
    )
    events = reported(Shown(bought, shelves))
    told = [(e["type"], e["slot"], [line["product_id"] for line in e["products"]]) for e in events]
    assert told == [
        ("recommendation-impression", "for_you", ["tea", "eggs", "milk"]),
        ("recommendation-click", "for_you", ["eggs"]),
        ("recommendation-impression", "buy_again", ["tea"]),
    ]
    assert len({event["id"] for event in events}) == 3


def test_repeated_and_late_events_are_counted_once(shop: Running, redis: Any) -> None:
    """Half are sent twice, half held back: the stream holds each exactly once."""
    sender = Sender(shop.url, twice=0.5, late=0.5, seed=5)
    events = [order(f"c{number}", "p001").raw for number in range(150)]
    sender.send(events)
    sender.close()
    assert sender.sent == {"purchase-complete": 150}
    assert sender.repeated > 30
    assert redis.xlen("e:{demo}") == 150


def test_events_without_consent_are_sent_and_not_expected(shop: Running, redis: Any) -> None:
    """A storefront sends them, too; the server must let them go."""
    sender = Sender(shop.url)
    sender.send([order("c1", "p001").raw | {"consent": []}, order("c2", "p001").raw])
    sender.close()
    assert sender.sent == {"purchase-complete": 1}
    assert redis.xlen("e:{demo}") == 1


def test_events_that_are_not_taken_end_the_simulation(shop: Running) -> None:
    """A simulation that loses events would prove nothing."""
    sender = Sender(shop.url)
    assert shop.client.post("/v1/consent", json={"customer_id": "c1", "consent": []}).status_code == 200
    with pytest.raises(RunError, match="events were ignored"):
        sender.send([order("c1", "p001").raw])
    with pytest.raises(RunError, match="answered 400"):
        sender._post([])
    sender.close()
