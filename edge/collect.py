"""What shoppers do and decide: events into the visit and the stream, consent into the store.

In: JSON bodies. Out: a result per event. An event is either refused at once or durably in the stream: it is never
accepted and lost, so a store that does not answer means 503, not a polite lie.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from edge.core import clock, keys
from edge.core.consent import Decision
from edge.core.errors import UNREADABLE
from edge.core.events import Event, Id, Purpose
from edge.core.restricted import without
from edge.core.tasks import Withdraw
from edge.doors import Door
from edge.errors import InputError
from edge.identify import Caller, Identifier
from edge.metrics import EVENTS
from edge.profiles import NOTHING_KNOWN, ShopperStore
from edge.stream import Stream, event_entry, task_entry
from edge.wire import decode_json

MAX_EVENTS = 100
_CLOCK_SKEW = timedelta(minutes=5)
_OLDEST = timedelta(seconds=keys.SEEN_TTL_S)  # older ones could be counted twice: their mark may be gone
KEEPS = frozenset[Purpose]({"personalization", "analytics"})


class Events(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch. Each event is judged on its own."""

    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]
    key: str | None = None
    shopper_token: str | None = None


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event: `ignored` means consent did not allow keeping it, `detail` says what to mend."""

    id: str | None
    status: Literal["accepted", "duplicate", "ignored", "rejected"]
    detail: str | None = None


class ConsentUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A shopper's whole decision: purposes not named are denied, and what they allowed is deleted."""

    consent: tuple[Purpose, ...]
    id: Id | None = None
    visitor_id: Id | None = None
    customer_id: Id | None = None
    source: Annotated[str, msgspec.Meta(max_length=64)] = "web"
    key: str | None = None
    shopper_token: str | None = None


class _Said(msgspec.Struct, frozen=True, array_like=True):
    """A decision as it first came: when (unix seconds), the purposes granted, and a name for what follows from it."""

    at: float
    granted: tuple[Purpose, ...]
    name: str


_said_decoder = msgspec.msgpack.Decoder(_Said)


