"""One entry of the event stream, read: the event, the mark that makes it count once, and what it adds to the day.

In: stream ids and bytes. Out: `Item`, or CodecError for bytes that are no event.
"""

import re
from hashlib import blake2b

import msgspec

from edge.core.errors import UNREADABLE, CodecError
from edge.core.events import Event

MARK_BYTES = 12
_SEQUENCES = 4096  # entries of one millisecond that scores tell apart; a score stays below 2**53 until the year 2039
_PART = re.compile(r"[0-9A-Za-z_-]{1,40}")
_decoder = msgspec.json.Decoder(Event)


class Item(msgspec.Struct, frozen=True, gc=False):
    """An entry and its event. `score` stands for the entry in the shopper's marks, `deliveries`: how often it came.

    An order may be told twice with different consent, by the page and by the platform. What only counts it then leaves
    `mark_counted`, so that it does not keep the other from the profile; None for what is no order.
    """

    entry: bytes
    event: Event
    mark: bytes
    score: int
    mark_counted: bytes | None = None
    deliveries: int = 1

    @property
    def visit(self) -> str | None:
        """Under whose trail the edge noted this entry: the device's where known."""
        return self.event.visitor_id or self.event.customer_id


def read_entry(entry: bytes, data: bytes | None, deliveries: int = 1) -> Item:
    """One stream entry. Raises CodecError when its bytes are no event."""
    if data is None:
        raise CodecError("the entry has no field e")
    try:
        event = _decoder.decode(data)
    except UNREADABLE as error:
        raise CodecError(f"the event is unreadable: {error}") from error
    if event.type == "purchase-complete" and event.order_id is not None:
        order = event.order_id
        return Item(entry, event, mark(f"order:{order}"), score_of(entry), mark(f"counted:{order}"), deliveries)
    return Item(entry, event, mark(event.id), score_of(entry), None, deliveries)


def mark(name: str) -> bytes:
    """What makes two entries the same event: `order:<order id>` of a purchase, else the event's id; as a digest."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).digest()


def score_of(entry: bytes) -> int:
    """A stream id as one whole number, in the same order (but for more than 4096 entries in a millisecond)."""
    milliseconds, _, sequence = entry.partition(b"-")
    return int(milliseconds) * _SEQUENCES + int(sequence or 0) % _SEQUENCES


def counted(event: Event, now: float) -> tuple[int, tuple[str, ...]]:
    """The unix day an event belongs to, and the fields of that day's counts it adds one to."""
    day = int(min(event.time.timestamp(), now)) // 86_400
    fields = [f"events:{event.type}"]
    shown = _shown(event.attribution_token)
    match event.type:
        case "purchase-complete":
            fields.append("orders")
            fields += [f"purchases:{shown}"] if shown else []
        case "recommendation-impression":
            fields += [f"impressions:{shown}"] if shown else []
        case "recommendation-click":
            fields += [f"clicks:{shown}"] if shown else []
    return day, tuple(fields)


def _shown(token: str | None) -> str | None:
    """`<slot>:<model version>` of an attribution token `<slot>.<version>.<hash>`; None for one that is none."""
    parts = (token or "").split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        return None
    return f"{parts[0]}:{parts[1]}"
