"""Adobe Commerce's I/O Events, in our terms. A product is named by its SKU, as in addresses and in the REST API.

In: a verified delivery. The shop chooses which fields its events carry: what they do not tell is fetched afterwards.
Out: `Meaning`.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec

from edge.core.events import Event, Line
from edge.core.products import Change, Product
from edge.core.tasks import Fetch
from edge.webhooks.meaning import Meaning, Told, UnreadableError, amount, checked, line, seconds, utc
from edge.webhooks.read import read

_Id = int | str
_Amount = str | float | None
_PREFIX = "com.adobe.commerce."
_SHOWN = frozenset({"2", "4"})  # visible in the catalogue, or in catalogue and search


class _Inner(msgspec.Struct, frozen=True):
    type: str = ""
    time: datetime | None = None
    data: msgspec.Raw = msgspec.Raw()
    recipient_client_id: str = ""


class _Envelope(_Inner, frozen=True):
    event: _Inner | None = None


class _Data(msgspec.Struct, frozen=True):
    value: msgspec.Raw


class _Stock(msgspec.Struct, frozen=True):
    is_in_stock: bool | None = None


class _Product(msgspec.Struct, frozen=True):
    sku: str | None = None
    entity_id: _Id | None = None
    name: str | None = None
    price: _Amount = None
    special_price: _Amount = None
    status: _Id | None = None
    visibility: _Id | None = None
    url_key: str | None = None
    image: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    quantity_and_stock_status: _Stock | None = None
    stock_data: _Stock | None = None


class _StockItem(msgspec.Struct, frozen=True):
    product_id: _Id | None = None
    sku: str | None = None
    is_in_stock: bool | None = None


class _Item(msgspec.Struct, frozen=True):
    sku: str | None = None
    qty_ordered: float = 0
    qty: float = 0
    price: _Amount = None
    discount_amount: _Amount = None
    parent_item_id: _Id | None = None


class _Order(msgspec.Struct, frozen=True):
    entity_id: _Id
    created_at: str | None = None
    updated_at: str | None = None
    state: str | None = None
    customer_id: _Id | None = None
    customer_email: str | None = None
    order_currency_code: str | None = None
    items: tuple[_Item, ...] | None = None


class _CreditMemo(msgspec.Struct, frozen=True):
    entity_id: _Id
    order_id: _Id
    created_at: str | None = None
    items: tuple[_Item, ...] | None = None


class Said(msgspec.Struct, frozen=True):
    """An event out of its envelope: for whom, of which type, when (unix seconds, None: not told), and its content."""

    recipient: str
    type: str
    time: float | None
    data: bytes


def opened(body: bytes) -> Said:
    """An event out of the envelope of either kind of delivery. Raises UnreadableError."""
    outer = read(body, _Envelope)
    inner = outer.event or outer
    recipient = outer.recipient_client_id or inner.recipient_client_id
    time = inner.time or outer.time
    type_ = (inner.type or outer.type).removeprefix(_PREFIX)
    return Said(recipient, type_, seconds(time) if time else None, bytes(inner.data))


def meaning(told: Told) -> Meaning:
    """What one event asks for."""
    said = opened(told.body)
    value = bytes(read(said.data, _Data).value)
    return TOPICS[said.type](told, said, value)


def _product(told: Told, said: Said, value: bytes) -> Meaning:
    """A card, if the event carries enough of one; else its parts, and the rest is fetched."""
    product = read(value, _Product)
    if not product.sku:
        raise UnreadableError("it has no sku; subscribe with that field")
    at = utc(product.updated_at).timestamp() if product.updated_at else said.time or told.now
    stock = product.quantity_and_stock_status or product.stock_data
    in_stock = stock.is_in_stock if stock else None
    enabled = product.status is None or str(product.status) == "1"
    shown = product.visibility is None or str(product.visibility) in _SHOWN
    price, special = amount(product.price), amount(product.special_price)
    reduced = special is not None and price is not None and special < price
    available = None if in_stock is None and enabled and shown else bool(in_stock is not False and enabled and shown)
    card = None
    if product.name and price is not None and in_stock is not None and product.status is not None:
        key = product.url_key or ""
        card = Product(
            product.sku,
            product.name[:512],
            (special if reduced else price) or 0.0,
            currency=told.currency,
            compare_at_price=price if reduced else None,
            available=bool(available),
            handle=key,
            url=f"/{key}.html" if key else "",
            image=f"/media/catalog/product{product.image}" if product.image else None,
            listed=int(utc(product.created_at).timestamp() // 86_400) if product.created_at else 0,
        )
    parts = Change(product.sku, at, special if reduced else price, price if reduced else None, available)
    change = Change(product.sku, at, product=card) if card else parts
    fetch = () if card else (_fetch(told, "product", product.sku),)
    return Meaning(changes=(change,), tasks=fetch)


def _deleted(told: Told, said: Said, value: bytes) -> Meaning:
    sku = read(value, _Product).sku
    if not sku:
        raise UnreadableError("it has no sku; subscribe with that field")
    return Meaning(changes=(Change(sku, said.time or told.now, available=False),))


def _stock(told: Told, said: Said, value: bytes) -> Meaning:
    """Stock by SKU at once; by the number of a product only, it is fetched."""
    stock = read(value, _StockItem)
    if stock.sku and stock.is_in_stock is not None:
        return Meaning(changes=(Change(stock.sku, said.time or told.now, available=stock.is_in_stock),))
    if stock.product_id is None:
        raise UnreadableError("it names no product; subscribe with product_id or sku")
    return Meaning(tasks=(_fetch(told, "stock_item", str(stock.product_id)),))


def _order(told: Told, said: Said, value: bytes) -> Meaning:
    """A purchase, and its return once it is cancelled, if the event carries its lines; else it is fetched."""
    order = read(value, _Order)
    if not order.items or not order.created_at:
        return Meaning(tasks=(_fetch(told, "order", str(order.entity_id)),))
    lines = _lines(order.items, lambda item: item.qty_ordered)
    if not lines:
        return Meaning()
    bought = Event(
        f"adobe:order:{order.entity_id}",
        "purchase-complete",
        utc(order.created_at),
        customer_id=None if order.customer_id is None else str(order.customer_id),
        products=lines,
        order_id=str(order.entity_id),
        currency=order.order_currency_code,
        source="store",
        email=order.customer_email,
    )
    events = [bought]
    if order.state == "canceled":
        at = utc(order.updated_at) if order.updated_at else bought.time
        events.append(msgspec.structs.replace(bought, id=f"adobe:cancelled:{order.entity_id}", type="return", time=at))
    return Meaning(events=tuple(checked(event) for event in events))


def _credit_memo(told: Told, said: Said, value: bytes) -> Meaning:
    """A return; the order leads to the customer."""
    memo = read(value, _CreditMemo)
    lines = _lines(memo.items or (), lambda item: item.qty)
    if not lines:
        return Meaning(tasks=(_fetch(told, "order", str(memo.order_id)),))
    at = utc(memo.created_at) if memo.created_at else datetime.fromtimestamp(said.time or told.now, UTC)
    back = Event(
        f"adobe:return:{memo.entity_id}",
        "return",
        at,
        products=lines,
        order_id=str(memo.order_id),
        source="store",
    )
    return Meaning(events=(checked(back),))


def _lines(items: Iterable[_Item], quantity: Callable[[_Item], float]) -> tuple[Line, ...]:
    """Lines with a parent are the inner side of a configurable product, which its parent stands for."""
    made = [
        line(
            item.sku,
            None,
            quantity(item),
            amount(item.price),
            (amount(item.discount_amount) or 0.0) / max(quantity(item), 1),
        )
        for item in items
        if item.sku and item.parent_item_id is None
    ]
    return tuple(one for one in made if one is not None)[:200]


def _fetch(told: Told, kind: str, object_id: str) -> Fetch:
    return Fetch(f"adobe:fetch:{told.digest}", told.now, "adobe", kind, object_id)


TOPICS: dict[str, Callable[[Told, Said, bytes], Meaning]] = {
    "observer.catalog_product_save_after": _product,
    "observer.catalog_product_save_commit_after": _product,
    "observer.catalog_product_delete_after_done": _deleted,
    "observer.catalog_product_delete_commit_after": _deleted,
    "observer.cataloginventory_stock_item_save_after": _stock,
    "observer.cataloginventory_stock_item_save_commit_after": _stock,
    "observer.sales_order_save_after": _order,
    "observer.sales_order_save_commit_after": _order,
    "observer.sales_order_creditmemo_save_after": _credit_memo,
    "observer.sales_order_creditmemo_save_commit_after": _credit_memo,
}
