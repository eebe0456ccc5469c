"""A stream written anew is the same stream to all who read it, without the bytes of what was removed."""

from typing import Any

import pytest
from redis import Redis

from backend.privacy.rebuild import rebuild
from tests.backend.identity.conftest import Shop

pytestmark = pytest.mark.store


def state(redis: "Redis", key: str) -> Any:
    """All that a reader can see: entries, ids, groups, and who is at work on what."""
    groups: Any = redis.xinfo_groups(key)
    work = {g["name"]: [(p["message_id"], p["consumer"], p["times_delivered"])
            for p in redis.xpending_range(key, g["name"], "-", "+", 100)] for g in groups}  # fmt: skip
    info: Any = redis.xinfo_stream(key)
    told = {name: info[name] for name in ("length", "last-generated-id", "entries-added", "max-deleted-entry-id")}
    seen = [
        {name: group[name] for name in ("name", "pending", "last-delivered-id", "entries-read")} for group in groups
    ]
    return redis.xrange(key), told, seen, work


async def test_only_the_removed_bytes_are_gone(shop: Shop) -> None:
    """Two groups, entries at work, unread ones, some deleted: all as before, but the deleted cannot be found."""
    redis = shop.redis
    entries: Any = [redis.xadd("x:{demo}", {"e": f"secret-{n}" if n % 3 == 0 else f"kept-{n}"}) for n in range(30)]
    for group, count in (("profiles", 20), ("log", 10)):
        redis.xgroup_create("x:{demo}", group, "0")
        redis.xreadgroup(group, "one", {"x:{demo}": ">"}, count=count // 2)
        redis.xreadgroup(group, "two", {"x:{demo}": ">"}, count=count // 2)
        redis.xack("x:{demo}", group, *entries[::3], *entries[1:5])
    redis.xdel("x:{demo}", *entries[::3])
    redis.expire("x:{demo}", 1000)
    assert b"secret-0" in (redis.dump("x:{demo}") or b"")
    before = state(redis, "x:{demo}")
    assert await rebuild(shop.client, "x:{demo}")
    assert state(redis, "x:{demo}") == before
    assert b"secret" not in (redis.dump("x:{demo}") or b"")
    assert 0 < redis.ttl("x:{demo}") <= 1000
    found: Any = redis.xreadgroup("log", "one", {"x:{demo}": ">"}, count=1)
    assert found[0][1][0][0] == entries[10]


async def test_an_emptied_stream_keeps_its_readers_and_its_last_id(shop: Shop) -> None:
    """So that no new entry comes before one that was read."""
    redis = shop.redis
    entry: Any = redis.xadd("x:{demo}", {"e": "secret"})
    redis.xgroup_create("x:{demo}", "log", "0")
    redis.xdel("x:{demo}", entry)
    before = state(redis, "x:{demo}")
    assert await rebuild(shop.client, "x:{demo}")
    assert state(redis, "x:{demo}") == before
    assert b"secret" not in (redis.dump("x:{demo}") or b"")


async def test_a_long_stream_and_none_are_left_alone(shop: Shop) -> None:
    """The one says so; the other is nothing to do."""
    shop.redis.xadd("x:{demo}", {"e": "1"})
    shop.redis.xadd("x:{demo}", {"e": "2"})
    assert not await rebuild(shop.client, "x:{demo}", limit=1)
    assert await rebuild(shop.client, "y:{demo}")
    assert not shop.redis.exists("y:{demo}")
