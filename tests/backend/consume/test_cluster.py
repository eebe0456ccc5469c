"""A real Redis Cluster of three nodes: taking events, reading and writing records, the consumer, dead letters."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis as AsyncRedis

from backend.consume.consumer import Consumer, Limits
from backend.consume.dead import dead_letters, replay_dead
from backend.refresh import put_profiles
from edge.changes import put_changes
from edge.collect import Collector
from edge.core import keys
from edge.core.consent import Decision
from edge.core.products import Change, decode_change
from edge.core.profile import Profile
from edge.doors import Door
from edge.identify import Identifier
from edge.profiles import ShopperStore, connect
from tests.backend.consume import feed
from tests.cluster import Cluster, command, three_nodes
from tests.serving import event

IDENTIFIER = Identifier(feed.SHOP, feed.KEY)


@pytest.fixture
async def store(cluster: Cluster) -> AsyncIterator[ShopperStore]:
    """A store client on the empty cluster."""
    for node in cluster.nodes:
        node.flushall()
    redis = connect(cluster.url, timeout_s=10, connections=8)
    yield ShopperStore(redis)
    await redis.aclose()


def send(store: ShopperStore) -> Collector:
    """What takes events at the edge."""
    return Collector(store, IDENTIFIER, stream_max_entries=10_000)


async def test_events_go_from_the_edge_to_profiles_on_all_nodes(store: ShopperStore, cluster: Cluster) -> None:
    """Forty shoppers, some logged in: appended, visits written, consumed, counted; the trails are clean."""
    collector = send(store)
    for number in range(40):
        sent = [
            event(kind, "p1", visitor_id=f"v{number}", customer_id=f"c{number}" if number % 2 else None)
            for kind in ("detail-page-view", "add-to-cart", "detail-page-view")
        ]
        results = await collector.events(json.dumps({"events": [*sent, sent[0]]}).encode(), Door("demo"))
        assert [result.status for result in results] == ["accepted"] * 3 + ["duplicate"]
    left = await Consumer(store.redis, feed.SHOP).catch_up()
    assert left.lag == 0
    for number in range(40):
        caller = IDENTIFIER.caller(f"v{number}", f"c{number}" if number % 2 else None, feed.BOTH)
        known = await store.read(caller)
        assert known.profile is not None
        assert (known.profile.revision, known.profile.viewed) == (3, ("p1",))
        assert known.session is not None
        assert known.session.cart == {"p1": 1}
    names = cluster.names()
    for kind in (b"p:", b"s:", b"m:"):
        assert {node for name, node in names.items() if name.startswith(kind)} == {0, 1, 2}
    assert not [name for name in names if name.startswith(b"t:")]
    (day,) = [name for name in names if name.startswith(b"n:")]
    counted: Any = cluster.nodes[names[day]].hgetall(day)
    assert counted == {b"events:detail-page-view": b"80", b"events:add-to-cart": b"40"}


async def test_several_consumers_share_a_cluster(store: ShopperStore, cluster: Cluster) -> None:
    """Trouble of every kind, two consumers in turns, a small batch: the same as an undisturbed run."""
    sent = feed.load(800, 40, seed=4)
    for one in feed.with_trouble(sent, seed=5):
        await store.redis.xadd(keys.events_key(feed.SHOP), {"e": feed.encoded(one)})
    first, second = (Consumer(store.redis, feed.SHOP, Limits(batch=70)) for _ in range(2))
    await first.stream.join()
    for _ in range(4):
        for consumer in (first, second):
            await consumer.process(await consumer.stream.read(70, None))
    await first.catch_up()
    profiles, counts = feed.undisturbed(sent)
    found: dict[str, Profile] = {}
    days: dict[int, dict[str, int]] = {}
    for node in cluster.nodes:
        for name in node.scan_iter("p:*"):
            found |= feed.profile_at(node, name)
        days |= feed.counts(node)
    assert found == profiles
    assert days == counts


async def test_withdrawal_works_across_nodes(store: ShopperStore, cluster: Cluster) -> None:
    """The shopper's keys lie on one node, the stream on another: all is gone but the decision."""
    await send(store).events(json.dumps(event("add-to-cart", "p1", visitor_id="v1")).encode(), Door("demo"))
    caller = IDENTIFIER.caller("v1", None, feed.BOTH)
    await store.decide(caller, lambda subject: Decision(feed.SHOP, subject, (), feed.NOW, "banner"))
    kinds = {name[:2] for name in cluster.names()}
    assert kinds == {b"c:", b"d:", b"e:"}
    assert await store.redis.xlen(keys.events_key(feed.SHOP)) == 0


async def test_dead_letters_and_replaying_stay_in_one_slot(store: ShopperStore) -> None:
    """What is no event goes aside and comes back."""
    await store.redis.xadd(keys.events_key(feed.SHOP), {"e": b"{broken"})
    consumer = Consumer(store.redis, feed.SHOP)
    left = await consumer.catch_up()
    assert (left.lag, left.dead) == (0, 1)
    (letter,) = await dead_letters(store.redis, feed.SHOP)
    assert letter.data == b"{broken"
    assert await replay_dead(store.redis, feed.SHOP) == 1
    assert (await consumer.stream.backlog()).waiting == 1


