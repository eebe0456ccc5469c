"""The trip to the store: everybody gets the own values or an error, whatever store, network and neighbours do."""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis, exceptions
from redis.asyncio import Redis as AsyncRedis

from edge.profiles import get_many
from edge.trip import LostTooError, Trip
from tests.edge.between import Between, outcome

pytestmark = pytest.mark.store
LONG_S = 20.0


async def until(condition: Callable[[], object]) -> None:
    """Wait for what must happen."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def trip(session_store: str, redis: "Redis") -> AsyncIterator[Trip]:
    """A patient trip to an empty store."""
    one = Trip(session_store, timeout_s=LONG_S)
    yield one
    one.close()


@pytest.fixture
async def between(session_store: str, redis: "Redis") -> AsyncIterator[Between]:
    """A proxy before the shared store, which holds `k0` to `k99` with values of their own."""
    redis.mset({f"k{n}": value(n) for n in range(100)})
    async with Between(session_store).listening() as one:
        yield one


def value(n: int) -> bytes:
    """What `k<n>` holds."""
    return (f"value {n} " * (1 + n)).encode()


async def test_values_come_in_the_order_of_the_names(trip: Trip, redis: "Redis") -> None:
    """What is missing, or of another type, is None; names and values may hold any bytes."""
    redis.mset({"a": b"1", "b": os.urandom(70_000), "c ö\r\n": b"\r\n$3\r\n"})
    redis.rpush("list", "x")
    names = ["c ö\r\n", "nothing", "a", "list", "b", "a"]
    assert await trip.get_many(names) == [b"\r\n$3\r\n", None, b"1", None, redis.get("b"), b"1"]


async def test_it_gives_what_redis_py_gives(trip: Trip, session_store: str, redis: "Redis") -> None:
    """The same values in the same order, for any choice of names."""
    redis.mset({f"k{n}": os.urandom(n) for n in range(0, 60, 2)})
    client: AsyncRedis = AsyncRedis.from_url(session_store, protocol=2)
    chance = random.Random(1)
    for _ in range(50):
        names = [f"k{chance.randrange(60)}" for _ in range(chance.randint(1, 9))]
        assert await trip.get_many(names) == await get_many(client, names)
    await client.aclose()


async def test_many_at_once_share_one_connection(between: Between) -> None:
    """All are on their way before the first reply is back, and each gets the own values."""
    trip = Trip(between.url, timeout_s=LONG_S)
    answers = [trip.get_many([f"k{n}", f"k{99 - n}"]) for n in range(100)]
    assert await asyncio.gather(*answers) == [[value(n), value(99 - n)] for n in range(100)]
    assert between.connections == 1
    trip.close()


@pytest.mark.parametrize("sizes", [(1,), (2, 3), (1, 700, 7), (5_000,)])
async def test_sliced_replies_are_put_together(between: Between, sizes: tuple[int, ...]) -> None:
    """However the network cuts them."""

    def slices(data: bytes) -> list[bytes]:
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            size = sizes[len(parts) % len(sizes)]
            parts.append(data[at : at + size])
            at += size
        return parts

    between.change = slices
    trip = Trip(between.url, timeout_s=LONG_S)
    answers = [trip.get_many([f"k{n}"]) for n in range(0, 60, 3)]
    assert await asyncio.gather(*answers) == [[value(n)] for n in range(0, 60, 3)]
    trip.close()


async def storm(between: Between) -> None:
    """Cancellations before, while and after replies come, in many orders."""
    trip, chance = Trip(between.url, timeout_s=LONG_S), random.Random(7)

    async def ask(n: int) -> None:
        assert await trip.get_many([f"k{n}", "nothing"]) == [value(n), None]

    between.change = lambda data: [data[at : at + 300] for at in range(0, len(data), 300)]
    for _ in range(60):
        tasks = [asyncio.create_task(ask(chance.randrange(100))) for _ in range(20)]
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        for task in chance.sample(tasks, 12):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} <= {type(None), asyncio.CancelledError}
    await ask(5)
    assert between.connections == 1
    trip.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.fault(19)
def test_who_gives_up_leaves_the_reply_to_nobody(run: Callable[..., None], session_store: str, redis: "Redis") -> None:
    """Every value that arrives is the asker's own, on both loops."""
    redis.mset({f"k{n}": value(n) for n in range(100)})

    async def under_cancellation() -> None:
        async with Between(session_store).listening() as between:
            await storm(between)

    run(under_cancellation())


