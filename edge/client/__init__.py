"""The Python client for server-side callers: shelves, events, consent and facts, each over before its deadline.

In: an endpoint, and a secret key where the edge wants one. Out: typed answers. Shelves never fail: what the edge does
not give in time the fallback gives. Events and decisions are never lost in silence: what was not taken is raised.
"""

import logging
import os
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from weakref import WeakSet

try:
    from edge.client.calls import Calls
    from edge.client.http import Connection
except ModuleNotFoundError as error:
    if error.name != "httpx":
        raise
    raise ModuleNotFoundError(
        "the Python client needs httpx, which the edge does not: pip install 'endcap[client]'", name="httpx"
    ) from error
from edge.client.loop import BackgroundLoop
from edge.client.shopper import shopper_token
from edge.client.types import (
    Answer,
    CartLine,
    ClientError,
    Delivery,
    Event,
    EventResult,
    EventsNotTakenError,
    Fact,
    Facts,
    Filter,
    Item,
    Line,
    Money,
    Page,
    Product,
    Query,
    RefusedError,
    Slot,
    Surface,
    UnavailableError,
)
from edge.core.errors import EndcapError
from edge.core.events import Purpose

__all__ = [
    "Answer",
    "AsyncEndcap",
    "CartLine",
    "ClientError",
    "Delivery",
    "Endcap",
    "Event",
    "EventResult",
    "EventsNotTakenError",
    "Fact",
    "Facts",
    "Fallback",
    "Filter",
    "Item",
    "Line",
    "Money",
    "Page",
    "Product",
    "Query",
    "RefusedError",
    "Slot",
    "Surface",
    "UnavailableError",
    "shopper_token",
]

logger = logging.getLogger("endcap.client")
Fallback = Answer | Callable[[Surface, ClientError], Answer]
_T = TypeVar("_T")


class _Client:
    """What both clients are made of."""

    def __init__(
        self,
        endpoint: str,
        key: str | None = None,
        *,
        timeout_s: float = 0.3,
        patience_s: float = 10.0,
        fallback: Fallback | None = None,
        verify: ssl.SSLContext | bool = True,
        allow_http: bool = False,
    ) -> None:
        """`timeout_s` is for shelves, `patience_s` for what is tried again: events, consent, facts. Whole calls, both.

        `fallback` is an answer, or a function of surface and error that returns one; by default an empty answer. A key
        goes over https, or to this machine; `allow_http` is for private networks. Raises EndcapError.
        """

        def connect() -> tuple[Connection, Calls]:
            connection = Connection(endpoint, key, verify=verify, allow_http=allow_http)
            return connection, Calls(connection, timeout_s, patience_s)

        self._connect = connect
        self._connection, self._calls = connect()
        self._fallback = fallback
        self._shown = f"{self._connection.endpoint!r}{', key=sk_...' if key else ''}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown})"

    def _instead(self, surface: Surface, error: ClientError) -> Answer:
        logger.warning("fallback for %s: %s", surface, error)
        if self._fallback is None:
            return Answer(surface, degraded=("client",))
        return self._fallback(surface, error) if callable(self._fallback) else self._fallback

    def _whole(self, pages: list[Page], answers: list[Answer | ClientError]) -> list[Answer]:
        return [
            self._instead(page["surface"], answer) if isinstance(answer, ClientError) else answer
            for page, answer in zip(pages, answers, strict=True)
        ]


