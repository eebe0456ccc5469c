"""Every effect of a webhook on a real Redis Cluster of three nodes: each atomic step stays in one slot."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.collect import Collector
from edge.core import keys
from edge.core.keys import PseudonymKey
from edge.core.products import decode_change
from edge.core.tasks import Erase, decode_task
from edge.identify import Identifier
from edge.profiles import ShopperStore, connect
from edge.settings import Settings
from edge.webhooks.config import webhook_config
from edge.webhooks.receive import Receiver
from tests.cluster import Cluster
from tests.edge.webhooks.conftest import SETTINGS
from tests.edge.webhooks.payloads import CUSTOMER, ago, level, order, product, redact
from tests.edge.webhooks.signing import raw, shopify_headers, standard_headers

NOW_KEY, FORMER_KEY = PseudonymKey.from_hex("5e" * 32), PseudonymKey.from_hex("7a" * 32)


@pytest.fixture
async def store(cluster: Cluster) -> AsyncIterator[ShopperStore]:
    """A store client on the empty cluster."""
    for node in cluster.nodes:
        node.flushall()
    redis = connect(cluster.url, timeout_s=10, connections=8)
    yield ShopperStore(redis)
    await redis.aclose()


def receiver(store: ShopperStore) -> Receiver:
    """What takes webhooks, while the pseudonym key is being replaced."""
    identifier = Identifier("demo", NOW_KEY, (FORMER_KEY,))
    return Receiver(webhook_config(Settings(**SETTINGS)), Collector(store, identifier, 1_000), identifier)


def signed(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """As a server hands them over."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


async def test_every_kind_of_webhook_works_over_three_nodes(store: ShopperStore, cluster: Cluster) -> None:
    """Orders, carts, products, levels, consent and requests of people, each told twice; the keys lie on all nodes."""
    taken = receiver(store)
    mail = {
        "customer_id": 5,
        "email_marketing_consent": {"state": "unsubscribed", "consent_updated_at": ago(seconds=5)},
    }
    checkout = {
        "cart_token": "t",
        "updated_at": ago(seconds=5),
        "customer": {"id": 6},
        "line_items": [{"product_id": 1, "quantity": 2}],
    }
    told: list[tuple[str, Any, str]] = [
        ("orders/create", order(), "duplicate"),
        ("products/update", product(updated_at=ago(seconds=9)), "stale"),
        ("inventory_levels/update", level(501, 0, ago(seconds=5)), "stale"),
        ("customers_email_marketing_consent/update", mail, "stale"),
        ("checkouts/create", checkout, "stale"),
        ("customers/redact", redact(), "duplicate"),
    ]
    for topic, payload, again in told:
        body = raw(payload)
        for expected in ("taken", again):
            assert await taken.shopify(signed(shopify_headers(topic, body)), body) == expected, topic
    price = raw({"type": "price", "product_id": "4400", "time": ago(seconds=1), "price": 1.5})
    (result,) = await taken.endcap(signed(standard_headers(price)), price)
    assert result.status == "accepted"
    overlay: Any = await store.redis.hget(keys.overlay_key("demo"), "4400")
    card = decode_change(overlay).applied(None)
    assert card is not None
    assert (card.price, card.available, card.variant_id) == (1.5, True, "92")
    assert await store.redis.xlen(keys.events_key("demo")) == 2
    assert len(set(cluster.names().values())) > 1


async def test_requests_reach_names_under_a_key_being_replaced(store: ShopperStore) -> None:
    """What is still kept under the former key is asked for, too."""
    body = raw(redact())
    await receiver(store).shopify(signed(shopify_headers("customers/redact", body)), body)
    entries: Any = await store.redis.xrange(keys.tasks_key("demo"))
    (task,) = (decode_task(fields[b"t"]) for _, fields in entries)
    assert isinstance(task, Erase)
    expected = {keys.pseudonym(key, "demo", "customer", str(CUSTOMER)) for key in (NOW_KEY, FORMER_KEY)}
    assert expected < set(task.shoppers)
    assert len(task.shoppers) == 6
