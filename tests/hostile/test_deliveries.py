"""What a shop's platform sends, signed and wrong: it is acknowledged or refused, never a fault of ours, nor a poison
that others choke on.

The sender is believed to be the platform, not to be right: an app there may write whatever it likes into an order.
"""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.core.products import decode_change, encode_change
from edge.core.tasks import Platform, decode_task, encode_task
from edge.errors import InputError
from edge.webhooks import adobe, bigcommerce, generic, shopify
from edge.webhooks.meaning import Meaning, Told, UnreadableError
from tests.edge.webhooks.conftest import SETTINGS
from tests.edge.webhooks.payloads import ORDER_ID, data_request, level, order, product, redact, refund
from tests.edge.webhooks.signing import DOMAIN, STORE, shopify_headers, standard_headers
from tests.hostile.effort import tries
from tests.hostile.inputs import bodies
from tests.serving import Running, Serve

pytestmark = pytest.mark.store
NOW = 1_795_000_000.0
CHECKOUT = {"token": "t", "cart_token": "c", "updated_at": "2026-11-22T05:00:00Z", "line_items": [], "email": "a@b"}
MARKETING = {
    "customer_id": 1,
    "email_marketing_consent": {"state": "subscribed"},
    "occurred_at": "2026-11-22T05:00:00Z",
}
OF_SHOPIFY = (
    order(),
    refund(),
    product(),
    level(501, 3, "2026-11-22T05:00:00Z"),
    data_request(),
    redact(),
    CHECKOUT,
    MARKETING,
)
ITEM = {"sku": "s", "qty_ordered": 1, "qty": 1, "price": "2.50", "discount_amount": "0.5", "parent_item_id": None}
OF_ADOBE = {
    "sku": "s", "entity_id": "3", "name": "N", "price": "123.0", "special_price": "2", "status": "1", "visibility": "4",
    "url_key": "n", "image": "/t/2.jpg", "created_at": "2022-07-28 14:13:40", "updated_at": "2022-09-06 20:37:25",
    "quantity_and_stock_status": {"is_in_stock": "1"}, "product_id": 4, "is_in_stock": True, "order_id": 9,
    "state": "canceled", "customer_id": 5, "customer_email": "a@b", "order_currency_code": "EUR", "items": [ITEM],
}  # fmt: skip
OF_BIGCOMMERCE = {
    "scope": "store/product/inventory/updated",
    "producer": f"stores/{STORE}",
    "hash": "a" * 40,
    "created_at": 1_561_479_335,
    "data": {"id": 205, "inventory": {"product_id": 206, "method": "absolute", "value": 3}},
}
EVENT = {"id": "e", "type": "return", "time": "2026-11-22T10:00:00Z", "customer_id": "c", "order_id": "o"}
CARD = {"id": "p", "title": "P", "price": 2.5, "currency": "EUR", "listed": 20_000}
OF_OURS = (
    {"type": "event", "event": EVENT},
    {"type": "product", "time": "2026-11-22T10:00:00Z", "product": CARD},
    {"type": "price", "time": "2026-11-22T10:00:00Z", "product_id": "p", "price": 1, "compare_at_price": 2},
    {"type": "stock", "time": "2026-11-22T10:00:00Z", "product_id": "p", "available": False},
    {"type": "consent", "time": "2026-11-22T10:00:00Z", "visitor_id": "v", "consent": ["analytics"]},
    {"type": "erase", "id": "1", "email": "a@b", "orders": ["o"]},
    {"type": "export", "id": "1", "phone": "+1"},
)
BATCH = {"messages": [*OF_OURS]}


def told(platform: Platform, topic: str, body: bytes) -> Told:
    """A delivery whose signature was right."""
    return Told(platform, topic, body, "d" * 32, NOW, DOMAIN, "USD", lambda kind, id_: (f"k.{kind}",) if id_ else ())


def harmless(meaning: Meaning) -> None:
    """What is written of it can be read by those who follow, and by the backend."""
    for change in meaning.changes:
        decode_change(encode_change(change))
    for listing in meaning.listings:
        assert listing.time == listing.time  # no NaN: it would be newer than everything and older, too
    for task in meaning.tasks:
        decode_task(encode_task(task))


