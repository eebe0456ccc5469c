"""The Starlette app: routes, middleware, lifespan. What happens in between is in `recommend` and `collect`."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge import metrics, respond
from edge.assembly import Edge, build_edge, store_url
from edge.assets import asset_routes
from edge.core import clock
from edge.drain import end_tasks, end_with_parent
from edge.errors import InputError
from edge.facts import read_facts
from edge.middleware import Observe
from edge.openapi import document
from edge.profiles import StoreUnavailableError, connect
from edge.recommend import Served
from edge.scoring import poll
from edge.settings import Settings
from edge.webhooks.routes import webhook_routes
from edge.wire import Batch, Query, check_id, decode_json, query_from_body, query_from_url

_WEB = Path(__file__).parent / "web"
_LISTINGS_S = 0.2  # a product listed now stands on shelves within a second, with the follower's half
_FOLLOW_TIMEOUT_S = 5.0  # the follower's reads block for half a second; a dead store is noticed within this


def create_app(settings: Settings | None = None) -> Starlette:
    """The app. Without settings they come from the environment, as in a worker process."""
    if settings is None:
        settings = Settings()
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app = Starlette(
        routes=[
            Route("/v1/recommendations/{surface}", recommendations, methods=["GET", "POST"]),
            Route("/v1/recommendations", batch, methods=["POST"]),
            Route("/v1/events", events, methods=["POST"]),
            Route("/v1/consent", consent, methods=["POST"]),
            Route("/v1/customers/{customer_id:path}/facts", facts),
            *webhook_routes(settings.webhook_max_body_bytes),
            *asset_routes(),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", prometheus),
            Route("/openapi.json", openapi),
            Route("/", api_page),
        ],
        middleware=[Middleware(Observe)],
        exception_handlers=respond.HANDLERS,
        lifespan=lifespan,
        max_body_size=settings.max_body_bytes,
    )
    app.state.settings = settings
    return app


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Load the model before the first request; follow model, catalogue and switches until the last."""
    end_with_parent()
    settings: Settings = app.state.settings
    edge = build_edge(settings)
    app.state.edge = edge
    edge.recommender.refresh()
    edge.keyring.refresh()
    follower = connect(store_url(settings), timeout_s=_FOLLOW_TIMEOUT_S, connections=2)
    background = [
        asyncio.create_task(poll(edge.recommender.refresh)),
        asyncio.create_task(poll(edge.keyring.refresh)),
        asyncio.create_task(edge.recommender.catalogue.follow(follower)),
        asyncio.create_task(poll(edge.recommender.refresh_listings, every_s=_LISTINGS_S)),
        asyncio.create_task(edge.trials.run(lambda: edge.in_flight)),
    ]
    counting = asyncio.create_task(edge.tally.run(follower, edge.trials.report_refusal))
    edge.drain.install(asyncio.get_running_loop())
    try:
        yield
    finally:
        await end_tasks([*background, counting])
        await follower.aclose()
        await edge.store.redis.aclose()
        await edge.collector.store.redis.aclose()


# --- routes ----------------------------------------------------------------------------------------------------------


async def recommendations(request: Request) -> Response:
    """GET or POST one page's shelves."""
    edge: Edge = request.app.state.edge
    edge.identifier.admit(request.client.host if request.client else None)
    surface = request.path_params["surface"]
    if request.method == "POST":
        query = query_from_body(surface, await request.body())
    else:
        query = query_from_url(surface, request.scope["query_string"])
    served = await _answer(edge, query)
    response = respond.recommendation(served, request.headers.get("if-none-match"))
    response.background = edge.trials.afterwards([(query, served)])
    return response


async def batch(request: Request) -> Response:
    """POST several pages at once; each gets its own status."""
    edge: Edge = request.app.state.edge
    edge.identifier.admit(request.client.host if request.client else None)
    members = decode_json(await request.body(), Batch, parameter="requests").requests
    results = await asyncio.gather(*(_member(edge, member) for member in members))
    response = respond.batch([served for _, served in results])
    response.background = edge.trials.afterwards(
        (query, served) for query, served in results if query is not None and isinstance(served, Served)
    )
    return response


