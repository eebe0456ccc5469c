"""What a platform's object becomes: events and products in our own terms, and the names both have on every way in.

A webhook, a fetch and an import of one order give the same event id, so that it counts once however often it comes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from backend.platforms.http import PlatformError
from edge.core.events import MAX_LINES, Event, Line
from edge.core.products import Product
from edge.core.tasks import Platform


@dataclass
class Taken:
    """Events of one order, in raw ids, and why parts of it were left out."""

    events: list[Event] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Take an event that has a shopper and products; else note why not."""
        if event.customer_id is None and event.visitor_id is None:
            self.skipped.append("order without a customer")
        elif not event.products:
            self.skipped.append("order without a product")
        else:
            if len(event.products) > MAX_LINES:
                self.skipped += [f"more than {MAX_LINES} lines in one order"] * (len(event.products) - MAX_LINES)
            self.events.append(msgspec.structs.replace(event, products=event.products[:MAX_LINES]))


def order_event(platform: Platform, order_id: str) -> str:
    """The event id of an order."""
    return f"{platform}:order:{order_id}"


def return_event(platform: Platform, refund_id: str) -> str:
    """The event id of a return."""
    return f"{platform}:return:{refund_id}"


def cancelled_event(platform: Platform, order_id: str) -> str:
    """The event id of the return that a cancelled order amounts to."""
    return f"{platform}:cancelled:{order_id}"


def checked(events: Iterable[Event]) -> list[Event]:
    """The same events, held to the rules of events from anywhere else. Raises PlatformError."""
    try:
        return [msgspec.convert(msgspec.to_builtins(event), Event, strict=False) for event in events]
    except msgspec.ValidationError as error:
        raise PlatformError(f"the platform's order makes no valid event: {error}") from error


def checked_product(product: Product) -> Product:
    """The same product, held to the rules of cards. Raises PlatformError."""
    try:
        return msgspec.convert(msgspec.to_builtins(product), Product, strict=False)
    except msgspec.ValidationError as error:
        raise PlatformError(f"the platform's product makes no valid card: {error}") from error


def money(text: str | float | None) -> float | None:
    """An amount as platforms write it, `"12.50"`; None when there is none or it is no amount."""
    try:
        amount = float(text) if text is not None and text != "" else None
    except ValueError:
        return None
    return amount if amount is not None and 0 <= amount <= 1e9 else None


def units(quantity: float) -> int:
    """Whole units of a quantity, which some platforms write with a fraction; none where it is no finite number."""
    return int(quantity) if math.isfinite(quantity) else 0


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines as they are, without those of no quantity."""
    return tuple(line for line in lines if line.quantity > 0)
