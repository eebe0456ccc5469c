"""Carts: whose they are, and what they change."""

from typing import Any

import pytest

from edge.core import keys
from edge.core.codec import decode_session
from edge.core.keys import alias_key, links_key
from tests.edge.webhooks.conftest import OpenShop, Shop
from tests.edge.webhooks.payloads import CUSTOMER, ago

pytestmark = pytest.mark.store
TOKEN = "cart-token-5"


def cart(at: str, **quantities: int) -> dict[str, Any]:
    """A cart as Shopify tells it; `p1=2` stands for two of product 1."""
    lines = [
        {"id": n, "product_id": int(name[1:]), "quantity": count} for n, (name, count) in enumerate(quantities.items())
    ]
    return {"id": TOKEN, "token": TOKEN, "updated_at": at, "created_at": at, "note": "hi", "line_items": lines}


def checkout(at: str, **changed: Any) -> dict[str, Any]:
    """A checkout of that cart by a visitor and customer."""
    return {
        "id": 1, "token": "checkout-1", "cart_token": TOKEN, "updated_at": at, "completed_at": None, "email": "a@b.c",
        "customer": {"id": CUSTOMER}, "note_attributes": [{"name": "_recs_sid", "value": "visitor-77"}],
        "line_items": [{"product_id": 1, "quantity": 1}],
    } | changed  # fmt: skip


def in_cart(shop: Shop, visitor: str = "visitor-77") -> dict[str, int]:
    """What the visit is believed to hold."""
    data: Any = shop.redis.get(keys.session_key("demo", str(shop.name("visitor", visitor))))
    return decode_session(data).cart if data else {}


def test_a_cart_of_nobody_leaves_nothing(shop: Shop) -> None:
    """It names no one, so nothing of it can be allowed to be kept."""
    for topic in ("carts/create", "carts/update"):
        assert shop.shopify(topic, cart(ago(seconds=9), p1=2)).status_code == 200
    assert shop.redis.keys() == []
    assert shop.outcome("shopify", "carts/update", "unknown") >= 1


def test_a_checkout_says_whose_it_is_and_the_cart_then_moves_the_visit(shop: Shop) -> None:
    """More and less than the visit held become events, once; the newer cart stands."""
    shop.shopify("checkouts/create", checkout(ago(seconds=60)))
    assert in_cart(shop) == {"1": 1}
    newer = cart(ago(seconds=30), p1=3, p2=1)
    for payload in (newer, cart(ago(seconds=40), p9=9), newer):
        assert shop.shopify("carts/update", payload).status_code == 200
    assert in_cart(shop) == {"1": 3, "2": 1}
    shop.shopify("carts/update", cart(ago(seconds=10), p2=1))
    assert in_cart(shop) == {"2": 1}
    told = [(event["type"], event["products"]) for event in shop.events()]
    assert told == [
        ("add-to-cart", [{"product_id": "1"}]),
        ("add-to-cart", [{"product_id": "1", "quantity": 2}, {"product_id": "2"}]),
        ("remove-from-cart", [{"product_id": "1", "quantity": 3}]),
    ]
    assert {event["customer_id"] for event in shop.events()} == {shop.name("customer", str(CUSTOMER))}


def test_what_the_page_told_is_not_told_again(shop: Shop) -> None:
    """A page that sends its own events and a cart that follows: no event, one product."""
    shop.shopify("checkouts/create", checkout(ago(seconds=60), line_items=[]))
    put = {"id": "e1", "type": "add-to-cart", "time": ago(seconds=50), "visitor_id": "visitor-77",
           "customer_id": str(CUSTOMER), "products": [{"product_id": "1", "quantity": 2}],
           "consent": ["personalization"]}  # fmt: skip
    shop.client.post("/v1/events", json=put)
    shop.shopify("carts/update", cart(ago(seconds=49), p1=2))
    assert in_cart(shop) == {"1": 2}
    assert [event["id"] for event in shop.events()] == ["e1"]


def test_the_link_is_in_pseudonyms_lapses_and_can_be_found(shop: Shop) -> None:
    """Erasure reaches it from the shopper; a completed checkout links and says nothing of the cart."""
    shop.shopify("checkouts/update", checkout(ago(seconds=60), completed_at=ago(seconds=60)))
    assert in_cart(shop) == {}
    name = str(shop.name("cart", TOKEN))
    assert 0 < shop.redis.ttl(alias_key("demo", name)) <= keys.CART_TTL_S
    links = links_key("demo", str(shop.name("customer", str(CUSTOMER))))
    assert shop.redis.smembers(links) == {name.encode()}
    assert 0 < shop.redis.ttl(links) <= keys.LINK_TTL_S
    everything = shop.everything()
    assert all(raw.encode() not in everything for raw in (TOKEN, "visitor-77", str(CUSTOMER), "a@b.c", "checkout-1"))


def test_withdrawal_ends_it(shop: Shop) -> None:
    """The next cart finds the denial, and the link goes, too."""
    shop.shopify("checkouts/create", checkout(ago(seconds=60)))
    shop.client.post("/v1/consent", json={"visitor_id": "visitor-77", "consent": []})
    shop.shopify("carts/update", cart(ago(seconds=10), p2=1))
    assert in_cart(shop) == {}
    assert not shop.redis.exists(alias_key("demo", str(shop.name("cart", TOKEN))))


@pytest.mark.parametrize("consent", ["none", "analytics"])
def test_carts_need_consent_to_personalization(open_shop: OpenShop, consent: str) -> None:
    """A visit is followed only then."""
    shop = open_shop(webhook_consent=consent)
    shop.shopify("checkouts/create", checkout(ago(seconds=60)))
    assert shop.redis.keys() == []


def test_checkouts_without_a_cart_or_a_person_leave_nothing(shop: Shop) -> None:
    """Draft orders and strangers."""
    shop.shopify("checkouts/create", checkout(ago(seconds=60), cart_token=None))
    shop.shopify("checkouts/create", checkout(ago(seconds=60), customer=None, note_attributes=None))
    assert shop.redis.keys() == []


def test_a_damaged_link_is_nobodys(shop: Shop) -> None:
    """Until a checkout says it anew."""
    shop.redis.set(alias_key("demo", str(shop.name("cart", TOKEN))), b"\xff")
    assert shop.shopify("carts/update", cart(ago(seconds=10), p2=1)).status_code == 200
    shop.shopify("checkouts/update", checkout(ago(seconds=5)))
    assert in_cart(shop) == {"1": 1}
