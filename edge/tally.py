"""What this process counted for the day, on its way to the store: added up in memory, written every second.

In: fields and amounts. Out: `HINCRBY` on the shop's counts of the day. What the store would not take is tried again
with the next lot, so a store that is away costs no request anything; a process that dies takes up to a second along.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from redis.asyncio import Redis

from edge.core import clock
from edge.core.keys import COUNTS_TTL_S, counts_key
from edge.profiles import STORE_FAILURES
from edge.quiet import Quiet

logger = logging.getLogger("endcap.tally")

_EVERY_S = 1.0
_DAY_S = 86_400


class Tally:
    """Counts of one shop that have not been written yet."""

    def __init__(self, shop: str) -> None:
        self._shop = shop
        self._waiting: Counter[str] = Counter()
        self._quiet = Quiet()

    def add(self, field: str, by: int = 1) -> None:
        """Count something."""
        self._waiting[field] += by

    async def write(self, redis: "Redis") -> None:
        """Write what waits. Raises one of STORE_FAILURES, and then keeps it."""
        if not self._waiting:
            return
        lot, self._waiting = self._waiting, Counter()
        key = counts_key(self._shop, int(clock.now() // _DAY_S))
        try:
            async with redis.pipeline(transaction=True) as pipe:
                for field, by in lot.items():
                    pipe.hincrby(key, field, by)
                pipe.expire(key, COUNTS_TTL_S)
                await pipe.execute()
        except STORE_FAILURES:
            self._waiting.update(lot)
            raise

    async def run(self, redis: "Redis", before: Callable[[], None] = lambda: None) -> None:
        """Write every second, until cancelled; then once more. `before` is called first, to add what it has."""
        try:
            while True:
                await asyncio.sleep(_EVERY_S)
                before()
                await self._try(redis)
        finally:
            await self._try(redis)

    async def _try(self, redis: "Redis") -> None:
        try:
            await self.write(redis)
        except STORE_FAILURES as error:
            kind = type(error).__name__
            if self._quiet.may_say(kind):
                logger.warning("counts wait for the store: %s", kind)
