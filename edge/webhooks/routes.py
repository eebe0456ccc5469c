"""The routes of webhooks. Demo mode's rule that only loopback may ask does not hold here: a signature says more about a
sender than an address does, and platforms send from anywhere.
"""

import re

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge import respond
from edge.changes import BusyProductError
from edge.errors import InputError
from edge.limits import read_body
from edge.profiles import StoreUnavailableError
from edge.settings import Settings
from edge.webhooks.marketing import BusyConsentError
from edge.webhooks.receive import Receiver

_CHALLENGE = re.compile(r"[\w.:=+/-]{1,256}", re.ASCII)
_AWAY = (StoreUnavailableError, BusyProductError, BusyConsentError)


def webhook_routes() -> list[Route]:
    """One route per platform."""
    return [
        Route("/webhooks/shopify", shopify, methods=["POST"]),
        Route("/webhooks/bigcommerce", bigcommerce, methods=["POST"]),
        Route("/webhooks/adobe", adobe, methods=["GET", "POST"]),
        Route("/webhooks/endcap", endcap, methods=["POST"]),
    ]


async def shopify(request: Request) -> Response:
    """POST one of Shopify's deliveries."""
    try:
        await _receiver(request).shopify(request.scope["headers"], await _body(request))
    except _AWAY as error:
        return respond.try_later(str(error))
    return Response(status_code=200)


async def bigcommerce(request: Request) -> Response:
    """POST one of BigCommerce's deliveries."""
    try:
        await _receiver(request).bigcommerce(request.scope["headers"], await _body(request))
    except _AWAY as error:
        return respond.try_later(str(error))
    return Response(status_code=200)


async def adobe(request: Request) -> Response:
    """POST one of Adobe's I/O Events, or GET the challenge by which the address is registered."""
    if request.method != "POST":
        return _challenge(request)
    try:
        await _receiver(request).adobe(request.scope["headers"], await _body(request))
    except _AWAY as error:
        return respond.try_later(str(error))
    return Response(status_code=200)


def _challenge(request: Request) -> Response:
    """Adobe asks, when the address is registered, for a word to be said back."""
    challenge = request.query_params.get("challenge", "")
    if _receiver(request).config.adobe is None:
        raise InputError("path", "not set up here; set ENDCAP_ADOBE_CLIENT_ID and ENDCAP_ADOBE_KEYS", status=404)
    if not _CHALLENGE.fullmatch(challenge):
        raise InputError("challenge", "needed: a word of letters, digits and -._:=+/")
    return PlainTextResponse(challenge, headers={"Cache-Control": "no-store"})


async def endcap(request: Request) -> Response:
    """POST messages of our own signed format."""
    try:
        results = await _receiver(request).endcap(request.scope["headers"], await _body(request))
    except _AWAY as error:
        return respond.try_later(str(error))
    return respond.json({"results": results})


async def _body(request: Request) -> bytes:
    """With a limit of its own: a product with a hundred variants is large."""
    settings: Settings = request.app.state.settings
    return await read_body(request, settings.webhook_max_body_bytes)


def _receiver(request: Request) -> Receiver:
    receiver: Receiver = request.app.state.edge.receiver
    return receiver