class AsyncEndcap(_Client):
    """For callers on asyncio; belongs to one event loop. Use as `async with AsyncEndcap(...) as endcap`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        await self._connection.close()

    async def shelves(self, surface: Surface, **query: Unpack[Query]) -> Answer:
        """The shelves of one page, or the fallback. Raises nothing that an edge could cause."""
        try:
            return await self._calls.shelves(surface, query)
        except ClientError as error:
            return self._instead(surface, error)

    async def pages(self, pages: Iterable[Page]) -> list[Answer]:
        """The shelves of up to 20 pages in one call, in their order; each falls back by itself."""
        asked = list(pages)
        try:
            answers = await self._calls.pages(asked)
        except ClientError as error:
            answers = [error for _ in asked]
        return self._whole(asked, answers)

    async def track(self, events: Iterable[Event]) -> list[EventResult]:
        """Send events; a result for each, `rejected` with the reason where one cannot be taken as it is.

        Raises EventsNotTakenError when patience ends: it holds the events to send again, with their ids.
        """
        return await self._calls.track(events)

    async def consent(
        self,
        consent: Iterable[Purpose],
        *,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        source: str = "server",
    ) -> frozenset[Purpose]:
        """Store a shopper's whole decision: purposes not named are denied, and what they allowed is deleted.

        Returns what is granted. Raises RefusedError, and UnavailableError while it is not known to be stored.
        """
        return await self._calls.consent(consent, visitor_id, customer_id, source)

    async def facts(self, customer_id: str) -> Facts | None:
        """What is known of a customer; None where nothing is, or may be kept. Raises as `consent` does."""
        return await self._calls.facts(customer_id)


class Endcap(_Client):
    """The same for callers without an event loop, from any number of threads. Use as `with Endcap(...) as endcap`.

    Calls run on an event loop in a thread of ours: blocking sockets cannot be held to a deadline for a whole call, name
    look-up included. A forked child starts with connections and a thread of its own.
    """

    _lock = threading.Lock()  # guards starting and ending, which are short and seldom, for all clients
    _background: BackgroundLoop | None = None
    _closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End calls under way, connections and thread; calls after it raise EndcapError."""
        with self._lock:
            self._closed = True
            background, self._background = self._background, None
        if background is not None:
            background.close(self._connection.close())

    def shelves(self, surface: Surface, **query: Unpack[Query]) -> Answer:
        """As AsyncEndcap's."""
        try:
            return self._run(lambda calls: calls.shelves(surface, query))
        except ClientError as error:
            return self._instead(surface, error)  # in the caller's thread: it may take its time

    def pages(self, pages: Iterable[Page]) -> list[Answer]:
        """As AsyncEndcap's."""
        asked = list(pages)
        try:
            answers = self._run(lambda calls: calls.pages(asked))
        except ClientError as error:
            answers = [error for _ in asked]
        return self._whole(asked, answers)

    def track(self, events: Iterable[Event]) -> list[EventResult]:
        """As AsyncEndcap's."""
        return self._run(lambda calls: calls.track(events))

    def consent(
        self,
        consent: Iterable[Purpose],
        *,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        source: str = "server",
    ) -> frozenset[Purpose]:
        """As AsyncEndcap's."""
        return self._run(lambda calls: calls.consent(consent, visitor_id, customer_id, source))

    def facts(self, customer_id: str) -> Facts | None:
        """As AsyncEndcap's."""
        return self._run(lambda calls: calls.facts(customer_id))

    def _run(self, call: Callable[[Calls], Coroutine[Any, Any, _T]]) -> _T:
        with self._lock:
            if self._closed:
                raise EndcapError(f"{self!r} is closed; make another")
            if self._background is None:
                _clients.add(self)
                self._background = BackgroundLoop()
            background, calls = self._background, self._calls
        try:
            return background.run(call(calls))
        except CancelledError as error:
            raise UnavailableError(f"{self!r} was closed during the call") from error

    def _start_anew(self) -> None:
        """In a forked child: the thread stayed behind, and the connections are the parent's."""
        _inherited.append((self._background, self._connection))
        self._background = None
        self._connection, self._calls = self._connect()


_clients: WeakSet[Endcap] = WeakSet()
_inherited: list[object] = []  # kept: a loop that is collected here would take its descriptors from the parent's epoll


def _after_fork() -> None:
    Endcap._lock = threading.Lock()  # another thread of the parent may have held it
    for client in list(_clients):
        client._start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
