"""The consumer's loop: take a batch, apply it shopper by shopper, acknowledge and count it.

In: the shop's event stream. Out: profiles, marks, counts, dead letters. Every step may be repeated after a crash: what
was applied shows in the shopper's marks, and what was counted was acknowledged in the same step.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from redis.asyncio import Redis

from backend import metrics
from backend.consume import scripts
from backend.consume.dead import bury
from backend.consume.entries import Item, counted, read_entry
from backend.consume.plan import EventFailedError, Group, Outcome, PartsNeededError, Plan, make_plan
from backend.consume.records import Records
from backend.consume.stream import Backlog, EventStream, Raw
from backend.identity.parts import OWN
from backend.identity.resolve import Owner, resolve
from backend.restricted import Strip
from edge.core import clock, keys
from edge.core.errors import CodecError
from edge.profiles import STORE_FAILURES

logger = logging.getLogger("endcap.consume")

_BLOCK_MS = 500
_ROUNDS = 10  # of writing a shopper whose records keep changing; then the entries stay pending for a while
_PAUSE_S = 0.5  # after a store that did not answer
_COUNT_FIELDS = 1_000  # most different counts of one day: slots and versions come from outside


@dataclass(frozen=True)
class Limits:
    """How the consumer works: entries at once, seconds until silent work is taken over, deliveries before giving up."""

    batch: int = 2_000
    reclaim_idle_s: float = 30.0
    attempts: int = 3
    janitor_s: float = 5.0


@dataclass
class _Done:
    """A batch on its way: what became of its items, and which trails are clean already."""

    outcomes: dict[bytes, tuple[Item, Outcome, bool]] = field(default_factory=dict)
    failed: list[tuple[Item, str]] = field(default_factory=list)
    off_trail: set[bytes] = field(default_factory=set)


class Consumer:
    """Consumes one shop's stream under a name of its own. Several may run at once, in any number of processes.

    `progress` hears how many entries were dealt with since it last did. `others` are the groups that must have read an
    entry, too, before it is removed: the event log's, where there is one.
    """

    def __init__(
        self,
        redis: "Redis",
        shop: str,
        limits: Limits | None = None,
        progress: Callable[[int], None] = lambda _: None,
        *,
        others: Sequence[str] = (),
        strip: Strip | None = None,
    ) -> None:
        self.redis, self.shop = redis, shop
        self.limits = limits or Limits()
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.stream = EventStream(redis, shop, self.name, others=others)
        self._records = Records(redis, shop)
        self._done_script = redis.register_script(scripts.DONE)
        self._progress, self._strip = progress, strip
        self._housekeeping_at = self._reclaim_at = 0.0
        self._unfinished: list[Raw] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; the batch under way is finished and acknowledged first."""
        await self._patiently(self.stream.join, stop)
        while not stop.is_set():
            await self._patiently(self._turn, stop)
        await self._patiently(self.stream.leave, stop)

    async def _patiently(self, step: Callable[[], Any], stop: asyncio.Event) -> None:
        """Make a step; when the store does not answer, say so and wait a little. What was read is tried again."""
        try:
            await step()
        except STORE_FAILURES as error:
            logger.warning("the store failed (%s: %s); trying again", type(error).__name__, error)
            try:
                await asyncio.wait_for(stop.wait(), _PAUSE_S)
            except TimeoutError:
                return

    async def _turn(self) -> None:
        if time.monotonic() >= self._reclaim_at:
            self._reclaim_at = time.monotonic() + min(self.limits.reclaim_idle_s / 2, 5.0)
            await self.reclaim()
        if time.monotonic() >= self._housekeeping_at:
            self._housekeeping_at = time.monotonic() + self.limits.janitor_s
            await self.housekeeping()
        # What a failing store interrupted is still pending under this name: every step of it may be made again.
        self._unfinished = self._unfinished or await self.stream.read(self.limits.batch, _BLOCK_MS)
        await self.process(self._unfinished)
        self._unfinished = []

    async def catch_up(self, stop: asyncio.Event | None = None) -> Backlog:
        """Consume until nothing new and nothing to take over is left, or `stop`; what is left then."""
        await self.stream.join()
        while not (stop and stop.is_set()):
            taken = await self.reclaim()
            raw = await self.stream.read(self.limits.batch, None)
            await self.process(raw)
            if not taken and not raw:
                break
        await self.stream.leave()
        return await self.housekeeping()

    async def reclaim(self) -> int:
        """Take over what other consumers left behind, and work on it; how many entries."""
        idle_ms, total = int(self.limits.reclaim_idle_s * 1000), 0
        while raw := await self.stream.reclaim(idle_ms, self.limits.batch, self.limits.attempts):
            metrics.RECLAIMED.labels(self.shop).inc(len(raw))
            total += len(raw)
            await self.process(raw)
        return total

    async def housekeeping(self) -> Backlog:
        """Trim the stream, bring the gauges up to date."""
        metrics.TRIMMED.labels(self.shop).inc(await self.stream.trim())
        backlog = await self.stream.backlog()
        metrics.CONSUME_LAG.labels(self.shop).set(backlog.lag)
        metrics.CONSUME_AGE.labels(self.shop).set(backlog.oldest_s)
        metrics.DEAD_LETTERS.labels(self.shop).set(backlog.dead)
        return backlog

    async def process(self, raw: Sequence[Raw]) -> None:
        """Work on delivered entries to the end: applied, written down as dead, or (failed) left pending."""
        if not raw:
            return
        began = time.perf_counter()
        now = clock.now()
        items, dead, done = list[Item](), list[tuple[Raw, str]](), _Done()
        if self._strip:
            await self._strip.refresh()
        for one in raw:
            entry, data, deliveries = one
            if deliveries > 2 * self.limits.attempts:
                dead.append((one, f"consumers ended {deliveries - 1} times while at work on it"))
                continue
            try:
                item = read_entry(entry, data, deliveries)
                kept = self._strip(item.event) if self._strip else item.event
                if kept is None:
                    done.outcomes[entry] = (item, "refused", False)
                else:
                    items.append(msgspec.structs.replace(item, event=kept))
            except CodecError as error:
                dead.append((one, str(error)))
        await self._apply(items, now, done)
        data_of = {entry: data for entry, data, _ in raw}
        for item, reason in done.failed:
            if item.deliveries >= self.limits.attempts:
                dead.append(((item.entry, data_of[item.entry], item.deliveries), reason))
            else:
                metrics.CONSUME_FAILURES.labels(self.shop).inc()
                logger.warning("entry %s failed and stays pending: %s", item.entry.decode(), reason)
        await self._records.forget_trails((item for item, *_ in done.outcomes.values()), done.off_trail)
        await self._acknowledge(done, now)
        for one, reason in dead:
            await self._bury(one, reason)
        metrics.CONSUME_SECONDS.labels(self.shop).observe(time.perf_counter() - began)
        self._progress(len(raw))

    async def _apply(self, items: Sequence[Item], now: float, done: _Done) -> None:
        known: dict[str, dict[bytes, int]] = {}
        left = list(items)
        for _ in range(_ROUNDS):
            if not left:
                break
            plans = await self._plan(left, known, done, now)
            left = []
            writing = [plan for plan in plans if plan.writes]
            for plan in plans:
                if not plan.writes:
                    self._settle(plan, done)
            replies = await self._records.write(writing)
            for plan, reply in zip(writing, replies, strict=True):
                left += self._judge(plan, reply, known, done)
        done.failed += [(item, "its shopper's records kept changing") for item in left]

    def _judge(self, plan: Plan, reply: object, known: dict[str, dict[bytes, int]], done: _Done) -> list[Item]:
        """What a write came to; the items to work on once more."""
        group = plan.group
        if reply == 1:
            self._settle(plan, done)
            done.off_trail |= {item.entry for item in group.items if item.visit == group.tag}
            return []
        if isinstance(reply, list):
            metrics.CONSUME_RETRIES.labels(self.shop, "marks").inc()
            found = known.setdefault(group.tag, {})
            found |= {mark: int(float(score)) for (mark, _), score in zip(plan.marks, reply, strict=True) if score}
        elif isinstance(reply, STORE_FAILURES):
            if not _refused(reply):
                raise reply
            done.failed += [(item, f"the store refused to write it: {reply}") for item in group.items]
            return []
        else:
            metrics.CONSUME_RETRIES.labels(self.shop, "changed").inc()
        return group.items

    def _settle(self, plan: Plan, done: _Done) -> None:
        for item, (outcome, counts) in zip(plan.group.items, plan.outcomes, strict=True):
            done.outcomes[item.entry] = (item, outcome, counts)

    async def _plan(
        self, items: Sequence[Item], known: dict[str, dict[bytes, int]], done: _Done, now: float
    ) -> list[Plan]:
        groups: dict[str, Group] = {}
        for item, owner in await self._owners(items, done):
            tag = owner.shopper if owner else f"#{item.mark.hex()}"
            group = groups.setdefault(tag, Group(tag, owner.shopper if owner else None))
            group.items.append(item)
            if owner and owner.part != OWN:
                group.parts[item.entry] = owner.part
            group.unlinked = group.unlinked or bool(owner and owner.unlinked)
        profiles, decisions = await self._records.read(list(groups.values()))
        plans = []
        for group in groups.values():
            group.marks, parts = known.get(group.tag, {}), None
            while group.items:
                try:
                    stored = profiles.get(group.tag)
                    plans.append(make_plan(self.shop, group, decisions, stored, now, parts))
                    break
                except PartsNeededError:
                    # Read after the profile: what changes in between changes the profile, too, and nothing is written.
                    parts = await self._records.parts(group)
                except EventFailedError as error:
                    done.failed.append((error.item, _reason(error.__cause__)))
                    group.items.remove(error.item)
        return plans

    async def _owners(self, items: Sequence[Item], done: _Done) -> list[tuple[Item, Owner | None]]:
        try:
            owners = await resolve(self.redis, self.shop, [item.event for item in items])
            return list(zip(items, owners, strict=True))
        except STORE_FAILURES:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever one event does, the others must not stay behind it
            if len(items) == 1:
                done.failed.append((items[0], _reason(error)))
                return []
        return [pair for item in items for pair in await self._owners([item], done)]

    async def _acknowledge(self, done: _Done, now: float) -> None:
        kinds: dict[tuple[int, tuple[str, ...]], list[str]] = {}
        outcomes: dict[Outcome, int] = {}
        for item, outcome, counts in done.outcomes.values():
            kinds.setdefault(counted(item.event, now) if counts else (0, ()), []).append(item.entry.decode())
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        if not kinds:
            return
        days = {day: place for place, day in enumerate(sorted({day for day, _ in kinds} - {0}), start=1)}
        names = [keys.events_key(self.shop), *(keys.counts_key(self.shop, day) for day in days)]
        arguments: list[Any] = [keys.PROFILES_GROUP, keys.COUNTS_TTL_S, _COUNT_FIELDS]
        for (day, fields), entries in kinds.items():
            arguments.append(msgspec.json.encode({"day": days.get(day, 0), "fields": fields, "entries": entries}))
        await self._done_script(keys=names, args=arguments)
        for outcome, number in outcomes.items():
            metrics.CONSUMED.labels(self.shop, outcome).inc(number)

    async def _bury(self, raw: Raw, reason: str) -> None:
        entry, data, deliveries = raw
        if await bury(self.redis, self.shop, entry, data, reason, deliveries):
            metrics.CONSUMED.labels(self.shop, "dead").inc()
            logger.error("entry %s is a dead letter: %s", entry.decode(), reason)


def _reason(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"


def _refused(error: Exception) -> bool:
    """Whether the store judged this write alone, as with a key that holds something else."""
    return "WRONGTYPE" in str(error)
