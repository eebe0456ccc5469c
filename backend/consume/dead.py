"""Dead letters: events that could not be applied, kept with the reason until somebody mends the cause.

In: a stream entry and why it failed. Out: an entry of `keys.dead_key(shop)`: `e` the original bytes, `r` the reason,
`i` the original entry, `n` how often it was delivered, `p` the pseudonyms in it, so that erasure finds it. A task that
could not be done stands there, too, with `t` in the place of `e`.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from backend.consume import scripts
from edge.core import keys

_PSEUDONYM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{4}\.[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")
_PAGE = 1_000
_REASON_CAP = 500


@dataclass(frozen=True)
class DeadLetter:
    """One event that could not be applied. `id` names it for replaying; `shoppers` are the pseudonyms in it."""

    id: str
    entry: str
    reason: str
    deliveries: int
    shoppers: tuple[str, ...]
    data: bytes

    @property
    def time(self) -> datetime:
        """When it was given up."""
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)


async def bury(redis: "Redis", shop: str, entry: bytes, data: bytes | None, reason: str, deliveries: int) -> bool:
    """Acknowledge an entry and write it down among the dead in one step; False when somebody else acknowledged it."""
    body = data or b""
    named = b" ".join(dict.fromkeys(_PSEUDONYM.findall(body)))
    oldest = int((time.time() - keys.DEAD_TTL_S) * 1000)
    arguments: list[Any] = [keys.PROFILES_GROUP, entry, body, reason[:_REASON_CAP], named, deliveries]
    call = redis.register_script(scripts.BURY)
    names = [keys.events_key(shop), keys.dead_key(shop)]
    return bool(await call(keys=names, args=[*arguments, keys.DEAD_TTL_S, oldest]))


async def dead_letters(redis: "Redis", shop: str, limit: int = _PAGE) -> list[DeadLetter]:
    """The dead letters of a shop, oldest first, at most `limit`."""
    found: Any = await redis.xrange(keys.dead_key(shop), count=limit)
    return [_letter(id_, fields) for id_, fields in found]


async def replay_dead(redis: "Redis", shop: str, ids: Sequence[str] = ()) -> int:
    """Append dead letters (all, or those named) to the event stream again; how many there were to append."""
    call = redis.register_script(scripts.REVIVE)
    names = [keys.events_key(shop), keys.dead_key(shop), keys.tasks_key(shop)]
    wanted = list(ids) or [letter.id for letter in await dead_letters(redis, shop, limit=1_000_000)]
    revived = 0
    for id_ in wanted:
        revived += bool(await call(keys=names, args=[id_]))
    return revived


def _letter(id_: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode(errors="replace")

    return DeadLetter(
        id=id_.decode(),
        entry=text(b"i"),
        reason=text(b"r"),
        deliveries=int(text(b"n") or 0),
        shoppers=tuple(text(b"p").split()),
        data=fields.get(b"e") or fields.get(b"t", b""),
    )
