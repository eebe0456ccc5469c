"""The writing end of a shop's streams: marks and entries in one step."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from edge.core import keys
from edge.core.events import Event
from edge.core.tasks import EraseShop, decode_task
from edge.profiles import ShopperStore, StoreUnavailableError, connect
from edge.stream import Stream, event_entry, task_entry

pytestmark = pytest.mark.store
SEARCH = Event("e1", "search", datetime(2026, 11, 22, tzinfo=UTC))
TASK = EraseShop("e1", 1.0)


@pytest.fixture
async def store(session_store: str, redis: "Redis") -> AsyncIterator[ShopperStore]:
    """The store's own client."""
    client = connect(session_store, timeout_s=5, connections=25)
    yield ShopperStore(client)
    await client.aclose()


async def test_events_and_tasks_go_into_their_own_streams(store: ShopperStore, redis: "Redis") -> None:
    """In one step, each once; an event and a task of one id are two things."""
    stream = Stream(store, 10)
    made = await stream.append("demo", [event_entry(SEARCH), task_entry(TASK), event_entry(SEARCH)])
    assert [bool(entry) for entry in made] == [True, True, False]
    assert await stream.append("demo", [task_entry(TASK)]) == [b""]
    events: Any = redis.xrange(keys.events_key("demo"))
    tasks: Any = redis.xrange(keys.tasks_key("demo"))
    assert [entry for entry, _ in events] == [made[0]]
    assert [decode_task(fields[b"t"]) for _, fields in tasks] == [TASK]
    for mark in ("e1", "task:e1"):
        left: Any = redis.ttl(keys.seen_key("demo", mark))
        assert 0 < left <= keys.SEEN_TTL_S


async def test_a_full_stream_takes_none_of_a_step_and_tasks_all_the_same(store: ShopperStore, redis: "Redis") -> None:
    """No mark is left of what was refused, so that it counts when it is sent again."""
    stream = Stream(store, 1)
    with pytest.raises(StoreUnavailableError, match="start the consumer"):
        await stream.append("demo", [event_entry(SEARCH), event_entry(Event("e2", "search", SEARCH.time))])
    assert redis.keys() == []
    await stream.append("demo", [event_entry(SEARCH)])
    assert await stream.append("demo", [task_entry(TASK)]) != [b""]
    assert await stream.append("demo", []) == []


async def test_one_message_from_many_processes_at_once_counts_once(store: ShopperStore, redis: "Redis") -> None:
    """The mark and the entry are one step."""
    stream = Stream(store, 100)
    made = await asyncio.gather(*(stream.append("demo", [event_entry(SEARCH)]) for _ in range(20)))
    assert sum(bool(entry) for (entry,) in made) == 1
    assert redis.xlen(keys.events_key("demo")) == 1
