"""Shopify's orders, refunds and cancellations, through the running server."""

from typing import Any

import pytest

from edge.core import keys
from edge.core.codec import decode_session
from tests.edge.webhooks.conftest import OpenShop, Shop
from tests.edge.webhooks.payloads import CUSTOMER, MAIL, ORDER_ID, PHONE, ago, order, refund

pytestmark = pytest.mark.store
FIRST = {"product_id": "788032119674292922", "variant_id": "642667041472713922"}


def test_an_order_becomes_a_purchase_in_pseudonyms(shop: Shop) -> None:
    """Its lines less what is no product, discounts per unit, delivery, ids to the last digit; customer and visitor."""
    answer = shop.shopify("orders/create", order())
    assert (answer.status_code, answer.content) == (200, b"")
    (event,) = shop.events()
    assert event["id"] == f"shopify:order:{ORDER_ID}"
    assert (event["type"], event["order_id"], event["currency"]) == ("purchase-complete", str(ORDER_ID), "USD")
    assert event["products"] == [
        {**FIRST, "quantity": 2, "price": 10.0, "discount": 2.0},
        {"product_id": "7", "price": 5.5},
    ]
    assert event["delivery"] == {"method": "Standard", "cost": 3.9}
    assert (event["source"], event["consent"]) == ("store", ["analytics", "personalization"])
    expected = {"visitor_id": shop.name("visitor", "visitor-77"), "customer_id": shop.name("customer", str(CUSTOMER)),
                "email": shop.name("email", MAIL.lower()), "phone": shop.name("phone", "+15550104477")}  # fmt: skip
    assert {name: event[name] for name in expected} == expected
    assert shop.outcome("shopify", "orders/create", "taken") >= 1


def test_nothing_raw_of_a_person_is_anywhere_in_the_store(shop: Shop) -> None:
    """Not a name, address, number, note or raw id, in any key or value."""
    shop.shopify("orders/create", order())
    shop.shopify("refunds/create", refund())
    everything = shop.everything()
    for secret in (MAIL, MAIL.lower(), PHONE, "5550104477", str(CUSTOMER), "Jonathan", "Unforgettable", "Amoebo",
                   "203.0.113", "visitor-77", "ring twice", "cart-token-1"):  # fmt: skip
        assert secret.encode() not in everything


def test_the_newer_headers_do_as_well(shop: Shop) -> None:
    """Without the X, in lower case."""
    assert shop.shopify("orders/create", order(), new=True).status_code == 200
    assert len(shop.events()) == 1


@pytest.mark.parametrize(
    "topics", [("orders/create", "orders/updated", "orders/paid"), ("orders/paid", "orders/create")]
)
def test_an_order_counts_once_however_often_and_in_whatever_order_it_is_told(
    shop: Shop, topics: tuple[str, ...]
) -> None:
    """Retries and the topics that follow are duplicates, and answered 200."""
    for topic in (*topics, *topics):
        assert shop.shopify(topic, order()).status_code == 200
    assert len(shop.events()) == 1
    assert shop.outcome("shopify", topics[-1], "duplicate") >= 1


@pytest.mark.parametrize(
    "changed",
    [
        {"test": True},
        {"line_items": []},
        {"line_items": [{"product_id": None, "quantity": 1}]},
        {"line_items": [{"product_id": 1, "quantity": 0}]},
        {"created_at": ago(hours=97), "processed_at": None},
    ],
)
def test_what_is_no_order_of_now_leaves_nothing(shop: Shop, changed: dict[str, Any]) -> None:
    """Test orders, orders of nothing, and those whose mark may be gone, which an import brings."""
    assert shop.shopify("orders/updated", order(**changed)).status_code == 200
    assert shop.redis.keys() == []


def test_without_declared_consent_no_order_is_kept(open_shop: OpenShop) -> None:
    """The default: a webhook has no consent of its own."""
    shop = open_shop(webhook_consent="none")
    assert shop.shopify("orders/create", order()).status_code == 200
    assert shop.redis.keys() == []
    assert shop.outcome("shopify", "orders/create", "ignored") >= 1


def test_a_stored_denial_beats_what_the_shop_declares(shop: Shop) -> None:
    """Of the customer or of the visitor."""
    shop.client.post("/v1/consent", json={"customer_id": str(CUSTOMER), "consent": ["marketing"]})
    assert shop.shopify("orders/create", order()).status_code == 200
    assert shop.events() == []


