"""Which other origins' pages may read answers: those named in the settings, exactly, and none by default.

In: settings. Out: the middleware for the app's list, empty where no origin is named. Answers then vary by origin even
for callers without one, or a cache in front would hand a page an answer that its browser must not read.
"""

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = ("GET", "POST")
_HEADERS = ("Authorization", "Content-Type", "If-None-Match", "X-Request-Id")
EXPOSED = ("Age", "Cache-Status", "ETag", "Server-Timing", "X-Endcap-Scope", "X-Endcap-Version", "X-Request-Id")
_PREFLIGHT_S = 86_400


def cors(origins: tuple[str, ...]) -> list[Middleware]:
    """The middleware for these origins. No cookies: nothing here uses any."""
    if not origins:
        return []
    allowed = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=_HEADERS,
        expose_headers=EXPOSED,
        max_age=_PREFLIGHT_S,
    )
    return [Middleware(VaryByOrigin), allowed]


class VaryByOrigin:
    """Adds `Vary: Origin`, which Starlette's middleware adds only where the request names an origin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "origin" not in headers.get("vary", "").lower():
                    headers.add_vary_header("Origin")
            await send(message)

        await self.app(scope, receive, send_varying)
