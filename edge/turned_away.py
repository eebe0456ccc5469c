"""Turning away before HTTP is parsed: a request like one that was turned away a moment ago costs a look-up.

In: the bytes of a request. Out: those of its response, or None: then all goes as ever. Where three times too much is
asked, turning away is most of what a core does, and of that most was to take HTTP apart and together again.

Nothing is parsed here that a parser must read. A request is known again if all behind its first line is, byte for byte,
what a request had that was parsed, let in and turned away within this second, and if its first line differs from that
of such a request in nothing but ids of persons and products, spelled plainly. So it is the same question.
"""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from edge.assembly import Edge
from edge.core.compiled.asked import taken_apart
from edge.cors import readable
from edge.excess import FEW, Excess
from edge.metrics import REQUEST_SECONDS, REQUESTS
from edge.middleware import Headers
from edge.page import Page
from edge.recommend import count_shown

_END = b"\r\n\r\n"
_HEADS, _MOST = 64, 2_048  # heads and responses known at once
_ANEW = frozenset({b"x-request-id", b"server-timing"})  # headers that are another answer's own
_UNKNOWN = object()  # the category of a product that nobody has asked for
_APART = frozenset({b"x-request-id", b"origin"})  # headers of a request that its answer's depend on


class _Response(NamedTuple):
    """The bytes before and after the request's id, what is on the list, and what it is counted as."""

    begin: bytes
    end: bytes
    products: frozenset[bytes]
    page: Page
    route: str


class TurnedAway:
    """What one process knows again. `heads`, by the host they came from, is empty in calm: all that calm has to pay."""

    def __init__(self, edge: Edge, ids: Iterator[bytes]) -> None:
        self._edge, self._ids = edge, ids
        self.heads: dict[bytes, str] = {}
        self._always: Headers = ()
        self._first = b""
        self._revision = 0  # of the lists
        self._categories: dict[bytes, str | None] = {}  # of the product on the page
        self._responses: dict[tuple[object, ...], _Response] = {}  # by question, category and what was left out

    def __call__(self, data: bytes, host: str, always: Headers) -> bytes | None:
        """The response to a request that is to be turned away and known. `always`: headers that each answer has."""
        began, edge = time.perf_counter(), self._edge
        if always is not self._always:
            self._next_second(always)
        if (asked := taken_apart(data)) is None:
            return None
        head, like, product, taken = asked
        if self.heads.get(head) != host or edge.drain.leaving or edge.recommender.overload.admits(edge.in_flight):
            return None
        found = self._find(like, product, taken)
        if found is None:
            return None
        count_shown(found.page)
        REQUESTS.add((found.route, "200"))
        response = b"".join((self._first, found.begin, next(self._ids), found.end))
        REQUEST_SECONDS.of(found.route).add(time.perf_counter() - began)
        return response

    def _find(self, like: bytes, product: bytes, taken: frozenset[bytes]) -> _Response | None:
        """As `PopularLists.find` does it."""
        self._edge.popular.look()
        if self._edge.popular.revision != self._revision:
            self._forget()
        category = self._categories.get(product, _UNKNOWN)
        without: frozenset[bytes] = frozenset()
        while (found := self._responses.get((like, category, without))) is not None:
            if found.products.isdisjoint(taken):
                return found
            if len(without) >= FEW:
                return None
            without |= found.products & taken
        return None

    def learn(self, data: bytes, scope: dict[str, Any], excess: Excess, standing: Headers) -> None:
        """Know a request again that was parsed, let in, and turned away. `standing`: headers beside the list's own.

        Of one that must be counted by its caller's key, or that its door says a customer of, nothing is learned.
        """
        door, _ = scope["endcap.asked"]
        told = {name for name, _ in scope["headers"]}
        if not door.believes or door.logged_in is not None or door.token_refused or not _APART.isdisjoint(told):
            return
        if not _is_one(data) or (asked := taken_apart(data)) is None:
            return
        head, like, product, _ = asked
        if b"key=" in like or b"token=" in like:  # they open a door that the head alone does not tell
            return
        if self._edge.popular.revision != self._revision or len(self._responses) >= _MOST:
            self._forget()
        if len(self.heads) < _HEADS:
            self.heads[head] = scope["client"][0] if scope["client"] else ""
        if len(self._categories) >= _MOST:
            self._categories.clear()
        self._categories[product] = excess.category
        link: Excess | None = excess
        origins, route = self._edge.doors.origins, scope["path"].rpartition("/")[2]
        while link is not None:
            key = like, excess.category, _encoded(link.without)
            if key not in self._responses:
                own = readable(link.headers, None, origins) if origins else link.headers
                self._responses[key] = _response(link, (*own, *standing), route)
            link = link.before

    def _next_second(self, always: Headers) -> None:
        """The date is another, and keys may have been taken back: each head must be let in again."""
        self._always = always
        self._first = b"HTTP/1.1 200 OK\r\n" + b"".join([b"%b: %b\r\n" % header for header in always])
        self.heads.clear()

    def _forget(self) -> None:
        self._revision = self._edge.popular.revision
        self._categories.clear()
        self._responses.clear()


def _response(excess: Excess, headers: Headers, route: str) -> _Response:
    lasting = b"".join([b"%b: %b\r\n" % header for header in headers if header[0] not in _ANEW])
    end = b"\r\nserver-timing: app;dur=0.0\r\n\r\n" + excess.body
    return _Response(lasting + b"x-request-id: ", end, _encoded(excess.products), excess.served.answer, route)


def _encoded(ids: frozenset[str]) -> frozenset[bytes]:
    return frozenset([id_.encode() for id_ in ids])


def _is_one(data: bytes) -> bool:
    """Whether these bytes are one request without a body, whichever ends of lines a parser may take."""
    ends = data.count(b"\r\n")
    return data.find(_END) == len(data) - len(_END) and ends == data.count(b"\n") == data.count(b"\r")
