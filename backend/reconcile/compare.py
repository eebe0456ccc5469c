"""Orders on the platform against orders received, day by day: webhooks are not guaranteed to arrive.

In: the platform's order ids since a day (or a file's), the event log, the stream, the counts. Out: a `Reconciled` with
what is missing and what is too much, by day (UTC). Only ids are compared; customers' ids tell who has denied it.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis

from backend.event_log.store import EventLog
from backend.imports.denials import decisions
from backend.platforms.fetch import declared, fetch_order, take_events
from backend.platforms.http import NotFoundError
from backend.platforms.taken import order_event
from backend.reconcile.sources import Order
from backend.settings import Settings
from edge.core import clock
from edge.core.errors import UNREADABLE
from edge.core.events import Event
from edge.core.keys import counts_key, events_key, seen_key
from edge.core.tasks import Platform
from training import engine as engines

GRACE = timedelta(minutes=10)  # younger orders may still be on their way
_BATCH = 1_000


class Day(msgspec.Struct):
    """One day's orders. `withheld` are a guest's, or of a customer who has denied it: rightly not in the log."""

    day: str
    platform: int = 0
    received: int = 0
    withheld: int = 0
    missing: int = 0
    extra: int = 0


class Reconciled(msgspec.Struct):
    """The outcome. `missing` and `extra` are order ids; empty where only counts could be compared."""

    shop: str
    platform: str
    since: str
    by: str  # `ids` or `counts`
    days: list[Day]
    missing: list[str]
    extra: list[str]
    repaired: int = 0

    @property
    def differs(self) -> bool:
        """Whether anything is still missing, or too much."""
        missing = sum(day.missing for day in self.days)
        return missing > self.repaired or any(day.extra for day in self.days)


async def reconcile(
    redis: "Redis", settings: Settings, log: EventLog | None, orders: Iterable[Order], platform: Platform, since: date
) -> Reconciled:
    """Compare. Without a log, or without consent to it, only the counts of each day can be compared."""
    latest = datetime.fromtimestamp(clock.now(), UTC) - GRACE
    listed = {order.id: order for order in orders if order.time.astimezone(UTC).date() >= since}
    outcome = Reconciled(settings.shop, platform, since.isoformat(), "ids", [], [], [])
    days = {day: Day(day.isoformat()) for day in _days(since, latest.date())}
    if log is None or "analytics" not in declared(settings):
        return await _by_counts(redis, settings.shop, listed.values(), outcome, days)
    logged = _logged(log, settings.shop, since)
    known = set(logged) | await _in_stream(redis, settings.shop)
    absent = [order for order in listed.values() if order.id not in known and order.time <= latest]
    marked = await _marked(redis, settings.shop, platform, [order.id for order in absent])
    absent = [order for order in absent if order.id not in marked]
    denied = await decisions(redis, settings.shop, [order.customer for order in absent if order.customer])
    for order in listed.values():
        if order.time.astimezone(UTC).date() in days:
            days[order.time.astimezone(UTC).date()].platform += 1
    for order in absent:
        day = days[order.time.astimezone(UTC).date()]
        if order.customer is None or "analytics" not in denied.get(order.customer, {"analytics"}):
            day.withheld += 1
        else:
            day.missing += 1
            outcome.missing.append(order.id)
    for day in days.values():
        day.received = day.platform - day.withheld - day.missing
    for id_, at in logged.items():
        if id_ not in listed and at in days:
            days[at].extra += 1
            outcome.extra.append(id_)
    outcome.days = list(days.values())
    return outcome


async def repair(redis: "Redis", settings: Settings, platform: Platform, outcome: Reconciled) -> None:
    """Fetch what is missing and append it; `repaired` says how many orders there were events of."""
    for order_id in outcome.missing:
        try:
            taken = await fetch_order(settings, platform, order_id, "reconcile")
        except NotFoundError:  # gone since it was listed
            outcome.repaired += 1
            continue
        outcome.repaired += bool(await take_events(redis, settings, taken.events, oldest_s=None))


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 2))  # an order of right now, too


async def _by_counts(
    redis: "Redis", shop: str, orders: Iterable[Order], outcome: Reconciled, days: dict[date, Day]
) -> Reconciled:
    counted = Counter(order.time.astimezone(UTC).date() for order in orders)
    for day, row in days.items():
        unix_day = (day - date(1970, 1, 1)).days
        found: Any = await redis.hget(counts_key(shop, unix_day), "orders")
        row.platform, row.received = counted[day], int(found or 0)
        row.missing, row.extra = max(0, row.platform - row.received), max(0, row.received - row.platform)
    outcome.by, outcome.days = "counts", list(days.values())
    return outcome


def _logged(log: EventLog, shop: str, since: date) -> dict[str, date]:
    """The orders in the log since then: id -> day."""
    engine = engines.connect()
    try:
        with log.read(engine, shop, first=since - timedelta(days=1)) as rows:
            bought = rows.filter((rows.type == "purchase-complete") & rows.order_id.notnull())
            found = engines.arrow(engine, bought.group_by("order_id").agg(time=bought.time.min()))
    finally:
        engine.disconnect()
    times = (at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC) for at in found["time"].to_pylist())
    return {id_: at.date() for id_, at in zip(found["order_id"].to_pylist(), times, strict=True)}


async def _in_stream(redis: "Redis", shop: str) -> set[str]:
    """The orders that were received and are not in the log yet."""
    found: set[str] = set()
    start = "-"
    while True:
        entries: Any = await redis.xrange(events_key(shop), min=start, count=_BATCH)
        for _, fields in entries:
            event = _event(fields.get(b"e", b""))
            if event is not None and event.type == "purchase-complete" and event.order_id:
                found.add(event.order_id)
        if len(entries) < _BATCH:
            return found
        start = f"({entries[-1][0].decode()}"


def _event(data: bytes) -> Event | None:
    try:
        return msgspec.json.decode(data, type=Event)
    except UNREADABLE:
        return None  # the consumer will make a dead letter of it


async def _marked(redis: "Redis", shop: str, platform: Platform, ids: list[str]) -> set[str]:
    """Those whose event was taken in lately, wherever it went since: the mark lives for 96 hours."""
    found: set[str] = set()
    for at in range(0, len(ids), _BATCH):
        batch = ids[at : at + _BATCH]
        async with redis.pipeline(transaction=False) as pipe:
            for id_ in batch:
                pipe.exists(seen_key(shop, order_event(platform, id_)))
            found |= {id_ for id_, there in zip(batch, await pipe.execute(), strict=True) if there}
    return found
