"""Plain ASGI middleware around every request: its id, its time, its count, and a closed connection when leaving.

What was asked through a shop's app proxy is kept by nobody on the way: a signed address never comes twice.
"""

import os
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.doors import PROXY_PREFIX
from edge.metrics import REQUEST_SECONDS, REQUESTS
from edge.respond import unexpected

_ROUTES = {
    "/v1/recommendations": "batch",
    "/v1/recommendations/pdp": "pdp",
    "/v1/recommendations/cart": "cart",
    "/v1/recommendations/home": "home",
    "/v1/events": "events",
    "/v1/consent": "consent",
    "/webhooks/shopify": "webhooks",
    "/webhooks/bigcommerce": "webhooks",
    "/webhooks/adobe": "webhooks",
    "/webhooks/endcap": "webhooks",
}
_TIMED = frozenset({"batch", "pdp", "cart", "home", "products"})  # what a page waits for
_ID_LENGTH = 64
_IDS_AT_ONCE = 256
_STATUS = {int(status): str(int(status)) for status in HTTPStatus}
_NOSNIFF = (b"x-content-type-options", b"nosniff")
# Browsers block the beacons of pages elsewhere without it. What other origins may read is said by CORS, and JSON with
# `nosniff` is no use as a script or a picture.
_FROM_ANYWHERE = (b"cross-origin-resource-policy", b"cross-origin")
_CLOSE = (b"connection", b"close")
Headers = Sequence[tuple[bytes, bytes]]
_KEPT_BY_NOBODY = (b"cache-control", b"private, no-store")


class _Route(NamedTuple):
    """The name to count a path under, one of a fixed set, and whether it came through an app proxy."""

    name: str
    proxied: bool


class Observed:
    """One request: when it came, as what it counts, and under which id it is answered."""

    __slots__ = ("_id", "_proxied", "_route", "_standing", "_started")

    def __init__(self, path: str, headers: Headers, ids: Iterator[bytes], standing: Headers) -> None:
        self._started = time.perf_counter()
        self._standing = standing
        self._route, self._proxied = _KNOWN.get(path) or _route(path)
        self._id = _callers_id(headers) or next(ids)

    def headers(self, status: int, headers: Headers, *, leaving: bool) -> Headers:
        """The headers of its answer, with what stands in every answer; it is counted by that."""
        route, headers = self._route, [*headers, (b"x-request-id", self._id), *self._standing]
        if route != "assets":
            headers.append(_FROM_ANYWHERE)
        if self._proxied and route != "assets":
            headers = [*(pair for pair in headers if pair[0] != b"cache-control"), _KEPT_BY_NOBODY]
        if leaving:
            headers.append(_CLOSE)
        seconds = time.perf_counter() - self._started
        if route in _TIMED:
            headers.append((b"server-timing", b"app;dur=%.1f" % (1_000 * seconds)))
        REQUESTS.add((route, _STATUS.get(status, "other")))
        REQUEST_SECONDS.of(route).add(seconds)
        return headers


def standing(hsts_s: int) -> Headers:
    """What stands in every answer, whatever it is; `hsts_s`: how long browsers shall insist on TLS, 0: not at all."""
    return (_NOSNIFF, (b"strict-transport-security", b"max-age=%d" % hsts_s)) if hsts_s else (_NOSNIFF,)


class Observe:
    """Adds X-Request-Id (the caller's, if it sent a sane one) and counts by a fixed set of routes."""

    def __init__(self, app: ASGIApp, hsts_s: int = 0) -> None:
        self.app = app
        self._ids, self._standing = random_ids(), standing(hsts_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        observed = Observed(scope["path"], scope["headers"], self._ids, self._standing)
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                leaving = scope["app"].state.edge.drain.leaving
                message["headers"] = observed.headers(message["status"], message["headers"], leaving=leaving)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:  # any: answered with 500 and counted; raised again, so nothing is lost
            if not begun:
                await unexpected()(scope, receive, send_with_headers)
            raise


def _route(path: str) -> _Route:
    proxied = path.startswith(PROXY_PREFIX)
    path = path.removeprefix(PROXY_PREFIX[:-1])
    if path.startswith("/endcap"):
        return _Route("assets", proxied)
    if path.endswith("/recommendations/products.json"):
        return _Route("products", proxied)
    return _Route(_ROUTES.get(path, "other"), proxied)


_KNOWN = {path: _route(path) for base in _ROUTES for path in (base, PROXY_PREFIX[:-1] + base)}


def _callers_id(headers: Headers) -> bytes | None:
    for name, value in headers:
        if name == b"x-request-id" and len(value) <= _ID_LENGTH and value.replace(b"-", b"").isalnum():
            return value
    return None


def random_ids() -> Iterator[bytes]:
    """Sixteen hex digits each, for ever. Drawn many at a time, since asking the kernel is what costs."""
    while True:
        drawn = os.urandom(8 * _IDS_AT_ONCE).hex().encode()
        for at in range(0, len(drawn), 16):
            yield drawn[at : at + 16]
