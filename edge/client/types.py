"""What the Python client takes and gives: questions and events as typed dictionaries, answers as frozen structs.

In: the names of the HTTP contract. Out: structs that ignore fields they do not know, so that an older client reads a
newer edge. Written out here, not imported from the server's modules: a caller should not load numpy to ask for a shelf.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Required, TypedDict

import msgspec

from edge.core.errors import EndcapError
from edge.core.events import EventType, Purpose, Source

Surface = Literal["pdp", "cart", "home"]


class Filter(TypedDict, total=False):
    """Conditions that every shown product must meet."""

    category: str
    brand: str
    price_min: float
    price_max: float


class CartLine(TypedDict, total=False):
    """One line of the cart."""

    product_id: Required[str]
    variant_id: str
    quantity: int
    price: float


class Query(TypedDict, total=False):
    """What to recommend for, besides the surface. `session` is this visit's product ids, newest last."""

    product_id: str
    product_ids: Sequence[str]
    lines: Sequence[CartLine]
    visitor_id: str
    customer_id: str
    session: Sequence[str]
    consent: Sequence[Purpose]
    market: str
    locale: str
    slots: Sequence[str]
    limit: int
    exclude: Sequence[str]
    filter: Filter
    min_score: float
    fallback: Literal["popular", "none"]
    rev: str | int


class Page(Query):
    """One question of several: a query that names its surface."""

    surface: Required[Surface]


class Line(TypedDict, total=False):
    """One product in an event; prices per unit, in the event's currency."""

    product_id: Required[str]
    variant_id: str
    quantity: int
    price: float
    discount: float


class Delivery(TypedDict, total=False):
    """How an order came; days from order to door."""

    method: str
    cost: float
    promised_days: float
    days: float


class Event(TypedDict, total=False):
    """One thing a shopper did. `id` and `time` are filled in where they are left out."""

    id: str
    type: Required[EventType]
    time: datetime | str
    visitor_id: str
    customer_id: str
    products: Sequence[Line]
    order_id: str
    currency: str
    query: str
    slot: str
    attribution_token: str
    consent: Sequence[Purpose]
    source: Source
    loyalty_id: str
    email: str
    phone: str
    delivery: Delivery


class Money(msgspec.Struct, frozen=True):
    """An amount as a decimal string, such as "2.99", and its ISO currency."""

    amount: str
    currency_code: str


class Product(msgspec.Struct, frozen=True):
    """A product's card as it was when the answer was made."""

    title: str
    price: Money
    handle: str = ""
    url: str = ""
    image: str | None = None
    variant_id: str | None = None
    compare_at_price: Money | None = None
    available: bool = True


class Item(msgspec.Struct, frozen=True):
    """One recommended product; `score` lies in 0..1 and is comparable within one slot only."""

    id: str
    score: float
    reason: str
    product: Product


class Slot(msgspec.Struct, frozen=True):
    """One shelf. `served_by` is personal, session, context or popular; the token goes into the events it causes."""

    id: str
    title: str
    served_by: str
    attribution_token: str
    items: tuple[Item, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """The shelves of one page; `degraded` names what failed on the way, `client` that the edge gave no answer."""

    surface: str
    model_version: str | None = None
    degraded: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()

    def slot(self, id_: str) -> Slot | None:
        """The shelf of this name, or None where the answer has none."""
        return next((slot for slot in self.slots if slot.id == id_), None)


class EventResult(msgspec.Struct, frozen=True):
    """What became of one event; `ignored` means consent did not allow keeping it, `detail` says what to mend."""

    id: str | None
    status: Literal["accepted", "duplicate", "ignored", "rejected"]
    detail: str | None = None


class Fact(msgspec.Struct, frozen=True):
    """One fact with what it means. `as_of` is the last day of data that it stands on."""

    value: float | str
    unit: str
    definition: str
    version: int
    as_of: str
    computed_at: str
    stale: bool


class Facts(msgspec.Struct, frozen=True):
    """What is known of a customer; a fact that cannot be told is left out."""

    customer_id: str
    model_version: str | None
    facts: dict[str, Fact]


class ClientError(EndcapError):
    """The edge did not do what it was asked."""


class RefusedError(ClientError):
    """The edge refused: the caller has something to mend. `parameter` says where; asking again changes nothing."""

    def __init__(self, message: str, status: int, parameter: str | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.parameter = parameter
        self.detail = detail


class UnavailableError(ClientError):
    """No answer in time, or one that says "later": `retry_after_s` is what the edge asked for, if it did."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EventsNotTakenError(UnavailableError):
    """Some events were not taken, as far as is known. `events` are these, with ids and times: sending them again is
    safe, since an id counts once. `results` belong to those before them, which were taken.
    """

    def __init__(
        self, cause: ClientError, events: Sequence[Mapping[str, object]], results: Sequence[EventResult]
    ) -> None:
        super().__init__(f"{len(events)} events were not taken: {cause}", getattr(cause, "retry_after_s", None))
        self.events = list(events)
        self.results = list(results)
