"""Identity and erasure on a real Redis Cluster of three nodes: every step stays in one slot."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis as AsyncRedis

from backend.consume.consumer import Consumer
from backend.identity.merge import unlink
from backend.privacy.erase import erase, erase_shop
from backend.privacy.export import export
from backend.settings import Settings
from backend.task_table import task_worker
from edge.core import keys, tasks
from edge.core.codec import decode_profile
from edge.core.events import Event
from edge.profiles import connect
from tests.backend.consume.feed import SHOP, customer, visitor
from tests.backend.identity.conftest import act, look
from tests.cluster import Cluster


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator["AsyncRedis"]:
    """A client of the empty cluster."""
    for node in cluster.nodes:
        node.flushall()
    redis = connect(cluster.url, timeout_s=10, connections=8)
    yield redis
    await redis.aclose()


async def take(client: "AsyncRedis", *events: Event) -> None:
    """Put events into the stream and consume them."""
    for event in events:
        await client.xadd(keys.events_key(SHOP), {"e": msgspec.json.encode(event)})
        await Consumer(client, SHOP).catch_up()


async def seen(client: "AsyncRedis", name: str) -> set[str]:
    """The products in a profile."""
    data: Any = await client.get(keys.profile_key(SHOP, name))
    profile = decode_profile(data) if data else None
    return {*profile.viewed, *profile.bought} if profile else set()


def lives(n: int) -> list[Event]:
    """A visitor who logs in, orders, and moves to a new key's name."""
    v, c = visitor(n), customer(n)
    return [
        look("milk", 1, visitor_id=v),
        look("cake", 2, visitor_id=v, customer_id=c),
        act("purchase-complete", "tea", minute=3, customer_id=c, order_id=f"o{n}"),
        act("return", "tea", minute=4, order_id=f"o{n}", source="store"),
        look("oil", 5, customer_id=customer(f"new{n}"), former=((c, customer(f"new{n}")),)),
    ]


async def test_people_merge_move_part_and_are_forgotten_across_nodes(client: "AsyncRedis", tmp_path: Path) -> None:
    """Six of them, so that visitors and customers lie on different nodes; then one is erased, then the shop."""
    settings = Settings(data_dir=tmp_path)
    for n in range(6):
        await take(client, *lives(n))
        assert await seen(client, customer(f"new{n}")) == {"milk", "cake", "tea", "oil"}
    assert await unlink(client, SHOP, visitor(1), customer("new1"))
    assert await seen(client, visitor(1)) == {"milk"}
    assert await seen(client, customer("new1")) == {"cake", "tea", "oil"}
    await export(client, settings, "r", [customer("new0")])
    await client.xadd(keys.tasks_key(SHOP), {"t": tasks.encode_task(tasks.Erase("e", 0.0, (customer("new0"),)))})
    assert await task_worker(client, settings).once() == 1
    left = {name.decode() async for name in client.scan_iter() if customer("new0").encode() in name}
    assert left == {keys.consent_key(SHOP, customer("new0"))}
    assert await seen(client, customer("new2")) == {"milk", "cake", "tea", "oil"}
    assert (await erase(client, settings, [visitor(2)]))["keys"] >= 0
    await erase_shop(client, settings)
    assert {name[:1] async for name in client.scan_iter()} <= {b"c", b"e", b"w", b"d"}
