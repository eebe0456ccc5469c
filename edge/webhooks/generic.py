"""Our own signed format, for shops that send from their own systems: what happened, products, consent, requests.

In: JSON, one message or a batch of a hundred. Out: `Meaning` per message. The sender holds a secret, so it is believed:
it may name customers and tell of old events. docs/webhooks.md shows it.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import msgspec

from edge.core.consent import Decision
from edge.core.events import Event, Id, Price, Purpose, Time
from edge.core.products import Change, Product
from edge.core.tasks import Erase, Export
from edge.errors import InputError
from edge.webhooks.meaning import Meaning, Told
from edge.wire import decode_json

MAX_MESSAGES = 100
_CLOCK_SKEW = timedelta(minutes=5)


class _Message(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    pass


class EventMessage(_Message, frozen=True, tag="event"):
    """What a shopper did; with the consent it was done under."""

    event: Event


class ProductMessage(_Message, frozen=True, tag="product"):
    """A product as it is since `time`; one that is not known yet is listed."""

    time: Time
    product: Product


class PriceMessage(_Message, frozen=True, tag="price"):
    """A price since `time`. Without `compare_at_price` nothing is struck through."""

    product_id: Id
    time: Time
    price: Price
    compare_at_price: Price | None = None


class StockMessage(_Message, frozen=True, tag="stock"):
    """Whether a product can be bought, since `time`."""

    product_id: Id
    time: Time
    available: bool


class _Names(_Message, frozen=True):
    visitor_id: Id | None = None
    customer_id: Id | None = None
    loyalty_id: Id | None = None
    email: Id | None = None
    phone: Id | None = None


class ConsentMessage(_Names, frozen=True, tag="consent", kw_only=True):
    """A shopper's whole decision at `time`; an older one changes nothing."""

    consent: tuple[Purpose, ...]
    time: Time
    source: Annotated[str, msgspec.Meta(max_length=64)] = "shop"


class EraseMessage(_Names, frozen=True, tag="erase", kw_only=True):
    """Forget a person. `id` names the request; no personal data in it."""

    id: Id
    orders: Annotated[tuple[Id, ...], msgspec.Meta(max_length=10_000)] = ()


class ExportMessage(_Names, frozen=True, tag="export", kw_only=True):
    """Write down what is kept of a person."""

    id: Id


Message = EventMessage | ProductMessage | PriceMessage | StockMessage | ConsentMessage | EraseMessage | ExportMessage

MESSAGE_TYPES = get_args(Message)


class Messages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch. Each message is judged on its own."""

    messages: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]


def split(body: bytes) -> list[msgspec.Raw]:
    """The messages of a body. Raises InputError."""
    if b'"messages"' in body:
        return decode_json(body, Messages, parameter="messages").messages
    return [msgspec.Raw(body)]


def read(raw: msgspec.Raw, now: float) -> Message:
    """One message. Raises InputError that says what to mend."""
    message: Message = decode_json(raw, Message, parameter="message")  # type: ignore[arg-type]  # because a union is no class to mypy
    time = message.event.time if isinstance(message, EventMessage) else getattr(message, "time", None)
    if time is not None and time - datetime.fromtimestamp(now, UTC) > _CLOCK_SKEW:
        raise InputError("time", f"{time.isoformat()} lies in the future; send the time it happened, with zone")
    if isinstance(message, EventMessage):
        _named(message.event, message.event.order_id if message.event.type == "return" else None)
    elif isinstance(message, EraseMessage | ExportMessage):
        _named(message, None)
    elif isinstance(message, ConsentMessage) and not (message.visitor_id or message.customer_id):
        raise InputError("customer_id", "name the visitor_id or the customer_id whose consent this is")
    return message


def _named(message: Event | _Names, order_id: str | None) -> None:
    names = (message.visitor_id, message.customer_id, message.loyalty_id, message.email, message.phone, order_id)
    if not any(names):
        raise InputError("customer_id", "name the person: visitor_id, customer_id, loyalty_id, email or phone")


def meaning(message: Message, told: Told) -> Meaning:
    """What a message asks for; consent is the receiver's business."""
    match message:
        case EventMessage(event):
            return Meaning(events=(event,))
        case ProductMessage(time, product):
            return Meaning(changes=(Change(product.id, time.timestamp(), product=product),))
        case PriceMessage(product_id, time, price, compare):
            return Meaning(changes=(Change(product_id, time.timestamp(), price, compare),))
        case StockMessage(product_id, time, available):
            return Meaning(changes=(Change(product_id, time.timestamp(), available=available),))
        case EraseMessage():
            id_ = f"endcap:erase:{message.id}"
            return Meaning(tasks=(Erase(id_, told.now, _pseudonyms(message, told), message.orders),))
        case ExportMessage():
            return Meaning(tasks=(Export(f"endcap:export:{message.id}", told.now, _pseudonyms(message, told)),))
    return Meaning()


def decision(message: ConsentMessage, shop: str, subject: str) -> Decision:
    """What a consent message decides for one of the shopper's names."""
    return Decision(shop, subject, tuple(sorted(message.consent)), message.time.timestamp(), message.source)


def _pseudonyms(message: _Names, told: Told) -> tuple[str, ...]:
    return (
        *told.name("visitor", message.visitor_id),
        *told.name("customer", message.customer_id),
        *told.name("loyalty", message.loyalty_id),
        *told.name("email", message.email),
        *told.name("phone", message.phone),
    )
