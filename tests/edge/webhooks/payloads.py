"""Payloads as the platforms send them, cut down to what matters and to what must not be kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.edge.webhooks.signing import DOMAIN

ORDER_ID = 820982911946154508  # beyond what a double can hold: Shopify's own example
MAIL, PHONE, CUSTOMER = "Jon.Doe@example.com", "+1 (555) 010-4477", 115310627314723954


def ago(**delta: float) -> str:
    """A time so long ago, as Shopify writes it."""
    return (datetime.now(UTC) - timedelta(**delta)).isoformat()


def order(**changed: Any) -> dict[str, Any]:
    """An order of two products, a gift card and something that is no product; with all a shop knows of a person."""
    return {
        "id": ORDER_ID,
        "admin_graphql_api_id": f"gid://shopify/Order/{ORDER_ID}",
        "created_at": ago(minutes=2),
        "processed_at": ago(minutes=2),
        "updated_at": ago(minutes=1),
        "cancelled_at": None,
        "test": False,
        "currency": "USD",
        "email": MAIL,
        "phone": PHONE,
        "cart_token": "cart-token-1",
        "browser_ip": "203.0.113.77",
        "customer": {"id": CUSTOMER, "email": MAIL, "first_name": "Jonathan", "last_name": "Doe-Unforgettable"},
        "billing_address": {"address1": "123 Amoebobacterieae St", "zip": "40003", "city": "Louisville"},
        "note": "ring twice",
        "note_attributes": [{"name": "gift", "value": "yes"}, {"name": "_recs_sid", "value": "visitor-77"}],
        "line_items": [
            {"id": 1, "product_id": 788032119674292922, "variant_id": 642667041472713922, "quantity": 2,
             "price": "10.00", "gift_card": False, "discount_allocations": [{"amount": "3.00"}, {"amount": "1.00"}]},
            {"id": 2, "product_id": 7, "variant_id": None, "quantity": 1, "price": "5.50", "discount_allocations": []},
            {"id": 3, "product_id": None, "variant_id": None, "quantity": 1, "price": "1.00"},
            {"id": 4, "product_id": 8, "variant_id": 9, "quantity": 1, "price": "50.00", "gift_card": True},
        ],
        "shipping_lines": [{"title": "Standard", "code": "std", "price": "4.90", "discounted_price": "3.90"}],
        "refunds": [],
    } | changed  # fmt: skip


def refund(**changed: Any) -> dict[str, Any]:
    """One of the two of the first product came back."""
    line = {
        "id": 1,
        "product_id": 788032119674292922,
        "variant_id": 642667041472713922,
        "price": "10.00",
        "quantity": 2,
    }
    return {
        "id": 890088186047892319,
        "order_id": ORDER_ID,
        "created_at": ago(minutes=1),
        "note": "too small for Jonathan",
        "refund_line_items": [{"id": 5, "quantity": 1, "line_item_id": 1, "line_item": line}],
        "transactions": [],
    } | changed


def product(**changed: Any) -> dict[str, Any]:
    """A product of two variants, both counted."""
    return {
        "id": 4400,
        "title": "Oat Milk",
        "handle": "oat-milk",
        "status": "active",
        "vendor": "Meadow",
        "product_type": "Milk",
        "created_at": "2026-11-01T10:00:00Z",
        "published_at": "2026-11-02T10:00:00Z",
        "updated_at": ago(minutes=1),
        "images": [{"id": 1, "src": "https://cdn.example/oat.png"}],
        "variants": [
            {"id": 91, "price": "2.50", "compare_at_price": "3.00", "inventory_item_id": 501, "inventory_quantity": 4,
             "inventory_policy": "deny", "inventory_management": "shopify"},
            {"id": 92, "price": "4.50", "compare_at_price": None, "inventory_item_id": 502, "inventory_quantity": 1,
             "inventory_policy": "deny", "inventory_management": "shopify"},
        ],
    } | changed  # fmt: skip


def level(item: int, available: int | None, at: str, location: int = 1) -> dict[str, Any]:
    """What one location has."""
    return {"inventory_item_id": item, "location_id": location, "available": available, "updated_at": at}


def data_request() -> dict[str, Any]:
    """A customer asks what is kept."""
    return {
        "shop_id": 954889,
        "shop_domain": DOMAIN,
        "orders_requested": [ORDER_ID],
        "customer": {"id": CUSTOMER, "email": MAIL, "phone": PHONE},
        "data_request": {"id": 9999},
    }


def redact() -> dict[str, Any]:
    """A customer is to be forgotten."""
    return {
        "shop_id": 954889,
        "shop_domain": DOMAIN,
        "customer": {"id": CUSTOMER, "email": MAIL, "phone": PHONE},
        "orders_to_redact": [ORDER_ID, 2],
    }
