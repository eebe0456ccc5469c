"""The way in for what pages ask most: one look at the path, and no routing, request or response objects behind it.

In: ASGI. Out: the answers of `pages`, with the same problems as everywhere; whatever is not known here goes on to
Starlette, whose routes lead to the same functions.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from edge import pages, respond
from edge.errors import InputError

_PAGES = {
    "/v1/recommendations/pdp": pages.shelves,
    "/v1/recommendations/cart": pages.shelves,
    "/v1/recommendations/home": pages.shelves,
    "/recommendations/products.json": pages.products,
}
_PAGES |= {f"/proxy{path}": page for path, page in _PAGES.items()}
_ASKING = frozenset({"GET", "HEAD"})


class Front:
    """Middleware: answers what it knows."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        page = _PAGES.get(scope["path"]) if scope["type"] == "http" and scope["method"] in _ASKING else None
        if page is None:
            await self.app(scope, receive, send)
            return
        try:
            reply = await page(scope["app"].state.edge, scope)
        except InputError as error:
            await respond.refused(error)(scope, receive, send)
        else:
            await reply(scope, receive, send)
