"""The stream: what may be removed, what others left behind, how far behind the group is."""

import asyncio
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ResponseError

from backend.consume.stream import EventStream
from edge.core import keys
from tests.backend.consume.feed import SHOP, append, make

pytestmark = pytest.mark.store


@pytest.fixture
async def stream(client: "AsyncRedis") -> EventStream:
    """A stream with its group."""
    one = EventStream(client, SHOP, "tester")
    await one.join()
    return one


def entries(redis: "Redis") -> list[bytes]:
    """The ids in the stream."""
    found: Any = redis.xrange(keys.events_key(SHOP))
    return [entry for entry, _ in found]


def put(redis: "Redis", count: int) -> list[bytes]:
    """Some events."""
    return append(redis, *(make("search", id=str(number)) for number in range(count)))


async def done(stream: EventStream, count: int) -> None:
    """Read and acknowledge."""
    for entry, _, _ in await stream.read(count, None):
        await stream.redis.xack(stream.key, stream.group, entry)


async def test_nothing_unread_or_at_work_is_removed(stream: EventStream, redis: "Redis") -> None:
    """The oldest pending entry holds all behind it; the rest goes exactly, however few."""
    made = put(redis, 10)
    await done(stream, 3)
    await stream.read(2, None)
    assert await stream.trim() == 3
    assert entries(redis) == made[3:]
    await stream.redis.xack(stream.key, stream.group, made[4])
    assert await stream.trim() == 0
    await stream.redis.xack(stream.key, stream.group, made[3])
    assert await stream.trim() == 2
    assert entries(redis) == made[5:]


async def test_the_log_group_holds_entries_as_long_as_it_exists(stream: EventStream, redis: "Redis") -> None:
    """Both groups must be done; without the log's, only this one counts."""
    made = put(redis, 6)
    log = EventStream(stream.redis, SHOP, "writer", group=keys.LOG_GROUP)
    await log.join()
    await done(stream, 6)
    await done(log, 2)
    assert await stream.trim() == 2
    assert entries(redis) == made[2:]
    redis.xgroup_destroy(keys.events_key(SHOP), keys.LOG_GROUP)
    assert await stream.trim() == 4


async def test_entries_wait_for_a_reader_that_has_not_begun(client: "AsyncRedis", redis: "Redis") -> None:
    """The log's group is made together with ours, also after the stream was deleted with both."""
    stream = EventStream(client, SHOP, "tester", others=(keys.LOG_GROUP,))
    for _ in range(2):
        redis.delete(keys.events_key(SHOP))
        put(redis, 3)
        assert await stream.read(3, None) == []  # no group: it is made, and those of the others
        await done(stream, 3)
        assert await stream.trim() == 0
        assert len(entries(redis)) == 3


async def test_a_stream_without_group_or_without_anything_is_left_alone(client: "AsyncRedis", redis: "Redis") -> None:
    """Nobody has said yet that they need it; that is no leave to remove it."""
    stream = EventStream(client, SHOP, "tester")
    assert await stream.trim() == 0
    put(redis, 3)
    assert await stream.trim() == 0
    assert len(entries(redis)) == 3


async def test_a_long_stream_is_removed_in_portions(stream: EventStream, redis: "Redis") -> None:
    """More than one step's worth, and all of it."""
    put(redis, 12_000)
    for _ in range(3):
        raw = await stream.read(5_000, None)
        await stream.redis.xack(stream.key, stream.group, *(entry for entry, _, _ in raw))
    assert await stream.trim() == 12_000
    assert entries(redis) == []


async def test_names_of_consumers_that_left_nothing_go(stream: EventStream, redis: "Redis") -> None:
    """Not those with entries pending: they would be lost with the name."""
    put(redis, 2)
    leaver = EventStream(stream.redis, SHOP, "leaver")
    await done(leaver, 1)
    await stream.read(1, None)
    await leaver.leave()
    await stream.leave()
    names: Any = redis.xinfo_consumers(keys.events_key(SHOP), keys.PROFILES_GROUP)
    assert [one["name"] for one in names] == [b"tester"]


async def test_only_what_was_silent_long_enough_is_taken_over(stream: EventStream, redis: "Redis") -> None:
    """And by one of those who ask."""
    put(redis, 3)
    await stream.read(3, None)
    other, third = (EventStream(stream.redis, SHOP, name) for name in ("other", "third"))
    assert await other.reclaim(60_000, 10, 3) == []
    await asyncio.sleep(0.03)
    taken = await other.reclaim(20, 2, 3)
    assert [deliveries for _, _, deliveries in taken] == [2, 2]
    assert len(await third.reclaim(20, 10, 3)) == 1
    assert await third.reclaim(20_000, 10, 3) == []


async def test_entries_deleted_while_pending_are_no_work(stream: EventStream, redis: "Redis") -> None:
    """A withdrawal removed them; they leave the pending list, too."""
    made = put(redis, 2)
    await stream.read(2, None)
    redis.xdel(keys.events_key(SHOP), *made)
    assert await EventStream(stream.redis, SHOP, "other").reclaim(0, 10, 3) == []
    assert (await stream.backlog()).pending == 0


async def test_the_backlog_is_what_waits_and_what_is_at_work(stream: EventStream, redis: "Redis") -> None:
    """With the age of the oldest, in seconds."""
    assert (await stream.backlog()).lag == 0
    redis.xadd(keys.events_key(SHOP), {"e": "x"}, id="1000-0")
    put(redis, 4)
    found = await stream.backlog()
    assert (found.waiting, found.pending, found.lag, found.dead) == (5, 0, 5, 0)
    assert found.oldest_s > 1e9
    await done(stream, 1)
    await stream.read(1, None)
    found = await stream.backlog()
    assert (found.waiting, found.pending) == (3, 1)
    assert found.oldest_s < 60


async def test_the_backlog_survives_what_the_server_cannot_count(stream: EventStream, redis: "Redis") -> None:
    """Deleted entries ahead: the number may be a little high, never lower than the truth."""
    made = put(redis, 6)
    redis.xdel(keys.events_key(SHOP), made[3])
    await done(stream, 1)
    assert 4 <= (await stream.backlog()).waiting <= 6
    await done(stream, 10)
    assert (await stream.backlog()).lag == 0


async def test_without_a_group_everything_waits(client: "AsyncRedis", redis: "Redis") -> None:
    """And without a stream nothing does."""
    stream = EventStream(client, SHOP, "tester")
    assert (await stream.backlog()).lag == 0
    put(redis, 3)
    assert (await stream.backlog()).waiting == 3


async def test_a_stream_that_is_no_stream_is_an_error(client: "AsyncRedis", redis: "Redis") -> None:
    """Only a missing group is made; what else is wrong is said."""
    redis.set(keys.events_key(SHOP), "something else")
    stream = EventStream(client, SHOP, "tester")
    for call in (stream.join(), stream.read(1, None), stream.reclaim(0, 1, 3)):
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await call


async def test_taking_over_from_a_deleted_stream_makes_it_anew(client: "AsyncRedis", redis: "Redis") -> None:
    """As reading does."""
    assert await EventStream(client, SHOP, "tester").reclaim(0, 1, 3) == []
    assert redis.exists(keys.events_key(SHOP))
