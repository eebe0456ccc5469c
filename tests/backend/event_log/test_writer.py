"""The log's writer: every consented event once, whatever is killed; what is denied, erased or unreadable stays out."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from obstore.exceptions import GenericError
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ResponseError

from backend.event_log import writer as writers
from backend.event_log.rows import LogError
from backend.event_log.store import EventLog
from backend.event_log.writer import LogWriter, ensure_group, forget_group
from backend.metrics import LOG_FAILURES, LOGGED
from edge.core import keys
from edge.core.consent import Decision, encode_decision
from edge.core.events import Event
from edge.profiles import connect
from tests.backend.event_log.handmade import event, ids, order, rows

pytestmark = pytest.mark.store

STREAM = keys.events_key("demo")


@pytest.fixture
async def client(session_store: str, redis: "Redis") -> AsyncIterator["AsyncRedis"]:
    """The store as the writer sees it, empty at the start."""
    one = connect(session_store, timeout_s=5, connections=4)
    yield one
    await one.aclose()


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """An empty log on disk."""
    return EventLog(str(tmp_path / "events"), patience_s=10)


def append(redis: "Redis", *events: Event) -> list[bytes]:
    """Events as the edge puts them into the stream; their entry ids."""
    return [redis.xadd(STREAM, {"e": msgspec.json.encode(one)}) for one in events]  # type: ignore[misc]  # because redis-py types both clients at once


def decide(redis: "Redis", shopper: str, *granted: Any) -> None:
    """A stored decision of a shopper."""
    decision = Decision("demo", shopper, granted, time.time(), "test")
    redis.set(keys.consent_key("demo", shopper), encode_decision(decision))


def pending(redis: "Redis") -> int:
    """Entries that were read and not acknowledged."""
    found: Any = redis.xpending(STREAM, keys.LOG_GROUP)
    return int(found["pending"])


async def test_events_are_written_then_acknowledged(client: "AsyncRedis", redis: "Redis", log: EventLog) -> None:
    """All that stood in the stream before there was a group, too; the entries themselves stay for the others."""
    append(redis, event("a"), order(1), event("b"))
    done = await LogWriter(client, "demo", log).once()
    assert (done.written, done.denied, done.unreadable) == (3, 0, 0)
    assert ids(log) == ["a", "b", "e1", "e1"]
    assert pending(redis) == 0
    assert redis.xlen(STREAM) == 3
    assert (await LogWriter(client, "demo", log).once()).written == 0
    assert len(log.files("demo")) == 1


async def test_nothing_is_acknowledged_before_it_is_written(
    client: "AsyncRedis", redis: "Redis", log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails costs nothing: the entries wait for the next writer."""
    append(redis, event("a"))

    def full(*_: object) -> None:
        raise GenericError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(log, "write", full)
        with pytest.raises(GenericError):
            await LogWriter(client, "demo", log).once()
    assert pending(redis) == 1
    await asyncio.sleep(0.05)
    assert (await LogWriter(client, "demo", log, wait_s=0.01, claim_s=0.02).once()).written == 1
    assert (ids(log), pending(redis)) == (["a"], 0)


async def test_a_stored_denial_wins(client: "AsyncRedis", redis: "Redis", log: EventLog) -> None:
    """Of any of the event's names, made after the event was collected; what is granted limits what is noted."""
    decide(redis, "k.denies")
    decide(redis, "k.partly", "analytics")
    decide(redis, "k.other", "personalization")
    redis.set(keys.consent_key("demo", "k.unreadable"), b"\xff\xff")
    redis.set(keys.consent_key("demo", "k.foreign"), redis.get(keys.consent_key("demo", "k.partly")) or b"")
    append(
        redis,
        event("1", visitor_id="k.denies"),
        event("2", visitor_id="k.v", customer_id="k.denies"),
        event("3", email="k.denies"),
        event("4", visitor_id="k.partly"),
        event("5", visitor_id="k.other"),
        event("6", visitor_id="k.unreadable"),
        event("7", visitor_id="k.foreign"),
        event("8", consent=("personalization",)),
        event("9"),
    )
    done = await LogWriter(client, "demo", log).once()
    assert (done.written, done.denied) == (2, 7)
    assert [(row["event_id"], row["consent"]) for row in rows(log)] == [
        ("4", "analytics"), ("9", "analytics,personalization"),
    ]  # fmt: skip
    assert pending(redis) == 0


