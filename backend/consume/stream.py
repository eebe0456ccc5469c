"""The event stream and its group: what is waiting, what others left behind, what may be removed.

In: a shop. Out: entries to work on, and figures of the backlog. Stream ids are the machine's milliseconds, so ages are
measured against the machine's clock, also in a simulation.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from backend.consume import scripts
from edge.core import keys

_TRIM_AT_ONCE = 10_000
_FORGET_CONSUMERS_MS = 3_600_000

Raw = tuple[bytes, bytes | None, int]  # entry, its event's bytes, how often it was delivered


@dataclass(frozen=True)
class Backlog:
    """What the group has before it: entries never delivered, entries at work, the age of the oldest of both (s)."""

    waiting: int
    pending: int
    oldest_s: float
    dead: int

    @property
    def lag(self) -> int:
        """Entries not yet applied."""
        return self.waiting + self.pending


class EventStream:
    """A shop's event stream, as the group `profiles` sees it under one consumer's name.

    `others` are groups that read it, too, and may not have begun yet: nothing is removed before they are done with it.
    """

    def __init__(
        self,
        redis: "Redis",
        shop: str,
        consumer: str,
        group: str = keys.PROFILES_GROUP,
        *,
        others: Sequence[str] = (),
    ) -> None:
        self.redis, self.group, self.consumer = redis, group, consumer
        self._others = others
        self.key = keys.events_key(shop)
        self._dead_key = keys.dead_key(shop)
        self._trim = redis.register_script(scripts.TRIM)
        self._sweep = redis.register_script(scripts.SWEEP)

    async def join(self) -> None:
        """Make the group, and those of the other readers, from the first entry on, unless they are there."""
        for group in (*self._others, self.group):
            try:
                await self.redis.xgroup_create(self.key, group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def leave(self) -> None:
        """Take this consumer's name off the group, unless entries are pending under it."""
        await self._sweep_names(0, self.consumer)

    async def _rejoin(self, error: ResponseError) -> None:
        """Make the group again when the stream was deleted with it; raises any other error."""
        if "NOGROUP" not in str(error):
            raise error
        await self.join()

    async def read(self, count: int, block_ms: int | None) -> list[Raw]:
        """New entries; waits for the first of them up to `block_ms`."""
        try:
            answer: Any = await self.redis.xreadgroup(
                self.group, self.consumer, {self.key: ">"}, count=count, block=block_ms
            )
        except ResponseError as error:
            await self._rejoin(error)
            return []
        entries = answer[0][1] if answer else []
        return [(entry, fields.get(b"e"), 1) for entry, fields in entries]

    async def reclaim(self, idle_ms: int, count: int, alone_after: int) -> list[Raw]:
        """Take over entries that nobody touched for `idle_ms`: up to `count`, or one that may be what kills consumers.

        XAUTOCLAIM would count every look as a delivery and so condemn whatever stands behind a poisonous entry; here
        only what is really taken counts, and what was taken more than `alone_after` times comes by itself.
        """
        try:
            found: Any = await self.redis.xpending_range(self.key, self.group, "-", "+", count, idle=idle_ms)
        except ResponseError as error:
            await self._rejoin(error)
            return []
        usual = [one for one in found if one["times_delivered"] <= alone_after]
        taken = usual or found[:1]
        if not taken:
            return []
        ids = [one["message_id"] for one in taken]
        claimed: Any = await self.redis.xclaim(self.key, self.group, self.consumer, idle_ms, ids)
        deliveries = {one["message_id"]: one["times_delivered"] + 1 for one in taken}
        return [(entry, fields.get(b"e"), deliveries[entry]) for entry, fields in claimed]

    async def trim(self) -> int:
        """Remove entries that every group is done with; how many."""
        total = 0
        while removed := int(await self._trim(keys=[self.key], args=[_TRIM_AT_ONCE])):
            total += removed
        await self._sweep_names(_FORGET_CONSUMERS_MS)
        return total

    async def _sweep_names(self, idle_ms: int, name: str = "") -> None:
        with contextlib.suppress(ResponseError):  # NOGROUP
            await self._sweep(keys=[self.key], args=[self.group, idle_ms, name])

    async def backlog(self) -> Backlog:
        """How far behind the group is."""
        try:
            groups: Any = await self.redis.xinfo_groups(self.key)
            info: Any = await self.redis.xinfo_stream(self.key)
        except ResponseError:  # no stream yet
            groups, info = [], {}
        dead = int(await self.redis.xlen(self._dead_key))
        mine = next((one for one in groups if one["name"] == self.group.encode()), None)
        if mine is None:
            length = int(info.get("length", 0))
            first = info.get("first-entry")
            return Backlog(length, 0, _age_s([first[0]] if first else []), dead)
        pending, oldest = int(mine["pending"]), []
        if pending:
            summary: Any = await self.redis.xpending(self.key, self.group)
            oldest.append(summary["min"])
        waiting = _waiting(mine, info)
        if waiting:
            next_one: Any = await self.redis.xrange(self.key, min=b"(" + mine["last-delivered-id"], count=1)
            oldest += [entry for entry, _ in next_one]
        return Backlog(waiting, pending, _age_s(oldest), dead)


def _waiting(group: dict[str, Any], info: dict[str, Any]) -> int:
    """Entries not yet delivered. The server does not know while deleted ones lie ahead; then those count, too."""
    if group["lag"] is not None:
        return int(group["lag"])
    if group["entries-read"] is not None:
        return min(int(info["length"]), max(0, int(info["entries-added"]) - int(group["entries-read"])))
    return int(info["length"])


def _age_s(entries: Sequence[bytes | None]) -> float:
    born = [int(entry.partition(b"-")[0]) for entry in entries if entry]
    return max(0.0, time.time() - min(born) / 1000) if born else 0.0
