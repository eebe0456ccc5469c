"""Shopify's orders, refunds, carts and checkouts, in our terms.

In: bodies of their webhooks. Out: purchases and returns, whose event ids are the same on every way in; what lies in a
cart. Names, addresses, notes and payments are never read.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from edge.core.events import Delivery, Event, Line
from edge.webhooks.meaning import MAX_QUANTITY, Cart, Meaning, Told, amount, checked, line, seconds
from edge.webhooks.read import read

VISITOR = "_recs_sid"  # the cart attribute by which the theme script sends the visitor along
_Id = int | str
_Amount = str | float | None


class _Attribute(msgspec.Struct, frozen=True):
    name: str = ""
    value: Any = None


class _Person(msgspec.Struct, frozen=True):
    id: _Id | None = None
    email: str | None = None
    phone: str | None = None


class _Allocation(msgspec.Struct, frozen=True):
    amount: _Amount = None


class _Line(msgspec.Struct, frozen=True):
    id: _Id | None = None
    product_id: _Id | None = None
    variant_id: _Id | None = None
    quantity: float = 0
    price: _Amount = None
    gift_card: bool | None = False
    discount_allocations: tuple[_Allocation, ...] | None = ()


class _RefundLine(msgspec.Struct, frozen=True):
    quantity: float = 0
    line_item_id: _Id | None = None
    line_item: _Line | None = None


class _Refund(msgspec.Struct, frozen=True):
    id: _Id
    order_id: _Id
    created_at: datetime
    processed_at: datetime | None = None
    refund_line_items: tuple[_RefundLine, ...] | None = ()


class _Shipping(msgspec.Struct, frozen=True):
    title: str | None = None
    price: _Amount = None
    discounted_price: _Amount = None


class _Order(msgspec.Struct, frozen=True):
    id: _Id
    created_at: datetime
    line_items: tuple[_Line, ...]
    processed_at: datetime | None = None
    cancelled_at: datetime | None = None
    test: bool | None = False
    currency: str | None = None
    email: str | None = None
    phone: str | None = None
    customer: _Person | None = None
    note_attributes: tuple[_Attribute, ...] | None = ()
    shipping_lines: tuple[_Shipping, ...] | None = ()
    refunds: tuple[_Refund, ...] | None = ()


class _Cart(msgspec.Struct, frozen=True):
    token: str
    updated_at: datetime
    line_items: tuple[_Line, ...] | None = None
    note_attributes: tuple[_Attribute, ...] | None = ()


class _Checkout(msgspec.Struct, frozen=True):
    updated_at: datetime
    line_items: tuple[_Line, ...] | None
    cart_token: str | None = None
    completed_at: datetime | None = None
    customer: _Person | None = None
    note_attributes: tuple[_Attribute, ...] | None = ()


def order(told: Told) -> Meaning:
    """A purchase; of a cancelled order also the return of what had not been returned before.

    Both, so that the profile is the same whether the cancellation is heard of before or after the order.
    """
    said = read(told.body, _Order)
    lines = _lines(said.line_items)
    if said.test or not lines:
        return Meaning()
    customer = said.customer or _Person()
    bought = Event(
        f"shopify:order:{said.id}",
        "purchase-complete",
        said.processed_at or said.created_at,
        visitor_id=_visitor(said.note_attributes),
        customer_id=_text(customer.id),
        products=lines,
        order_id=str(said.id),
        currency=said.currency,
        source="store",
        email=_name(said.email or customer.email),
        phone=_name(said.phone or customer.phone),
        delivery=_delivery(said.shipping_lines or ()),
    )
    events = [bought]
    back = _kept(said)
    if said.cancelled_at is not None and back:
        id_ = f"shopify:cancelled:{said.id}"
        events.append(
            msgspec.structs.replace(bought, id=id_, type="return", time=said.cancelled_at, products=back, delivery=None)
        )
    return Meaning(events=tuple(checked(event) for event in events))


def refund(told: Told) -> Meaning:
    """What came back. The order leads to the customer: a refund names none."""
    said = read(told.body, _Refund)
    parts = [
        msgspec.structs.replace(part.line_item, quantity=part.quantity)
        for part in said.refund_line_items or ()
        if part.line_item is not None
    ]
    lines = _lines(parts)
    if not lines:
        return Meaning()
    event = Event(
        f"shopify:return:{said.id}",
        "return",
        said.processed_at or said.created_at,
        products=lines,
        order_id=str(said.order_id),
        source="store",
    )
    return Meaning(events=(checked(event),))


def cart(told: Told) -> Meaning:
    """What lies in a cart. It names nobody, so it counts only once a checkout has said whose it is."""
    said = read(told.body, _Cart)
    visitor = _visitor(said.note_attributes)
    return Meaning(carts=(Cart(said.token, seconds(said.updated_at), _content(said.line_items or ()), visitor),))


def checkout(told: Told) -> Meaning:
    """Whose a cart is, and what lies in it until it is ordered."""
    said = read(told.body, _Checkout)
    visitor, customer = _visitor(said.note_attributes), _text(said.customer.id) if said.customer else None
    if not said.cart_token or not (visitor or customer):
        return Meaning()
    lines = None if said.completed_at else _content(said.line_items or ())
    return Meaning(carts=(Cart(said.cart_token, seconds(said.updated_at), lines, visitor, customer),))


def _lines(said: Iterable[_Line]) -> tuple[Line, ...]:
    """Lines of products of the catalogue: neither custom items nor gift cards."""
    made = [
        line(
            str(one.product_id),
            _text(one.variant_id),
            one.quantity,
            amount(one.price),
            sum(amount(part.amount) or 0.0 for part in one.discount_allocations or ()) / max(one.quantity, 1),
        )
        for one in said
        if one.product_id is not None and not one.gift_card
    ]
    return tuple(one for one in made if one is not None)[:200]


def _kept(said: _Order) -> tuple[Line, ...]:
    """The lines less what refunds have brought back of them already."""
    back: dict[_Id | None, float] = {}
    for one in said.refunds or ():
        for part in one.refund_line_items or ():
            back[part.line_item_id] = back.get(part.line_item_id, 0) + part.quantity
    return _lines(
        msgspec.structs.replace(one, quantity=one.quantity - back.get(one.id, 0), discount_allocations=())
        for one in said.line_items
    )


def _content(said: Iterable[_Line]) -> dict[str, int]:
    content: dict[str, int] = {}
    for one in said:
        if one.product_id is not None and not one.gift_card and one.quantity >= 1:
            product = str(one.product_id)
            content[product] = min(content.get(product, 0) + int(one.quantity), MAX_QUANTITY)
    return content


def _delivery(said: Iterable[_Shipping]) -> Delivery | None:
    ways = list(said)
    if not ways:
        return None
    costs = [amount(way.price if way.discounted_price is None else way.discounted_price) for way in ways]
    cost = None if None in costs else sum(one for one in costs if one is not None)
    return Delivery(method=(ways[0].title or "")[:64] or None, cost=cost)


def _visitor(attributes: Iterable[_Attribute] | None) -> str | None:
    for attribute in attributes or ():
        if attribute.name == VISITOR and isinstance(attribute.value, str):
            return _name(attribute.value)
    return None


def _name(text: str | None) -> str | None:
    """What a shopper may have typed, if it can be an id at all: a nonsensical one must not cost the order."""
    return text if text and len(text) <= 128 and text.isprintable() else None


def _text(id_: _Id | None) -> str | None:
    return None if id_ is None else str(id_)
