"""Which other origins' pages may read answers: those in the settings and those of the shop's publishable keys, exactly.

In: a function that tells the origins now. Out: ASGI middleware. Where there are any, answers vary by origin even for
callers without one, or a cache in front would hand a page an answer that its browser must not read. No cookies: nothing
here uses any.
"""

from collections.abc import Callable, Sequence

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EXPOSED = ("Age", "Cache-Status", "ETag", "Server-Timing", "X-Endcap-Scope", "X-Endcap-Version", "X-Request-Id")
_EXPOSE = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())
_EVERYBODY = (b"access-control-allow-origin", b"*")  # of files that any origin may load
_ALLOWED_HEADERS = "Authorization, Content-Type, If-None-Match, X-Request-Id"
_METHODS = (b"GET", b"POST")
_PREFLIGHT_S = 86_400
Headers = Sequence[tuple[bytes, bytes]]


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
        asked = dict(scope["headers"])
        origin, asks = asked.get(b"origin"), asked.get(b"access-control-request-method")

        async def send_saying(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = readable(message["headers"], origin, allowed)
            await send(message)

        asked_first = scope["method"] == "OPTIONS" and origin is not None and asks is not None
        app: ASGIApp = _preflight(_known(origin, allowed) and asks in _METHODS) if asked_first else self.app
        await app(scope, receive, send_saying)


def readable(headers: Headers, origin: bytes | None, allowed: frozenset[str]) -> Headers:
    """An answer's headers, with whether the page that asked may read it; `origin`: where that page is from."""
    if _EVERYBODY in headers:
        return headers
    said = [header for header in headers if header[0] != b"vary"]
    said.append((b"vary", b", ".join([*(value for name, value in headers if name == b"vary"), b"Origin"])))
    if origin is not None and _known(origin, allowed):
        said += ((b"access-control-allow-origin", origin), _EXPOSE)
    return said


def _known(origin: bytes | None, allowed: frozenset[str]) -> bool:
    return origin is not None and origin.decode("latin-1") in allowed


def _preflight(yes: bool) -> PlainTextResponse:
    """The answer to a browser that asks whether a page may."""
    headers = {"Vary": "Access-Control-Request-Method"}
    if not yes:
        return PlainTextResponse("not from this origin, or not with this method\n", 400, headers)
    headers |= {
        "Access-Control-Allow-Methods": b", ".join(_METHODS).decode(),
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(_PREFLIGHT_S),
    }
    return PlainTextResponse("", 200, headers)