def test_links_are_kept_only_where_a_profile_may_be(open_shop: OpenShop) -> None:
    """Under analytics alone an order has no e-mail and no phone, not even as pseudonyms."""
    shop = open_shop(webhook_consent="analytics")
    shop.shopify("orders/create", order())
    (event,) = shop.events()
    assert not {"email", "phone"} & set(event)


def test_an_order_empties_the_visits_cart(shop: Shop) -> None:
    """What the page put into it, the order takes out: the next page knows."""
    put = {"id": "e1", "type": "add-to-cart", "time": ago(minutes=5), "visitor_id": "visitor-77",
           "products": [{"product_id": "7"}], "consent": ["personalization"]}  # fmt: skip
    shop.client.post("/v1/events", json=put)
    shop.shopify("orders/create", order())
    caller = shop.running.edge.identifier.caller("visitor-77", None, [])
    assert caller.visitor is not None
    data: Any = shop.redis.get(keys.session_key("demo", caller.visitor))
    session = decode_session(data)
    assert session.cart == {}
    assert "7" in session.bought


def test_a_refund_is_a_return_that_leads_to_its_order(shop: Shop) -> None:
    """It names no customer; the order does. Money alone brings nothing back."""
    assert shop.shopify("refunds/create", refund()).status_code == 200
    (event,) = shop.events()
    assert (event["id"], event["type"], event["order_id"]) == (
        "shopify:return:890088186047892319",
        "return",
        str(ORDER_ID),
    )
    assert event["products"] == [{**FIRST, "price": 10.0}]
    shop.shopify("refunds/create", refund(id=2, refund_line_items=[]))
    shop.shopify("refunds/create", refund(id=3, refund_line_items=[{"quantity": 1, "line_item_id": 1}]))
    assert len(shop.events()) == 1


@pytest.mark.parametrize("reverse", [False, True])
def test_a_cancelled_order_comes_back_whichever_was_heard_first(shop: Shop, reverse: bool) -> None:
    """The purchase and the return of what no refund had brought back: the same two events in either order."""
    gone = order(cancelled_at=ago(seconds=30), refunds=[refund()])
    told = [("orders/create", order()), ("orders/cancelled", gone)]
    for topic, payload in reversed(told) if reverse else told:
        assert shop.shopify(topic, payload).status_code == 200
    events = {event["id"]: event for event in shop.events()}
    assert set(events) == {f"shopify:order:{ORDER_ID}", f"shopify:cancelled:{ORDER_ID}"}
    back = events[f"shopify:cancelled:{ORDER_ID}"]
    assert back["type"] == "return"
    assert back["products"] == [{**FIRST, "price": 10.0}, {"product_id": "7", "price": 5.5}]


def test_a_guest_order_is_kept_under_the_names_it_has(shop: Shop) -> None:
    """No customer, no visitor: the e-mail may lead to one. With no name at all it is nobody's."""
    shop.shopify("orders/create", order(customer=None, note_attributes=[]))
    (event,) = shop.events()
    assert event["email"] == shop.name("email", MAIL)
    assert not {"customer_id", "visitor_id"} & set(event)
    nobody = {"customer": None, "note_attributes": None, "email": None, "phone": None}
    assert shop.shopify("orders/create", order(id=2, **nobody)).status_code == 200
    assert len(shop.events()) == 1
    assert shop.outcome("shopify", "orders/create", "nobody") >= 1


@pytest.mark.parametrize("value", [None, 5, "", "x" * 129, "a\x00b", {"a": 1}])
def test_a_nonsensical_visitor_does_not_cost_the_order(shop: Shop, value: Any) -> None:
    """Cart attributes are what anybody typed."""
    assert (
        shop.shopify("orders/create", order(note_attributes=[{"name": "_recs_sid", "value": value}])).status_code == 200
    )
    (event,) = shop.events()
    assert "visitor_id" not in event


def test_huge_quantities_and_many_lines_are_bounded(shop: Shop) -> None:
    """What reaches the stream is an event by our own rules."""
    lines = [{"id": n, "product_id": n + 1, "quantity": 99_999, "price": "nonsense"} for n in range(250)]
    assert shop.shopify("orders/create", order(line_items=lines, shipping_lines=[{"price": "x"}])).status_code == 200
    (event,) = shop.events()
    assert len(event["products"]) == 200
    assert event["products"][0] == {"product_id": "1", "quantity": 10_000}
    assert event["delivery"] == {}
