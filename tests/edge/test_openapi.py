"""The OpenAPI document: it says what the code does."""

from typing import Any, get_args

import msgspec
import pytest

from edge.core.switches import SURFACES
from edge.openapi import document
from edge.picks import ServedBy
from edge.wire import MAX_BATCH, MAX_LIMIT, Filter, Query

API = document("9.8.7")
SCHEMAS: dict[str, Any] = API["components"]["schemas"]
OPERATIONS = {
    f"{method} {path}": operation
    for path, item in API["paths"].items()
    for method, operation in item.items()
    if method in ("get", "post")
}


def test_it_is_of_this_version_and_can_be_sent() -> None:
    """The version is the program's, the document the same each time, and plain JSON."""
    assert (API["openapi"], API["info"]["version"]) == ("3.1.0", "9.8.7")
    assert msgspec.json.encode(API) == msgspec.json.encode(document("9.8.7"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_explains_itself(name: str) -> None:
    """A summary, a tag, and a description of each answer."""
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["tags"]
    assert "200" in operation["responses"]
    assert all(response["description"] for response in operation["responses"].values())
    assert ("requestBody" in operation) is name.startswith("post")


def test_parameters_are_described_as_they_are_read() -> None:
    """Lists are comma-separated, `filter` is JSON in a string, nothing in the query string is required."""
    parameters = {one["name"]: one for one in OPERATIONS["get /v1/recommendations/{surface}"]["parameters"]}
    assert all(one["in"] == "query" and one["description"] and "required" not in one for one in parameters.values())
    assert "customer_id" in parameters
    lists = {name for name, one in parameters.items() if one.get("style") == "form" and one["explode"] is False}
    assert lists == {"product_ids", "session", "consent", "slots", "exclude"}
    assert parameters["filter"]["schema"] == {"type": "string", "contentMediaType": "application/json"}
    (surface,) = API["paths"]["/v1/recommendations/{surface}"]["parameters"]
    assert (surface["required"], tuple(surface["schema"]["enum"])) == (True, SURFACES)


def test_limits_are_those_that_are_kept() -> None:
    """What the schema allows is what a query may say."""
    limit = SCHEMAS["Query"]["properties"]["limit"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, MAX_LIMIT, Query("home").limit)
    assert SCHEMAS["Batch"]["properties"]["requests"]["maxItems"] == MAX_BATCH
    assert set(SCHEMAS["Filter"]["properties"]) == set(Filter.__struct_fields__)
    assert all(SCHEMAS[name]["additionalProperties"] is False for name in ("Query", "Filter", "CartLine", "Batch"))
    assert set(SCHEMAS["Slot"]["properties"]["served_by"]["enum"]) == set(get_args(ServedBy))


def test_errors_are_problems() -> None:
    """Every refusal has the shape of RFC 9457; a member of a batch is an answer or a problem."""
    for operation in OPERATIONS.values():
        refused = {status: said for status, said in operation["responses"].items() if status.startswith("4")}
        assert {"400", "408", "414", "431"} <= set(refused)
        for said in refused.values():
            assert list(said["content"]) == ["application/problem+json"]
    assert set(SCHEMAS["Problem"]["required"]) == {"title", "status", "detail"}
    body = SCHEMAS["BatchResult"]["properties"]["body"]
    assert [one["$ref"].rpartition("/")[2] for one in body["oneOf"]] == ["Answer", "Problem"]


def test_every_platform_has_its_door_in_it() -> None:
    """What each is answered, and the messages of our own format with their fields."""
    for platform in ("shopify", "bigcommerce", "adobe", "endcap"):
        responses = OPERATIONS[f"post /webhooks/{platform}"]["responses"]
        assert {"200", "401", "403", "404", "413", "415", "503"} <= set(responses)
    schema = OPERATIONS["post /webhooks/endcap"]["requestBody"]["content"]["application/json"]["schema"]
    named = [one["$ref"].rpartition("/")[2] for one in schema["oneOf"]]
    tags = {SCHEMAS[name]["properties"]["type"]["enum"][0] for name in named if name != "Messages"}
    assert tags == {"event", "product", "price", "stock", "consent", "erase", "export"}
    assert OPERATIONS["get /webhooks/adobe"]["parameters"][0]["name"] == "challenge"


def test_events_may_be_refused_for_a_while() -> None:
    """Both calls that write say what their 503 means, and which bodies they take."""
    for name in ("events", "consent"):
        assert "Retry-After" in OPERATIONS[f"post /v1/{name}"]["responses"]["503"]["description"]
    schema = OPERATIONS["post /v1/events"]["requestBody"]["content"]["application/json"]["schema"]
    assert [one["$ref"].rpartition("/")[2] for one in schema["oneOf"]] == ["Event", "Events"]
    content = OPERATIONS["post /v1/consent"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"]["$ref"].endswith("/ConsentResult")


def test_everything_stands_under_proxy_too() -> None:
    """Signed always, and without a word on who the customer is."""
    contract = [path for path in API["paths"] if path.startswith(("/v1/rec", "/v1/ev", "/v1/con", "/recommendations"))]
    assert len(contract) == 5
    for path in contract:
        for method in API["paths"][path].keys() & {"get", "post"}:
            plain, proxied = API["paths"][path][method], API["paths"][f"/proxy{path}"][method]
            assert {} in plain["security"]
            assert proxied["security"] == [{"appProxy": []}]
            assert "401" in plain["responses"]
            assert {"401", "404"} <= set(proxied["responses"])
            names = {one["name"] for one in plain.get("parameters", ())}
            assert {one["name"] for one in proxied.get("parameters", ())} == names - {"customer_id"}
    named = {scheme for operation in OPERATIONS.values() for one in operation.get("security", ()) for scheme in one}
    assert named == set(API["components"]["securitySchemes"])


def test_headers_of_shelves_are_described() -> None:
    """For caches and panels, on each answer with shelves; of several pages only where there are any."""
    for name, operation in OPERATIONS.items():
        headers = operation["responses"]["200"].get("headers", {})
        always = {header for header, said in headers.items() if said.get("required")}
        shelves = {"X-Endcap-Scope", "X-Endcap-Version"}
        assert shelves <= set(headers) if "recommendations" in name else not shelves & set(headers)
        if name.endswith("/v1/recommendations"):
            assert always == {"X-Request-Id", "Server-Timing"}
        elif "recommendations" in name:
            assert always == shelves | {"X-Request-Id", "Server-Timing", "Cache-Status"}


def test_who_shall_come_back_is_told_when_and_how() -> None:
    """Each 429 and 503 that is a problem has Retry-After, each 401 the scheme."""
    for operation in OPERATIONS.values():
        for status, header in (("429", "Retry-After"), ("503", "Retry-After"), ("401", "WWW-Authenticate")):
            said = operation["responses"].get(status, {})
            if "application/problem+json" in said.get("content", {}):
                assert said["headers"][header]["required"]


def test_shopifys_endpoint_is_in_shopifys_shape() -> None:
    """Ids as numbers or texts, prices as whole numbers, errors with 422."""
    operation = OPERATIONS["get /recommendations/products.json"]
    assert [one["name"] for one in operation["parameters"] if one["required"]] == ["product_id"]
    assert "422" in operation["responses"]
    product = SCHEMAS["ShopifyProduct"]["properties"]
    assert {one["type"] for one in product["id"]["anyOf"]} == {"integer", "string"}
    assert product["price"]["type"] == "integer"
