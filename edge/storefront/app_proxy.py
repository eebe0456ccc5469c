"""The app proxy: `/apps/endcap/...` on the shop's own address, forwarded to the app as Shopify does it.

In: a shopper's request. Out: the app's answer, or, when the app does not answer, what keeps a page whole: shelves
without products, and the last good copy of a script. Cookies pass in neither direction.
"""

from collections.abc import Callable

import httpx
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from edge.core import clock
from edge.storefront.settings import Settings
from edge.storefront.signing import signed

PREFIX = "/apps/endcap"
DEADLINE_S = 3.0  # a shopper has long gone on reading
_KEPT_BYTES = 1_000_000  # scripts are small; anything larger is not one of ours
# What Shopify removes from answers, and what belongs to one connection only.
_REMOVED = frozenset({
    "accept-patch", "accept-ranges", "connection", "cookie", "date", "delta-base", "im", "p3p", "pragma",
    "preference-applied", "proxy-authenticate", "public-key-pins", "server", "service-worker-allowed", "set-cookie",
    "trailer", "tk", "warning", "x-powered-by",
    "keep-alive", "proxy-authorization", "te", "transfer-encoding", "upgrade", "content-length",
})  # fmt: skip
_NOT_FORWARDED = frozenset({
    "cookie", "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
    "expect", "proxy-authorization", "proxy-connection", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    "authorization",
})  # fmt: skip
_AWAY = frozenset({502, 503, 504})


class AppProxy:
    """Forwards to one app. `customer`: who is logged in, the only identity that reaches the app."""

    def __init__(
        self, settings: Settings, client: httpx.AsyncClient, customer: Callable[[Request], str | None]
    ) -> None:
        """`client` is closed by whoever made it."""
        self._settings, self._client, self._customer = settings, client, customer
        self._scripts: dict[str, tuple[bytes, dict[str, str]]] = {}  # path -> the last good copy

    async def __call__(self, request: Request) -> Response:
        """One request of the shopper's browser."""
        path = "/" + request.path_params["path"]
        try:
            answer, body = await self._ask(request, path)
        except httpx.HTTPError:
            return await self._without(request, path)
        if answer.status_code in _AWAY and not _refuses(request, path):
            return await self._without(request, path)
        headers = {name: value for name, value in answer.headers.items() if name not in _REMOVED}
        if _is_script(path) and answer.status_code == httpx.codes.OK and len(body) <= _KEPT_BYTES:
            self._scripts[path] = (body, headers)
        return Response(body, answer.status_code, headers)

    async def _ask(self, request: Request, path: str) -> tuple[httpx.Response, bytes]:
        query = signed(
            request.scope["query_string"].decode("latin-1"),
            shop=self._settings.shopify_domain or "",
            customer=self._customer(request),
            prefix=PREFIX,
            timestamp=int(clock.now()),
            secret=self._settings.secret,
        )
        asked = self._client.build_request(
            request.method,
            httpx.URL(f"{self._settings.storefront_edge.rstrip('/')}/proxy{path}").copy_with(query=query.encode()),
            headers=_forwarded(request, fresh=_is_script(path) and path not in self._scripts),
            content=await request.body(),
        )
        answer = await self._client.send(asked, stream=True)
        try:
            # As it came, still compressed: nothing here looks into it.
            return answer, b"".join([chunk async for chunk in answer.aiter_raw()])
        finally:
            await answer.aclose()

    async def _without(self, request: Request, path: str) -> Response:
        """The app is away: what a page can live with."""
        if _is_script(path):
            body, headers = self._scripts.get(path, (b"export {};\n", {"content-type": "text/javascript"}))
            return Response(body, headers=headers | {"cache-control": "no-store"})
        if (stand_in := _stand_in(path, await request.body())) is not None:
            headers = {"Cache-Control": "private, no-store"}
            return Response(msgspec.json.encode(stand_in), 200, headers, media_type="application/json")
        return Response('{"title":"The app does not answer","status":503}', 503, {"Retry-After": "5"},
                        "application/problem+json")  # fmt: skip


def _refuses(request: Request, path: str) -> bool:
    """Whether a 5xx is the app's own word: it takes no events, and no decisions, that it could lose."""
    return request.method == "POST" and path in ("/v1/events", "/v1/consent")


def _stand_in(path: str, body: bytes) -> dict[str, object] | None:
    """What a page can live with; None where it would be taken for a promise, as of a withdrawn consent."""
    if path == "/v1/recommendations":
        return {"results": [{"status": 200, "body": _no_shelves(surface)} for surface in _surfaces(body)]}
    if path.startswith("/v1/recommendations/"):
        return _no_shelves(path.rpartition("/")[2])
    if path == "/recommendations/products.json":
        return {"products": []}
    if path == "/v1/events":
        return {"results": [], "degraded": ["origin"]}  # of no event it is said that it was taken
    return None


def _no_shelves(surface: str) -> dict[str, object]:
    return {"surface": surface, "model_version": None, "degraded": ["origin"], "slots": []}


class _Asked(msgspec.Struct):
    surface: str = ""


class _Batch(msgspec.Struct):
    requests: list[_Asked] = []


def _surfaces(body: bytes) -> list[str]:
    """The surfaces a batch asks for; none where it cannot be read."""
    try:
        return [asked.surface for asked in msgspec.json.decode(body, type=_Batch).requests]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def _is_script(path: str) -> bool:
    return path.endswith(".js")


def _forwarded(request: Request, *, fresh: bool) -> list[tuple[str, str]]:
    """The shopper's headers, without cookies and what belongs to the connection, and where they came from.

    `fresh`: without conditions, so that the whole body comes.
    """
    passed = [
        (name, value)
        for name, value in request.headers.items()
        if name not in _NOT_FORWARDED and not (fresh and name.startswith("if-"))
    ]
    shopper = request.client.host if request.client else "127.0.0.1"
    return [*passed, ("X-Forwarded-For", shopper), ("X-Forwarded-Host", request.headers.get("host", ""))]
