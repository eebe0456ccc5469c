"""Plain ASGI middleware around every request: its id, its time, its count, and a closed connection when leaving.

What was asked through a shop's app proxy is kept by nobody on the way: a signed address never comes twice.
"""

import secrets
import time

from starlette.datastructures import MutableHeaders
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


class Observe:
    """Adds X-Request-Id (the caller's, if it sent a sane one) and counts by a fixed set of routes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        route, proxied = _route(scope["path"])
        request_id = _request_id(scope)
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                if proxied and route != "assets":
                    headers["Cache-Control"] = "private, no-store"
                if route in _TIMED:
                    headers["Server-Timing"] = f"app;dur={1_000 * (time.perf_counter() - started):.1f}"
                if scope["app"].state.edge.drain.leaving:
                    headers["Connection"] = "close"
                REQUESTS.labels(route, str(message["status"])).inc()
                REQUEST_SECONDS.labels(route).observe(time.perf_counter() - started)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:  # any: answered with 500 and counted; raised again, so nothing is lost
            if not begun:
                await unexpected()(scope, receive, send_with_headers)
            raise


def _route(path: str) -> tuple[str, bool]:
    """The name to count a path under, one of a fixed set, and whether it came through an app proxy."""
    proxied = path.startswith(PROXY_PREFIX)
    path = path.removeprefix(PROXY_PREFIX[:-1])
    if path.startswith("/endcap"):
        return "assets", proxied
    if path.endswith("/recommendations/products.json"):
        return "products", proxied
    return _ROUTES.get(path, "other"), proxied


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and len(value) <= _ID_LENGTH and value.replace(b"-", b"").isalnum():
            return str(value, "ascii")
    return secrets.token_hex(8)
