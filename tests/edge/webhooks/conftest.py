"""A server that listens to every platform, and ways to send to it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from edge.core import keys
from edge.core.tasks import AnyTask, decode_task
from tests.edge.webhooks.signing import DOMAIN, SECRET, STORE, raw, shopify_headers, standard_headers
from tests.serving import Running, Serve

SETTINGS: dict[str, Any] = {
    "shopify_secrets": f"older-secret-that-still-counts, {SECRET}",
    "shopify_domain": DOMAIN,
    "bigcommerce_secrets": SECRET,
    "bigcommerce_store": STORE,
    "webhook_secrets": SECRET,
    "webhook_consent": "personalization,analytics",
}


class Shop:
    """One server, and the shop's platforms around it."""

    def __init__(self, running: Running, redis: "Redis") -> None:
        self.running = running
        self.client = running.client
        self.redis = redis

    def shopify(self, topic: str, payload: Any, **signing: Any) -> httpx.Response:
        """Deliver as Shopify does."""
        body = raw(payload)
        headers = shopify_headers(topic, body, **signing)
        return self.client.post("/webhooks/shopify", content=body, headers=headers)

    def bigcommerce(self, payload: Any, **signing: Any) -> httpx.Response:
        """Deliver as BigCommerce does."""
        body = raw(payload)
        return self.client.post("/webhooks/bigcommerce", content=body, headers=standard_headers(body, **signing))

    def endcap(self, payload: Any, **signing: Any) -> httpx.Response:
        """Deliver our own format."""
        body = raw(payload)
        return self.client.post("/webhooks/endcap", content=body, headers=standard_headers(body, **signing))

    def events(self) -> list[dict[str, Any]]:
        """What stands in the shop's stream."""
        entries: Any = self.redis.xrange(keys.events_key("demo"))
        return [json.loads(fields[b"e"]) for _, fields in entries]

    def tasks(self) -> list[AnyTask]:
        """What the backend is asked to do."""
        entries: Any = self.redis.xrange(keys.tasks_key("demo"))
        return [decode_task(fields[b"t"]) for _, fields in entries]

    def outcome(self, platform: str, topic: str, outcome: str) -> float:
        """How many deliveries ended so."""
        return self.running.metric("endcap_webhooks_total", platform=platform, topic=topic, outcome=outcome)

    def everything(self) -> bytes:
        """All keys and values of the store."""
        return b"".join(name + (self.redis.dump(name) or b"") for name in self.redis.scan_iter())

    def name(self, kind: Any, id_: str) -> str | None:
        """The pseudonym of an id."""
        return self.running.edge.identifier.name(kind, id_)


OpenShop = Callable[..., Shop]


@pytest.fixture
def open_shop(serve: Serve, redis: "Redis") -> OpenShop:
    """`open_shop(webhook_consent="none")` starts a server that listens to all platforms."""
    return lambda **changed: Shop(serve(**(SETTINGS | changed)), redis)


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A shop that declares consent for its orders."""
    return open_shop()


@pytest.fixture
def pem_dir(tmp_path: Path) -> Path:
    """An empty directory for public keys."""
    made = tmp_path / "adobe"
    made.mkdir()
    return made
