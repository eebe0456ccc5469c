"""The demo shop's app: routes, its headers, lifespan. What the pages hold is in `pages`, what forms do in `actions`."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge.core.errors import EndcapError
from edge.storefront import actions, pages, tiles
from edge.storefront.app_proxy import DEADLINE_S, PREFIX, AppProxy
from edge.storefront.goods import Goods, read_goods
from edge.storefront.headless import headless
from edge.storefront.households import read_households
from edge.storefront.settings import Settings
from edge.storefront.visitor import read_visitor

_STATIC = Path(__file__).parent / "static"
_MOST_BODY = 262_144
_LOOPBACK = ("127.0.0.1", "localhost", "testserver")
_METHODS = ("GET", "POST")


def create_app(settings: Settings | None = None, goods: Goods | None = None) -> Starlette:
    """The shop. `goods`: what it sells, else the catalogue of the data directory. Raises EndcapError."""
    settings = settings or Settings()
    if not (settings.secret and settings.shopify_domain):
        raise EndcapError(
            "the app proxy must sign as the edge expects: set ENDCAP_SHOPIFY_SECRETS and ENDCAP_SHOPIFY_DOMAIN for both"
        )
    routes = [
        Route("/", pages.home),
        Route("/departments/{department}", pages.department),
        Route("/departments/{department}/{aisle}", pages.department),
        Route("/products/{handle}", pages.product),
        Route("/search", pages.search),
        Route("/cart", pages.cart),
        Route("/account", pages.account),
        Route("/orders/{order_id}", pages.order),
        Route("/cart/lines", actions.change_cart, methods=["POST"]),
        Route("/checkout", actions.check_out, methods=["POST"]),
        Route("/login", actions.log_in, methods=["POST"]),
        Route("/consent", actions.consent, methods=["POST"]),
        Route("/headless", headless),
        Route("/tiles/{name}.svg", tiles.tile),
        Route("/healthz", healthz),
        Route(PREFIX + "/{path:path}", app_proxy, methods=_METHODS),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            # Another site's name that leads to this machine must not read its pages.
            Middleware(TrustedHostMiddleware, allowed_hosts=list(_LOOPBACK), www_redirect=False),
            Middleware(GZipMiddleware, minimum_size=1024),
        ],
        exception_handlers={404: pages.missing},
        lifespan=_lifespan,
        max_body_size=_MOST_BODY,
    )
    app.state.settings = settings
    app.state.goods = goods or read_goods(settings.data_dir, settings.shop)
    app.state.households = read_households(settings.data_dir, settings.shop)
    return app


async def healthz(request: Request) -> Response:
    """The shop is up."""
    return Response("ok\n", media_type="text/plain", headers={"Cache-Control": "no-store"})


async def app_proxy(request: Request) -> Response:
    """What the shop forwards to the app."""
    proxy: AppProxy = request.app.state.app_proxy
    return await proxy(request)


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    # No proxy of the surroundings, no redirect elsewhere: the app is one, and it is named.
    async with httpx.AsyncClient(timeout=DEADLINE_S, trust_env=False) as client:
        app.state.app_proxy = AppProxy(app.state.settings, client, _customer)
        yield


def _customer(request: Request) -> str | None:
    return read_visitor(request.cookies, request.app.state.goods).household
