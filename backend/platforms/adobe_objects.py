"""Adobe Commerce's orders and products, as its REST API tells them, in our terms.

In: objects as JSON. Out: events in raw ids, cards. A product is named by its SKU, as its events and addresses do.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from backend.platforms.http import PlatformError
from backend.platforms.taken import Taken, merged, money, order_event, return_event, units
from edge.core.events import Event, Line
from edge.core.products import Product

_Kind = TypeVar("_Kind")
_ENABLED, _SHOWN = 1, (2, 4)  # visible in the catalogue, or in catalogue and search


class _Item(msgspec.Struct, frozen=True):
    item_id: int
    sku: str
    qty_ordered: float = 0
    price: float | None = None
    discount_amount: float = 0
    parent_item_id: int | None = None


class _MemoItem(msgspec.Struct, frozen=True):
    order_item_id: int
    qty: float = 0


class _Memo(msgspec.Struct, frozen=True):
    entity_id: int
    created_at: str
    items: tuple[_MemoItem, ...] = ()


class Order(msgspec.Struct, frozen=True):
    """An order. Lines with a parent are the inner side of a configurable product, which its parent stands for."""

    entity_id: int
    created_at: str
    state: str = ""
    customer_id: int | None = None
    order_currency_code: str | None = None
    items: tuple[_Item, ...] = ()
    creditmemos: tuple[_Memo, ...] = ()


class _Attribute(msgspec.Struct, frozen=True):
    attribute_code: str
    value: Any = None


class _Stock(msgspec.Struct, frozen=True):
    is_in_stock: bool = True


class _Extension(msgspec.Struct, frozen=True):
    stock_item: _Stock | None = None


class CatalogProduct(msgspec.Struct, frozen=True):
    """A product with its stock."""

    sku: str
    name: str
    price: float | None = None
    status: int = _ENABLED
    visibility: int = 4
    created_at: str | None = None
    extension_attributes: _Extension | None = None
    custom_attributes: tuple[_Attribute, ...] = ()


def read_order(data: Mapping[str, Any]) -> Order:
    """An order from JSON. Raises PlatformError for what is none."""
    return _convert(data, Order)


def order_events(order: Order) -> Taken:
    """The purchase, and a return for each credit memo."""
    taken = Taken()
    if order.state == "canceled":
        taken.skipped.append("cancelled order")
        return taken
    items = [item for item in order.items if item.parent_item_id is None]
    number = str(order.entity_id)
    bought = Event(
        order_event("adobe", number),
        "purchase-complete",
        read_time(order.created_at),
        customer_id=str(order.customer_id) if order.customer_id else None,
        products=merged(_line(item, item.qty_ordered) for item in items),
        order_id=number,
        currency=order.order_currency_code,
        source="import",
    )
    taken.add(bought)
    by_id = {item.item_id: item for item in items}
    for memo in order.creditmemos if taken.events else ():
        back = merged(_line(by_id[one.order_item_id], one.qty) for one in memo.items if one.order_item_id in by_id)
        if back:
            taken.add(msgspec.structs.replace(bought, id=return_event("adobe", str(memo.entity_id)), type="return",
                                              time=read_time(memo.created_at), products=back))  # fmt: skip
    return taken


def _line(item: _Item, quantity: float) -> Line:
    off = round(item.discount_amount / max(item.qty_ordered, 1), 4)
    return Line(item.sku, None, units(quantity), money(item.price), off or None)


def read_product(data: Mapping[str, Any], currency: str) -> Product:
    """A card from a product's JSON. Raises PlatformError for no product."""
    product = _convert(data, CatalogProduct)
    more = {one.attribute_code: one.value for one in product.custom_attributes if isinstance(one.value, str)}
    special = money(more.get("special_price"))
    reduced = special is not None and product.price is not None and special < product.price
    if product.price is None:
        raise PlatformError("the product has no price of its own; what it is made of has")
    stock = product.extension_attributes.stock_item if product.extension_attributes else None
    key, image = more.get("url_key", ""), more.get("image")
    return Product(
        product.sku,
        product.name,
        special if reduced and special is not None else product.price,
        currency=currency,
        compare_at_price=product.price if reduced else None,
        available=product.status == _ENABLED and product.visibility in _SHOWN and (stock is None or stock.is_in_stock),
        handle=key,
        url=f"/{key}.html" if key else "",
        image=f"/media/catalog/product{image}" if image else None,
        listed=int(read_time(product.created_at).timestamp() // 86_400) if product.created_at else 0,
    )


def read_time(text: str) -> datetime:
    """A time as Adobe Commerce writes it: UTC unless it names a zone. Raises PlatformError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise PlatformError(f"{text!r} is no time of Adobe Commerce") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _convert(data: Mapping[str, Any], kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise PlatformError(f"Adobe Commerce's {kind.__name__} is not what its documentation says: {error}") from error
