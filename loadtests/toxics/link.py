"""One connection through the proxy: two pipes, client to server and back, each under its own toxics.

In: the streams of both sides and the toxics in force, which may change at any time. Out: the same bytes, later, in
pieces, or never. Data that waits is bounded, so a slow side slows the other one down as TCP does.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from loadtests.toxics.kinds import Bandwidth, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout, Toxic

_CHUNK_BYTES = 65_536
_CHUNKS_WAITING = 64
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: closing sends RST
_Kind = TypeVar("_Kind")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Weather:
    """The toxics in force in one direction, and a way to wait until they change."""

    def __init__(self) -> None:
        self.toxics: Sequence[Toxic] = ()
        self._changed = asyncio.Event()

    def set(self, toxics: Sequence[Toxic]) -> None:
        """Others from now on."""
        self.toxics = tuple(toxics)
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, kind: type[_Kind]) -> Iterator[_Kind]:
        """Those of one kind."""
        return (toxic for toxic in self.toxics if isinstance(toxic, kind))

    async def until_clear_of(self, kind: type) -> None:
        """Wait until none of a kind is left."""
        while any(self.of(kind)):
            await self._changed.wait()


class Pipe:
    """One direction of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, weather: Weather) -> None:
        self.weather = weather
        self._reader, self._writer = reader, writer
        self._waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS_WAITING)
        self._passed = 0

    async def take(self) -> None:
        """Read until the end, noting when each piece came."""
        loop = asyncio.get_running_loop()
        data = b"first"
        while data:
            data = await self._reader.read(_CHUNK_BYTES)
            await self._waiting.put((loop.time(), data))

    async def give(self) -> bool:
        """Pass on what was read. Returns whether it came to its own end: False when a limit was reached."""
        while True:
            came, data = await self._waiting.get()
            if not data:
                break
            await self._delay(came)
            for piece in self._sliced(data):
                if not await self._write(piece):
                    return False
        for toxic in self.weather.of(SlowClose):
            await asyncio.sleep(toxic.ms / 1000)
        with suppress(OSError, RuntimeError):  # it is closed already
            self._writer.write_eof()
        return True

    async def _delay(self, came: float) -> None:
        """Counted from when it came, so that pieces on their way at the same time do not wait for each other."""
        wait_ms = sum(toxic.ms + random.uniform(-1, 1) * toxic.jitter_ms for toxic in self.weather.of(Latency))
        if wait_ms > 0:
            await asyncio.sleep(came + wait_ms / 1000 - asyncio.get_running_loop().time())

    def _sliced(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            toxic = next(self.weather.of(Slicer), None)
            size = max(1, toxic.size + random.randint(-toxic.varies, toxic.varies)) if toxic else len(data) - at
            yield data[at : at + size]
            at += size

    async def _write(self, piece: bytes) -> bool:
        await self.weather.until_clear_of(Timeout)
        limit = min((toxic.size for toxic in self.weather.of(LimitData)), default=None)
        if limit is not None:
            piece = piece[: max(0, limit - self._passed)]
        for rate in self.weather.of(Bandwidth):
            await asyncio.sleep(len(piece) / rate.bytes_per_s)
        self._writer.write(piece)
        await self._writer.drain()
        self._passed += len(piece)
        for slicer in self.weather.of(Slicer):
            await asyncio.sleep(slicer.delay_ms / 1000)
        return limit is None or self._passed < limit


class Link:
    """A client's connection and the one made for it to the server."""

    def __init__(self, client: Streams, server: Streams, upstream: Weather, downstream: Weather) -> None:
        self._writers = client[1], server[1]
        self._pipes = Pipe(client[0], server[1], upstream), Pipe(server[0], client[1], downstream)
        self._tasks: list[asyncio.Task[object]] = []

    async def run(self) -> None:
        """Until both directions have ended, or one failed."""
        readers = [asyncio.create_task(pipe.take()) for pipe in self._pipes]
        writers = [asyncio.create_task(pipe.give()) for pipe in self._pipes]
        self._tasks = [*readers, *writers]
        self.rearm()
        left: set[asyncio.Task[object]] = set(self._tasks)
        try:
            while left:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                if any(task.cancelled() or task.exception() or task.result() is False for task in done):
                    break
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for writer in self._writers:
                writer.close()

    def rearm(self) -> None:
        """Start the clocks of the toxics that end connections."""
        ends: list[tuple[type[Timeout | ResetPeer], Callable[[], None]]] = [
            (Timeout, self.close),
            (ResetPeer, self.reset),
        ]
        loop = asyncio.get_running_loop()
        for pipe in self._pipes:
            for kind, act in ends:
                for toxic in pipe.weather.of(kind):
                    if kind is ResetPeer or toxic.ms > 0:
                        loop.call_later(toxic.ms / 1000, self._end, pipe.weather, toxic, act)

    def _end(self, weather: Weather, toxic: Toxic, act: Callable[[], None]) -> None:
        if any(toxic is one for one in weather.toxics):  # else it was taken off in time
            act()

    def close(self) -> None:
        """End both sides now; what was written goes out."""
        for task in self._tasks:
            task.cancel()

    def reset(self) -> None:
        """End both sides with RST."""
        for writer in self._writers:
            own: socket.socket | None = writer.get_extra_info("socket")
            if own is not None and own.family != socket.AF_UNIX:
                with suppress(OSError):
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self.close()
