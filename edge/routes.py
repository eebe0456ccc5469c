"""The routes of the contract: from a request to an answer, top to bottom. What happens in between is in `recommend` and
`collect`; who may ask is in `doors`, as whom in `identify`.

In: a request. Out: a response, or InputError, which `respond` turns into a problem. Every route stands under `/proxy`,
too, for Shopify's app proxy.
"""

import asyncio
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge import metrics, pages, respond
from edge.assembly import Edge
from edge.core import clock
from edge.doors import Door
from edge.errors import InputError
from edge.facts import read_facts
from edge.limits import only_plain, read_body
from edge.openapi import document
from edge.profiles import StoreUnavailableError
from edge.recommend import Served
from edge.respond import Reply
from edge.wire import Batch, Query, check_id, decode_json, query_from_body

_WEB = Path(__file__).parent / "web"


def contract_routes(base: str = "") -> list[Route]:
    """What shops' pages and servers ask, under a base such as `/proxy`."""
    return [
        Route(f"{base}/v1/recommendations/{{surface}}", recommendations, methods=["GET", "POST"]),
        Route(f"{base}/v1/recommendations", batch, methods=["POST"]),
        Route(f"{base}/v1/events", events, methods=["POST"]),
        Route(f"{base}/v1/consent", consent, methods=["POST"]),
        Route(f"{base}/recommendations/products.json", products),
        Route(f"{base}/{{locale}}/recommendations/products.json", products),
    ]


def operations_routes() -> list[Route]:
    """What those ask who run it."""
    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", prometheus),
        Route("/openapi.json", openapi),
        Route("/", api_page),
    ]


async def recommendations(request: Request) -> Reply:
    """GET or POST one page's shelves."""
    edge: Edge = request.app.state.edge
    if request.method != "POST":
        return await pages.shelves(edge, request.scope)
    body = await _body(request, edge)
    door = edge.doors.admit(request.scope, body)
    query = query_from_body(request.path_params["surface"], body)
    served = await pages.answer(edge, door, query)
    edge.trials.offer([(query, served)])
    return respond.Ready(served).reply(served.cached, pages.header(request.scope, b"if-none-match"))


async def _body(request: Request, edge: Edge) -> bytes:
    only_plain(request)
    return await read_body(request, edge.settings.max_body_bytes)


async def products(request: Request) -> Reply:
    """GET what Shopify's own endpoint of this name gives."""
    return await pages.products(request.app.state.edge, request.scope)


async def batch(request: Request) -> Response:
    """POST several pages at once; each gets its own status."""
    edge: Edge = request.app.state.edge
    body = await _body(request, edge)
    door = edge.doors.admit(request.scope, body)
    members = decode_json(body, Batch, parameter="requests").requests
    results = await asyncio.gather(*(_member(edge, door, member) for member in members))
    edge.trials.offer((query, served) for query, served in results if query is not None and isinstance(served, Served))
    return respond.batch([served for _, served in results])


async def _member(edge: Edge, door: Door, member: msgspec.Raw) -> tuple[Query | None, Served | InputError]:
    try:
        query = query_from_body(None, member)
        return query, await pages.answer(edge, door, query)
    except InputError as error:
        return None, error


async def events(request: Request) -> Response:
    """POST what shoppers did."""
    edge: Edge = request.app.state.edge
    body = await _body(request, edge)
    door = edge.doors.admit(request.scope, body)
    try:
        return respond.json({"results": await edge.collector.events(body, door)})
    except StoreUnavailableError as error:
        return respond.try_later(str(error))


async def consent(request: Request) -> Response:
    """POST a shopper's decision."""
    edge: Edge = request.app.state.edge
    body = await _body(request, edge)
    door = edge.doors.admit(request.scope, body)
    try:
        granted = await edge.collector.consent(body, door)
    except StoreUnavailableError as error:
        return respond.try_later(str(error))
    return respond.json({"consent": sorted(granted)})


async def facts(request: Request) -> Response:
    """GET what is known of a customer. Needs a secret key, in demo mode, too."""
    edge: Edge = request.app.state.edge
    edge.doors.admit(request.scope)
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
    """Whether to send shoppers here; who runs this also learns why. A store that is away does not unready it."""
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
    if not edge.doors.for_operators(request.scope):
        state = {"status": state["status"]}
    return respond.json(state, 200 if ready else 503)


async def prometheus(request: Request) -> Response:
    """Metrics of all workers. Without demo mode they need a secret key: what a shop sells is nobody's business."""
    edge: Edge = request.app.state.edge
    if not edge.doors.for_operators(request.scope):
        raise InputError("Authorization", "needed: `Bearer sk_...`, from who runs this", status=401)
    metrics.IN_FLIGHT.set(edge.in_flight)
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")


async def openapi(request: Request) -> Response:
    """The contract, for machines."""
    return Response(_document(), headers={"Cache-Control": "no-store"}, media_type="application/json")


@cache
def _document() -> bytes:
    """Made once: it takes long, and nobody needs a key to ask for it."""
    return msgspec.json.encode(document(version("endcap")))


async def api_page(request: Request) -> Response:
    """The contract, for people: one page that needs no other site."""
    page = (_WEB / "api.html").read_bytes()
    return Response(
        page,
        media_type="text/html",
        headers={"Content-Security-Policy": respond.PAGE_POLICY, "Referrer-Policy": "no-referrer"},
    )
