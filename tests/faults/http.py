"""The least HTTP that a crowd needs: one keep-alive connection, a request, its answer; raw, so that nothing is mended.

In: an address. Out: status, headers and body, or Lost when the connection ended before the answer did.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple


class Lost(Exception):  # noqa: N818 -- what became of a request, not what went wrong here
    """No answer, or half of one."""


class Answer(NamedTuple):
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """A connection that is made when it is needed, and made again after it was closed."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. Raises Lost; and OSError where nobody listens."""
        fresh = self._streams is None
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        told = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"{method} {target} HTTP/1.1\r\nHost: shop\r\nContent-Length: {len(body)}\r\n{told}\r\n"
        try:
            writer.write(head.encode() + body)
            answer = await self._read(reader)
        except asyncio.CancelledError:
            self.close()
            raise
        except (OSError, ValueError, EOFError) as error:
            self.close()
            raise Lost(f"{type(error).__name__} on a {'new' if fresh else 'kept'} connection") from error
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(lines[0].split()[1]), headers, body)

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
