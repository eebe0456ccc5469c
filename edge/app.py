"""The Starlette app: routes, middleware, lifespan. What the routes do is in `routes`."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Scope

from edge import garbage, metrics, respond
from edge.assembly import Edge, build_edge, store_url
from edge.assets import asset_routes
from edge.at_once import AtOnce
from edge.cors import Cors
from edge.doors import is_loopback
from edge.drain import end_tasks, end_with_parent
from edge.front import Front
from edge.limits import Limits
from edge.middleware import Observe
from edge.profiles import connect
from edge.routes import contract_routes, facts, operations_routes
from edge.scoring import poll
from edge.settings import Settings
from edge.webhooks.routes import webhook_routes

_LISTINGS_S = 0.2  # a product listed now stands on shelves within a second, with the follower's half
_FOLLOW_TIMEOUT_S = 5.0  # the follower's reads block for half a second; a dead store is noticed within this


def create_app(settings: Settings | None = None) -> Starlette:
    """The app. Without settings they come from the environment, as in a worker process."""
    if settings is None:
        settings = Settings()
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if settings.demo and not is_loopback(settings.host):
        raise ValueError(f"demo mode needs no keys, so it is for loopback only, not {settings.host}; set ENDCAP_DEMO=0")
    app = Starlette(
        routes=[
            *contract_routes("/proxy"),  # first, or `proxy` would be taken for a locale
            *contract_routes(),
            Route("/v1/customers/{customer_id:path}/facts", facts),
            *webhook_routes(),
            *asset_routes(),
            *operations_routes(),
        ],
        middleware=[Middleware(Observe, hsts_s=settings.hsts_s), Middleware(Cors, origins=_origins), Middleware(Front)],
        exception_handlers=respond.HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would show the signed address of an app proxy's request
    app.state.settings = settings
    return app


def _origins(scope: Scope) -> frozenset[str]:
    edge: Edge = scope["app"].state.edge
    return edge.doors.origins


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, object]]:
    """Load the model before the first request; follow model, catalogue and switches until the last."""
    end_with_parent()
    settings: Settings = app.state.settings
    edge = build_edge(settings)
    app.state.edge = edge
    edge.recommender.refresh()
    edge.keyring.refresh()
    follower = connect(store_url(settings), timeout_s=_FOLLOW_TIMEOUT_S, connections=3)
    background = [
        asyncio.create_task(poll(edge.recommender.refresh)),
        asyncio.create_task(poll(edge.keyring.refresh)),
        asyncio.create_task(edge.doors.rates.run(follower) if edge.doors.rates else asyncio.sleep(0)),
        asyncio.create_task(edge.recommender.catalogue.follow(follower)),
        asyncio.create_task(poll(edge.recommender.refresh_listings, every_s=_LISTINGS_S)),
        asyncio.create_task(edge.trials.run(lambda: edge.in_flight)),
        asyncio.create_task(metrics.run(lambda: edge.in_flight)),
        asyncio.create_task(garbage.run(lambda: edge.in_flight)),
    ]
    counting = asyncio.create_task(edge.tally.run(follower, edge.trials.report_refusal))
    edge.drain.install(asyncio.get_running_loop())
    try:
        with garbage.on_demand():
            at_once = AtOnce(edge)
            yield {
                "limits": Limits(settings.max_header_bytes, settings.read_timeout_s),
                "at_once": at_once,
                "turned_away": at_once.turned_away,
            }
    finally:
        await end_tasks([*background, counting])
        await follower.aclose()
        await edge.store.aclose()
        await edge.collector.store.aclose()
