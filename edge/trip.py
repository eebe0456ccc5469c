"""The one trip to the store on the request path: many requests over one connection, and little work for each.

In: a URL as redis-py reads it, names of keys. Out: the values in the order of the names, or an error of redis-py's own
kinds, so that callers need not know which of the two they talk to. redis-py stays for everything else.

A connection answers in the order it was asked in, so a reply belongs to whoever has waited longest. Whoever gives up
before its reply is there keeps its place until then: the reply is read and thrown away, and nobody is handed another's.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import hiredis
from redis import exceptions
from redis.asyncio.connection import ConnectionPool, SSLConnection

Values = list[bytes | None]


class Awaited(asyncio.Future[Values]):
    """What is waited for: so many `values`, until it is `due` by the monotonic clock.

    `then`, where somebody sets it, is called with it the moment that it is done.
    """

    __slots__ = ("due", "then", "values")
    due: float
    values: int
    then: Callable[["Awaited"], None] | None

    def tell(self, outcome: Values | Exception) -> None:
        """Hand the outcome to whoever waits, if anybody still does."""
        if self.done():
            return
        if isinstance(outcome, Exception):
            self.set_exception(outcome)
        else:
            self.set_result(outcome)
        if self.then is not None:
            self.then(self)


_NOTHING_YET = object()
_GRACE_S = 0.001  # one more turn of the loop, for what arrived while this process was busy
# What a store's refusals are called, as redis-py calls them; all others are a ResponseError.
_REFUSALS: dict[str, type[exceptions.RedisError]] = {
    "ERR max number of clients reached": exceptions.ConnectionError,
    "CLUSTERDOWN": exceptions.ClusterDownError,
    "LOADING": exceptions.BusyLoadingError,
    "MASTERDOWN": exceptions.MasterDownError,
    "NOAUTH": exceptions.AuthenticationError,
    "NOPERM": exceptions.NoPermissionError,
    "OOM": exceptions.OutOfMemoryError,
    "READONLY": exceptions.ReadOnlyError,
    "WRONGPASS": exceptions.AuthenticationError,
}


class LostTooError(exceptions.ConnectionError):
    """Lost with the connection, as another request was that tells of it: one broken connection is one failure."""


@dataclass(frozen=True)
class _Place:
    """Where the store is, and what opens it."""

    path: str | None
    host: str
    port: int
    tls: ssl.SSLContext | None
    greetings: tuple[bytes, ...]

    @classmethod
    def of(cls, url: str) -> "_Place":
        """Read a URL as redis-py does, with all of its options. Raises ValueError for one that is none."""
        pool = ConnectionPool.from_url(url)
        options = pool.connection_kwargs
        unconnected = pool.make_connection()  # type: ignore[no-untyped-call]  # because redis-py leaves it untyped
        greetings = []
        if options.get("password"):
            who = (options["username"],) if options.get("username") else ()
            greetings.append(_packed("AUTH", *who, options["password"]))
        if int(options.get("db") or 0):
            greetings.append(_packed("SELECT", str(options["db"])))
        return cls(
            path=options.get("path"),
            host=options.get("host", "localhost"),
            port=options.get("port", 6379),
            tls=unconnected.ssl_context.get() if isinstance(unconnected, SSLConnection) else None,
            greetings=tuple(greetings),
        )


class Trip:
    """Reads values by their keys. `most` requests may wait at once, those given up and not answered yet included."""

    def __init__(self, url: str, *, timeout_s: float, most: int = 1_024) -> None:
        self._place = _Place.of(url)
        self._timeout_s = timeout_s
        self._most = most
        self._line: _Line | None = None

    def get_many(self, names: Sequence[str]) -> Awaited:
        """The values under these keys, None where there is none. Never waits longer than the timeout.

        Raises MaxConnectionsError at once where too many wait already, and any other RedisError when awaited.
        """
        line = self._line
        if line is None or line.ended:
            line = self._line = _Line(self._place, self._timeout_s)
        if line.waiting >= self._most:
            raise exceptions.MaxConnectionsError(f"{self._most} requests wait for the store already")
        return line.ask(names)

    def close(self) -> None:
        """Hang up; who still waits gets an error."""
        if self._line is not None:
            self._line.end(exceptions.ConnectionError, "closed")


class _Line(asyncio.Protocol):
    """One connection, from the first request to the first failure; then `Trip` makes another."""

    def __init__(self, place: _Place, timeout_s: float) -> None:
        self.ended = False
        self._timeout_s = timeout_s
        self._greetings = len(place.greetings)  # replies that come before the first request's
        self._unsent = list(place.greetings)
        self._asked: deque[Awaited] = deque()
        self._reader = hiredis.Reader(
            protocolError=exceptions.InvalidResponse, replyError=_refusal, notEnoughData=_NOTHING_YET
        )
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._overdue: Awaited | None = None
        self._opening = self._loop.create_task(self._open(place))

    @property
    def waiting(self) -> int:
        """How many replies are still to come."""
        return len(self._asked)

    def ask(self, names: Sequence[str]) -> Awaited:
        """Send the request, or keep it until there is a connection. One timer watches over the oldest of all."""
        answer = Awaited(loop=self._loop)
        answer.due, answer.values, answer.then = time.monotonic() + self._timeout_s, len(names), None
        self._asked.append(answer)
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._look)
        request = _packed("MGET", *names)
        if self._transport is not None and not self._unsent:
            self._loop.call_soon(self._send)  # in one call with what else this turn of the loop asks for
        self._unsent.append(request)
        return answer

    def _send(self) -> None:
        if self._transport is not None and not self.ended:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()

    async def _open(self, place: _Place) -> None:
        try:
            if place.path is not None:
                await self._loop.create_unix_connection(lambda: self, place.path)
            else:
                await self._loop.create_connection(lambda: self, place.host, place.port, ssl=place.tls)
        except (OSError, ValueError) as error:  # a certificate that does not fit is one, and a name that is no host's
            self.end(exceptions.ConnectionError, f"cannot connect: {type(error).__name__}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what waited for the connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the methods and not the class
        if self.ended:
            self._transport.abort()
            return
        self._send()

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that are complete."""
        try:
            self._reader.feed(data)
            while not self.ended and (reply := self._reader.gets()) is not _NOTHING_YET:
                self._hand_out(reply)
        except exceptions.InvalidResponse:
            self.end(exceptions.InvalidResponse, "what came is no reply")

    def _hand_out(self, reply: object) -> None:
        if isinstance(reply, exceptions.ConnectionError) or (self._greetings and isinstance(reply, Exception)):
            self.end(type(reply), str(reply))  # not let in, or not yet: no request on this connection would be
        elif self._greetings:
            self._greetings -= 1
        elif not self._asked:
            self.end(exceptions.InvalidResponse, "a reply came that nobody had asked for")
        elif isinstance(reply, Exception) or (isinstance(reply, list) and len(reply) == self._asked[0].values):
            self._asked.popleft().tell(reply)
        else:
            self.end(exceptions.InvalidResponse, "a reply came that answers another question")

    def _look(self) -> None:
        """Whether the oldest request has waited too long; the timer rests while there is none."""
        self._timer = None
        if not self._asked:
            return
        oldest = self._asked[0]
        left = oldest.due - time.monotonic()
        if left > 0 or self._overdue is not oldest:
            self._overdue = oldest if left <= 0 else None
            self._timer = self._loop.call_later(max(left, _GRACE_S), self._look)
        else:
            self.end(exceptions.TimeoutError, "no reply in time")

    def connection_lost(self, exc: Exception | None) -> None:
        """The store hung up, or the network did."""
        self.end(exceptions.ConnectionError, f"connection lost: {type(exc).__name__ if exc else 'closed by the store'}")

    def end(self, kind: type[Exception], why: str) -> None:
        """Hang up and tell everybody who waits; what still comes is nobody's."""
        if self.ended:
            return
        self.ended = True
        self._opening.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        asked, self._asked = self._asked, deque()
        for one in asked:
            if not one.done():
                one.tell(kind(why))
                if kind is exceptions.ConnectionError:
                    kind = LostTooError


def _packed(*words: str) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # because hiredis types a tuple of one
    return packed


def _refusal(message: str) -> exceptions.RedisError:
    """A store's `-ERR ...` as redis-py would raise it. The message is the server's own and holds nobody's data."""
    kind = _REFUSALS.get(message) or _REFUSALS.get(message.partition(" ")[0], exceptions.ResponseError)
    return kind(message)