async def test_profiles_are_written_in_bulk(store: ShopperStore) -> None:
    """As the refresh does it, over all nodes."""
    profiles = [Profile(feed.SHOP, feed.visitor(number), orders=number) for number in range(30)]
    assert len(await put_profiles(store.redis, profiles)) == 30
    known = await store.read(IDENTIFIER.caller("7", None, feed.BOTH))
    assert known.profile is not None
    assert known.profile.orders == 7


async def test_product_changes_stay_in_one_slot(store: ShopperStore) -> None:
    """Merged into the overlay and told to all edges in one step, and followed from there."""
    for price in (5.0, 4.0):
        await put_changes(store.redis, feed.SHOP, [Change("p1", feed.NOW + price, price=price)])
    stock = Change("p1", feed.NOW, available=False)
    await put_changes(store.redis, feed.SHOP, [stock])
    told: Any = await store.redis.xrange(keys.changes_key(feed.SHOP))
    assert len(told) == 2, "the older price changed nothing that shows"
    overlay: Any = await store.redis.hget(keys.overlay_key(feed.SHOP), "p1")
    change = decode_change(overlay)
    assert (change.price, change.available) == (5.0, False)


async def test_a_slot_that_moves_is_followed(store: ShopperStore, cluster: Cluster) -> None:
    """While a client remembers the old node: reads, sessions, appending and consuming go to the new one."""
    caller = IDENTIFIER.caller("mover", None, feed.BOTH)
    assert caller.visitor is not None
    await store.read(caller)
    for name in (keys.profile_key(feed.SHOP, caller.visitor), keys.events_key(feed.SHOP)):
        move(cluster, name)
    sent = event("add-to-cart", "p1", visitor_id="mover")
    (result,) = await send(store).events(json.dumps(sent).encode(), Door("demo"))
    assert result.status == "accepted"
    await Consumer(store.redis, feed.SHOP).catch_up()
    known = await store.read(caller)
    assert known.profile is not None
    assert known.session is not None


def move(cluster: Cluster, name: str) -> None:
    """Give the (empty) slot of a key to the next node."""
    slot = int(command(cluster.nodes[0], "KEYSLOT", name))
    holder = next(at for at in range(3) if 16_384 * at // 3 <= slot < 16_384 * (at + 1) // 3)
    new = command(cluster.nodes[(holder + 1) % 3], "MYID").decode()
    for at in ((holder + 1) % 3, holder, (holder + 2) % 3):
        command(cluster.nodes[at], "SETSLOT", slot, "NODE", new)


async def test_a_cluster_that_is_not_there_is_a_store_that_does_not_answer() -> None:
    """No other kind of error reaches the request path."""
    client: AsyncRedis = connect("redis+cluster://127.0.0.1:1", timeout_s=0.2, connections=2)
    assert not await ShopperStore(client).ready()
    await client.aclose()


# In a process of its own: redis-py leaves the connections of a lost node to the garbage collector, which complains.
ASKING = """
import asyncio, sys, time
from edge.breaker import Breaker
from backend.consume.consumer import Consumer
from edge.profiles import ShopperStore, StoreUnavailableError, connect
from tests.backend.consume.test_cluster import CALLERS
async def main():
    redis = connect(sys.argv[1], timeout_s=0.5, connections=4)
    store = ShopperStore(redis, Breaker(threshold=3, open_s=60))
    for caller in CALLERS:
        await store.read(caller)
    print("ready", flush=True)
    said, ends = "", time.monotonic() + 60
    while "not being asked" not in said and time.monotonic() < ends:
        for caller in CALLERS:
            try:
                await store.read(caller)
            except StoreUnavailableError as error:
                said = str(error)
    stop = asyncio.Event()
    running = asyncio.create_task(Consumer(redis, "demo").run(stop))
    await asyncio.sleep(0.2)
    print("waiting" if not running.done() else "ended", said, flush=True)
    stop.set()
    await running
asyncio.run(main())
"""
CALLERS = [IDENTIFIER.caller(f"v{number}", None, feed.BOTH) for number in range(12)]


def test_a_lost_node_is_a_store_that_does_not_answer(tmp_path: Path) -> None:
    """First its own slots, then, as the cluster declares itself down, all: one kind of error, the breaker opens.

    The consumer waits for the store to come back.
    """
    with three_nodes(tmp_path / "nodes", timeout_ms=500) as lost:
        command = [sys.executable, "-W", "ignore", "-c", ASKING, lost.url]
        environment = os.environ | {"PYTHONPATH": "."}
        with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            lost.processes[2].kill()
            line = process.stdout.readline()
            assert line.startswith("waiting the store ")
            assert "not being asked" in line
            assert process.wait(60) == 0
