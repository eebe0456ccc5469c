"""The tasks of a shop, done in order of their coming: erase, export, part, fetch.

In: `w:{shop}`, read as group `backend`. Out: each task done once, by its id: the mark that says so is set in the step
that acknowledges and removes the entry, since a task names people. One that keeps failing becomes a dead letter with
the reason; `replay-dead` brings it back. Doing a task twice must be harmless: a crash may come before the mark.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from backend.settings import Settings
from edge.core import keys, tasks
from edge.core.errors import CodecError

logger = logging.getLogger("endcap.tasks")

GROUP = "backend"
_BLOCK_MS = 500
_PAUSE_S = 0.5
_DONE_TTL_S = 35 * 86_400  # longer than any platform repeats a request

# KEYS tasks, mark. ARGV group, entry, TTL.
_SETTLE = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
if KEYS[2] then redis.call('SET', KEYS[2], '1', 'EX', ARGV[3]) end
return 1
"""
# KEYS tasks, dead letters. ARGV group, entry, task, reason, deliveries, TTL.
_BURY = """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', 't', ARGV[3], 'r', ARGV[4], 'n', ARGV[5], 'i', ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[6])
return 1
"""


@dataclass(frozen=True)
class Context:
    """What a handler works with."""

    redis: "Redis"
    shop: str
    settings: Settings


Handler = Callable[[Context, Any], Awaitable[str]]  # does a task; says what was done, without ids of persons
Afterwards = Callable[[Context], Awaitable[None]]


class TaskWorker:
    """Does one shop's tasks. Several may run; a task is given to one of them, and taken over when that one dies."""

    def __init__(
        self,
        redis: "Redis",
        settings: Settings,
        table: Mapping[type[tasks.Task], Handler],
        afterwards: Mapping[type[tasks.Task], Afterwards] | None = None,
        *,
        attempts: int = 5,
        idle_s: float = 60.0,
    ) -> None:
        """`table`: who does which task; `afterwards`: what is done once after tasks of a kind, without their entries.

        `idle_s`: silence after which a task of another worker, or one that failed, is tried again.
        """
        self.redis, self.shop = redis, settings.shop
        self._context = Context(redis, settings.shop, settings)
        self._table, self._afterwards = table, afterwards or {}
        self.done = 0
        self._attempts, self._idle_ms = attempts, int(idle_s * 1000)
        self._key = keys.tasks_key(settings.shop)
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; a task under way is finished first."""
        joined = False
        while not stop.is_set():
            try:
                if not joined:
                    await self._join()
                    joined = True
                await self._turn(_BLOCK_MS)
            except (RedisError, OSError) as error:
                joined = False
                logger.warning("the store does not answer (%s); trying again", type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _PAUSE_S)

    async def once(self) -> int:
        """Do what stands in the stream now; how many tasks were done."""
        await self._join()
        done = 0
        while (turn := await self._turn(None)) is not None:
            done += turn
        return done

    async def _join(self) -> None:
        with contextlib.suppress(ResponseError):  # BUSYGROUP: it is there
            await self.redis.xgroup_create(self._key, GROUP, id="0", mkstream=True)

    async def _turn(self, block_ms: int | None) -> int | None:
        """One round: what was left behind, then what is new. None when there was nothing."""
        taken = await self._left_behind()
        answer: Any = await self.redis.xreadgroup(GROUP, self._name, {self._key: ">"}, count=10, block=block_ms)
        taken += [(entry, fields, 1) for entry, fields in (answer[0][1] if answer else [])]
        if not taken:
            return None
        done = [await self._do(entry, fields, times) for entry, fields, times in taken]
        kinds = {type(task) for task in done if task}
        for kind in kinds & self._afterwards.keys():
            await self._afterwards[kind](self._context)
            break
        count = sum(task is not None for task in done)
        self.done += count
        return count

    async def _left_behind(self) -> list[tuple[bytes, dict[bytes, bytes], int]]:
        found: Any = await self.redis.xpending_range(self._key, GROUP, "-", "+", 10, idle=self._idle_ms)
        taken = []
        for one in found:
            entry = one["message_id"]
            claimed: Any = await self.redis.xclaim(self._key, GROUP, self._name, self._idle_ms, [entry])
            taken += [(entry, fields, one["times_delivered"] + 1) for entry, fields in claimed]
        return taken

    async def _do(self, entry: bytes, fields: dict[bytes, bytes], times: int) -> tasks.Task | None:
        data = fields.get(tasks.FIELD.encode(), b"")
        try:
            task = tasks.decode_task(data)
        except CodecError as error:
            await self._bury(entry, data, str(error), times)
            return None
        mark = keys.seen_key(self.shop, f"done:{task.id}")
        if await self.redis.exists(mark):
            await self._settle(entry)
            return None
        kind = type(task).__name__
        try:
            said = await self._handler(task)(self._context, task)
        except (RedisError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever one task does, the others must not stay behind it
            logger.warning("a task %s failed (%s): %s", kind, type(error).__name__, error)
            if times >= self._attempts:
                await self._bury(entry, data, f"{type(error).__name__}: {error}", times)
            return None
        await self._settle(entry, mark)
        logger.info("a task %s is done: %s", kind, said)
        return task

    def _handler(self, task: tasks.Task) -> Handler:
        handler = self._table.get(type(task))
        if handler is None:
            raise LookupError(f"nobody here does {type(task).__name__}; update the backend")
        return handler

    async def _settle(self, entry: bytes, *mark: str) -> None:
        await self.redis.eval(_SETTLE, 1 + len(mark), self._key, *mark, GROUP, entry, _DONE_TTL_S)

    async def _bury(self, entry: bytes, data: bytes, reason: str, times: int) -> None:
        names = (self._key, keys.dead_key(self.shop))
        await self.redis.eval(_BURY, 2, *names, GROUP, entry, data, reason[:500], times, keys.DEAD_TTL_S)
        logger.error("a task is a dead letter after %d attempts: %s", times, reason)
