"""What an answer must be to count as one.

In: a request's step, and the status, headers and body that came back. Out: `Outcome`: right, degraded, refused, or why
it failed. Reasons are few and fixed, so that a table of failures stays short.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from loadtests.seconds import Kind, kind_of
from loadtests.traffic import Step


class Money(msgspec.Struct, frozen=True):
    """A price."""

    amount: str
    currency_code: str


class Product(msgspec.Struct, frozen=True):
    """What a shelf shows of a product."""

    title: str
    price: Money
    compare_at_price: Money | None = None


class Item(msgspec.Struct, frozen=True):
    """One place on a shelf."""

    id: str
    score: float
    reason: str
    product: Product


class Slot(msgspec.Struct, frozen=True):
    """One shelf."""

    id: str
    title: str
    served_by: str
    items: tuple[Item, ...]


class Answer(msgspec.Struct, frozen=True):
    """The answer to a page."""

    surface: str
    model_version: str | None
    degraded: tuple[str, ...]
    slots: tuple[Slot, ...]

    @property
    def personal(self) -> bool:
        """Whether a stored profile or session shaped any of it."""
        return any(slot.served_by == "personal" for slot in self.slots)

    def product_ids(self) -> tuple[str, ...]:
        """All products shown, in order."""
        return tuple(item.id for slot in self.slots for item in slot.items)


class EventResult(msgspec.Struct, frozen=True):
    """What became of one event."""

    status: str
    id: str | None = None


class EventResults(msgspec.Struct, frozen=True):
    """The answer to events."""

    results: tuple[EventResult, ...]


class _SlotHead(msgspec.Struct, frozen=True):
    served_by: str
    items: tuple[msgspec.Raw, ...]


class _Head(msgspec.Struct, frozen=True):
    """What is looked at in each of many thousand answers; the cards are left undecoded."""

    model_version: str | None
    degraded: tuple[str, ...]
    slots: tuple[_SlotHead, ...]


_head = msgspec.json.Decoder(_Head)
_results = msgspec.json.Decoder(EventResults)


@dataclass(frozen=True)
class Outcome:
    """How a request went. `refused` events are not failures: they are sent again.

    A hiccup is an answer with less though nothing was broken on purpose: right by the contract, yet only a few may be.
    """

    failure: str | None = None
    degraded: bool = False
    hiccup: bool = False
    refused: bool = False
    lacking: Kind = "useful"  # of a right page: what it amounts to

    @property
    def kind(self) -> Kind:
        """What it counts as in its second."""
        return "failed" if self.failure is not None else self.lacking


_RIGHT = Outcome()
_HICCUPS = frozenset({"profile", "deadline", "overload"})  # what a stall of a few dozen milliseconds makes of an answer


def judge_answer(
    step: Step, status: int, headers: Mapping[str, str], body: bytes, allowed: tuple[str, ...] | None = None
) -> Outcome:
    """How it went. `allowed` lists what may be degraded while something is broken on purpose; else it is None."""
    if step.surface == "events":
        return _judge_events(step, status, headers, body, refusing="profile" in (allowed or ()))
    if status != 200:
        return Outcome(f"status {status}")
    try:
        answer = _head.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Outcome("the body is not an answer in JSON")
    if not answer.model_version:
        return Outcome("no model version")
    if not step.consents and any(slot.served_by == "personal" for slot in answer.slots):
        return Outcome("personal without consent")
    excused = {*(allowed or ()), *(("unknown_product",) if step.unknown_product else ())}
    degraded = set(answer.degraded) - {"unknown_product"} if step.unknown_product else set(answer.degraded)
    beyond = set(answer.degraded) - excused
    if faults := beyond - _HICCUPS:
        return Outcome(f"degraded: {', '.join(sorted(faults))}", degraded=True)
    if not any(slot.items for slot in answer.slots):
        return Outcome("no shelf with a product")
    if not degraded:
        return _RIGHT
    return Outcome(degraded=True, hiccup=bool(beyond), lacking=kind_of(degraded))


def _judge_events(step: Step, status: int, headers: Mapping[str, str], body: bytes, *, refusing: bool) -> Outcome:
    if status == 503 and refusing:
        return Outcome(refused=True) if headers.get("retry-after") else Outcome("503 without Retry-After")
    if status != 200:
        return Outcome(f"status {status}")
    try:
        results = _results.decode(body).results
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Outcome("the body is not a list of results in JSON")
    if len(results) != len(step.events):
        return Outcome("not one result per event")
    expected = "accepted" if step.consents else "ignored"
    odd = sorted({result.status for result in results} - {expected})
    return Outcome(f"events {', '.join(odd)}, not {expected}") if odd else _RIGHT


def read_answer(body: bytes | msgspec.Raw) -> Answer:
    """A whole answer, to be shown. Raises msgspec.DecodeError (or its subclass for a wrong shape)."""
    return msgspec.json.decode(body, type=Answer)


def read_results(body: bytes) -> tuple[EventResult, ...]:
    """The results of events. Raises msgspec.DecodeError."""
    return _results.decode(body).results
