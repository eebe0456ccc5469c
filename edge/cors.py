"""Which other origins' pages may read answers: those in the settings and those of the shop's publishable keys, exactly.

In: a function that tells the origins now. Out: ASGI middleware. Where there are any, answers vary by origin even for
callers without one, or a cache in front would hand a page an answer that its browser must not read. No cookies: nothing
here uses any.
"""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EXPOSED = ("Age", "Cache-Status", "ETag", "Server-Timing", "X-Endcap-Scope", "X-Endcap-Version", "X-Request-Id")
_SAID = {"Access-Control-Expose-Headers": ", ".join(EXPOSED)}
_ALLOWED_HEADERS = "Authorization, Content-Type, If-None-Match, X-Request-Id"
_METHODS = ("GET", "POST")
_PREFLIGHT_S = 86_400


class Cors:
    """Answers browsers that ask first, and tells them which answers their page may read."""

    def __init__(self, app: ASGIApp, origins: Callable[[Scope], frozenset[str]]) -> None:
        self.app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not (allowed := self._origins(scope)):
            await self.app(scope, receive, send)
            return
        origin = asks = None
        for name, value in scope["headers"]:
            if name == b"origin":
                origin = value.decode("latin-1")
            elif name == b"access-control-request-method":
                asks = value.decode("latin-1")
        known = origin in allowed

        async def send_saying(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("access-control-allow-origin") != "*":  # files that any origin may load
                    headers.add_vary_header("Origin")
                    if known and origin is not None:
                        headers["Access-Control-Allow-Origin"] = origin
                        headers.update(_SAID)
            await send(message)

        asked_first = scope["method"] == "OPTIONS" and origin is not None and asks is not None
        app: ASGIApp = _preflight(known and asks in _METHODS) if asked_first else self.app
        await app(scope, receive, send_saying)


def _preflight(yes: bool) -> PlainTextResponse:
    """The answer to a browser that asks whether a page may."""
    headers = {"Vary": "Access-Control-Request-Method"}
    if not yes:
        return PlainTextResponse("not from this origin, or not with this method\n", 400, headers)
    headers |= {
        "Access-Control-Allow-Methods": ", ".join(_METHODS),
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(_PREFLIGHT_S),
    }
    return PlainTextResponse("", 200, headers)