async def test_an_erasure_meanwhile_wins(client: "AsyncRedis", redis: "Redis", log: EventLog) -> None:
    """Read before the tombstone, written after it: the decision is looked up under the lock that erasing holds."""
    append(redis, event("a", customer_id="k.gone"), event("b"))
    writer = LogWriter(client, "demo", log, wait_s=0.01)
    with log.exclusive("demo"):
        working = asyncio.create_task(writer.once())
        while pending_of(redis) < 2:
            await asyncio.sleep(0.01)
        decide(redis, "k.gone")
        assert await asyncio.to_thread(lambda: log.files("demo")) == []
    await working
    assert ids(log) == ["b"]


def pending_of(redis: "Redis") -> int:
    """Like `pending`, also before there is a group."""
    try:
        return pending(redis)
    except ResponseError:  # no group yet
        return 0


async def test_unreadable_entries_are_skipped_and_counted(
    client: "AsyncRedis", redis: "Redis", log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    """They hold up nobody; the dead letters are the other consumer's."""
    before = LOGGED.labels("demo", "unreadable")._value.get()
    for fields in ({"e": b"{"}, {"e": b"\xff"}, {"x": b"1"}, {"e": b'{"id":"x"}'}):
        redis.xadd(STREAM, fields)  # type: ignore[arg-type]  # because redis-py types values narrowly
    append(redis, event("good"))
    done = await LogWriter(client, "demo", log).once()
    assert (done.written, done.unreadable) == (1, 4)
    assert "4 unreadable entries skipped" in str(done)
    assert LOGGED.labels("demo", "unreadable")._value.get() == before + 4
    assert (ids(log), pending(redis)) == (["good"], 0)
    assert not redis.exists(keys.dead_key("demo"))


async def test_it_runs_until_told_to_stop(
    client: "AsyncRedis", redis: "Redis", log: EventLog, until: Callable[..., None]
) -> None:
    """Writes by number and by time, and what is gathered when it ends."""
    stop = asyncio.Event()
    writer = LogWriter(client, "demo", log, events=5, wait_s=0.2)
    running = asyncio.create_task(writer.run(stop))
    append(redis, *(event(f"{number:02}") for number in range(12)))
    while writer.totals.written < 12:
        await asyncio.sleep(0.02)
    assert len(log.files("demo")) == 3
    writer._wait_s = 60
    append(redis, event("last"))
    while pending(redis) < 1:
        await asyncio.sleep(0.02)
    stop.set()
    await running
    assert ids(log)[-1] == "last"
    assert len(ids(log)) == 13
    assert pending(redis) == 0
    consumers: Any = redis.xinfo_consumers(STREAM, keys.LOG_GROUP)
    assert consumers == [], "a writer that ends in order leaves no name behind"


async def test_it_gets_over_a_store_that_loses_the_group(
    client: "AsyncRedis", redis: "Redis", log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And over a log that cannot be written for a while; both are counted."""
    failures, stop = LOG_FAILURES.labels("demo")._value.get(), asyncio.Event()
    write, broken = log.write, [True]

    def sometimes(*arguments: Any, **named: Any) -> int:
        if broken:
            broken.clear()
            raise LogError("not now")
        return write(*arguments, **named)

    monkeypatch.setattr(log, "write", sometimes)
    writer = LogWriter(client, "demo", log, wait_s=0.05)
    running = asyncio.create_task(writer.run(stop))
    append(redis, event("a"))
    while writer.totals.written < 1:
        await asyncio.sleep(0.02)
    redis.delete(STREAM)
    append(redis, event("b"))
    while writer.totals.written < 2:
        await asyncio.sleep(0.02)
    stop.set()
    await running
    assert ids(log) == ["a", "b"]
    assert LOG_FAILURES.labels("demo")._value.get() >= failures + 2


async def test_what_cannot_be_written_at_the_end_stays_in_the_stream(
    client: "AsyncRedis", redis: "Redis", log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ending does not fail, and nothing is acknowledged."""
    monkeypatch.setattr(writers, "_WORST_PAUSE_S", 0.01)
    monkeypatch.setattr(log, "write", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    append(redis, event("a"))
    stop = asyncio.Event()
    running = asyncio.create_task(LogWriter(client, "demo", log, wait_s=0.01).run(stop))
    while pending_of(redis) < 1:
        await asyncio.sleep(0.01)
    stop.set()
    await running
    assert pending(redis) == 1


async def test_the_group_can_be_made_and_forgotten(client: "AsyncRedis", redis: "Redis") -> None:
    """Twice each, and where there is no stream."""
    await forget_group(client, "demo")
    await ensure_group(client, "demo")
    await ensure_group(client, "demo")
    assert len(redis.xinfo_groups(STREAM)) == 1
    await forget_group(client, "demo")
    await forget_group(client, "demo")
    assert redis.xinfo_groups(STREAM) == []


async def test_a_wrong_type_is_not_mistaken_for_a_group(client: "AsyncRedis", redis: "Redis", log: EventLog) -> None:
    """It is an error, said."""
    redis.set(STREAM, "text")
    with pytest.raises(Exception, match="WRONGTYPE"):
        await ensure_group(client, "demo")


def command(redis_url: str, tmp_path: Path, *arguments: str, **environment: str) -> Any:
    """`python -m backend log ...` with small batches, started."""
    settings = {"REDIS_URL": redis_url, "ENDCAP_DATA_DIR": str(tmp_path), "ENDCAP_LOG_EVENTS": "40", "COLUMNS": "200",
                "ENDCAP_LOG_WAIT_S": "0.05", "ENDCAP_LOG_CLAIM_S": "0.1"}  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "backend", "log", *arguments], env=os.environ | settings | environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_killed_writers_lose_nothing_and_count_nothing_twice(
    session_store: str, redis: "Redis", tmp_path: Path, log: EventLog
) -> None:
    """SIGKILL at random moments while events come in: at reading every consented one is there exactly once."""
    chance = random.Random(7)
    sent: list[str] = []
    for _ in range(8):
        writer = command(session_store, tmp_path)
        assert writer.stdout.readline().startswith("writing"), writer.stderr.read()
        for _ in range(60):
            append(redis, *(event(f"{len(sent) + at:05}", "add-to-cart", "p", "q") for at in range(5)))
            append(redis, event("never", consent=("personalization",)))
            sent += [f"{len(sent) + at:05}" for at in range(5)]
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.1))
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    time.sleep(0.2)  # so that what the last one held counts as left behind
    out, errors = command(session_store, tmp_path, "--once").communicate(timeout=60)
    assert "events written" in out, errors
    assert sorted(ids(log)) == sorted(sent * 2)  # two products each
    assert pending(redis) == 0


