"""Every platform's door, from outside: who is let in, what is answered, and what a failing store does not lose."""

import gzip
import logging
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from edge.core import keys
from edge.embedded import EmbeddedStore
from tests.edge.webhooks.conftest import SETTINGS, OpenShop, Shop
from tests.edge.webhooks.payloads import MAIL, ORDER_ID, ago, order, product, refund
from tests.edge.webhooks.signing import SECRET, raw, shopify_headers, standard_headers
from tests.serving import Running, Serve

pytestmark = pytest.mark.store
PATHS = ["/webhooks/shopify", "/webhooks/bigcommerce", "/webhooks/adobe", "/webhooks/endcap"]
HEADER_NAMES = ["X-Shopify-Hmac-SHA256", "shopify-hmac-sha256", "webhook-id", "webhook-timestamp", "webhook-signature"]
# What a header may hold on the wire: any byte but line ends and NUL.
header_bytes = st.binary(max_size=400).map(
    lambda data: bytes(byte for byte in data if byte > 31 and byte != 127).strip()
)


@pytest.mark.parametrize("path", PATHS)
def test_a_platform_that_is_not_set_up_is_not_listened_to(edge: Running, path: str) -> None:
    """404, with what to set; nothing is believed without a secret."""
    answer = edge.client.post(path, content=b"{}", headers=standard_headers(b"{}"))
    assert answer.status_code == 404
    assert "set ENDCAP_" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/webhooks/shopify", "/webhooks/bigcommerce", "/webhooks/endcap"])
@pytest.mark.fault(18)
def test_unsigned_forged_and_tampered_deliveries_are_refused(shop: Shop, path: str) -> None:
    """401 for each, without saying what was wrong; nothing is written, and each is counted."""
    body = raw(order())
    good = shopify_headers("orders/create", body) | standard_headers(body)
    forged = shopify_headers("orders/create", body, "guessed") | standard_headers(body, "guessed")
    answers = [
        shop.client.post(path, content=body),
        shop.client.post(path, content=body, headers=forged),
        shop.client.post(path, content=body.replace(b"10.00", b"90.00"), headers=good),
        shop.client.post(path, content=body + b" ", headers=good),
        shop.client.post(path, content=b"", headers=good),
    ]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert len({answer.text for answer in answers}) == 1
    assert shop.redis.keys() == []
    assert shop.outcome(path.rpartition("/")[2], "unknown", "refused") >= 5


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.tuples(st.sampled_from(HEADER_NAMES), header_bytes), max_size=6), body=st.binary(max_size=200)
)
@pytest.mark.fault(18)
def test_no_header_makes_a_fault_of_ours(shop: Shop, values: list[tuple[str, bytes]], body: bytes) -> None:
    """Whatever bytes they hold, repeated or not: 401, never 500."""
    headers = [(name.encode(), value) for name, value in values]
    for path in ("/webhooks/shopify", "/webhooks/bigcommerce", "/webhooks/endcap"):
        assert shop.client.post(path, content=body, headers=headers).status_code == 401


def test_a_huge_header_is_no_fault_of_ours(shop: Shop) -> None:
    """Refused by the server or by us."""
    for size in (5_000, 60_000):
        headers = {"X-Shopify-Hmac-SHA256": "A" * size, "webhook-signature": "v1," + "A" * size}
        for path in ("/webhooks/shopify", "/webhooks/endcap"):
            assert shop.client.post(path, content=b"{}", headers=headers).status_code in (400, 401, 431)


@pytest.mark.parametrize("secret", [SECRET, "older-secret-that-still-counts"])
@pytest.mark.fault(18)
def test_both_secrets_count_while_one_is_replaced(shop: Shop, secret: str) -> None:
    """Shopify may take an hour to sign with the new one."""
    assert shop.shopify("orders/create", order(), secret=secret).status_code == 200
    assert len(shop.events()) == 1


@pytest.mark.parametrize("shift", [-400, 400])
@pytest.mark.fault(18)
def test_signed_timestamps_go_out_of_date(shop: Shop, shift: float) -> None:
    """A replay of six minutes ago, and one from the future."""
    message = {"type": "stock", "product_id": "1", "time": ago(seconds=9), "available": True}
    assert shop.endcap(message, at=time.time() + shift).status_code == 401
    assert shop.endcap(message).status_code == 200


def test_another_shops_deliveries_are_refused(shop: Shop) -> None:
    """Signed with the app's secret, which all its shops share."""
    assert shop.shopify("orders/create", order(), domain="other.myshopify.com").status_code == 403
    body = raw(order())
    headers = shopify_headers("orders/create", body)
    headers.pop("X-Shopify-Shop-Domain")
    assert shop.client.post("/webhooks/shopify", content=body, headers=headers).status_code == 403
    assert shop.redis.keys() == []


def test_a_compressed_body_is_refused_and_a_large_one_too(open_shop: OpenShop) -> None:
    """Signed as it arrives, so nobody unpacks anything; the limit is the webhooks' own and holds without a length."""
    shop = open_shop(webhook_max_body_bytes=300_000, max_body_bytes=2_000)
    packed = gzip.compress(raw(order()))
    headers = shopify_headers("orders/create", packed) | {"Content-Encoding": "gzip"}
    assert shop.client.post("/webhooks/shopify", content=packed, headers=headers).status_code == 415
    assert (
        shop.client.post("/webhooks/shopify", content=packed, headers={"Content-Encoding": "gzip"}).status_code == 401
    )
    assert shop.shopify("orders/create", order(note="n" * 200_000)).status_code == 200
    assert shop.shopify("orders/create", order(note="n" * 400_000)).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    assert shop.client.post("/webhooks/shopify", content=endless(), headers=headers).status_code == 413


