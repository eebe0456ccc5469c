"""Plain ASGI middleware around every request: its id, its time, its count, and a closed connection when leaving."""

import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        route = _ROUTES.get(scope["path"], "other")
        request_id = _request_id(scope)
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                if scope["app"].state.edge.drain.leaving:
                    headers["Connection"] = "close"
                REQUESTS.labels(route, str(message["status"])).inc()
                REQUEST_SECONDS.labels(route).observe(time.perf_counter() - started)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:  # whatever it is: it is answered and counted here, and raised again for the log
            if not begun:
                await unexpected()(scope, receive, send_with_headers)
            raise


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and len(value) <= _ID_LENGTH and value.replace(b"-", b"").isalnum():
            return str(value, "ascii")
    return secrets.token_hex(8)
