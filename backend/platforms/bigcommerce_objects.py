"""BigCommerce's orders and products, as its REST API tells them, in our terms.

In: objects as JSON. Out: events in raw ids, cards. Orders that never became one (incomplete, declined) and guests'
orders are left out and counted; a cancelled one is a purchase and its return.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, TypeVar

import msgspec

from backend.platforms.http import PlatformError
from backend.platforms.taken import Taken, cancelled_event, merged, money, order_event, return_event, units
from edge.core.events import Event, Line
from edge.core.products import Product

_Kind = TypeVar("_Kind")
NO_ORDERS = {0: "incomplete order", 6: "declined order"}
_CANCELLED = 5
Amount = str | float | None
_Lines = tuple["_Line", ...]


class _Discount(msgspec.Struct, frozen=True):
    amount: Amount = None


class _Line(msgspec.Struct, frozen=True):
    id: int
    product_id: int = 0
    variant_id: int | None = None
    quantity: float = 1
    price_inc_tax: Amount = None
    applied_discounts: tuple[_Discount, ...] = ()
    type: str = "physical"


class _Item(msgspec.Struct, frozen=True):
    item_type: str = ""
    item_id: int | None = None
    quantity: float = 0


class _Refund(msgspec.Struct, frozen=True):
    id: int
    created: str
    items: tuple[_Item, ...] = ()


class Order(msgspec.Struct, frozen=True):
    """An order with its lines and refunds, as `BigCommerce.completed` puts them together."""

    id: int
    date_created: str
    date_modified: str | None = None
    status_id: int = 1
    is_deleted: bool = False
    customer_id: int = 0
    currency_code: str | None = None
    products: Annotated[tuple[_Line, ...], msgspec.Meta(max_length=10_000)] = ()
    refunds: tuple[_Refund, ...] = ()


class _Image(msgspec.Struct, frozen=True):
    url_standard: str | None = None
    is_thumbnail: bool = False


class _Variant(msgspec.Struct, frozen=True):
    id: int
    purchasing_disabled: bool = False
    inventory_level: int = 0


class _Address(msgspec.Struct, frozen=True):
    url: str = ""


class CatalogProduct(msgspec.Struct, frozen=True):
    """A product with its variants and pictures."""

    id: int
    name: str
    price: Amount = None
    sale_price: Amount = None
    retail_price: Amount = None
    availability: str = "available"
    is_visible: bool = True
    inventory_tracking: str = "none"
    inventory_level: int = 0
    categories: tuple[int, ...] = ()
    brand_id: int | None = None
    date_created: str | None = None
    custom_url: _Address | None = None
    images: tuple[_Image, ...] = ()
    variants: tuple[_Variant, ...] = ()


def read_order(data: Mapping[str, Any]) -> Order:
    """An order from JSON. Raises PlatformError for what is none."""
    return _convert(data, Order)


def order_events(order: Order) -> Taken:
    """The purchase and its returns."""
    taken = Taken()
    if order.is_deleted or order.status_id in NO_ORDERS:
        taken.skipped.append(NO_ORDERS.get(order.status_id, "deleted order"))
        return taken
    lines = {line.id: line for line in order.products if line.product_id and line.type != "giftcertificate"}
    if len(lines) < len(order.products):
        taken.skipped += ["line without a product of the catalogue, or a gift card"] * (
            len(order.products) - len(lines)
        )
    bought = Event(
        order_event("bigcommerce", str(order.id)),
        "purchase-complete",
        read_time(order.date_created),
        customer_id=str(order.customer_id) if order.customer_id else None,
        products=merged(_line(line, line.quantity) for line in lines.values()),
        order_id=str(order.id),
        currency=order.currency_code,
        source="import",
    )
    taken.add(bought)
    if order.status_id == _CANCELLED and taken.events:
        taken.add(msgspec.structs.replace(bought, id=cancelled_event("bigcommerce", str(order.id)), type="return",
                                          time=read_time(order.date_modified or order.date_created)))  # fmt: skip
        return taken
    for refund in order.refunds if taken.events else ():
        back = merged(_line(lines[item.item_id], item.quantity) for item in refund.items
                      if item.item_type == "PRODUCT" and item.item_id in lines)  # fmt: skip
        if back:
            taken.add(msgspec.structs.replace(bought, id=return_event("bigcommerce", str(refund.id)), type="return",
                                              time=read_time(refund.created), products=back))  # fmt: skip
    return taken


def _line(line: _Line, quantity: float) -> Line:
    off = sum(money(discount.amount) or 0.0 for discount in line.applied_discounts) / max(line.quantity, 1)
    variant = str(line.variant_id) if line.variant_id else None
    return Line(str(line.product_id), variant, units(quantity), money(line.price_inc_tax), round(off, 4) or None)


def read_product(
    data: Mapping[str, Any], categories: Mapping[int, Mapping[str, Any]], brands: Mapping[int, Mapping[str, Any]],
    currency: str
) -> Product:  # fmt: skip
    """A card from a product's JSON and the names of its category and brand. Raises PlatformError for no product."""
    product = _convert(data, CatalogProduct)
    regular, sale, retail = money(product.price), money(product.sale_price), money(product.retail_price)
    price = sale if sale and regular is not None and sale < regular else regular
    if price is None:
        raise PlatformError("the product has no price")
    before = max((amount for amount in (regular, retail) if amount is not None), default=None)
    in_stock = product.inventory_tracking == "none" or product.inventory_level > 0
    variant = next((one for one in product.variants if not one.purchasing_disabled), None)
    images = sorted(product.images, key=lambda image: not image.is_thumbnail)
    listed = read_time(product.date_created).timestamp() // 86_400 if product.date_created else 0
    return Product(
        str(product.id),
        product.name,
        price,
        currency=currency,
        compare_at_price=before if before is not None and before > price else None,
        available=product.availability == "available" and product.is_visible and in_stock,
        category=max((_path(one, categories) for one in product.categories), key=len, default=""),
        brand=str(brands.get(product.brand_id or 0, {}).get("name", "")),
        url=product.custom_url.url if product.custom_url else "",
        image=images[0].url_standard if images else None,
        variant_id=str(variant.id) if variant else None,
        listed=int(listed),
    )


def _path(category: int, categories: Mapping[int, Mapping[str, Any]]) -> str:
    """The path from wide to narrow; a ring of parents ends where it began."""
    names: list[str] = []
    seen: set[int] = set()
    while category in categories and category not in seen:
        seen.add(category)
        names.insert(0, str(categories[category].get("name", "")))
        parent = str(categories[category].get("parent_id"))
        category = int(parent) if parent.isdecimal() else 0
    return " > ".join(names)


def read_time(text: str) -> datetime:
    """A time as BigCommerce writes it. V2 writes as mail does, V3 as ISO 8601. Raises PlatformError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        try:
            time = parsedate_to_datetime(text)
        except (ValueError, OverflowError) as error:  # the latter for numbers without end
            raise PlatformError(f"{text!r} is no time of BigCommerce") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _convert(data: Mapping[str, Any], kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise PlatformError(f"BigCommerce's {kind.__name__} is not what its documentation says: {error}") from error
