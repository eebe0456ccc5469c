"""The OpenAPI document, from the same structs that read requests and write answers."""

from copy import deepcopy
from typing import Any

import msgspec

from edge.collect import ConsentUpdate, Events, Result
from edge.core.events import Event
from edge.drop_in import ShopifyAnswer
from edge.facts import FactsAnswer
from edge.webhooks.generic import MESSAGE_TYPES, Messages
from edge.wire import Answer, Batch, Filter, Problem, Query

_JSON = "application/json"
_SURFACES = {"name": "surface", "in": "path", "required": True, "schema": {"enum": ["pdp", "cart", "home"]}}
_SIGNATURES = {
    "shopify": "HMAC over the body in X-Shopify-Hmac-SHA256 or shopify-hmac-sha256",
    "bigcommerce": "Standard Webhooks",
    "adobe": "I/O Events with two RSA signatures",
    "endcap": "our own format, Standard Webhooks",
}
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
_HEADERS = {
    "X-Endcap-Scope": "`shared`, or `personal` where the request or the shopper shaped it",
    "X-Endcap-Version": "the model's version, a dot, and a digest of the rules",
    "X-Request-Id": "the caller's, or one of ours",
    "Cache-Status": "whether the ranking was found in the answer cache",
    "Server-Timing": "`app;dur=` milliseconds",
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
            "/v1/customers/{customer_id}/facts": {"get": _facts()},
            **_webhooks(),
            "/healthz": {"get": _plain("The process is alive")},
            "/readyz": {"get": _plain("A model is loaded and nothing stands in the way of serving")},
            "/metrics": {"get": _plain("Prometheus metrics")},
        },
        "components": {
            "schemas": components,
            "securitySchemes": _SECURITY,
        },
    }


def _contract(components: dict[str, Any]) -> dict[str, Any]:
    """What pages and servers ask. In demo mode without security, on loopback."""
    recommend = {"tags": ["recommendations"], "responses": _responses("Answer", "Shelves; also when degraded")}
    several = {
        "tags": ["recommendations"],
        "responses": _responses("BatchResults", "A result and a status per request"),
    }
    paths: dict[str, Any] = {
        "/v1/recommendations/{surface}": {
            "parameters": [_SURFACES],
            "get": {**recommend, "summary": "Shelves of one page", "parameters": _parameters(components)},
            "post": {**recommend, "summary": "The same, with a JSON body", "requestBody": _body("Query")},
        },
        "/v1/recommendations": {
            "post": {**several, "summary": "Several pages in one request", "requestBody": _body("Batch")}
        },
        "/v1/events": {"post": _collect("What a shopper did: one event or a batch", "Event", "Events")},
        "/v1/consent": {"post": _collect("A shopper's whole decision on consent", "ConsentUpdate")},
        "/recommendations/products.json": {"get": _drop_in()},
    }
    for item in paths.values():
        for method in item.keys() & {"get", "post"}:
            item[method]["security"] = [{"secret": []}, {"page": []}, {"worker": []}, {}]
            refused = "No key, no signature, or none in force; in demo mode never"
            item[method]["responses"] |= {
                "401": {"description": refused},
                "429": {"description": "Asked too often with a publishable key; Retry-After says when to come back"},
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
            operation["responses"] |= {
                "401": {"description": "Not signed for this shop, or more than 90 s ago"},
                "404": {"description": "No app proxy is set up here"},
            }
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
    responses = _responses("ShopifyAnswer", "Products in the shape of Shopify's endpoint")
    responses["422"] = {**responses["400"], "description": "What Shopify answers so: no product_id, another intent"}
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


def _body(*names: str) -> dict[str, Any]:
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return {"required": True, "content": {_JSON: {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}}}


def _responses(name: str, description: str) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    headers = {header: {"description": about, "schema": {"type": "string"}} for header, about in _HEADERS.items()}
    recommends = name in ("Answer", "BatchResults", "ShopifyAnswer")
    return {
        "200": {
            "description": description,
            **({"headers": headers} if recommends else {}),
            "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        },
        "400": {"description": "Something to mend; `parameter` says where", "content": problem},
        "413": {"description": "The body is too large"},
    }


def _collect(summary: str, *names: str) -> dict[str, Any]:
    responses = _responses("EventResults", "What became of it")
    if "ConsentUpdate" in names:
        responses["200"] = {"description": "Stored; what is no longer allowed is deleted"}
    responses["503"] = {"description": "The store does not answer; nothing was accepted, Retry-After says when"}
    return {"tags": ["events"], "summary": summary, "requestBody": _body(*names), "responses": responses}


def _webhooks() -> dict[str, Any]:
    """The doors of shops' platforms, whose bodies are theirs, and our own format."""
    paths: dict[str, Any] = {}
    for platform, signature in _SIGNATURES.items():
        responses = {
            "200": {"description": "Taken, told before, or of no use"},
            "401": {"description": "Not signed by a sender we know, or too long ago"},
            "403": {"description": "Of another shop than the one served"},
            "404": {"description": "Not set up here"},
            "413": {"description": "The body is too large"},
            "415": {"description": "The body is compressed"},
            "503": {"description": "The store is away or full; nothing was taken, Retry-After says when"},
        }
        post = {"tags": ["webhooks"], "summary": f"What {platform} tells: {signature}", "responses": responses}
        body = {"required": True, "content": {_JSON: {"schema": {"type": "object"}}}}
        paths[f"/webhooks/{platform}"] = {"post": {**post, "requestBody": body}}
    own = paths["/webhooks/endcap"]["post"]
    own["requestBody"] = _body("Messages", *(type_.__name__ for type_ in MESSAGE_TYPES))
    own["responses"] |= _responses("EventResults", "What became of each message")
    challenge = {"name": "challenge", "in": "query", "required": True, "schema": {"type": "string"}}
    said = _plain("Registration: says the challenge back")
    paths["/webhooks/adobe"]["get"] = {**said, "tags": ["webhooks"], "parameters": [challenge]}
    return paths


def _facts() -> dict[str, Any]:
    said = {
        "401": "No secret key in force was shown",
        "403": "The key shown may not read this",
        "404": "Nothing is known of this customer, or nothing is kept",
        "503": "The store does not answer; Retry-After says when",
    }
    return {
        "tags": ["customers"],
        "summary": "What is known of a customer: values with unit, definition, version and freshness",
        "security": [{"secret": []}],
        "parameters": [{"name": "customer_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": _responses("FactsAnswer", "The facts that can be told")
        | {status: {"description": text} for status, text in said.items()},
    }


def _plain(description: str) -> dict[str, Any]:
    return {"tags": ["operations"], "summary": description, "responses": {"200": {"description": description}}}
