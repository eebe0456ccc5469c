"""Plain ASGI middleware around every request: its id, its time, its count, and a closed connection when leaving.

What was asked through a shop's app proxy is kept by nobody on the way: a signed address never comes twice.
"""

import os
import time
from collections.abc import Iterable, Iterator
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
_NOT_EMBEDDED = (b"cross-origin-resource-policy", b"same-origin")  # by <img> or <script> of other sites; CORS is apart
_CLOSE = (b"connection", b"close")
_KEPT_BY_NOBODY = (b"cache-control", b"private, no-store")


class _Route(NamedTuple):
    """The name to count a path under, one of a fixed set, and whether it came through an app proxy."""

    name: str
    proxied: bool


class Observe:
    """Adds X-Request-Id (the caller's, if it sent a sane one) and counts by a fixed set of routes."""

    def __init__(self, app: ASGIApp, hsts_s: int = 0) -> None:
        self.app = app
        self._ids = _random_ids()
        only_tls = ((b"strict-transport-security", b"max-age=%d" % hsts_s),) if hsts_s else ()
        self._always = (_NOSNIFF, *only_tls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        route, proxied = _KNOWN.get(scope["path"]) or _route(scope["path"])
        request_id = _callers_id(scope["headers"]) or next(self._ids)
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = [*message["headers"], (b"x-request-id", request_id), *self._always]
                if route != "assets":
                    headers.append(_NOT_EMBEDDED)
                if proxied and route != "assets":
                    headers = [*(pair for pair in headers if pair[0] != b"cache-control"), _KEPT_BY_NOBODY]
                if scope["app"].state.edge.drain.leaving:
                    headers.append(_CLOSE)
                seconds = time.perf_counter() - started
                if route in _TIMED:
                    headers.append((b"server-timing", b"app;dur=%.1f" % (1_000 * seconds)))
                message["headers"] = headers
                REQUESTS.add((route, _STATUS.get(message["status"], "other")))
                REQUEST_SECONDS.of(route).add(seconds)
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


def _callers_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == b"x-request-id" and len(value) <= _ID_LENGTH and value.replace(b"-", b"").isalnum():
            return value
    return None


def _random_ids() -> Iterator[bytes]:
    """Sixteen hex digits each, for ever. Drawn many at a time, since asking the kernel is what costs."""
    while True:
        drawn = os.urandom(8 * _IDS_AT_ONCE).hex().encode()
        for at in range(0, len(drawn), 16):
            yield drawn[at : at + 16]
