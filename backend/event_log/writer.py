"""From the event stream into the log: gathers events, writes files, and only then acknowledges.

In: entries of a shop's stream, as consumer group `log`. Out: Parquet files of the log. A crash between writing and
acknowledging writes the same events again, which reading resolves; none is lost. Stored decisions are read again under
the log's lock just before writing, so an erasure comes either before them or after the file.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from obstore.exceptions import BaseError
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from backend import metrics
from backend.event_log.store import EventLog
from backend.restricted import Strip
from edge.core import keys
from edge.core.consent import Decision, decode_decision, in_force
from edge.core.errors import UNREADABLE, CodecError, EndcapError
from edge.core.events import Event

logger = logging.getLogger("endcap.log")

_READ_EVENTS = 1_000
_BLOCK_MS = 500
_WORST_PAUSE_S = 30.0
_ANSWER_S = 60.0
# What can be wrong for a while: the store, the disk or object store, a lock that stays with somebody.
_PASSING = (RedisError, OSError, BaseError, EndcapError)
_decoder = msgspec.json.Decoder(Event)
_Result = TypeVar("_Result")


@dataclass
class Written:
    """What became of the entries read: events written, not allowed to be kept, unreadable."""

    written: int = 0
    denied: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return f"{self.written:,} events written, {self.denied:,} without consent left out" + (
            f", {self.unreadable:,} unreadable entries skipped" if self.unreadable else ""
        )


async def ensure_group(redis: "Redis", shop: str) -> None:
    """Let the stream keep entries for the log from now on. To be called before anything is trimmed."""
    try:
        await redis.xgroup_create(keys.events_key(shop), keys.LOG_GROUP, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


async def forget_group(redis: "Redis", shop: str) -> None:
    """Where nothing is logged nobody reads as `log`, and entries must not wait for it."""
    with suppress(ResponseError):  # no such stream
        await redis.xgroup_destroy(keys.events_key(shop), keys.LOG_GROUP)


class LogWriter:
    """Writes one shop's events to the log. Several may run at once, in one process or in many."""

    def __init__(
        self,
        redis: "Redis",
        shop: str,
        log: EventLog,
        *,
        events: int = 20_000,
        wait_s: float = 30,
        claim_s: float = 120,
        strip: Strip | None = None,
    ) -> None:
        """Write after `events` gathered or `wait_s` seconds; take over what another left unfinished for `claim_s`."""
        self.redis, self.shop, self.log = redis, shop, log
        self.totals, self._strip = Written(), strip
        self._stream = keys.events_key(shop)
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._events, self._wait_s, self._claim_s = events, wait_s, max(claim_s, 2 * wait_s)
        self._gathered: dict[bytes, bytes | None] = {}  # entry id -> the event's JSON
        self._since_s = self._claimed_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then write what was gathered. Failures are said, counted and tried again."""
        failures, ready = 0, False
        while not stop.is_set():
            try:
                if not ready:
                    await ensure_group(self.redis, self.shop)
                    ready = True
                await self._step()
                failures = 0
            except _PASSING as error:
                failures, ready = failures + 1, False
                metrics.LOG_FAILURES.labels(self.shop).inc()
                logger.warning(
                    "the event log of %s waits, %d events gathered: %s", self.shop, len(self._gathered), error
                )
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), min(0.1 * 2**failures, _WORST_PAUSE_S))
        try:
            await self.flush()
            await self.redis.xgroup_delconsumer(self._stream, keys.LOG_GROUP, self._name)
        except _PASSING as error:
            logger.warning("the last events of %s stay in the stream for the next writer: %s", self.shop, error)

    async def once(self) -> Written:
        """Write all that stands in the stream now, but for what another writer holds; what was done."""
        await ensure_group(self.redis, self.shop)
        await self._claim()
        while await self._read(None):
            if len(self._gathered) >= self._events:
                await self.flush()
        await self.flush()
        await self.redis.xgroup_delconsumer(self._stream, keys.LOG_GROUP, self._name)
        return self.totals

    async def _step(self) -> None:
        if time.monotonic() - self._claimed_s > self._claim_s / 2:
            await self._claim()
        full = len(self._gathered) >= self._events
        if not full:
            await self._read(_BLOCK_MS)
        late = self._gathered and time.monotonic() - self._since_s >= self._wait_s
        if full or late or len(self._gathered) >= self._events:
            await self.flush()

    async def _read(self, block_ms: int | None) -> int:
        count = min(_READ_EVENTS, max(1, self._events - len(self._gathered)))
        found: Any = await self.redis.xreadgroup(
            keys.LOG_GROUP, self._name, {self._stream: ">"}, count=count, block=block_ms
        )
        entries = found[0][1] if found else []
        self._gather(entries)
        return len(entries)

    async def _claim(self) -> None:
        """Take over entries that were read long ago and never acknowledged: their writer died."""
        start: Any = b"0-0"
        while True:
            idle_ms = int(self._claim_s * 1_000)
            start, entries, *_ = await self.redis.xautoclaim(
                self._stream, keys.LOG_GROUP, self._name, idle_ms, start, count=_READ_EVENTS
            )
            self._gather(entries)
            if start == b"0-0":
                break
        self._claimed_s = time.monotonic()

    def _gather(self, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        if entries and not self._gathered:
            self._since_s = time.monotonic()
        for entry, fields in entries:
            self._gathered[entry] = fields.get(b"e")
        metrics.LOG_WAITING.labels(self.shop).set(len(self._gathered))

    async def flush(self) -> None:
        """Write the gathered events and acknowledge them. On failure they stay gathered."""
        if not self._gathered:
            return
        entries, done = list(self._gathered), Written()
        events = list[Event]()
        if self._strip:
            await self._strip.refresh()
        for data in self._gathered.values():
            try:
                event = _decoder.decode(data or b"")
                kept = self._strip(event) if self._strip else event
                events += [kept] if kept else []
            except UNREADABLE:
                # The consumer of profiles keeps it among the dead letters; replayed, it comes here again.
                done.unreadable += 1
        name = f"log-{entries[0].decode()}-{entries[-1].decode()}-{secrets.token_hex(2)}"
        done.written = await asyncio.to_thread(self._write, asyncio.get_running_loop(), events, name)
        done.denied = len(entries) - done.unreadable - done.written
        for at in range(0, len(entries), _READ_EVENTS):
            await self.redis.xack(self._stream, keys.LOG_GROUP, *entries[at : at + _READ_EVENTS])
        self._gathered.clear()
        self._count(done)

    def _write(self, loop: asyncio.AbstractEventLoop, events: list[Event], name: str) -> int:
        """Runs in a thread: files and locks block. Under the lock the decisions are asked, then the file is written."""

        def ask(question: Coroutine[Any, Any, _Result]) -> _Result:
            return asyncio.run_coroutine_threadsafe(question, loop).result(_ANSWER_S)

        with self.log.exclusive(self.shop):
            allowed = ask(allowed_events(self.redis, self.shop, events))
            self.log.write(self.shop, allowed, name)
        return len(allowed)

    def _count(self, done: Written) -> None:
        metrics.LOG_WAITING.labels(self.shop).set(0)
        for outcome in ("written", "denied", "unreadable"):
            count = getattr(done, outcome)
            metrics.LOGGED.labels(self.shop, outcome).inc(count)
            setattr(self.totals, outcome, getattr(self.totals, outcome) + count)


async def allowed_events(redis: "Redis", shop: str, events: list[Event]) -> list[Event]:
    """Those whose own consent and all decisions stored for their names allow analytics, with the consent in force."""
    names = list({name for event in events for name in _names(shop, event)})
    decisions = dict(zip(names, await stored_decisions(redis, shop, names), strict=True))
    allowed = []
    for event in events:
        consent = in_force(event.consent, (decisions[name] for name in _names(shop, event)))
        if "analytics" in consent:
            allowed.append(msgspec.structs.replace(event, consent=tuple(sorted(consent))))
    return allowed


def _names(shop: str, event: Event) -> list[str]:
    """Whose decisions count, an erased order's tombstone among them."""
    order = keys.order_name(shop, event.order_id) if event.order_id else None
    every = (event.customer_id, event.visitor_id, event.loyalty_id, event.email, event.phone, order)
    return [name for name in every if name is not None]


async def stored_decisions(redis: "Redis", shop: str, names: list[str]) -> list[Decision | None]:
    """The decision stored for each name. One that cannot be read denies: it may have been a denial."""
    found: list[Any] = []
    for at in range(0, len(names), _READ_EVENTS):
        async with redis.pipeline(transaction=False) as pipe:  # not MGET: on a cluster the names lie apart
            for name in names[at : at + _READ_EVENTS]:
                pipe.get(keys.consent_key(shop, name))
            found += await pipe.execute()
    return [_decision(shop, name, data) for name, data in zip(names, found, strict=True)]


def _decision(shop: str, name: str, data: bytes | None) -> Decision | None:
    if data is None:
        return None
    with suppress(CodecError):
        decision = decode_decision(data)
        if (decision.shop, decision.shopper) == (shop, name):
            return decision
    return Decision(shop, name, (), 0.0, "unreadable")
