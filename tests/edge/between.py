"""A TCP proxy before the store, for tests of its readers: it slices, holds, cuts and falsifies what comes back."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from edge.trip import Values


async def outcome(answer: Awaitable[Values]) -> Values | Exception:
    """The values, or why there are none."""
    try:
        return await answer
    except RedisError as error:
        return error


class Between:
    """Passes bytes on. `change` makes of each chunk from the store what the reader gets; `held` lets nothing back."""

    def __init__(self, store_url: str) -> None:
        self._store = urlsplit(store_url)
        self.change: Callable[[bytes], list[bytes]] = lambda data: [data]
        self.back = asyncio.Event()  # clear it to hold the replies
        self.back.set()
        self.connections = 0
        self.sent = 0  # bytes that readers sent
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Between"]:
        """Listen on loopback while the block lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        scheme = "rediss" if tls else "redis"
        self.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.back.set()
            while pending := [task for task in self._tasks if not task.done()]:
                self.cut()  # again: a connection may have been made just now
                await asyncio.wait(pending, timeout=0.1)
            await server.wait_closed()

    def cut(self) -> None:
        """Break every connection there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        here = asyncio.current_task()
        assert here is not None
        self._tasks.add(here)
        if self._store.scheme == "unix":
            store_reader, store_writer = await asyncio.open_unix_connection(self._store.path)
        else:
            store_reader, store_writer = await asyncio.open_connection(self._store.hostname, self._store.port or 6379)
        self._writers |= {writer, store_writer}
        ways = [self._there(reader, store_writer), self._back(store_reader, writer)]
        tasks = [asyncio.create_task(way) for way in ways]
        self._tasks.update(tasks)
        try:
            await asyncio.wait(tasks)
        finally:
            for one in (writer, store_writer):
                one.transport.abort()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                self.sent += len(data)
                writer.write(data)
            writer.close()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                for part in self.change(data):
                    await self.back.wait()
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
            writer.close()
