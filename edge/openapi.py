"""The OpenAPI document, from the same structs that read requests and write answers."""

from copy import deepcopy
from typing import Any

import msgspec

from edge.collect import ConsentUpdate, Events, Result
from edge.core.events import Event, Purpose
from edge.drop_in import ShopifyAnswer
from edge.facts import FactsAnswer
from edge.openapi_answers import BODY, body, refusals, success, unchanged
from edge.openapi_others import facts, operations, webhooks
from edge.webhooks.generic import MESSAGE_TYPES, Messages
from edge.wire import Answer, Batch, Filter, Problem, Query

_JSON = "application/json"
_SURFACES = {"name": "surface", "in": "path", "required": True, "schema": {"enum": ["pdp", "cart", "home"]}}
_SECURITY: dict[str, dict[str, str]] = {
    "secret": {"type": "http", "scheme": "bearer", "description": "a secret key, `sk_...`, of a server"},
    "page": {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "a publishable key, `pk_...`, from a page of an origin it is bound to; also in the body",
    },
    "worker": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Endcap-Worker",
        "description": "our Worker's `t=<unix s>,v1=<HMAC-SHA256 of t.METHOD.path?query>`; names no customer",
    },
    "appProxy": {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "Shopify's, over the whole query, beside shop, logged_in_customer_id, path_prefix and timestamp",
    },
}
_ABOUT = {
    "product_id": "the product on the page (pdp)",
    "product_ids": "the cart: comma-separated ids",
    "visitor_id": "first-party, unguessable id of an anonymous shopper",
    "customer_id": "logged-in customer; believed only from a trusted source, or in demo mode",
    "session": "product ids of this visit, newest last; used in memory, never stored",
    "consent": "comma list of personalization, analytics, marketing; absent means none",
    "market": "default from the shop",
    "locale": "default from the shop",
    "slots": "which shelves; default all of the surface",
    "limit": "items per shelf",
    "exclude": "product ids never to show",
    "filter": "JSON object with any of in_stock, category, brand, price_min, price_max",
    "min_score": "leave out items scored lower",
    "fallback": "what a shelf does when it has nothing personal or contextual to say",
    "rev": "any value; keeps caches apart",
    "key": "publishable key of a page, which sends no header",
    "shopper_token": "`st_...` of the shop's server: who is logged in; better in a body than in an address",
}


class EventResults(msgspec.Struct, frozen=True):
    """A result per event, in the order sent."""

    results: list[Result]


class BatchResult(msgspec.Struct, frozen=True):
    """One member's answer or problem, with the status it would have had alone."""

    status: int
    body: dict[str, Any]


class BatchResults(msgspec.Struct, frozen=True):
    """A result per request, in the order sent."""

    results: list[BatchResult]


class ConsentResult(msgspec.Struct, frozen=True):
    """The purposes that are allowed now."""

    consent: list[Purpose]


class Health(msgspec.Struct, frozen=True):
    """A word on the process; who runs it is told more."""

    status: str


_TYPES = (
    Query,
    ShopifyAnswer,
    Batch,
    Answer,
    BatchResults,
    Event,
    Events,
    EventResults,
    ConsentUpdate,
    ConsentResult,
    Health,
    Problem,
    Filter,
    FactsAnswer,
    Messages,
    *MESSAGE_TYPES,
)


def document(version: str) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    _, components = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    alone = [{"$ref": f"#/components/schemas/{name}"} for name in ("Answer", "Problem")]
    components["BatchResult"]["properties"]["body"] = {"oneOf": alone}  # msgspec has no word for either-or of structs
    contract = _contract(components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Endcap", "version": version, "description": "Shelves for product page, cart and homepage."},
        "paths": {
            **contract,
            **_proxied(contract),
            "/v1/customers/{customer_id}/facts": {"get": facts()},
            **webhooks(),
            **operations(),
        },
        "components": {
            "schemas": components,
            "securitySchemes": _SECURITY,
        },
    }


