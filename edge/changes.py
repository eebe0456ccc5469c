"""Price, stock and card changes on their way to every edge process.

In: changes. Out: the shop's overlay (a hash, the truth) and a stream entry for each that shows, in one atomic step, so
that a process that follows the stream and one that starts later see the same. Webhooks write from the edge, the
importers and commands from the backend.
"""

from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis

from edge.core.keys import changes_key, overlay_key
from edge.core.products import Change, decode_change, encode_change
from edge.errors import CodecError, EndcapError

# The hash holds the truth, so old entries may go: a follower this far behind reads the hash again.
_STREAM_LENGTH = 10_000
_ATTEMPTS = 100  # each failure means that somebody else changed this very product in between

# Writes fields of a hash, a product's overlay and the word to all edges, if all it was worked out from still stands.
# KEYS: overlay, stream of changes, hash. ARGV: product, overlay before, overlay after, whether to tell, length of the
# stream, then field, before, after of the hash; an empty text stands for no field, no
# product for a change of the hash alone.
_WRITE = """
local function stands(key, field, before) return (redis.call('HGET', key, field) or '') == before end
if ARGV[1] ~= '' and not stands(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
for i = 6, #ARGV, 3 do
  if not stands(KEYS[3], ARGV[i], ARGV[i + 1]) then return 0 end
end
for i = 6, #ARGV, 3 do
  if ARGV[i + 2] ~= ARGV[i + 1] then redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 2]) end
end
if ARGV[3] ~= ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
if ARGV[4] == '1' then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'c', ARGV[3]) end
return 1
"""

Field = tuple[str, bytes, bytes]  # of a hash: name, bytes before, bytes after


class BusyProductError(EndcapError):
    """One product was changed by others in every one of many attempts."""


async def put_changes(redis: "Redis", shop: str, changes: Iterable[Change]) -> None:
    """Merge each change into what is known of its product (newer wins, field by field) and tell all edges.

    Raises BusyProductError, and what the client raises.
    """
    for change in changes:
        for _ in range(_ATTEMPTS):
            if await write_change(redis, shop, change):
                break
        else:
            raise BusyProductError(f"product {change.id} kept changing; send the change again")


async def write_change(
    redis: "Redis", shop: str, change: Change | None, fields: Iterable[Field] = (), *, hash_key: str | None = None
) -> bool:
    """Try once; False when somebody else was faster. `fields` of the hash `hash_key` are written in the same step."""
    overlay = overlay_key(shop)
    product, before, after, tell = "", b"", b"", False
    if change is not None:
        product, before = change.id, await _stored(redis, overlay, change.id)
        known = _readable(before)
        merged = known.merged(change) if known else change
        after, tell = encode_change(merged), known is None or known.shown() != merged.shown()
    arguments: list[str | bytes | int] = [product, before, after, int(tell), _STREAM_LENGTH]
    for field in fields:
        arguments += field
    names = [overlay, changes_key(shop), hash_key or overlay]
    return bool(await redis.register_script(_WRITE)(keys=names, args=arguments))


async def _stored(redis: "Redis", overlay: str, product_id: str) -> bytes:
    data: Any = await redis.hget(overlay, product_id)
    return data or b""


def _readable(data: bytes) -> Change | None:
    if not data:
        return None
    try:
        return decode_change(data)
    except CodecError:
        return None  # damaged, or from a newer version: what comes now is better than nothing for ever
