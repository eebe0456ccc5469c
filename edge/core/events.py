"""The event: what a shopper did, as collected from pages, apps, stores and imports.

In: JSON in the shape of DESIGN's contract. Out: `Event`, validated, ready for `profile.apply` and the stream.
Type names follow Google Retail's user events.
"""

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec

EventType = Literal[
    "home-page-view",
    "category-page-view",
    "detail-page-view",
    "search",
    "add-to-cart",
    "remove-from-cart",
    "shopping-cart-page-view",
    "purchase-complete",
    "wishlist-add",
    "return",
    "recommendation-impression",
    "recommendation-click",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)  # their order is part of stored profiles: add at the end only
Source = Literal["web", "app", "store", "import"]
Purpose = Literal["personalization", "analytics", "marketing"]
PURPOSES: tuple[Purpose, ...] = ("personalization", "analytics", "marketing")

# Ids are opaque strings on the wire; no control characters, so that they can stand in keys, logs and CSV. The end is
# spelled out because Python's `$` also stands before a line end.
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Price = Annotated[float, msgspec.Meta(ge=0, le=1e9)]

MAX_LINES = 200


class Line(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One product in an event. `price` is per unit, in the event's currency; `discount` is what was taken off it."""

    product_id: Id
    variant_id: Id | None = None
    quantity: Quantity = 1
    price: Price | None = None
    discount: Price | None = None


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How an order came: `days` from order to door, `promised_days` as announced, `cost` in the event's currency."""

    method: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    cost: Price | None = None
    promised_days: Annotated[float, msgspec.Meta(ge=0, le=400)] | None = None
    days: Annotated[float, msgspec.Meta(ge=0, le=400)] | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing a shopper did. `id` is the idempotency key; `time` carries its zone.

    `loyalty_id`, `email` and `phone` only serve to find the customer: like all ids of persons, they are pseudonyms from
    the edge on. `former` is the edge's word alone: (name under a former key, name now) of those named here.
    """

    id: Id
    type: EventType
    time: Time
    visitor_id: Id | None = None
    customer_id: Id | None = None
    products: Annotated[tuple[Line, ...], msgspec.Meta(max_length=MAX_LINES)] = ()
    order_id: Id | None = None
    currency: Currency | None = None
    query: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    slot: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    attribution_token: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    consent: tuple[Purpose, ...] = ()
    source: Source = "web"
    loyalty_id: Id | None = None
    email: Id | None = None
    phone: Id | None = None
    delivery: Delivery | None = None
    former: tuple[tuple[Id, Id], ...] = ()
