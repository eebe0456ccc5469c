"""How often may be asked with a publishable key: for all processes together, without asking the store per request.

In: who asks, by key and address. Out: nothing, or `TooManyError` (429, Retry-After). A process counts by itself (GCRA)
and tells the others through the store, all names in one trip four times a second; what the others took is then charged
here, too. While the store does not answer, a process keeps to its share of the rate.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from cachetools import LRUCache
from redis.exceptions import RedisError

from edge.core.keys import RATES_TTL_S, rates_key
from edge.errors import InputError

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("endcap.rates")
EVERY_S = 0.25
_STALE_S = 2.0  # without an exchange for so long, the others may be taking all they can
_NAMES = 10_000  # callers remembered at once; who is forgotten begins anew
_WINDOW_S = 60


class TooManyError(InputError):
    """Asked more often than a caller may; `retry_after_s` says when to come back."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("key", "asked too often with this key; come back later, and ask once a page", status=429)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Rate:
    """`per_s` requests a second on the long run, `burst` of them at once."""

    per_s: float
    burst: float

    def share(self, of: int) -> "Rate":
        """What one of so many may take where they cannot tell each other."""
        return Rate(self.per_s / of, max(1.0, self.burst / of))


@dataclass
class Bucket:
    """One caller, by the generic cell rate algorithm: `full_at` is when all that was taken will have been earned."""

    full_at: float = 0.0
    taken: int = 0  # since the last exchange
    told: int | None = None  # the store's count at the last exchange; None: none yet in this window
    window: int = -1
    used_at: float = field(default=0.0)

    def take(self, rate: Rate, now: float, count: int) -> float:
        """Take so many, and return 0; or nothing, and return the seconds to wait. More than a burst counts as one."""
        cost = min(count, rate.burst) / rate.per_s
        full_at = max(self.full_at, now) + cost
        wait = full_at - now - rate.burst / rate.per_s
        if wait > 1e-9:
            return wait
        self.full_at, self.used_at = full_at, now
        self.taken += count
        return 0.0

    def charge(self, rate: Rate, now: float, count: int) -> None:
        """What others took. However much it was, it keeps nobody out for longer than a burst takes to be earned."""
        earned = rate.burst / rate.per_s
        self.full_at = min(max(self.full_at, now) + count / rate.per_s, now + 2 * earned)


class Rates:
    """All callers of one process. `key_rate` and `client_rate`: None for no limit. `processes`: how many share."""

    def __init__(
        self, shop: str, secret: bytes, key_rate: Rate | None, client_rate: Rate | None, processes: int = 1
    ) -> None:
        self._shop, self._secret = shop, secret
        self._rates = (key_rate, client_rate)
        self._shares = tuple(rate.share(max(1, processes)) if rate else None for rate in self._rates)
        self._buckets: LRUCache[tuple[int, str], Bucket] = LRUCache(_NAMES)
        self._exchanged_at = time.monotonic()

    def take(self, key_id: str, client: str | None, count: int = 1, now: float | None = None) -> None:
        """Let a caller ask so many times now. Raises TooManyError; what one limit refuses is taken from none before."""
        now = time.monotonic() if now is None else now
        rates = self._rates if now - self._exchanged_at < _STALE_S else self._shares
        for kind, name in ((1, client), (0, key_id)):  # whoever asks too much must not use up what is everybody's
            rate = rates[kind]
            if rate is None or name is None:
                continue
            bucket = self._buckets.get((kind, name))
            if bucket is None:
                bucket = self._buckets[kind, name] = Bucket()
            if wait := bucket.take(rate, now, count):
                raise TooManyError(wait)

    async def exchange(self, redis: "Redis", now: float | None = None, at: float | None = None) -> None:
        """Tell the store what was taken here and charge what others took. Raises RedisError or OSError.

        `now` is monotonic, `at` unix seconds: all processes count in the same minute.
        """
        now, window = time.monotonic() if now is None else now, int((time.time() if at is None else at) // _WINDOW_S)
        busy = {name: bucket for name, bucket in self._buckets.items() if now - bucket.used_at < _STALE_S}
        if busy:
            told = {name: bucket.taken for name, bucket in busy.items()}
            counts = rates_key(self._shop, window)
            async with redis.pipeline(transaction=False) as pipe:
                for name, taken in told.items():
                    pipe.hincrby(counts, self._field(*name), taken)
                pipe.expire(counts, RATES_TTL_S)
                totals = await pipe.execute()
            for (name, bucket), total in zip(busy.items(), totals, strict=False):
                self._settle(name, bucket, told[name], int(total), window, now)
        self._exchanged_at = now

    def _settle(self, name: tuple[int, str], bucket: Bucket, told: int, total: int, window: int, now: float) -> None:
        bucket.taken -= told
        if bucket.window != window:  # counted from nothing; who was quiet so long does not pay for what others took
            bucket.told = 0 if bucket.window == window - 1 else None
            bucket.window = window
        others = 0 if bucket.told is None else total - told - bucket.told
        bucket.told = total
        rate = self._rates[name[0]]
        if others > 0 and rate is not None:
            bucket.charge(rate, now, others)

    def _field(self, kind: int, name: str) -> str:
        """What a caller is called in the store: an address only as a keyed digest."""
        return f"{'ka'[kind]}{blake2b(name.encode(), key=self._secret[:64], digest_size=9).hexdigest()}"

    async def run(self, redis: "Redis") -> None:
        """Exchange until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.exchange(redis)
            except (RedisError, OSError) as error:
                logger.debug("counts of callers wait for the store: %s", type(error).__name__)


def client_of(client: tuple[str, int] | None, forwarded: bytes | None, hops: int) -> str | None:
    """The caller's address: the other end of the connection, or, behind so many proxies, what the first of them saw.

    Each proxy adds to X-Forwarded-For on the right; what stands further left anybody may have written.
    """
    if hops == 0:
        return client[0] if client else None
    listed = (forwarded or b"").split(b",")
    return listed[-hops].strip().decode("latin-1")[:64] or None if len(listed) >= hops else None
