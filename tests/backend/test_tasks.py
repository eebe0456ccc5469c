"""The worker of tasks: each once, failing ones again and then dead, none held up by another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend.consume.dead import dead_letters, replay_dead
from backend.platforms.handlers import HANDLERS as FETCHING
from backend.privacy.handlers import AFTERWARDS
from backend.privacy.handlers import HANDLERS as PRIVACY
from backend.settings import Settings
from backend.tasks import Context, Handler, TaskWorker
from edge.core import keys, tasks
from edge.embedded import EmbeddedStore
from edge.profiles import connect

pytestmark = pytest.mark.store

KEY = keys.tasks_key("demo")


@pytest.fixture
async def client(session_store: str, redis: "Redis") -> AsyncIterator["AsyncRedis"]:
    """A client on an empty store."""
    one = connect(session_store, timeout_s=10, connections=4)
    yield one
    await one.aclose()


class Doer:
    """Notes the tasks it did; fails as long as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.did: list[str] = []
        self._failures = failures

    async def __call__(self, _context: Context, task: Any) -> str:
        """Do a task."""
        self.did.append(task.id)
        if self._failures:
            self._failures -= 1
            raise RuntimeError("not today")
        return "done"


def ask(redis: "Redis", *ids: str) -> None:
    """Put exports of these ids into the stream."""
    for id_ in ids:
        redis.xadd(KEY, {"t": tasks.encode_task(tasks.Export(id_, 0.0, ("k1.x",)))})


def worker(client: "AsyncRedis", doer: Handler, **options: Any) -> TaskWorker:
    """A worker for exports that tries again at once."""
    return TaskWorker(client, Settings(), {tasks.Export: doer}, **{"idle_s": 0.0, "attempts": 3} | options)


async def test_each_task_is_done_once_and_leaves_the_stream(client: "AsyncRedis", redis: "Redis") -> None:
    """The same request twice, also later: one effect."""
    doer = Doer()
    ask(redis, "a", "b", "a")
    one = worker(client, doer)
    assert await one.once() == 2
    ask(redis, "b")
    assert await worker(client, doer).once() == 0
    assert doer.did == ["a", "b"]
    assert redis.xlen(KEY) == 0
    assert one.done == 2


async def test_a_failing_task_is_tried_again_and_the_others_are_done(client: "AsyncRedis", redis: "Redis") -> None:
    """It succeeds at last."""
    doer = Doer(failures=2)
    ask(redis, "a", "b")
    assert await worker(client, doer).once() == 2
    assert sorted(doer.did) == ["a", "a", "b", "b"]


async def test_a_task_that_keeps_failing_is_a_dead_letter_and_can_come_back(
    client: "AsyncRedis", redis: "Redis"
) -> None:
    """With the reason; replayed, it is done."""
    ask(redis, "a")
    assert await worker(client, Doer(failures=3)).once() == 0
    (letter,) = await dead_letters(client, "demo")
    assert letter.reason == "RuntimeError: not today"
    assert letter.deliveries == 3
    assert tasks.decode_task(letter.data).id == "a"
    assert await replay_dead(client, "demo") == 1
    doer = Doer()
    assert await worker(client, doer).once() == 1
    assert doer.did == ["a"]


async def test_nonsense_and_what_nobody_does_become_dead_letters(client: "AsyncRedis", redis: "Redis") -> None:
    """The first at once, the second after its attempts."""
    redis.xadd(KEY, {"t": "nonsense"})
    redis.xadd(KEY, {"t": tasks.encode_task(tasks.EraseShop("x", 0.0))})
    assert await worker(client, Doer()).once() == 0
    reasons = [letter.reason for letter in await dead_letters(client, "demo")]
    assert "unreadable" in reasons[0]
    assert "nobody here does EraseShop" in reasons[1]


async def test_what_a_dead_worker_left_is_taken_over(client: "AsyncRedis", redis: "Redis") -> None:
    """It was given the task and never finished it."""
    ask(redis, "a")
    redis.xgroup_create(KEY, "backend", "0")
    redis.xreadgroup("backend", "dead", {KEY: ">"})
    doer = Doer()
    assert await worker(client, doer, idle_s=60.0).once() == 0, "it may still be at work"
    assert await worker(client, doer).once() == 1


async def test_a_running_worker_does_what_comes_and_stops(
    client: "AsyncRedis", redis: "Redis", until: Callable[..., None]
) -> None:
    """Until told to."""
    doer, stop = Doer(), asyncio.Event()
    running = asyncio.create_task(worker(client, doer).run(stop))
    ask(redis, "a")
    while not doer.did:
        await asyncio.sleep(0.01)
    stop.set()
    await running
    assert doer.did == ["a"]


async def test_a_worker_waits_for_a_store_that_is_away(tmp_path: Path) -> None:
    """The store starts after it; then the task is done."""
    with EmbeddedStore(tmp_path / "store") as store:
        url = store.url
    client = connect(url, timeout_s=1, connections=4)
    doer, stop = Doer(), asyncio.Event()
    running = asyncio.create_task(worker(client, doer).run(stop))
    await asyncio.sleep(0.1)
    with EmbeddedStore(tmp_path / "store"):
        ask(Redis.from_url(url, protocol=2), "a")
        while not doer.did:
            await asyncio.sleep(0.01)
        stop.set()
        await running
    await client.aclose()


def test_every_task_has_somebody_who_does_it() -> None:
    """And after erasures the bytes go."""
    assert PRIVACY.keys() | FETCHING.keys() == set(tasks.AnyTask.__args__)
    assert AFTERWARDS.keys() == {tasks.Erase, tasks.EraseShop}
