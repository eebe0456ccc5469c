"""What the OpenAPI document says of shops' platforms, of customers' facts, and of those who run an edge."""

from typing import Any

from edge.openapi_answers import BODY, body, refusals, success
from edge.webhooks.generic import MESSAGE_TYPES

_JSON = "application/json"
_SIGNATURES = {
    "shopify": "HMAC over the body in X-Shopify-Hmac-SHA256 or shopify-hmac-sha256",
    "bigcommerce": "Standard Webhooks",
    "adobe": "I/O Events with two RSA signatures",
    "endcap": "our own format, Standard Webhooks",
}


def webhooks() -> dict[str, Any]:
    """The doors of shops' platforms, whose bodies are theirs, and our own format."""
    paths: dict[str, Any] = {}
    for platform, signature in _SIGNATURES.items():
        responses = {
            "200": {"description": "Taken, told before, or of no use"},
            **refusals(
                *BODY,
                _401="Not signed by a sender we know, or too long ago",
                _403="Of another shop than the one served",
                _404="Not set up here",
                _503="The store is away or full; nothing was taken, Retry-After says when",
            ),
        }
        post = {"tags": ["webhooks"], "summary": f"What {platform} tells: {signature}", "responses": responses}
        theirs = {"required": True, "content": {_JSON: {"schema": {"type": "object"}}}}
        paths[f"/webhooks/{platform}"] = {"post": {**post, "requestBody": theirs}}
    own = paths["/webhooks/endcap"]["post"]
    own["requestBody"] = body("Messages", *(type_.__name__ for type_ in MESSAGE_TYPES))
    own["responses"]["200"] = success("EventResults", "What became of each message")
    challenge = {"name": "challenge", "in": "query", "required": True, "schema": {"type": "string"}}
    said = _plain("Registration: says the challenge back", refusals(_404="Not set up here, or no challenge"))
    paths["/webhooks/adobe"]["get"] = {**said, "tags": ["webhooks"], "parameters": [challenge]}
    return paths


def facts() -> dict[str, Any]:
    """What a shop's server asks about one customer."""
    return {
        "tags": ["customers"],
        "summary": "What is known of a customer: values with unit, definition, version and freshness",
        "security": [{"secret": []}],
        "parameters": [{"name": "customer_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": success("FactsAnswer", "The facts that can be told"),
            **refusals(
                _401="No secret key in force was shown",
                _403="The key shown may not read this",
                _404="Nothing is known of this customer, or nothing is kept",
                _429="Asked too often",
                _503="The store does not answer; Retry-After says when",
            ),
        },
    }


def operations() -> dict[str, Any]:
    """What those ask who run it."""
    health = {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
    away = {"503": {"description": "Not ready, or leaving", "content": health}}
    paths = {
        "/healthz": _plain("The process is alive", refusals(), _JSON, health[_JSON]["schema"]),
        "/readyz": _plain(
            "A model is loaded and nothing stands in the way of serving",
            refusals() | away,
            _JSON,
            health[_JSON]["schema"],
        ),
        "/metrics": _plain("Prometheus metrics", refusals("401"), "text/plain", {"type": "string"}),
    }
    return {path: {"get": operation} for path, operation in paths.items()}


def _plain(
    description: str, refused: dict[str, Any], media_type: str | None = None, schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    said: dict[str, Any] = {"description": description}
    if media_type is not None:
        said["content"] = {media_type: {"schema": schema}}
    return {"tags": ["operations"], "summary": description, "responses": {"200": said, **refused}}
