"""What a delivery means in our own terms; everything else a platform sends is dropped where it is read.

In: nothing; these are the shapes that translators fill and the receiver carries out. Ids of persons are raw in `events`
and `carts`, in memory only; in tasks and decisions they are pseudonyms already.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from edge.core.events import Event, Line
from edge.core.keys import ShopperKind
from edge.core.products import Change
from edge.core.tasks import AnyTask, Platform
from edge.errors import EndcapError
from edge.webhooks.stock import Level, Listing

MAX_QUANTITY = 10_000
_EPOCH, _NEVER = datetime.fromtimestamp(0, UTC), 2**37  # seconds: up to the year 6325


class UnreadableError(EndcapError):
    """A signed delivery that does not say what its platform documents. Never holds any of its content."""


@dataclass(frozen=True)
class Cart:
    """What lies in a platform's cart at `time` (unix seconds): product id to quantity, None where it was not told."""

    token: str
    time: float
    lines: dict[str, int] | None
    visitor_id: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True)
class MarketingChoice:
    """That a customer (a pseudonym) wants or does not want to be marketed to, since `time` (unix seconds)."""

    customer: str
    wanted: bool
    time: float
    source: str


@dataclass(frozen=True)
class Meaning:
    """All that is to be done about one delivery; nothing at all is a meaning, too."""

    events: tuple[Event, ...] = ()
    tasks: tuple[AnyTask, ...] = ()
    changes: tuple[Change, ...] = ()
    listings: tuple[Listing, ...] = ()
    levels: tuple[Level, ...] = ()
    carts: tuple[Cart, ...] = ()
    marketing: tuple[MarketingChoice, ...] = ()


NOTHING = Meaning()


@dataclass(frozen=True)
class Told:
    """A verified delivery and what its translator may need beside the body."""

    platform: Platform
    topic: str
    body: bytes
    digest: str  # of topic and body: the same delivery has the same one, whatever its unsigned headers say
    now: float
    shop_domain: str
    currency: str
    name: Callable[[ShopperKind, str | None], tuple[str, ...]]  # pseudonyms of one id of a person


def amount(text: str | float | None) -> float | None:
    """An amount as platforms write it, `"12.50"`; None when there is none or it is no amount."""
    try:
        value = float(text) if text is not None and text != "" else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) and 0 <= value <= 1e9 else None


def line(
    product_id: str, variant_id: str | None, quantity: float, price: float | None, off: float | None = None
) -> Line | None:
    """A line of `quantity` units, `off` taken from each; None when there is nothing of it."""
    whole = min(int(quantity), MAX_QUANTITY)
    if whole < 1:
        return None
    return Line(product_id, variant_id, whole, price, round(off, 4) or None if off else None)


def checked(event: Event) -> Event:
    """The same event, held to the rules of events from anywhere else. Raises UnreadableError."""
    try:
        return msgspec.convert(msgspec.to_builtins(event), Event, strict=False)
    except msgspec.ValidationError as error:
        raise UnreadableError(f"it makes no valid event ({place_of(error)})") from error


def place_of(error: Exception) -> str:
    """Where in a payload the fault is, without what stands there: messages may quote personal data."""
    _, found, place = str(error).partition(" - at `")
    return place.rstrip("`") if found else type(error).__name__


def utc(text: str) -> datetime:
    """A time as Adobe Commerce writes it, `2026-11-22 05:37:01`, in UTC. Raises UnreadableError."""
    try:
        time = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise UnreadableError("a time in it is none") from None
    seconds(time)
    return time


def seconds(time: datetime) -> float:
    """A platform's time in unix seconds, in UTC where it names no zone. Raises UnreadableError before 1970.

    `timestamp()` itself fails near the first year and the last one, and where such a time names no zone.
    """
    found = ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH).total_seconds()
    if not 0 <= found < _NEVER:
        raise UnreadableError("a time in it is none")
    return found
