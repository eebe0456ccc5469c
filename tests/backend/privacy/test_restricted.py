"""Restricted categories from the page to the log: not a byte of such a product in anything kept of a shopper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from redis import Redis

from backend.consume.commands import consumer_of
from backend.event_log.commands import writer_of
from backend.event_log.store import EventLog
from backend.event_log.writer import ensure_group
from backend.restricted import Strip
from backend.settings import Settings
from edge.core import keys
from edge.core.events import Event, Line
from edge.core.products import Product
from edge.core.snapshot import read_snapshot
from edge.profiles import connect
from tests.backend.consume.feed import BEGAN, profiles
from tests.backend.identity.conftest import V
from training.dataset import Dataset

pytestmark = pytest.mark.store


def two(shop_dir: Dataset) -> tuple[Product, Product]:
    """A product of a category that shall be restricted, and one of another."""
    products = list(shop_dir.catalogue())
    first = products[0]
    return first, next(one for one in products if one.category.split(" > ")[0] != first.category.split(" > ")[0])


async def test_nothing_of_a_restricted_product_is_kept(
    serve: Callable[..., Any], session_store: str, redis: "Redis", data_dir: Path, shop_dir: Dataset,
    event: Callable[..., Any],
) -> None:  # fmt: skip
    """The page's events are stripped at the edge; entries made before the list was, by consumer and log."""
    secret, open_ = two(shop_dir)
    listed = secret.category.split(" > ")[0]
    edge = serve(restricted_categories=listed)
    results = edge.send(
        event("detail-page-view", secret.id),
        event("add-to-cart", secret.id, open_.id),
        event("purchase-complete", secret.id, open_.id, order_id="o1"),
    )
    assert [one["status"] for one in results] == ["ignored", "accepted", "accepted"]
    client = connect(session_store, timeout_s=10, connections=4)
    await ensure_group(client, "demo")
    early = [
        Event(f"early{n}", "detail-page-view", BEGAN, visitor_id=V, products=tuple(map(Line, ids)),
              consent=("analytics", "personalization"))
        for n, ids in enumerate([[secret.id], [secret.id, open_.id]])
    ]  # fmt: skip
    dumped = redis.dump(keys.session_key("demo", edge.edge.identifier.caller("v", None, []).visitor))
    assert b'"' + secret.id.encode() + b'"' not in (redis.dump(keys.events_key("demo")) or b"")
    for one in early:
        redis.xadd(keys.events_key("demo"), {"e": msgspec.json.encode(one)})
    settings = Settings(data_dir=data_dir, restricted_categories=listed)
    log = EventLog.open(None, data_dir)
    assert log
    assert dumped
    await consumer_of(client, settings).catch_up()
    written = await writer_of(client, settings, log).once()
    assert (written.written, written.denied) == (3, 1)
    for profile in profiles(redis).values():
        assert {*profile.viewed, *profile.bought} == {open_.id}
    for path in log.files("demo"):
        assert set(pq.read_table(data_dir / "events" / path, columns=["product_id"])["product_id"].to_pylist()) == {
            open_.id
        }
    await client.aclose()


async def test_the_list_follows_the_catalogue_and_needs_one(session_store: str, tmp_path: Path, data_dir: Path) -> None:
    """Without a catalogue nothing is known; without a list nothing is asked."""
    client = connect(session_store, timeout_s=10, connections=2)
    event = Event("e", "detail-page-view", BEGAN, products=(Line("x"),))
    bare = Strip(client, Settings(data_dir=tmp_path / "none", restricted_categories="Medicine"))
    await bare.refresh()
    assert bare(event) is event
    products = read_snapshot(data_dir / "catalogue" / "demo.cat").products
    strip = Strip(client, Settings(data_dir=data_dir, restricted_categories=products[0].category))
    await strip.refresh()
    await strip.refresh()
    assert strip(msgspec.structs.replace(event, products=(Line(products[0].id),))) is None
    await client.aclose()
