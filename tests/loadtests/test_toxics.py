"""The fault proxy: each toxic with real sockets, in both directions, switched while connections are open."""

import asyncio
import gc
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from loadtests.toxics import (
    Bandwidth,
    Down,
    Latency,
    LimitData,
    Proxy,
    ResetPeer,
    Slicer,
    SlowClose,
    Threaded,
    Timeout,
    in_thread,
)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PATIENCE_S = 20


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say everything again, piece by piece as it came."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """A server that says everything again."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.fixture
async def proxy(echo: str) -> AsyncIterator[Proxy]:
    """A proxy before it."""
    async with Proxy(echo) as one:
        yield one


async def dial(proxy: Proxy) -> Streams:
    """A connection through the proxy."""
    host, _, port = proxy.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def exchange(streams: Streams, data: bytes) -> float:
    """Send, hear it again; how long that took."""
    began = time.monotonic()
    streams[1].write(data)
    heard = await asyncio.wait_for(streams[0].readexactly(len(data)), PATIENCE_S)
    assert heard == data
    return time.monotonic() - began


async def close(streams: Streams) -> None:
    """End a connection from this side."""
    streams[1].close()
    await asyncio.gather(streams[1].wait_closed(), return_exceptions=True)


async def test_without_toxics_all_comes_through(proxy: Proxy) -> None:
    """Much of it, on several connections at once, and the ends, too."""
    one, two = await dial(proxy), await dial(proxy)
    await asyncio.gather(exchange(one, b"a" * 3_000_000), exchange(two, b"b" * 3_000_000))
    assert proxy.connections == 2
    one[1].write_eof()
    assert await asyncio.wait_for(one[0].read(), PATIENCE_S) == b""
    await close(one)
    await close(two)


@pytest.mark.parametrize("direction", ["upstream", "downstream"])
async def test_latency_is_added_each_way_asked_for(proxy: Proxy, direction: str) -> None:
    """To a connection that is open already, and taken off again."""
    streams = await dial(proxy)
    await exchange(streams, b"x")
    await proxy.set(Latency(150), direction=direction)  # type: ignore[arg-type]  # because the parameter is a plain str
    assert await exchange(streams, b"x") >= 0.15
    await proxy.set(Latency(150))
    assert await exchange(streams, b"x") >= 0.3
    await proxy.set()
    assert min([await exchange(streams, b"x") for _ in range(10)]) < 0.1
    await close(streams)


async def test_latency_leaves_throughput_and_order(proxy: Proxy) -> None:
    """Fifty pieces, 100 ms each on its way, all at the same time: far from the five seconds of one after another."""
    await proxy.set(Latency(100, jitter_ms=40), direction="upstream")
    streams = await dial(proxy)
    sent = b"".join(b"%04d" % number for number in range(50))
    began = time.monotonic()
    for at in range(0, len(sent), 4):
        streams[1].write(sent[at : at + 4])
        await asyncio.sleep(0.002)
    assert await asyncio.wait_for(streams[0].readexactly(len(sent)), PATIENCE_S) == sent
    assert 0.06 <= time.monotonic() - began < 4
    await close(streams)


async def test_down_ends_and_refuses_until_it_is_up(proxy: Proxy) -> None:
    """At the same address again."""
    streams, address = await dial(proxy), proxy.address
    await exchange(streams, b"x")
    await proxy.set(Down())
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await exchange(streams, b"x")
    with pytest.raises(ConnectionRefusedError):
        await dial(proxy)
    await proxy.set()
    assert proxy.address == address
    again = await dial(proxy)
    await exchange(again, b"x")
    await close(streams)
    await close(again)


async def test_bandwidth_is_a_limit(proxy: Proxy) -> None:
    """100 kB at 200 kB a second: half a second at least."""
    await proxy.set(Bandwidth(200_000), direction="downstream")
    streams = await dial(proxy)
    assert await exchange(streams, b"x" * 100_000) >= 0.45
    await close(streams)


async def test_slow_close_holds_the_end_back(proxy: Proxy) -> None:
    """Data comes at once, the end later."""
    await proxy.set(SlowClose(300), direction="downstream")
    streams = await dial(proxy)
    await exchange(streams, b"x")
    began = time.monotonic()
    streams[1].write_eof()
    assert await asyncio.wait_for(streams[0].read(), PATIENCE_S) == b""
    assert time.monotonic() - began >= 0.3
    await close(streams)


async def test_timeout_of_zero_is_half_open(proxy: Proxy) -> None:
    """Nothing comes, nothing ends; what was held back comes when it is over."""
    streams = await dial(proxy)
    await proxy.set(Timeout(), direction="downstream")
    streams[1].write(b"held")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(streams[0].read(10), 0.2)
    await proxy.set()
    assert await asyncio.wait_for(streams[0].readexactly(4), PATIENCE_S) == b"held"
    await close(streams)


async def test_timeout_closes_in_the_end(proxy: Proxy) -> None:
    """After its time, without a byte; taken off before, nothing is closed."""
    streams, spared = await dial(proxy), await dial(proxy)
    await exchange(spared, b"x")
    await proxy.set(Timeout(60_000))
    await proxy.set(Timeout(100))
    streams[1].write(b"lost")
    assert await asyncio.wait_for(streams[0].read(10), PATIENCE_S) == b""
    await proxy.set(Timeout(200))
    late = await dial(proxy)
    await proxy.set()
    await asyncio.sleep(0.3)
    await exchange(late, b"x")
    for one in (streams, spared, late):
        await close(one)


