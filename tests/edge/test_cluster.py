"""An edge whose store is a real Redis Cluster of three nodes."""

from typing import Any

import pytest
from redis.cluster import RedisCluster

from edge.core.keys import profile_key
from tests.cluster import Cluster
from tests.serving import Running, Serve, event, remember, until


@pytest.fixture
def edge(serve: Serve, cluster: Cluster) -> Running:
    """A server beside the empty cluster."""
    for node in cluster.nodes:
        node.flushall()
    return serve(redis_url=cluster.url)


def test_pages_are_personal(edge: Running, cluster: Cluster) -> None:
    """Product page, home and cart, by the short way in and by the usual one: what was bought is known."""
    with RedisCluster.from_url(cluster.url.replace("+cluster", "")) as redis:
        profile = remember(edge, redis, "c1", "p004", "p016")
    assert profile_key("demo", profile.shopper).encode() in cluster.names()
    asked: dict[str, Any] = {"customer_id": "c1", "consent": "personalization"}
    for surface, page in (("home", {}), ("pdp", {"product_id": "p004"}), ("cart", {"product_ids": "p004"})):
        answer = edge.shelves(surface, **page, **asked)
        assert answer["degraded"] == []
    assert any(slot["served_by"] == "personal" for slot in edge.shelves("home", **asked)["slots"])
    sent = edge.client.post("/v1/recommendations/home", json={"customer_id": "c1", "consent": ["personalization"]})
    assert sent.json()["degraded"] == []


def test_an_event_shows_on_the_next_page(edge: Running) -> None:
    """Session and consent lie on the cluster, too."""
    edge.send(event("detail-page-view", "p004", visitor_id="v1", consent=["personalization"]))
    seen = {"visitor_id": "v1", "consent": "personalization"}
    until(lambda: any(slot["id"] == "recently_viewed" for slot in edge.shelves("home", **seen)["slots"]))
    assert edge.shelves("home", **seen)["degraded"] == []


def test_readiness_names_the_store(edge: Running) -> None:
    """The store answers, whatever kind it is."""
    assert edge.client.get("/readyz").json()["store"] == "ok"
