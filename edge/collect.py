"""What shoppers do and decide: events into the visit and the stream, consent into the store.

In: JSON bodies. Out: a result per event. An event is either refused at once or durably in the stream: it is never
accepted and lost, so a store that does not answer means 503, not a polite lie.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from redis.exceptions import ResponseError

from edge.core import keys
from edge.core.consent import Decision, in_force
from edge.core.events import Event, Id, Purpose
from edge.errors import InputError
from edge.identify import Caller, Identifier
from edge.metrics import EVENTS
from edge.profiles import ShopperStore, StoreUnavailableError
from edge.wire import decode_json

MAX_EVENTS = 100
_CLOCK_SKEW = timedelta(minutes=5)
_OLDEST = timedelta(seconds=keys.SEEN_TTL_S)  # older ones could be counted twice: their mark may be gone
_KEEPS = frozenset[Purpose]({"personalization", "analytics"})

# Marks and appends each event in one step, so that a repeated event has one effect. Never trims: an entry goes when
# the consumer is done with it. A stream nobody reads fills up to the limit and then refuses.
_APPEND = """
local size, results = redis.call('XLEN', KEYS[1]), {}
if size + #KEYS - 1 > tonumber(ARGV[1]) then return redis.error_reply('FULL it holds ' .. size .. ' entries') end
for i = 2, #KEYS do
  results[i - 1] = ''
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[2]) then
    results[i - 1] = redis.call('XADD', KEYS[1], '*', 'e', ARGV[i + 1])
  end
end
return results
"""


class Events(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch. Each event is judged on its own."""

    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]
    key: str | None = None


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event: `ignored` means consent did not allow keeping it, `detail` says what to mend."""

    id: str | None
    status: Literal["accepted", "duplicate", "ignored", "rejected"]
    detail: str | None = None


class ConsentUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A shopper's whole decision: purposes not named are denied, and what they allowed is deleted."""

    consent: tuple[Purpose, ...]
    visitor_id: Id | None = None
    customer_id: Id | None = None
    source: Annotated[str, msgspec.Meta(max_length=64)] = "web"
    key: str | None = None


class Collector:
    """Takes events and decisions for one shop."""

    def __init__(self, store: ShopperStore, identifier: Identifier, stream_max_entries: int) -> None:
        self.store = store
        self._identifier = identifier
        self._stream_max_entries = stream_max_entries
        self._append_script = store.redis.register_script(_APPEND)

    async def events(self, body: bytes) -> list[Result]:
        """Take one event or a batch. Raises InputError for a body that is neither, and StoreUnavailableError."""
        now = time.time()
        parsed = [_parse(raw, now) for raw in _split(body)]
        if len(parsed) == 1 and isinstance(parsed[0], InputError):
            raise parsed[0]
        results: dict[int, Result] = {}
        for caller, group in self._by_caller(parsed).items():
            taken = await self._take(caller, list(group.values()), now)
            results |= dict(zip(group, taken, strict=True))
        for at, item in enumerate(parsed):
            if isinstance(item, InputError):
                results[at] = Result(None, "rejected", f"{item.parameter}: {item.detail}")
            EVENTS.labels(item.type if isinstance(item, Event) else "unknown", results[at].status).inc()
        return [results[at] for at in range(len(parsed))]

    def _by_caller(self, parsed: Iterable[Event | InputError]) -> dict[Caller, dict[int, Event]]:
        callers: dict[Caller, dict[int, Event]] = {}
        for at, item in enumerate(parsed):
            if isinstance(item, Event):
                caller = self._identifier.caller(item.visitor_id, item.customer_id, item.consent)
                callers.setdefault(caller, {})[at] = item
        return callers

    async def _take(self, caller: Caller, events: list[Event], now: float) -> list[Result]:
        if not caller.consent & _KEEPS:
            return [Result(event.id, "ignored", "no consent to keep it") for event in events]
        known = await self.store.read(caller)
        allowed = known.consent & _KEEPS
        if not allowed:
            return [Result(event.id, "ignored", "consent was withdrawn earlier") for event in events]
        entries = await self._append(caller, events, tuple(sorted(known.consent)))
        new = [event for event, entry in zip(events, entries, strict=True) if entry]
        if new:
            made = [entry for entry in entries if entry]
            if not await self.store.observe(caller, known, new, made, now) & _KEEPS:
                # Withdrawn while this was under way: what was appended meanwhile goes, too.
                await self.store.ask(lambda: self.store.redis.xdel(keys.events_key(caller.shop), *made))
                return [Result(event.id, "ignored", "consent was withdrawn just now") for event in events]
        return [
            Result(event.id, "accepted" if entry else "duplicate") for event, entry in zip(events, entries, strict=True)
        ]

    async def _append(self, caller: Caller, events: list[Event], consent: tuple[Purpose, ...]) -> list[bytes]:
        """Stream entry ids, empty where the event was there already. Pseudonyms stand for the ids from here on."""
        names = [keys.events_key(caller.shop), *(keys.seen_key(caller.shop, event.id) for event in events)]
        stored = [
            msgspec.structs.replace(
                event, visitor_id=caller.visitor, customer_id=caller.customer, consent=consent, former=caller.former
            )
            for event in events
        ]
        arguments: list[int | bytes] = [
            self._stream_max_entries,
            keys.SEEN_TTL_S,
            *(msgspec.json.encode(event) for event in stored),
        ]
        try:
            entries: list[bytes] = await self.store.ask(lambda: self._append_script(keys=names, args=arguments))
        except StoreUnavailableError as error:
            if isinstance(error.__cause__, ResponseError) and "FULL" in str(error.__cause__):
                raise StoreUnavailableError("the event stream is full; start the consumer") from error
            raise
        return entries

    async def consent(self, body: bytes) -> frozenset[Purpose]:
        """Store a decision; what is no longer allowed is deleted before this returns. Raises InputError."""
        update = decode_json(body, ConsentUpdate, parameter="body")
        if update.visitor_id is None and update.customer_id is None:
            raise InputError("visitor_id", "name the visitor_id or the customer_id whose consent this is")
        caller = self._identifier.caller(update.visitor_id, update.customer_id, update.consent)
        granted, at = tuple(sorted(caller.consent)), time.time()

        def decision(subject: str) -> Decision:
            return Decision(caller.shop, subject, granted, at, update.source)

        await self.store.decide(caller, decision)
        return in_force(caller.consent, ())


def _split(body: bytes) -> list[msgspec.Raw]:
    if b'"events"' in body:
        return decode_json(body, Events, parameter="events").events
    return [msgspec.Raw(body)]


def _parse(raw: msgspec.Raw, now: float) -> Event | InputError:
    """One event, or what is wrong with it."""
    try:
        event = decode_json(raw, Event, parameter="event")
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