async def test_given_up_requests_count_as_waiting(between: Between) -> None:
    """What was sent must be answered or lost, so there are never more than `most` of them."""
    trip = Trip(between.url, timeout_s=LONG_S, most=3)
    await trip.get_many(["k1"])
    between.back.clear()
    for answer in [trip.get_many(["k1"]) for _ in range(2)]:
        answer.cancel()
    last = trip.get_many(["k2"])
    with pytest.raises(exceptions.MaxConnectionsError):
        trip.get_many(["k3"])
    between.back.set()
    assert await last == [value(2)]
    assert await trip.get_many(["k3"]) == [value(3)]
    trip.close()


async def test_no_reply_in_time_fails_all_and_the_next_starts_anew(between: Between) -> None:
    """The late replies belong to a connection that nobody reads any more."""
    trip = Trip(between.url, timeout_s=0.05)
    between.back.clear()
    answers = [trip.get_many([f"k{n}"]) for n in range(5)]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(result) for result in results] == [exceptions.TimeoutError] * 5
    between.back.set()
    patient = Trip(between.url, timeout_s=LONG_S)
    assert await patient.get_many(["k7"]) == [value(7)]
    patient.close()
    trip.close()


async def test_a_reply_that_was_there_in_time_counts_though_nobody_looked(between: Between) -> None:
    """This process was busy for longer than the timeout: that is not the store's fault."""
    trip = Trip(between.url, timeout_s=0.5)
    await trip.get_many(["k1"])
    answer = trip.get_many(["k2"])
    await until(lambda: between.sent > 40)
    await asyncio.sleep(0.05)
    time.sleep(0.6)  # the loop is to stand still
    assert await answer == [value(2)]
    trip.close()


async def test_a_broken_connection_is_one_failure(between: Between) -> None:
    """One of those who wait tells of it, the others say that they were lost, too; then it works again."""
    trip = Trip(between.url, timeout_s=LONG_S)
    await trip.get_many(["k1"])
    between.back.clear()
    answers = [trip.get_many([f"k{n}"]) for n in range(4)]
    await asyncio.sleep(0)
    between.cut()
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(result) for result in results] == [exceptions.ConnectionError, *[LostTooError] * 3]
    between.back.set()
    assert await trip.get_many(["k7"]) == [value(7)]
    trip.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"hello\r\n",
        b"*1\r\n",
        b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
        b":7\r\n",
        b"$2\r\nxxxx",
        b"*1\r\n$-1\r\n*1\r\n$-1\r\n",
        b"\0",
    ],
)
async def test_what_is_no_reply_ends_the_connection(between: Between, reply: bytes) -> None:
    """Nonsense, another number of values, half a reply, a reply too many: an error, and then a new start."""
    trip = Trip(between.url, timeout_s=0.3)
    between.change = lambda _: [reply]
    results = [await outcome(trip.get_many(["k1"])) for _ in range(2)]
    kinds = (exceptions.InvalidResponse, exceptions.TimeoutError, exceptions.ConnectionError)
    assert all(result == [None] or isinstance(result, kinds) for result in results)
    between.change = lambda data: [data]
    patient = Trip(between.url, timeout_s=LONG_S)
    assert await patient.get_many(["k2"]) == [value(2)]
    patient.close()
    trip.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
@pytest.mark.fault(4)
def test_no_bytes_from_the_store_do_harm(parts: list[bytes]) -> None:
    """Whatever arrives, whoever waits gets a list of the right length or an error of redis-py's, and soon."""

    async def run() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            served.release()

        served = asyncio.Semaphore(0)
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        trip = Trip(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=LONG_S)
        answers = [trip.get_many(["a", "b"]) for _ in range(3)]
        for result in await asyncio.gather(*map(outcome, answers)):
            assert isinstance(result, Exception) or len(result) == 2
        trip.close()
        await served.acquire()
        server.close()
        await server.wait_closed()

    asyncio.run(run())


async def test_hanging_up_fails_who_waits_and_nothing_later(between: Between) -> None:
    """A trip that was closed opens again when it is asked."""
    trip = Trip(between.url, timeout_s=LONG_S)
    trip.close()
    answer = trip.get_many(["k1"])
    trip.close()
    trip.close()
    with pytest.raises(exceptions.ConnectionError, match="closed"):
        await answer
    assert await trip.get_many(["k1"]) == [value(1)]
    trip.close()


async def test_an_idle_trip_keeps_no_timer_and_hears_that_the_store_hung_up(between: Between) -> None:
    """The next request finds a new connection, not a dead one."""
    trip = Trip(between.url, timeout_s=0.2)
    async with asyncio.timeout(60):
        while await outcome(trip.get_many(["k1"])) != [value(1)]:
            await asyncio.sleep(0.01)
    line = trip._line
    assert line is not None
    await until(lambda: line._timer is None)
    between.cut()
    await until(lambda: line.ended)
    patient = Trip(between.url, timeout_s=LONG_S)
    assert await patient.get_many(["k2"]) == [value(2)]
    patient.close()
    trip.close()
