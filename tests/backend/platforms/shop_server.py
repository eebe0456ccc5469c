"""A shop's platforms on a real port: they speak as documented, and fail as told."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

TOKEN = "shpat-canary-3f9c"


@dataclass
class Platforms:
    """What the platforms hold, and how they misbehave next."""

    faults: list[str] = field(default_factory=list)  # one is spent per request: 429, 500, redirect, half, stall, 401
    asked: list[str] = field(default_factory=list)  # method and path of each request
    headers: list[dict[str, str]] = field(default_factory=list)
    # Shopify
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)  # inventory item -> product
    bulk: dict[str, str] = field(default_factory=dict)  # the JSONL of each kind of query
    bulk_status: list[str] = field(default_factory=lambda: ["RUNNING", "COMPLETED"])
    bulk_started: list[str] = field(default_factory=list)
    bulk_url: str | None = None  # instead of the right one
    available: float = 1_000.0
    cost: float = 10.0
    restore: float = 200.0
    throttled: int = 0
    filled_at: float = field(default_factory=time.monotonic)
    # BigCommerce
    bc_orders: list[dict[str, Any]] = field(default_factory=list)
    bc_products: list[dict[str, Any]] = field(default_factory=list)
    bc_categories: list[dict[str, Any]] = field(default_factory=list)
    bc_brands: list[dict[str, Any]] = field(default_factory=list)
    bc_left: int | None = None  # calls left in the window, as told
    # Adobe
    adobe_orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    adobe_products: dict[str, dict[str, Any]] = field(default_factory=dict)
    memos: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def misbehave(self, request: Request) -> Response | None:
        """Spend a fault, if one is due."""
        self.asked.append(f"{request.method} {request.url.path}")
        self.headers.append(dict(request.headers))
        if not self.faults:
            return None
        match self.faults.pop(0):
            case "ok":
                return None
            case "redirect":
                return RedirectResponse("http://169.254.169.254/latest/meta-data", status_code=302)
            case "half":
                return Response(b'{"data"', headers={"Content-Length": "1000"})
            case "stall":
                await asyncio.sleep(30)
                return Response(status_code=500)
            case "drip":
                return StreamingResponse(_drip())
            case "429":
                return Response(status_code=429, headers={"Retry-After": "0.2"})
            case "much-later":
                return Response(status_code=429, headers={"Retry-After": "86400"})
            case "page":
                return Response("<html>not what you asked for</html>")
            case "huge":
                return Response(b" " * 100_000)
            case code:
                return Response(status_code=int(code))


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.02)


@dataclass
class Endpoints:
    """All platforms under one roof, and the place where bulk results lie."""

    state: Platforms

    async def graphql(self, request: Request) -> Response:
        """Shopify's Admin API."""
        state = self.state
        if (fault := await state.misbehave(request)) is not None:
            return fault
        if request.headers.get("x-shopify-access-token") != TOKEN:
            return Response(status_code=401)
        body = await request.json()
        now = time.monotonic()
        state.available = min(1_000.0, state.available + state.restore * (now - state.filled_at))
        state.filled_at = now
        answer: dict[str, Any]
        if state.available < state.cost:
            state.throttled += 1
            answer = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
        else:
            state.available -= state.cost
            answer = _shopify(state, body["query"], body["variables"])
        status = {"maximumAvailable": 1000.0, "currentlyAvailable": state.available, "restoreRate": state.restore}
        answer["extensions"] = {"cost": {"requestedQueryCost": state.cost, "throttleStatus": status}}
        return JSONResponse(answer)

    async def bulk_file(self, request: Request) -> Response:
        """The result of a bulk operation, in parts where asked for."""
        state = self.state
        fault = await state.misbehave(request)
        body = state.bulk[request.path_params["kind"]].encode()
        start = 0
        if request.headers.get("if-range") == '"v1"':
            start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        if start and start >= len(body):
            return Response(status_code=416)
        headers = {"ETag": '"v1"', "Content-Length": str(len(body) - start)}
        if getattr(fault, "body", None) == b'{"data"':  # half of it, then the connection ends
            return Response(body[start : start + (len(body) - start) // 2], headers=headers)
        if fault is not None:
            return fault
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return Response(body[start:], status_code=206, headers=headers)
        return Response(body, headers=headers)

    async def bigcommerce(self, request: Request) -> Response:
        """A store's API."""
        state = self.state
        if (fault := await state.misbehave(request)) is not None:
            return fault
        if request.headers.get("x-auth-token") != TOKEN:
            return Response(status_code=403)
        left = {} if state.bc_left is None else {
            "X-Rate-Limit-Requests-Left": str(state.bc_left), "X-Rate-Limit-Time-Reset-Ms": "300",
        }  # fmt: skip
        found = _bigcommerce(state, request.path_params["path"], dict(request.query_params))
        if found is None:
            return Response(status_code=404, headers=left)
        return Response(status_code=204, headers=left) if found == [] else JSONResponse(found, headers=left)

    async def adobe(self, request: Request) -> Response:
        """A shop's API."""
        state = self.state
        if (fault := await state.misbehave(request)) is not None:
            return fault
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(status_code=401)
        found = _adobe(state, request.path_params["path"], dict(request.query_params))
        return Response(status_code=404) if found is None else JSONResponse(found)


def app(state: Platforms) -> Starlette:
    """The server."""
    serve = Endpoints(state)
    return Starlette(
        routes=[
            Route("/admin/api/{version}/graphql.json", serve.graphql, methods=["POST"]),
            Route("/bulk/{kind}.jsonl", serve.bulk_file),
            Route("/stores/abc/{path:path}", serve.bigcommerce),
            Route("/rest/V1/{path:path}", serve.adobe),
        ]
    )


def _shopify(state: Platforms, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    if "bulkOperationRunQuery" in query:
        inner = variables["query"]
        if "refuse" in inner:
            return {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [{"message": "no"}]}}}
        state.bulk_started.append(inner)
        kind = next(kind for kind in ("orders", "products", "customers") if inner.lstrip("{ ").startswith(kind))
        operation = {"id": f"gid://shopify/BulkOperation/{kind}", "status": "CREATED"}
        return {"data": {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}}}
    if "BulkOperation" in query:
        return {"data": {"node": _bulk(state, variables["id"])}}
    if "currencyCode }" in query and "shop" in query:
        return {"data": {"shop": {"currencyCode": "EUR"}}}
    if "inventoryItem(" in query:
        product = state.items.get(variables["id"])
        variant = {"product": {"id": product}} if product else None
        return {"data": {"inventoryItem": {"variant": variant} if variables["id"] in state.items else None}}
    if "order(id" in query:
        return {"data": {"order": state.orders.get(variables["id"])}}
    if "product(id" in query:
        return {"data": {"product": state.products.get(variables["id"])}}
    if "orders(first" in query:
        ids = sorted(state.orders)
        start = ids.index(variables["after"]) + 1 if variables["after"] else 0
        page = ids[start : start + 2]
        more = start + 2 < len(ids)
        names = ("id", "createdAt", "test", "customer")
        nodes = [{name: state.orders[id_].get(name) for name in names} for id_ in page]
        return {
            "data": {
                "orders": {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": page[-1] if page else None}}
            }
        }
    return {"errors": [{"message": "Field 'nonsense' doesn't exist"}]}


def _bulk(state: Platforms, operation: str) -> dict[str, Any] | None:
    kind = operation.rpartition("/")[2]
    if kind not in ("orders", "products", "customers"):
        return None
    status = state.bulk_status[0] if len(state.bulk_status) == 1 else state.bulk_status.pop(0)
    told: dict[str, Any] = {"id": operation, "status": status, "errorCode": None, "objectCount": "3", "url": None}
    text = state.bulk.get(kind, "")
    if status == "COMPLETED" and text:
        told["url"] = state.bulk_url or f"{state.url}/bulk/{kind}.jsonl"
        told["fileSize"] = str(len(text.encode()))
    return told


def _bigcommerce(state: Platforms, path: str, query: dict[str, str]) -> Any:
    parts = path.split("/")
    match parts:
        case ["v2", "orders"]:
            found = [one for one in state.bc_orders if one["id"] >= int(query.get("min_id", 0))]
            return [{name: value for name, value in one.items() if name not in ("products", "refunds")} | {
                "products": {"url": "elsewhere"}} for one in found[:3]]  # fmt: skip
        case ["v2", "orders", number, *rest]:
            order = next((one for one in state.bc_orders if str(one["id"]) == number), None)
            if order is None:
                return None
            if rest == ["products"]:
                return order["products"] if query["page"] == "1" else []
            return {name: value for name, value in order.items() if name not in ("products", "refunds")}
        case ["v3", "orders", number, "payment_actions", "refunds"]:
            return {"data": next(one["refunds"] for one in state.bc_orders if str(one["id"]) == number)}
        case ["v3", "catalog", "products", number]:
            found = [one for one in state.bc_products if str(one["id"]) == number]
            return {"data": found[0]} if found else None
        case ["v3", "catalog", kind]:
            items = {"products": state.bc_products, "categories": state.bc_categories, "brands": state.bc_brands}[kind]
            page = int(query["page"])
            return {
                "data": items[page * 2 - 2 : page * 2],
                "meta": {"pagination": {"total_pages": -(-len(items) // 2)}},
            }
    return None


def _adobe(state: Platforms, path: str, query: dict[str, str]) -> Any:
    match path.split("/"):
        case ["orders"]:
            page = int(query["searchCriteria[currentPage]"])
            every = list(state.adobe_orders.values())
            return {"items": every if page == 1 else [], "total_count": len(every)}
        case ["orders", number]:
            return state.adobe_orders.get(number)
        case ["creditmemos"]:
            wanted = query["searchCriteria[filter_groups][0][filters][0][value]"]
            return {"items": [memo for memo in state.memos if str(memo["order_id"]) == wanted]}
        case ["products"]:
            wanted = query["searchCriteria[filter_groups][0][filters][0][value]"]
            return {"items": [one for one in state.adobe_products.values() if str(one["id"]) == wanted]}
        case ["products", sku]:
            return state.adobe_products.get(sku)
    return None


@contextlib.contextmanager
def running() -> Iterator[Platforms]:
    """The platforms, reachable at `url` until the end."""
    state = Platforms()
    config = uvicorn.Config(app(state), port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    ends = time.monotonic() + 20
    while not server.started and time.monotonic() < ends:
        time.sleep(0.005)
    assert server.started
    state.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        server.should_exit = True
        thread.join()


def gid(kind: str, number: int | str) -> str:
    """Shopify's global name."""
    return f"gid://shopify/{kind}/{number}"


def shopify_order(number: int, at: datetime, customer: int | None = 7, **changed: Any) -> dict[str, Any]:
    """An order of two lines, one at a discount, as GraphQL tells a single one."""
    lines = [shopify_line(number * 10 + 1, 101, 2, "5.00", "4.00"), shopify_line(number * 10 + 2, 102)]
    return {
        "id": gid("Order", number),
        "createdAt": at.isoformat(),
        "processedAt": at.isoformat(),
        "cancelledAt": None,
        "test": False,
        "currencyCode": "EUR",
        "customer": {"id": gid("Customer", customer)} if customer else None,
        "refunds": [],
        "lineItems": {"nodes": lines},
    } | changed


def shopify_line(number: int, product: int | None, quantity: int = 1, price: str = "3.50", paid: str | None = None,
                 **changed: Any) -> dict[str, Any]:  # fmt: skip
    """A line of an order."""
    return {
        "id": gid("LineItem", number),
        "quantity": quantity,
        "currentQuantity": quantity,
        "isGiftCard": False,
        "product": {"id": gid("Product", product)} if product else None,
        "variant": {"id": gid("ProductVariant", product * 10)} if product else None,
        "originalUnitPriceSet": {"shopMoney": {"amount": price}},
        "discountedUnitPriceAfterAllDiscountsSet": {"shopMoney": {"amount": paid or price}},
    } | changed


def shopify_product(number: int, **changed: Any) -> dict[str, Any]:
    """A product with one variant, as GraphQL tells a single one."""
    return {
        "id": gid("Product", number),
        "title": f"Product {number}",
        "handle": f"product-{number}",
        "status": "ACTIVE",
        "productType": "Tea > Green",
        "vendor": "Leaf",
        "createdAt": "2026-01-01T00:00:00Z",
        "publishedAt": "2026-01-02T00:00:00Z",
        "updatedAt": "2026-05-01T00:00:00Z",
        "category": {"fullName": "Drinks"},
        "featuredMedia": {"preview": {"image": {"url": "https://cdn.test/p.png"}}},
        "variants": {"nodes": [
            {"id": gid("ProductVariant", number * 10), "position": 1, "price": "3.50", "compareAtPrice": "4.00",
             "availableForSale": True, "inventoryQuantity": 3, "inventoryPolicy": "DENY",
             "inventoryItem": {"id": gid("InventoryItem", number * 100), "tracked": True}},
        ]},
    } | changed  # fmt: skip


def as_bulk(*objects: dict[str, Any]) -> list[str]:
    """Objects as lines of a bulk file, children apart."""
    lines = []
    for one in objects:
        parent = dict(one)
        for name in ("lineItems", "variants"):
            children = parent.pop(name, {"nodes": []})["nodes"]
            lines += [json.dumps(child | {"__parentId": one["id"]}) for child in children]
        lines.append(json.dumps(parent))
    return lines


def bc_order(number: int, at: str, customer: int = 7, **changed: Any) -> dict[str, Any]:
    """An order of BigCommerce's with one line, and an address that nobody may keep."""
    return {
        "id": number,
        "date_created": at,
        "date_modified": at,
        "status_id": 11,
        "is_deleted": False,
        "customer_id": customer,
        "currency_code": "USD",
        "billing_address": {"email": "canary@secret.test"},
        "products": [
            {"id": number * 10, "product_id": 201, "variant_id": 301, "quantity": 2, "price_inc_tax": "6.0000",
             "applied_discounts": [{"id": "c", "amount": "1.0000"}], "quantity_refunded": 0, "type": "physical"},
        ],
        "refunds": [],
    } | changed  # fmt: skip


def bc_product(number: int, **changed: Any) -> dict[str, Any]:
    """A product of BigCommerce's."""
    return {
        "id": number,
        "name": f"Product {number}",
        "price": 6,
        "sale_price": 0,
        "retail_price": 8,
        "availability": "available",
        "is_visible": True,
        "inventory_tracking": "product",
        "inventory_level": 4,
        "categories": [1, 2],
        "brand_id": 5,
        "date_created": "2026-01-01T00:00:00+00:00",
        "custom_url": {"url": f"/product-{number}/"},
        "images": [{"url_standard": "https://cdn.test/b.png", "is_thumbnail": True}],
        "variants": [{"id": 301, "purchasing_disabled": False}],
    } | changed


def adobe_order(number: int, at: str, customer: int | None = 7, **changed: Any) -> dict[str, Any]:
    """An order of Adobe Commerce's: a configurable product with its inner line, and another."""
    return {
        "entity_id": number,
        "created_at": at,
        "updated_at": at,
        "state": "processing",
        "customer_id": customer,
        "order_currency_code": "USD",
        "items": [
            {"item_id": 1, "sku": "SHIRT-RED", "qty_ordered": 2, "price": 10, "discount_amount": 4},
            {"item_id": 2, "sku": "SHIRT-RED", "qty_ordered": 2, "price": 0, "parent_item_id": 1},
            {"item_id": 3, "sku": "HAT", "qty_ordered": 1, "price": 5},
        ],
    } | changed


def adobe_product(sku: str, **changed: Any) -> dict[str, Any]:
    """A product of Adobe Commerce's."""
    return {
        "id": 9,
        "sku": sku,
        "name": f"The {sku}",
        "price": 10,
        "status": 1,
        "visibility": 4,
        "created_at": "2026-01-01 00:00:00",
        "extension_attributes": {"stock_item": {"is_in_stock": True}},
        "custom_attributes": [
            {"attribute_code": "url_key", "value": "the-hat"},
            {"attribute_code": "special_price", "value": "8.00"},
            {"attribute_code": "image", "value": "/h/hat.png"},
            {"attribute_code": "category_ids", "value": ["3"]},
        ],
    } | changed