async def _member(edge: Edge, member: msgspec.Raw) -> tuple[Query | None, Served | InputError]:
    try:
        query = query_from_body(None, member)
        return query, await _answer(edge, query)
    except InputError as error:
        return None, error


async def _answer(edge: Edge, query: Query) -> Served:
    if edge.in_flight >= edge.settings.max_in_flight:
        return edge.recommender.popular(query, "overload")
    edge.in_flight += 1
    metrics.IN_FLIGHT.inc()
    try:
        caller = edge.identifier.caller(query.visitor_id, query.customer_id, query.consent)
        if edge.recommender.live.canary is not None:
            return await edge.trials.answer(query, caller)
        return await edge.recommender.answer(query, caller)
    finally:
        edge.in_flight -= 1
        metrics.IN_FLIGHT.dec()


async def events(request: Request) -> Response:
    """POST what shoppers did."""
    edge: Edge = request.app.state.edge
    edge.identifier.admit(request.client.host if request.client else None)
    try:
        return respond.json({"results": await edge.collector.events(await request.body())})
    except StoreUnavailableError as error:
        return respond.try_later(str(error))


async def consent(request: Request) -> Response:
    """POST a shopper's decision."""
    edge: Edge = request.app.state.edge
    edge.identifier.admit(request.client.host if request.client else None)
    try:
        granted = await edge.collector.consent(await request.body())
    except StoreUnavailableError as error:
        return respond.try_later(str(error))
    return respond.json({"consent": sorted(granted)})


async def facts(request: Request) -> Response:
    """GET what is known of a customer. Needs a secret key, in demo mode, too."""
    edge: Edge = request.app.state.edge
    edge.identifier.admit(request.client.host if request.client else None)
    edge.keyring.admit(request.headers.get("authorization"), edge.identifier.shop)
    customer_id = check_id("customer_id", request.path_params["customer_id"])
    caller = edge.identifier.caller(None, customer_id, ())
    try:
        told = await read_facts(edge.store, caller, customer_id, clock.now())
    except StoreUnavailableError as error:
        return respond.try_later(str(error), "Nothing can be read")
    return respond.json(told, cache="private, no-store")


async def healthz(request: Request) -> Response:
    """The process is alive."""
    return respond.json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Whether to send shoppers here. A store that is away degrades answers, it does not unready the process."""
    edge: Edge = request.app.state.edge
    live = edge.recommender.live
    model = live.current
    ready = model is not None and len(edge.recommender.catalogue) > 0 and not edge.drain.leaving
    state = {
        "status": "leaving" if edge.drain.leaving else "ready" if ready else "not ready",
        "model_version": model.version if model else None,
        "model_refused": live.refused,
        "canary": live.canary.version if live.canary else None,
        "canary_percent": live.percent if live.canary else 0,
        "canary_refused": live.places["canary"].refused,
        "shadow": live.shadow.version if live.shadow else None,
        "shadow_refused": live.places["shadow"].refused,
        "faults": edge.recommender.faults,
        "catalogue_products": len(edge.recommender.catalogue),
        "store": "ok" if await edge.store.ready() else "away",
        "off": list(edge.recommender.switches.off),
        "serve_percent": edge.recommender.switches.serve_percent,
    }
    return respond.json(state, 200 if ready else 503)


async def prometheus(request: Request) -> Response:
    """Metrics of all workers."""
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")


async def openapi(request: Request) -> Response:
    """The contract, for machines."""
    return respond.json(document(version("endcap")))


async def api_page(request: Request) -> Response:
    """The contract, for people: one page that needs no other site."""
    page = (_WEB / "api.html").read_bytes()
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": respond.PAGE_POLICY})