@tries(300)
@given(st.sampled_from(sorted(shopify.TOPICS)), bodies(*OF_SHOPIFY))
@example("products/update", json.dumps(product(published_at="0001-01-01T00:00:00+14:00")).encode())
@example("products/update", json.dumps(product(updated_at="0001-01-01T00:00:00")).encode())
@example("inventory_levels/update", json.dumps(level(1, 2, "0001-01-01T00:00:00")).encode())
@example(
    "orders/create", json.dumps(order(created_at="0001-01-01T00:00:00", processed_at="0001-01-01T00:00:00")).encode()
)
def test_shopifys_bodies_are_understood_or_unreadable(topic: str, body: bytes) -> None:
    """Any topic with any body."""
    with suppress(UnreadableError):
        harmless(shopify.TOPICS[topic](told("shopify", topic, body)))


@tries(300)
@given(
    st.sampled_from(sorted(adobe.TOPICS)),
    bodies(OF_ADOBE),
    st.sampled_from(["2026-11-22T05:00:00Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59", None]),
)
def test_adobes_bodies_are_understood_or_unreadable(topic: str, value: bytes, at: str | None) -> None:
    """Any type with any content, whatever the envelope's clock says."""
    said = json.dumps(
        {"type": f"com.adobe.commerce.{topic}", "recipient_client_id": "us", "time": at, "data": {"value": 0}}
    )
    body = said.encode().replace(b'"value": 0', b'"value": ' + value)
    try:
        if adobe.opened(body).type in adobe.TOPICS:
            harmless(adobe.meaning(told("adobe", topic, body)))
    except UnreadableError:
        return


@tries(200)
@given(
    st.sampled_from(
        ["product/deleted", "sku/inventory/updated", "order/created", "customer/deleted", "cart/", "order"]
    ),
    bodies(OF_BIGCOMMERCE),
)
def test_bigcommerces_bodies_are_understood_or_unreadable(scope: str, body: bytes) -> None:
    """Any scope with any object."""
    body = body.replace(b"product/inventory/updated", scope.encode())
    try:
        said, _ = bigcommerce.scope_of(body)
        if said.removeprefix("store/").partition("/")[0] in bigcommerce.TOPICS:
            harmless(bigcommerce.meaning(told("bigcommerce", "x", body)))
    except UnreadableError:
        return


@tries(200)
@given(bodies(*OF_OURS, BATCH))
def test_our_own_messages_are_read_or_refused(body: bytes) -> None:
    """Each by itself; an error names the place."""
    with suppress(InputError):
        for raw in generic.split(body):
            message = generic.read(raw, NOW)
            if not isinstance(message, generic.ConsentMessage):
                harmless(generic.meaning(message, told("endcap", "x", body)))


@pytest.fixture
def listening(serve: Serve) -> Running:
    """An edge that listens to three platforms."""
    return serve(**SETTINGS)


@tries(60)
@given(st.sampled_from(sorted(shopify.TOPICS)), bodies(*OF_SHOPIFY), bodies(OF_BIGCOMMERCE), bodies(*OF_OURS, BATCH))
@example("products/update", json.dumps(product(published_at="0001-01-01T00:00:00+14:00")).encode(), b"{}", b"{}")
def test_signed_rubbish_is_acknowledged_or_refused(
    listening: Running, topic: str, of_shopify: bytes, of_bigcommerce: bytes, ours: bytes
) -> None:
    """Over HTTP into a real store: 200, or for our own format 400 with the reason; 403 where it names another shop."""
    client = listening.client
    first = client.post("/webhooks/shopify", content=of_shopify, headers=shopify_headers(topic, of_shopify))
    assert first.status_code in (200, 403)
    second = client.post("/webhooks/bigcommerce", content=of_bigcommerce, headers=standard_headers(of_bigcommerce))
    assert second.status_code in (200, 403)
    third = client.post("/webhooks/endcap", content=ours, headers=standard_headers(ours))
    assert third.status_code in (200, 400), third.text
    if third.status_code == 200:
        assert all(one["status"] in ("accepted", "duplicate", "ignored", "rejected") for one in third.json()["results"])


def test_after_all_that_the_shop_is_as_before(listening: Running, until: Any) -> None:
    """Listings of a price nobody could pay, ids without end: changes that follow are taken, shelves are shown."""
    for body in (product(id=ORDER_ID, title="x" * 600), product(id="9" * 300), product(variants=[])):
        sent = json.dumps(body).encode()
        answer = listening.client.post(
            "/webhooks/shopify", content=sent, headers=shopify_headers("products/update", sent)
        )
        assert answer.status_code == 200
    told_last = {"type": "price", "time": _now(), "product_id": "p001", "price": 77.25}
    sent = json.dumps(told_last).encode()
    assert listening.client.post("/webhooks/endcap", content=sent, headers=standard_headers(sent)).status_code == 200
    until(lambda: (card := listening.edge.recommender.catalogue.get("p001")) is not None and card.price == 77.25)
    assert listening.shelves("home")["slots"]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
