"""The data layer of the theme script in Node, against a running edge and its store: headless.test.mjs."""

import socket
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from redis import Redis

from edge.core import keys
from edge.core.access import make_key
from tests.serving import Serve, remember
from tests.web.conftest import Node
from tests.web.wire import wire

pytestmark = pytest.mark.store
HERE = Path(__file__).parent


def kept_events(redis: "Redis", visitor: str) -> list[dict[str, Any]]:
    """The events of one visitor in the stream."""
    entries: list[Any] = redis.xrange(keys.events_key("demo"))  # type: ignore[assignment]  # because redis-py types both its clients at once
    events = [msgspec.json.decode(fields[b"e"]) for _, fields in entries if b"e" in fields]
    return [event for event in events if event.get("visitor_id") == visitor]


def test_a_storefronts_server_uses_the_data_layer(node: Node, serve: Serve, redis: "Redis", data_dir: Path) -> None:
    """Personal, contextual and batched answers, deadlines, aborts, fallbacks, events, withdrawal, secret keys."""
    key = make_key(data_dir, "demo")
    edge, keyed = serve(), serve(demo=False)
    product = edge.shelves("home")["slots"][0]["items"][0]["id"]
    remember(edge, redis, "ada", product)
    visitor, leaver = uuid.uuid4().hex, uuid.uuid4().hex
    with socket.create_server(("127.0.0.1", 0)) as listener, wire(urlsplit(edge.url).port or 0) as held:
        dead = f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.close()
        held.stall()
        node.test(
            HERE / "headless.test.mjs",
            EDGE=edge.url,
            KEYED=keyed.url,
            KEY=key,
            HELD=f"http://127.0.0.1:{held.port}",
            DEAD=dead,
            PRODUCT=product,
            VISITOR=visitor,
            LEAVER=leaver,
        )
    name, gone = (str(edge.edge.identifier.caller(one, None, ()).visitor) for one in (visitor, leaver))
    kept = kept_events(redis, name)
    assert sorted(event["type"] for event in kept) == ["detail-page-view"] * 3 + ["home-page-view"]
    assert all(event["products"] == [{"product_id": product}] for event in kept if event["type"] == "detail-page-view")
    assert redis.keys(f"*{gone}*") == [keys.consent_key("demo", gone).encode()]  # the decision itself
