"""A TCP proxy that fails as it is told: `async with Proxy("127.0.0.1:6379") as proxy: await proxy.set(Latency(500))`.

In: an upstream, `host:port` or `unix:/path`. Out: an address that leads there through the toxics in force, which may be
changed while connections are open. `in_thread` runs one beside a program that has no event loop.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal, Self

from loadtests.toxics.kinds import Down, Toxic
from loadtests.toxics.link import Link, Streams, Weather

Direction = Literal["upstream", "downstream", "both"]  # to the server, to the client


class Proxy:
    """One listening address and the connections through it."""

    def __init__(self, upstream: str, listen: str = "127.0.0.1:0") -> None:
        self.connections = 0
        self._upstream = upstream
        self._host, _, port = listen.rpartition(":")
        self._port = int(port)
        self._weather: dict[str, Weather] = {"upstream": Weather(), "downstream": Weather()}
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._served: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    @property
    def address(self) -> str:
        """Where it listens: `host:port`."""
        return f"{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def set(self, *toxics: Toxic, direction: Direction = "both") -> None:
        """These toxics from now on, instead of those in force in that direction; none: all is well again."""
        for name, weather in self._weather.items():
            if direction in (name, "both"):
                weather.set(toxics)
        if any(any(weather.of(Down)) for weather in self._weather.values()):
            await self._end()
        elif self._server is None:
            await self._listen()
        for link in self._links:
            link.rearm()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, self._port, reuse_address=True)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            # One that is closed while a connection waits for its first turn forgets it, open as it is (CPython 3.11).
            for listening in server.sockets:
                asyncio.get_running_loop().remove_reader(listening)
            await _turns()
            server.close()
        for link in list(self._links):
            link.reset()
        for task, writer in list(self._served.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)
        await _turns()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- a callback of start_server runs in a task
        self._served[task] = writer
        try:
            link = Link((reader, writer), await self._connect(), *self._weather.values())
            self._links.add(link)
            try:
                await link.run()
            finally:
                self._links.discard(link)
        except (OSError, asyncio.CancelledError):
            pass  # nobody is there, or ended by us, which start_server would report as a fault of its callback
        finally:
            writer.close()
            del self._served[task]

    async def _connect(self) -> Streams:
        if self._upstream.startswith("unix:"):
            return await asyncio.open_unix_connection(self._upstream.removeprefix("unix:").removeprefix("//"))
        host, _, port = self._upstream.rpartition(":")
        return await asyncio.open_connection(host, int(port))


async def _turns() -> None:
    """Let a connection that was accepted begin, which takes four turns of the loop, and an aborted one close."""
    for _ in range(8):
        await asyncio.sleep(0)


class Threaded:
    """A proxy in a thread of its own; `set` waits until it has been done."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy, self._loop = proxy, loop
        self.address = proxy.address

    @property
    def connections(self) -> int:
        """How many were made to it so far."""
        return self._proxy.connections

    def set(self, *toxics: Toxic, direction: Direction = "both") -> None:
        """As `Proxy.set`."""
        self._do(self._proxy.set(*toxics, direction=direction))

    def _do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


@contextmanager
def in_thread(upstream: str, listen: str = "127.0.0.1:0") -> Iterator[Threaded]:
    """A proxy for a program without an event loop, as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="toxics", daemon=True)
    thread.start()
    proxy = Proxy(upstream, listen)
    try:
        asyncio.run_coroutine_threadsafe(proxy.__aenter__(), loop).result(10)
        yield Threaded(proxy, loop)
    finally:
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(proxy.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