@pytest.mark.parametrize("topic", ["themes/publish", "orders/edited", "", "x" * 500])
def test_unknown_topics_are_acknowledged_and_counted(shop: Shop, topic: str) -> None:
    """So that the subscription lives; nothing is kept, and the metric has no label for each invention."""
    assert shop.shopify(topic, order()).status_code == 200
    assert shop.redis.keys() == []
    assert shop.outcome("shopify", "unknown", "unknown") >= 1


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b'{"id": 1}', b"\xff\xfe", b"[" * 50_000, b'{"id": "%s"}' % MAIL.encode()]
)
def test_a_signed_body_that_cannot_be_read_is_acknowledged_and_not_kept(
    shop: Shop, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Refusing would cost the subscription; what it holds is neither stored nor logged."""
    with caplog.at_level(logging.ERROR, "endcap.webhooks"):
        for topic in ("orders/create", "refunds/create", "products/update", "inventory_levels/update", "carts/update",
                      "checkouts/update", "customers/redact", "app/uninstalled"):  # fmt: skip
            assert shop.shopify(topic, body).status_code == 200
    assert shop.redis.keys() == []
    assert shop.outcome("shopify", "orders/create", "unreadable") >= 1
    assert "orders/create" in caplog.text
    assert MAIL not in caplog.text


def test_platforms_are_served_from_anywhere_though_demo_mode_is_not(shop: Shop) -> None:
    """A signature says more than an address: the same host is turned away with what is not signed."""
    body, elsewhere = raw(order()), {"X-Forwarded-For": "203.0.113.9"}
    assert shop.client.post("/v1/events", content=b"{}", headers=elsewhere).status_code == 403
    headers = shopify_headers("orders/create", body) | elsewhere
    assert shop.client.post("/webhooks/shopify", content=body, headers=headers).status_code == 200


@pytest.mark.fault(18)
def test_shuffled_and_repeated_deliveries_end_the_same(shop: Shop) -> None:
    """Thirty deliveries of five messages in any order: each counts once, and the newest product stands."""
    deliveries = [
        ("orders/create", order()),
        ("orders/updated", order()),
        ("refunds/create", refund()),
        ("products/update", product(title="Old", updated_at=ago(seconds=90))),
        ("products/update", product(title="New", updated_at=ago(seconds=30))),
    ] * 6
    random.Random(5).shuffle(deliveries)
    for topic, payload in deliveries:
        assert shop.shopify(topic, payload).status_code == 200
    assert sorted(event["id"] for event in shop.events()) == [
        f"shopify:order:{ORDER_ID}", "shopify:return:890088186047892319"
    ]  # fmt: skip
    overlay: Any = shop.redis.hget(keys.overlay_key("demo"), "4400")
    assert b"New" in overlay


def test_a_full_stream_is_said_and_products_still_come_in(open_shop: OpenShop) -> None:
    """503 with Retry-After for events; nothing else has to wait for the consumer."""
    shop = open_shop(stream_max_entries=1)
    assert shop.shopify("orders/create", order()).status_code == 200
    full = shop.shopify("orders/create", order(id=2))
    assert (full.status_code, full.headers["retry-after"]) == (503, "1")
    assert "start the consumer" in full.json()["detail"]
    assert shop.shopify("products/update", product()).status_code == 200
    assert shop.shopify("customers/update", {}).status_code == 200


@pytest.mark.fault(1)
def test_a_store_that_dies_means_503_and_a_retry_has_one_effect(
    serve: Serve, tmp_path: Path, until: Callable[..., None]
) -> None:
    """Killed between deliveries: nothing is acknowledged while it is away, and what is sent again counts once."""
    with EmbeddedStore(tmp_path / "own-store") as store:
        shop = Shop(serve(redis_url=store.url, **SETTINGS), Redis.from_url(store.url, protocol=2))
        assert shop.shopify("orders/create", order()).status_code == 200
        time.sleep(1.2)  # the store writes its log once a second; what it acknowledged before that may be lost
        os.kill(int((tmp_path / "own-store" / "store.pid").read_text()), signal.SIGSTOP)
        payloads = [("orders/create", order(id=2)), ("products/update", product()), ("customers/redact", b"{}")]
        try:
            stalled = [shop.shopify(topic, payload).status_code for topic, payload in payloads[:2]]
        finally:
            os.kill(int((tmp_path / "own-store" / "store.pid").read_text()), signal.SIGKILL)
        assert stalled == [503, 503]
        until(lambda: shop.shopify("orders/create", order(id=2)).status_code == 200)
        for topic, payload in payloads * 2:
            until(lambda topic=topic, payload=payload: shop.shopify(topic, payload).status_code == 200)
        assert shop.shopify("orders/create", order()).status_code == 200
        assert sorted(event["order_id"] for event in shop.events()) == sorted(["2", str(ORDER_ID)])
        shop.redis.close()