def _contract(components: dict[str, Any]) -> dict[str, Any]:
    """What pages and servers ask. In demo mode without security, on loopback."""
    shelves = {"200": success("Answer", "Shelves; also when degraded"), **refusals()}
    recommend = {"tags": ["recommendations"], "responses": shelves}
    several = {"200": success("BatchResults", "A result and a status per request"), **refusals()}
    paths: dict[str, Any] = {
        "/v1/recommendations/{surface}": {
            "parameters": [_SURFACES],
            "get": {**recommend, "summary": "Shelves of one page", "parameters": _parameters(components)},
            "post": {**recommend, "summary": "The same, with a JSON body", "requestBody": body("Query")},
        },
        "/v1/recommendations": {
            "post": {
                "tags": ["recommendations"],
                "summary": "Several pages in one request",
                "requestBody": body("Batch"),
                "responses": several,
            }
        },
        "/v1/events": {"post": _collect("What a shopper did: one event or a batch", "Event", "Events")},
        "/v1/consent": {"post": _collect("A shopper's whole decision on consent", "ConsentUpdate")},
        "/recommendations/products.json": {"get": _drop_in()},
    }
    for item in paths.values():
        for method in item.keys() & {"get", "post"}:
            item[method]["security"] = [{"secret": []}, {"page": []}, {"worker": []}, {}]
            item[method]["responses"] = {
                **item[method]["responses"],
                **(unchanged() if method == "get" else refusals(*BODY)),
                **refusals("401", "403", "429"),
            }
    return paths


def _proxied(contract: dict[str, Any]) -> dict[str, Any]:
    """The same through a shop's app proxy: always signed, and the platform says who is logged in."""
    paths: dict[str, Any] = deepcopy({f"/proxy{path}": item for path, item in contract.items()})
    for item in paths.values():
        for method in item.keys() & {"get", "post"}:
            operation = item[method]
            operation["tags"] = ["app proxy"]
            operation["security"] = [{"appProxy": []}]
            operation["responses"] |= refusals(
                _401="Not signed for this shop, or more than 90 s ago", _404="No app proxy is set up here"
            )
            if "parameters" in operation:
                operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "customer_id"]
    return paths


def _drop_in() -> dict[str, Any]:
    said = {
        "product_id": ("the product on the page", {"type": "string"}),
        "limit": (
            "how many; what lies outside counts as the nearest",
            {"type": "integer", "minimum": 1, "maximum": 10},
        ),
        "intent": ("`related` by default", {"enum": ["related", "complementary"]}),
    }
    responses = {
        "200": success("ShopifyAnswer", "Products in the shape of Shopify's endpoint"),
        **refusals(_422="What Shopify answers so: no product_id, another intent"),
    }
    return {
        "tags": ["recommendations"],
        "summary": "Shopify's own endpoint of this name, also under `/{locale}`; other names as for shelves",
        "parameters": [
            {"name": name, "in": "query", "description": about, "schema": schema, "required": name == "product_id"}
            for name, (about, schema) in said.items()
        ],
        "responses": responses,
    }


def _parameters(components: dict[str, Any]) -> list[dict[str, Any]]:
    properties = components["Query"]["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "description": about,
            "schema": {"type": "string", "contentMediaType": _JSON} if name == "filter" else properties[name],
            **({"style": "form", "explode": False} if properties[name].get("type") == "array" else {}),
        }
        for name, about in _ABOUT.items()
    ]


def _collect(summary: str, *names: str) -> dict[str, Any]:
    if "ConsentUpdate" in names:
        taken = success("ConsentResult", "Stored; what is no longer allowed is deleted")
    else:
        taken = success("EventResults", "What became of it")
    responses = {"200": taken, **refusals(*BODY, "503")}
    return {"tags": ["events"], "summary": summary, "requestBody": body(*names), "responses": responses}
