"""uvicorn's HTTP protocol with a clock: who sends a request too slowly, or too much of a head, is cut off.

In: bytes of a connection. Out: what uvicorn makes of them, or 408, 414, 431 or 400 as a problem, and the end of the
connection. uvicorn has no such limits. Nothing is timed per request: a connection notes since when it is waited for,
and one look a second over all of them finds those that are late.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from weakref import WeakSet

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from edge.limits import MAX_HEADERS, MAX_PIPELINED, MAX_UNREAD, MAX_URL, Limits
from edge.metrics import CUT
from edge.turned_away import TurnedAway
from edge.underway import Underway
from edge.wire import problem

_NEVER = math.inf
_LOOK_S = 1.0
_watched: WeakSet[ServerState] = WeakSet()


class _RefusedError(Exception):
    """Ends the parsing of a request that has been answered."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `app_state["limits"]`, from the app's lifespan, says how much and how long."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: Limits = app_state.get("limits") or Limits()
        self._since = _NEVER  # the loop's time since which the rest of a request is waited for
        self._stalled = _NEVER  # likewise since which the other side reads nothing
        self._idle = _NEVER  # likewise since which all is answered and nothing more is asked
        self._in_head = True
        self._chunk = self._fed = 0  # bytes just come; bytes after those in which this request began
        self._unread = 0  # bytes that came after the answer
        self._at_once: Callable[..., bytes | Underway | None] | None = app_state.get("at_once")
        self._known: TurnedAway | None = app_state.get("turned_away")
        self._host = ""
        self._data = b""  # that just came
        self._answered = False  # at once, so the app has never heard of this request
        self._first = True  # of the requests in these bytes; others must not keep everybody waiting

    # --- what uvicorn and the parser call --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # because uvicorn's is so
        """A caller has come: the first request is waited for."""
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        self._since = self.loop.time()
        if self.server_state not in _watched:  # one clock for all of a server's connections
            _watched.add(self.server_state)
            self.loop.call_later(_pause(self._limits), _look, self.loop, self.server_state, self._limits)

    def data_received(self, data: bytes) -> None:
        """Bytes came: at once a whole request, as a rule."""
        if self._known is not None and self._known.heads and self._rests():
            response = self._known(data, self._host, self.server_state.default_headers)
            if response is not None:
                self.transport.write(response)
                self.server_state.total_requests += 1
                self._idle = self.loop.time()
                return
        self._idle = _NEVER
        if self._since is _NEVER:
            self._since = self.loop.time()
        self._chunk = len(data)
        self._fed += self._chunk
        self._first, self._data = True, data
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _RefusedError):
                self._refuse("garbage", HTTPStatus.BAD_REQUEST, "this is no request of HTTP/1.1")
            return
        finally:
            self._data = b""
        if self._in_head and self._head_is_large():
            self._too_large()
        elif self.cycle is not None and self.cycle.response_complete and self._since is not _NEVER:
            self._unread += self._chunk
            if self._unread > MAX_UNREAD:
                self._cut("unread")

    def _rests(self) -> bool:
        """Whether the last request has come whole and was answered, so that the next bytes begin one."""
        answered = self.cycle is None or self.cycle.response_complete
        return self._since is _NEVER and answered and not self.pipeline and not self.flow.write_paused

    def _should_upgrade(self) -> bool:
        """Nothing here speaks anything but HTTP, so such a request is one like others."""
        return False

    def on_message_begin(self) -> None:
        """The first byte of a request; with pipelining it may be in the same bytes as the last one's end."""
        super().on_message_begin()
        self._in_head = True
        self._since, self._fed, self._unread = self.loop.time(), 0, 0

    def on_headers_complete(self) -> None:
        """The head is there: what is too large is refused before anything is done with it."""
        self._in_head = False
        if len(self.url) > MAX_URL or len(self.headers) > MAX_HEADERS or self._head_is_large():
            self._in_head = True  # of this request nothing is begun
            self._too_large()
            raise _RefusedError
        if len(self.pipeline) >= MAX_PIPELINED:
            self._cut("pipeline")
            raise _RefusedError
        answer = self._answer_at_once()
        if answer is None:
            super().on_headers_complete()
            return
        self._first = False
        if isinstance(answer, bytes):
            self._answered = True
            self.transport.write(answer)
        else:
            self.cycle = answer  # type: ignore[assignment]  # because uvicorn names its own class

    def _answer_at_once(self) -> bytes | Underway | None:
        """The response to the plainest of requests, or what makes it, on a connection that owes no other answer."""
        plain = self.parser.get_method() == b"GET" and self.parser.get_http_version() == "1.1"
        owing = self.cycle is not None and not self.cycle.response_complete
        busy = owing or not self._first or self.flow.write_paused
        if self._at_once is None or not plain or busy or not self.parser.should_keep_alive():
            return None
        return self._at_once(self.scope, self.url, self._data, self.server_state.default_headers, self._answer)

    def _answer(self, underway: Underway, answer: bytes) -> None:
        """The store has been asked, and this is the response."""
        if self.transport.is_closing():
            return
        self.transport.write(answer)
        if not underway.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_message_complete(self) -> None:
        """The last byte of a request: nothing more is waited for."""
        self._since, self._in_head, self._fed = _NEVER, True, 0
        if self._answered:
            self._answered = False
            self.on_response_complete()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is out: the next request of its connection, if any, has its turn. As uvicorn's, less a timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle = self.loop.time()

    def pause_writing(self) -> None:
        """The caller reads slower than we write."""
        self._stalled = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has read."""
        self._stalled = _NEVER
        super().resume_writing()

    # --- the end ---------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """End the connection if it is late at `now`, the loop's time."""
        late = now - self._limits.read_s
        if self._idle <= now - self.timeout_keep_alive:
            self.timeout_keep_alive_handler()
        if self._stalled <= late:
            self._cut("stalled")
        elif self._since > late:
            return
        elif self.transport.is_closing():
            self._cut("stalled")  # what is left to be sent was not taken in all this time
        elif self._in_head:
            self._refuse("slow_head", HTTPStatus.REQUEST_TIMEOUT, "the head of the request did not come in time")
        else:
            self._refuse("slow_body", HTTPStatus.REQUEST_TIMEOUT, "the body of the request did not come in time")

    def _too_large(self) -> None:
        if len(self.url) > MAX_URL:
            detail = f"the address is above {MAX_URL:,} bytes; ask with POST and a JSON body"
            self._refuse("url", HTTPStatus.REQUEST_URI_TOO_LONG, detail)
        else:
            detail = f"the head is above {self._limits.head_bytes:,} bytes or {MAX_HEADERS} headers"
            self._refuse("head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)

    def _head_is_large(self) -> bool:
        """Looks closely only where that many bytes came; where in a chunk its request began is not known."""
        limit = self._limits.head_bytes
        if self._fed + self._chunk <= limit:
            return False
        begun = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers or ())
        return begun > limit or (self._in_head and self._fed > limit)

    def _refuse(self, reason: str, status: HTTPStatus, detail: str) -> None:
        """Say why, where no other answer is on its way, and close; `look` comes back for what is not taken."""
        CUT.labels(reason).inc()
        self._since = self.loop.time()
        pending = self.cycle is not None and not self.cycle.response_complete
        if not pending or not (self._in_head or self.cycle.response_started or self.pipeline):
            self.transport.write(_refusal(status, detail))
        if pending:
            self.cycle.disconnected = True  # whoever is at work on it has nobody to answer any more
            self.cycle.message_event.set()
        self.transport.close()

    def _cut(self, reason: str) -> None:
        CUT.labels(reason).inc()
        self._since = self._stalled = _NEVER
        self.transport.abort()


def _refusal(status: HTTPStatus, detail: str) -> bytes:
    body = problem(status, status.phrase, detail)
    head = (
        b"content-type: application/problem+json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
        b"connection: close\r\ncontent-length: %d\r\n\r\n"
    )
    return STATUS_LINE[status] + head % len(body) + body


def _pause(limits: Limits) -> float:
    return min(_LOOK_S, limits.read_s / 4)


def _look(loop: asyncio.AbstractEventLoop, server_state: ServerState, limits: Limits) -> None:
    """Look at all connections, and again in a while as long as there are any."""
    connections: Iterable[Any] = list(server_state.connections)
    for connection in connections:
        if isinstance(connection, GuardedProtocol):
            connection.look(loop.time())
    if connections:
        loop.call_later(_pause(limits), _look, loop, server_state, limits)
    else:
        _watched.discard(server_state)
