"""Shopify's orders, products and customers, as GraphQL tells them, in our terms.

In: nodes as JSON, whole or with their children apart (bulk operations). Out: events in raw ids, cards. Bulk queries may
not look into refunds: there, returns come from the quantities that lines have lost and the time of the last refund.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from backend.platforms.shopify import short
from backend.platforms.taken import Taken, merged, money, order_event, return_event
from edge.core.events import Event, Line
from edge.core.products import Product

ORDER_FIELDS = """id createdAt processedAt cancelledAt test currencyCode customer { id } refunds { id createdAt }"""
REFUND_FIELDS = "id createdAt refundLineItems(first: 100) { nodes { quantity lineItem { id } } }"  # of one order
LINE_FIELDS = """id quantity currentQuantity isGiftCard product { id } variant { id }
  originalUnitPriceSet { shopMoney { amount } } discountedUnitPriceAfterAllDiscountsSet { shopMoney { amount } }"""
PRODUCT_FIELDS = """id title handle status productType vendor createdAt publishedAt
  category { fullName } featuredMedia { preview { image { url } } }"""
VARIANT_FIELDS = "id position price compareAtPrice availableForSale"
CUSTOMER_FIELDS = "id defaultEmailAddress { marketingState }"

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


class VariantNode(_Camel, frozen=True):
    """A variant of a product."""

    id: str
    position: int = 0
    price: str | None = None
    compare_at_price: str | None = None
    available_for_sale: bool = True


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
    created_at: datetime | None = None
    published_at: datetime | None = None
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
    """The purchase, and what came back of it. `lines` are children that came apart from their order."""
    taken = Taken()
    if order.test or order.cancelled_at is not None:
        taken.skipped.append("test order" if order.test else "cancelled order")
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
    for refund, back in _returned(order, sold) if taken.events else ():
        if back:
            taken.add(msgspec.structs.replace(bought, id=return_event("shopify", short(refund.id) or refund.id),
                                              type="return", time=refund.created_at, products=back))  # fmt: skip
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
    """The card: price and variant are those of the first variant that can be bought."""
    every = sorted((*product.variants.nodes, *variants), key=lambda one: (one.position, one.id))
    on_sale = product.status == "ACTIVE" and product.published_at is not None
    shown = next((one for one in every if one.available_for_sale), every[0] if every else None)
    price = money(shown.price) if shown else None
    before = money(shown.compare_at_price) if shown else None
    path = product.category.full_name if product.category and product.category.full_name else product.product_type
    media = product.featured_media
    image = media.preview.image.url if media and media.preview and media.preview.image else None
    since = product.published_at or product.created_at
    return Product(
        short(product.id) or product.id,
        product.title,
        price or 0.0,
        currency=currency,
        compare_at_price=before if before is not None and price is not None and before > price else None,
        available=on_sale and any(one.available_for_sale for one in every),
        category=path,
        brand=product.vendor,
        handle=product.handle,
        url=f"/products/{product.handle}" if product.handle else "",
        image=image,
        variant_id=short(shown.id) if shown else None,
        listed=int(since.astimezone(UTC).timestamp() // 86_400) if since else 0,
    )
