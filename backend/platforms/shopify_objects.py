"""Shopify's orders, products and customers, as GraphQL tells them, in our terms.

In: nodes as JSON, whole or with their children apart (bulk operations). Out: events in raw ids, cards. Bulk queries may
not look into refunds: there, returns come from the quantities that lines have lost and the time of the last refund.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from backend.platforms.http import PlatformError
from backend.platforms.shopify import short
from backend.platforms.taken import Taken, cancelled_event, checked_product, merged, money, order_event, return_event
from edge.core.events import Event, Line, Time
from edge.core.products import Product
from edge.webhooks.stock import Listing, Variant

_Node = TypeVar("_Node")


class _Camel(msgspec.Struct, rename="camel", frozen=True, gc=False):
    pass


class Named(_Camel, frozen=True):
    """Something of which only the name matters."""

    id: str


class Connection(msgspec.Struct, Generic[_Node], frozen=True):
    """Children that came with their parent."""

    nodes: tuple[_Node, ...] = ()


class _Money(_Camel, frozen=True):
    amount: str


class _MoneySet(_Camel, frozen=True):
    shop_money: _Money


class LineNode(_Camel, frozen=True):
    """A line of an order. `current_quantity` is what is left of it after refunds."""

    id: str
    quantity: int
    current_quantity: int | None = None
    is_gift_card: bool = False
    product: Named | None = None
    variant: Named | None = None
    original_unit_price_set: _MoneySet | None = None
    discounted_unit_price_after_all_discounts_set: _MoneySet | None = None


class _RefundLine(_Camel, frozen=True):
    quantity: int
    line_item: Named


class _Refund(_Camel, frozen=True):
    id: str
    created_at: datetime
    refund_line_items: Connection[_RefundLine] = Connection()


class OrderNode(_Camel, frozen=True):
    """An order. `refunds` is a plain list in every API version."""

    id: str
    created_at: datetime
    processed_at: datetime | None = None
    cancelled_at: datetime | None = None
    test: bool = False
    currency_code: str | None = None
    customer: Named | None = None
    refunds: tuple[_Refund, ...] = ()
    line_items: Connection[LineNode] = Connection()


class _StockItem(_Camel, frozen=True):
    id: str
    tracked: bool = True


class VariantNode(_Camel, frozen=True):
    """A variant of a product. What it has in stock is asked for one product only."""

    id: str
    position: int = 0
    price: str | None = None
    compare_at_price: str | None = None
    available_for_sale: bool = True
    inventory_quantity: int | None = None
    inventory_policy: str = "DENY"
    inventory_item: _StockItem | None = None


class _Category(_Camel, frozen=True):
    full_name: str = ""


class _Image(_Camel, frozen=True):
    url: str | None = None


class _Preview(_Camel, frozen=True):
    image: _Image | None = None


class _Media(_Camel, frozen=True):
    preview: _Preview | None = None


class ProductNode(_Camel, frozen=True):
    """A product."""

    id: str
    title: str
    handle: str = ""
    status: str = "ACTIVE"
    product_type: str = ""
    vendor: str = ""
    created_at: Time | None = None
    published_at: Time | None = None
    updated_at: Time | None = None
    category: _Category | None = None
    featured_media: _Media | None = None
    variants: Connection[VariantNode] = Connection()


class _Marketing(_Camel, frozen=True):
    marketing_state: str | None = None


class CustomerNode(_Camel, frozen=True):
    """A customer: no more than whether mail is wanted, in the new place and the old."""

    id: str
    default_email_address: _Marketing | None = None
    email_marketing_consent: _Marketing | None = None

    @property
    def wants_mail(self) -> bool:
        """Whether the customer has agreed to marketing by mail."""
        said = self.default_email_address or self.email_marketing_consent
        return said is not None and said.marketing_state == "SUBSCRIBED"


def order_events(order: OrderNode, lines: Iterable[LineNode] = ()) -> Taken:
    """The purchase, and what came back of it; a cancelled order comes back whole. `lines` came apart from the order."""
    taken = Taken()
    if order.test:
        taken.skipped.append("test order")
        return taken
    every = sorted((*order.line_items.nodes, *lines), key=lambda line: line.id)
    sold = [line for line in every if line.product is not None and not line.is_gift_card]
    if len(sold) < len(every):
        taken.skipped += ["line without a product of the catalogue, or a gift card"] * (len(every) - len(sold))
    number = short(order.id) or order.id
    bought = Event(
        order_event("shopify", number),
        "purchase-complete",
        order.processed_at or order.created_at,
        customer_id=short(order.customer.id) if order.customer else None,
        products=merged(_line(line, line.quantity) for line in sold),
        order_id=number,
        currency=order.currency_code,
        source="import",
    )
    taken.add(bought)
    if not taken.events:
        return taken
    returned = _returned(order, sold)
    for refund, back in returned:
        if back:
            taken.add(msgspec.structs.replace(bought, id=return_event("shopify", short(refund.id) or refund.id),
                                              type="return", time=refund.created_at, products=back))  # fmt: skip
    if order.cancelled_at is not None and not any(back for _, back in returned):
        taken.add(msgspec.structs.replace(bought, id=cancelled_event("shopify", number), type="return",
                                          time=order.cancelled_at))  # fmt: skip
    return taken


def _returned(order: OrderNode, sold: list[LineNode]) -> list[tuple[_Refund, tuple[Line, ...]]]:
    """What each refund brought back; all of it under the last one where refunds do not say."""
    if any(refund.refund_line_items.nodes for refund in order.refunds):
        by_id = {line.id: line for line in sold}
        return [
            (refund, merged(_line(by_id[part.line_item.id], part.quantity) for part in refund.refund_line_items.nodes
                            if part.line_item.id in by_id))
            for refund in order.refunds
        ]  # fmt: skip
    back = merged(
        _line(line, line.quantity - (line.quantity if line.current_quantity is None else line.current_quantity))
        for line in sold
    )
    return [(max(order.refunds, key=lambda one: (one.created_at, one.id)), back)] if order.refunds else []


def _line(line: LineNode, quantity: int) -> Line:
    list_price = _amount(line.original_unit_price_set)
    paid = _amount(line.discounted_unit_price_after_all_discounts_set)
    discount = None if list_price is None or paid is None else round(max(0.0, list_price - paid), 4)
    return Line(
        (short(line.product.id) if line.product else None) or line.id,
        variant_id=short(line.variant.id) if line.variant else None,
        quantity=quantity,
        price=list_price,
        discount=discount or None,
    )


def _amount(price: _MoneySet | None) -> float | None:
    return None if price is None else money(price.shop_money.amount)


def product_card(product: ProductNode, currency: str, variants: Iterable[VariantNode] = ()) -> Product:
    """The card, with the first variant that can be bought. Raises PlatformError where no variant has a price."""
    every = sorted((*product.variants.nodes, *variants), key=lambda one: (one.position, one.id))
    on_sale = product.status == "ACTIVE" and product.published_at is not None
    shown = next((one for one in every if one.available_for_sale), every[0] if every else None)
    price = money(shown.price) if shown else None
    before = money(shown.compare_at_price) if shown else None
    if price is None:
        raise PlatformError("the product has no price")
    # The shop's own type first: it is what product webhooks tell, too.
    path = product.product_type or (product.category.full_name if product.category else "")
    media = product.featured_media
    image = media.preview.image.url if media and media.preview and media.preview.image else None
    since = product.published_at or product.created_at
    return Product(
        short(product.id) or product.id,
        product.title,
        price,
        currency=currency,
        compare_at_price=before if before is not None and before > price else None,
        available=on_sale and any(one.available_for_sale for one in every),
        category=path,
        brand=product.vendor,
        handle=product.handle,
        url=f"/products/{product.handle}" if product.handle else "",
        image=image,
        variant_id=short(shown.id) if shown else None,
        listed=int(since.timestamp() // 86_400) if since else 0,
    )


def listing(product: ProductNode, currency: str) -> Listing:
    """The product with its variants, as product webhooks tell it, for stock messages to be laid over."""
    at = product.updated_at or product.created_at or datetime.fromtimestamp(0, UTC)
    every = sorted(product.variants.nodes, key=lambda one: (one.position, one.id))
    return Listing(
        short(product.id) or product.id,
        at.timestamp(),
        checked_product(product_card(product, currency)),
        tuple(_variant(one) for one in every),
        on_sale=product.status == "ACTIVE" and product.published_at is not None,
    )


def _variant(variant: VariantNode) -> Variant:
    price, before = money(variant.price) or 0.0, money(variant.compare_at_price)
    item = variant.inventory_item
    return Variant(
        short(variant.id) or variant.id,
        short(item.id) if item else None,
        price,
        before if before is not None and before > price else None,
        variant.inventory_quantity,
        variant.inventory_policy == "CONTINUE" or (item is not None and not item.tracked),
    )


def read(node: Mapping[str, Any], kind: type[_Node]) -> _Node:
    """A node from JSON. Raises PlatformError for one that is not of this kind."""
    try:
        return msgspec.convert(node, kind)
    except msgspec.ValidationError as error:
        raise PlatformError(f"Shopify's {kind.__name__} is not what its documentation says: {error}") from error
