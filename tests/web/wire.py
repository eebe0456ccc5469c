"""The wire between two programs: it writes down every request, and can be slow, silent or cut.

In: HTTP/1.1 from a client, and the port of the server behind. Out: `Wire.sent`, each request as it was on the wire,
with bodies of beacons, which a browser tells nobody about; and the same bytes at the server, when the wire lets them.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

Loop = asyncio.AbstractEventLoop


@dataclass(frozen=True)
class Sent:
    """One request as the client sent it; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """All of it, to look for what must not be there."""
        head = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.method} {self.target}\n{head}\n\n{self.body.decode(errors='replace')}"


@dataclass
class Wire:
    """Listens on `port` and forwards to `behind`. Made by `wire`; its methods may be called from any thread."""

    behind: int
    port: int = 0
    sent: list[Sent] = field(default_factory=list)
    _loop: Loop = field(default_factory=asyncio.new_event_loop)
    _held: Callable[[Sent], float | None] = field(default=lambda _: 0.0)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def to(self, part: str) -> list[Sent]:
        """The requests so far whose target contains `part`."""
        return [one for one in self.sent if part in one.target]

    def stall(self, part: str = "") -> None:
        """From now on requests whose target contains `part` get no answer until `flow()`: held, not refused."""
        self._held = lambda one: None if part in one.target else 0.0

    def delay(self, seconds: float, part: str = "") -> None:
        """From now on such requests are passed on that much later."""
        self._held = lambda one: seconds if part in one.target else 0.0

    def flow(self) -> None:
        """Pass on at once again, also what is held now."""
        self._held = lambda _: 0.0

    def cut(self) -> None:
        """Close all connections, as a server that dies does."""
        self._on_loop(self._cut())

    async def _cut(self) -> None:
        for task in list(self._open):
            task.cancel()

    def _on_loop(self, work: Any) -> Any:
        done: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        # An end that goes away, or the wire's own, is how connections end.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._forward(reader, writer)
        self._open.discard(task)
        writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self.behind)
        answers = asyncio.create_task(_copy(back, writer))
        try:
            while not answers.done():
                raw, one = await _request(reader)
                self.sent.append(one)
                await self._wait(one)
                forth.write(raw)
                await forth.drain()
        finally:
            answers.cancel()
            forth.close()

    async def _wait(self, one: Sent) -> None:
        if delay := self._held(one):
            await asyncio.sleep(delay)
        while self._held(one) is None:
            await asyncio.sleep(0.02)


async def _copy(back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await back.read(65_536):
            writer.write(piece)
            await writer.drain()
        writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, Sent]:
    """The next request of a connection, raw and read."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    assert "transfer-encoding" not in headers, "the wire reads bodies by their length only"
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return head + body, Sent(method, target, headers, body)


@contextlib.contextmanager
def wire(behind: int) -> Iterator[Wire]:
    """A wire to port `behind` of this machine, until the end of the block."""
    line = Wire(behind)
    thread = threading.Thread(target=line._loop.run_forever)
    thread.start()
    server = line._on_loop(asyncio.start_server(line._serve, "127.0.0.1", 0, limit=1 << 20))
    line.port = server.sockets[0].getsockname()[1]
    yield line
    line.flow()
    server.close()
    line.cut()
    line._on_loop(_ended(line))
    line._loop.call_soon_threadsafe(line._loop.stop)
    thread.join()
    line._loop.close()


async def _ended(line: Wire) -> None:
    while line._open:
        await asyncio.sleep(0.01)