def test_the_command_ends_in_order(session_store: str, redis: "Redis", tmp_path: Path, log: EventLog) -> None:
    """SIGTERM: what was gathered is written, and the exit status is 0."""
    writer = command(session_store, tmp_path, ENDCAP_LOG_WAIT_S="60")
    assert "to" in writer.stdout.readline()
    append(redis, event("a"))
    ends = time.monotonic() + 20
    while pending_of(redis) < 1:
        assert time.monotonic() < ends
        time.sleep(0.01)
    writer.terminate()
    out, errors = writer.communicate(timeout=30)
    assert (writer.returncode, errors) == (0, "")
    assert "1 events written" in out
    assert ids(log) == ["a"]


def test_none_keeps_nothing(session_store: str, redis: "Redis", tmp_path: Path) -> None:
    """No directory, no group that entries would wait for; every command says so."""
    append(redis, event("a"))
    redis.xgroup_create(STREAM, keys.LOG_GROUP, id="0")
    done = command(session_store, tmp_path, EVENT_LOG="none")
    out, errors = done.communicate(timeout=30)
    assert (done.returncode, errors) == (0, "")
    assert "EVENT_LOG is `none`: events are not kept" in out
    assert redis.xinfo_groups(STREAM) == []
    assert list(tmp_path.iterdir()) == []
    assert redis.xlen(STREAM) == 1