class Collector:
    """Takes events and decisions for one shop."""

    def __init__(
        self,
        store: ShopperStore,
        identifier: Identifier,
        stream_max_entries: int,
        restricted: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`restricted` says of a product id whether nothing done with it may be kept."""
        self.store = store
        self._identifier = identifier
        self.stream = Stream(store, stream_max_entries)
        self._restricted = restricted

    async def events(self, body: bytes, door: Door) -> list[Result]:
        """Take one event or a batch. Raises InputError for a body that is neither, and StoreUnavailableError."""
        now = clock.now()
        parsed = [_parse(raw, now, door) for raw in _split(body)]
        if len(parsed) == 1 and isinstance(parsed[0], InputError):
            raise parsed[0]
        results: dict[int, Result] = {}
        for caller, group in self._by_caller(parsed, door).items():
            taken = await self.take(caller, list(group.values()), now)
            results |= dict(zip(group, taken, strict=True))
        for at, item in enumerate(parsed):
            if isinstance(item, InputError):
                results[at] = Result(None, "rejected", f"{item.parameter}: {item.detail}")
            EVENTS.labels(item.type if isinstance(item, Event) else "unknown", results[at].status).inc()
        return [results[at] for at in range(len(parsed))]

    def _by_caller(self, parsed: Iterable[Event | InputError], door: Door) -> dict[Caller, dict[int, Event]]:
        callers: dict[Caller, dict[int, Event]] = {}
        for at, item in enumerate(parsed):
            if isinstance(item, Event):
                caller = self._identifier.caller(item.visitor_id, item.customer_id, item.consent, door.trust)
                callers.setdefault(caller, {})[at] = item
        return callers

    async def take(self, caller: Caller, events: Sequence[Event], now: float) -> list[Result]:
        """Append events of one caller as far as consent goes, and change the visit. Raises StoreUnavailableError.

        Lines of restricted products are left out before anything is kept.
        """
        open_ = {at: kept for at, event in enumerate(events) if (kept := without(event, self._restricted))}
        results = dict(zip(open_, await self._take(caller, list(open_.values()), now), strict=True)) if open_ else {}
        return [
            results.get(at) or Result(event.id, "ignored", "of restricted products nothing is kept")
            for at, event in enumerate(events)
        ]

    async def _take(self, caller: Caller, events: Sequence[Event], now: float) -> list[Result]:
        if not caller.consent & KEEPS:
            return [Result(event.id, "ignored", "no consent to keep it") for event in events]
        nobody = msgspec.structs.replace(NOTHING_KNOWN, consent=caller.consent)
        known = await self.store.read(caller) if caller.shopper else nobody
        if not known.consent & KEEPS:
            return [Result(event.id, "ignored", "consent was withdrawn earlier") for event in events]
        consent = tuple(sorted(known.consent))
        stored = [event_entry(self._identifier.hidden(event, caller, consent)) for event in events]
        entries = await self.stream.append(caller.shop, stored)
        new = [event for event, entry in zip(events, entries, strict=True) if entry]
        if new and caller.shopper:
            made = [entry for entry in entries if entry]
            if not await self.store.observe(caller, known, new, made, now) & KEEPS:
                # Withdrawn while this was under way: what was appended meanwhile goes, too.
                await self.store.ask(lambda: self.store.redis.xdel(keys.events_key(caller.shop), *made))
                return [Result(event.id, "ignored", "consent was withdrawn just now") for event in events]
        return [
            Result(event.id, "accepted" if entry else "duplicate") for event, entry in zip(events, entries, strict=True)
        ]

    async def consent(self, body: bytes, door: Door) -> frozenset[Purpose]:
        """Store a decision; what is no longer allowed is deleted before this returns. Raises InputError."""
        update = decode_json(body, ConsentUpdate, parameter="body")
        if update.id is None and door.trust == "proxy":
            raise InputError("id", "needed here: any value of the decision's own, so that sent twice it counts once")
        if door.token_refused:  # a withdrawal must not look as if it had been the customer's
            raise InputError("shopper_token", "not in force; ask your server for a new one", status=401)
        customer_id = door.customer(update.customer_id)
        if update.visitor_id is None and customer_id is None:
            raise InputError("visitor_id", "name the visitor_id or the customer_id whose consent this is")
        caller = self._identifier.caller(update.visitor_id, customer_id, update.consent, door.trust)
        said = await self._first_said(caller, update)

        def decision(subject: str) -> Decision:
            return Decision(caller.shop, subject, said.granted, said.at, update.source)

        await self.store.decide(caller, decision)
        names = (*caller.subjects, *(old for old, _ in caller.former))
        if not set(said.granted) >= KEEPS:
            # The log, links and other customers' profiles are the backend's to clean.
            task = Withdraw(said.name, said.at, names, said.granted)
            await self.stream.append(caller.shop, [task_entry(task)])
        return frozenset(said.granted)

    async def _first_said(self, caller: Caller, update: ConsentUpdate) -> _Said:
        """The decision, or the one that came under its id before. Raises StoreUnavailableError.

        The mark keeps the time instead of telling to skip: a decision that failed halfway is carried out whole when it
        comes again, and one that is older than what was decided since changes nothing.
        """
        said = _Said(clock.now(), tuple(sorted(caller.consent)), secrets.token_hex(8))
        if update.id is None:
            return said
        # Of this shopper and this id: an id guessed by another, or kept over a login, is another decision.
        whose = "\0".join((update.id, caller.visitor or "", caller.customer or ""))
        mark = hashlib.blake2b(whose.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        key, redis = keys.decided_key(caller.shop, mark), self.store.redis
        made: Any = await self.store.ask(
            lambda: redis.set(key, msgspec.msgpack.encode(said), nx=True, ex=keys.DECIDED_TTL_S)
        )
        kept: Any = None if made else await self.store.ask(lambda: redis.get(key))
        try:
            return _said_decoder.decode(kept) if kept else said
        except UNREADABLE:  # damaged, or of another version: what is said now counts
            return said


def _split(body: bytes) -> list[msgspec.Raw]:
    if b'"events"' in body:
        return decode_json(body, Events, parameter="events").events
    return [msgspec.Raw(body)]


def _parse(raw: msgspec.Raw, now: float, door: Door) -> Event | InputError:
    """One event with the customer that the door lets it have, or what is wrong with it."""
    try:
        event = door.event(decode_json(raw, Event, parameter="event"))
    except InputError as error:
        return error
    if event.visitor_id is None and event.customer_id is None:
        return InputError("visitor_id", "an event needs a visitor_id or a customer_id")
    age = datetime.fromtimestamp(now, UTC) - event.time
    if age < -_CLOCK_SKEW:
        return InputError("time", f"{event.time.isoformat()} lies in the future; send the time it happened, with zone")
    if age > _OLDEST:
        return InputError("time", f"{event.time.isoformat()} is over 96 hours ago; import history with the importer")
    return event
