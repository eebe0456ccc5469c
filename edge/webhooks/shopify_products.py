"""Shopify's products and stock levels, in our terms.

In: bodies of their webhooks. Out: listings with their variants, levels by location. Prices are in the shop's currency:
what a shopper abroad pays (presentment) Shopify does not tell here.
"""

from datetime import datetime
from typing import Any

import msgspec

from edge.core.products import Product
from edge.core.tasks import Fetch
from edge.webhooks.meaning import Meaning, Told, UnreadableError, amount, seconds
from edge.webhooks.read import read
from edge.webhooks.stock import Level, Listing, Variant

_Id = int | str
_Amount = str | float | None


class _Image(msgspec.Struct, frozen=True):
    src: str | None = None


class _Variant(msgspec.Struct, frozen=True):
    id: _Id
    price: _Amount = None
    compare_at_price: _Amount = None
    inventory_item_id: _Id | None = None
    inventory_quantity: int | None = None
    inventory_policy: str | None = "deny"
    inventory_management: str | msgspec.UnsetType | None = msgspec.UNSET  # null: not tracked; newer APIs leave it out


class _Product(msgspec.Struct, frozen=True):
    id: _Id
    title: str
    updated_at: datetime
    variants: tuple[_Variant, ...]
    status: str | None = "active"
    handle: str | None = ""
    product_type: str | None = ""
    vendor: str | None = ""
    created_at: datetime | None = None
    published_at: datetime | msgspec.UnsetType | None = msgspec.UNSET  # null: not in the online shop
    image: _Image | None = None
    images: tuple[_Image, ...] | None = ()
    variant_gids: tuple[Any, ...] | None = ()


class _Level(msgspec.Struct, frozen=True):
    inventory_item_id: _Id
    location_id: _Id
    available: int | None
    updated_at: datetime


def product(told: Told) -> Meaning:
    """A product as it is now. One with more variants than the webhook carries is fetched as well."""
    said = read(told.body, _Product)
    on_sale = said.status == "active" and said.published_at is not None
    images = [*(said.images or ()), *([said.image] if said.image else [])]
    since = said.published_at or said.created_at
    handle = said.handle or ""
    card = Product(
        str(said.id),
        said.title[:512],
        0.0,
        currency=told.currency,
        category=(said.product_type or "")[:512],
        brand=(said.vendor or "")[:256],
        handle=handle,
        url=f"/products/{handle}" if handle else "",
        image=images[0].src if images else None,
        listed=int(seconds(since) // 86_400) if since else 0,
    )
    if not card.title:
        raise UnreadableError("it has no title")
    variants = tuple(_variant(one) for one in said.variants)
    told_all = len(said.variant_gids or ()) <= len(variants)
    fetch = () if told_all else (Fetch(f"shopify:fetch:{told.digest}", told.now, "shopify", "product", card.id),)
    return Meaning(
        listings=(Listing(card.id, seconds(said.updated_at), card, variants, on_sale),),
        tasks=fetch,
    )


def _variant(said: _Variant) -> Variant:
    price, before = amount(said.price) or 0.0, amount(said.compare_at_price)
    return Variant(
        str(said.id),
        None if said.inventory_item_id is None else str(said.inventory_item_id),
        price,
        before if before is not None and before > price else None,
        said.inventory_quantity,
        said.inventory_policy == "continue" or said.inventory_management is None,
    )


def deleted(told: Told) -> Meaning:
    """A product that is no more, for good: Shopify never uses an id again."""
    said = read(told.body, dict[str, Any])
    id_ = said.get("id")
    if not isinstance(id_, int | str) or "title" in said:
        raise UnreadableError("a deleted product is told by its id alone")  # the topic is not signed: an older update
    return Meaning(listings=(Listing(str(id_), told.now, None, gone=True),))


def level(told: Told) -> Meaning:
    """How much of an inventory item a location has."""
    said = read(told.body, _Level)
    item, location = str(said.inventory_item_id), str(said.location_id)
    return Meaning(levels=(Level(item, location, said.available, seconds(said.updated_at)),))
