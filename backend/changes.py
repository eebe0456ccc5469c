"""Price, stock and card changes on their way to every edge process.

In: changes. Out: the shop's overlay (a hash, the truth) and a stream entry for each, in one atomic step, so that a
process that follows the stream and one that starts later see the same.
"""

from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import WatchError

from edge.core.keys import changes_key, overlay_key
from edge.core.products import Change, decode_change, encode_change

# The hash holds the truth, so old entries may go: a follower this far behind reads the hash again.
_STREAM_LENGTH = 10_000


async def put_changes(redis: "Redis", shop: str, changes: Iterable[Change]) -> None:
    """Merge each change into what is known of its product (newer fields win) and tell all edges."""
    for change in changes:
        while not await _put(redis, shop, change):
            pass  # somebody else changed the same shop in between: merge again


async def _put(redis: "Redis", shop: str, change: Change) -> bool:
    overlay, stream = overlay_key(shop), changes_key(shop)
    async with redis.pipeline(transaction=True) as pipe:
        await pipe.watch(overlay)
        stored: Any = await pipe.hget(overlay, change.id)
        merged = encode_change(decode_change(stored).merged(change) if stored else change)
        pipe.multi()  # type: ignore[no-untyped-call]  # because redis-py leaves this one untyped
        pipe.hset(overlay, change.id, merged)
        pipe.xadd(stream, {"c": merged}, maxlen=_STREAM_LENGTH, approximate=True)
        try:
            await pipe.execute()
        except WatchError:
            return False
    return True