async def test_reset_peer_resets(proxy: Proxy) -> None:
    """Not a clean end: the client's read fails."""
    streams = await dial(proxy)
    await exchange(streams, b"x")
    await proxy.set(ResetPeer(50))
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(streams[0].read(10), PATIENCE_S)
    await close(streams)


async def test_slicer_cuts_without_losing(proxy: Proxy) -> None:
    """Each piece by itself, all of them in order."""
    await proxy.set(Slicer(10, varies=5, delay_ms=1), direction="downstream")
    streams = await dial(proxy)
    data = bytes(range(256)) * 2
    streams[1].write(data)
    pieces: list[bytes] = []
    while sum(len(piece) for piece in pieces) < len(data):
        pieces.append(await asyncio.wait_for(streams[0].read(65_536), PATIENCE_S))
    assert b"".join(pieces) == data
    assert len(pieces) > 5
    await close(streams)


async def test_limit_data_truncates(proxy: Proxy) -> None:
    """The first bytes, then the end, although more was sent."""
    await proxy.set(LimitData(7), direction="downstream")
    streams = await dial(proxy)
    streams[1].write(b"0123456789")
    assert await asyncio.wait_for(streams[0].read(), PATIENCE_S) == b"0123456"
    await close(streams)


async def test_a_dead_upstream_ends_the_connection() -> None:
    """As if the proxy were not there; and it waits for nobody."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Proxy(f"127.0.0.1:{port}") as proxy:
        streams = await dial(proxy)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await exchange(streams, b"x")
        await close(streams)


async def test_its_end_leaves_nothing_open(echo: str) -> None:
    """Callers at every stage: with a whole connection, half let in, just knocking. No task and no socket is left."""
    for _ in range(20):
        async with Proxy(echo) as proxy:
            settled = await dial(proxy)
            await exchange(settled, b"x")
            knocking = [asyncio.create_task(dial(proxy)) for _ in range(5)]
            await asyncio.sleep(0)
            await proxy.set(Down())
        for one in await asyncio.gather(*knocking, return_exceptions=True):
            if isinstance(one, tuple):
                await close(one)
        await close(settled)
    await asyncio.sleep(0.01)
    left = [task for task in asyncio.all_tasks() if "_serve" in repr(task) or "Pipe" in repr(task)]
    assert left == []


@pytest.mark.parametrize("prefix", ["unix:", "unix://"])
async def test_the_upstream_may_be_a_unix_socket(tmp_path: Path, prefix: str) -> None:
    """As of the embedded store, with its URL as it is; resetting such a connection works, too."""
    server = await asyncio.start_unix_server(_echo, tmp_path / "echo.sock")
    async with Proxy(f"{prefix}{tmp_path}/echo.sock") as proxy:
        streams = await dial(proxy)
        await exchange(streams, b"x")
        await proxy.set(ResetPeer())
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(streams[0].read(10), PATIENCE_S)
        await close(streams)
    server.close()


def ended(client: socket.socket) -> bool:
    """Whether the other side ended the connection, this way or that."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


@pytest.fixture
def threaded() -> Iterator[Threaded]:
    """A proxy in a thread, before another one that ends the chain at nobody."""
    with in_thread("127.0.0.1:1") as nobody, in_thread(nobody.address) as one:
        yield one


def test_in_a_thread_it_serves_programs_without_a_loop(threaded: Threaded) -> None:
    """Switched from outside, done when the call returns."""
    host, _, port = threaded.address.rpartition(":")
    threaded.set(Down())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    threaded.set(Latency(1))
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as client:
        client.settimeout(PATIENCE_S)
        assert ended(client), "the far end of the chain refused"
    assert threaded.connections == 1


def test_as_a_program_it_says_where_it_listens(tmp_path: Path) -> None:
    """And goes when it is told to, with status 0; latency counts each way."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-m", "loadtests.toxics", "--upstream", f"127.0.0.1:{port}"]
        command += ["--latency-ms", "100", "--bytes-per-s", "1000000", "--slice-bytes", "3"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                address = process.stdout.readline().split()[2]
                host, _, taken = address.rpartition(":")
                with socket.create_connection((host, int(taken)), timeout=PATIENCE_S) as client:
                    far, _ = server.accept()
                    began = time.monotonic()
                    client.sendall(b"hello")
                    assert far.recv(1) == b"h"
                    far.sendall(b"!")
                    assert client.recv(1) == b"!"
                    assert time.monotonic() - began >= 0.2
                    far.close()
                process.terminate()
                assert process.wait(PATIENCE_S) == 0
            finally:
                process.kill()


def test_who_comes_as_it_ends_is_hung_up_on() -> None:
    """Also a connection that was accepted and not begun: none is left open, which pytest would tell."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        for _ in range(10):
            came: list[socket.socket] = []
            with in_thread(f"127.0.0.1:{upstream.getsockname()[1]}") as proxy:
                host, _, port = proxy.address.partition(":")

                def storm(to: tuple[str, int], came: list[socket.socket]) -> None:
                    with suppress(OSError):
                        while True:
                            came.append(socket.create_connection(to, 1))

                thread = threading.Thread(target=storm, args=((host, int(port)), came))
                thread.start()
                while not came:
                    time.sleep(0.001)
            thread.join()
            for one in came:
                one.settimeout(30)
                with suppress(ConnectionResetError):
                    assert one.recv(1) == b""
                one.close()
    gc.collect()
