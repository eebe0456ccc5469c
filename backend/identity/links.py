"""What a name (a pseudonym of any kind) is known to lead to, and how far that has been carried out.

In: `a:{shop/name}`. Out: a `Link`, read in bulk, changed only from what was read (compare-and-set), so that two
processes never decide about the same name at once.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from redis.asyncio import Redis

from edge.core import keys
from edge.core.errors import UNREADABLE, CodecError
from edge.profiles import get_many

# alias: leads to that customer. held: waits with somebody whose customer nobody knows yet. merging, moving, unlinking:
# under way, whoever sees it next carries it on.
# merged: its history lies in the customer's. shared: likewise, and others use the device, too. unlinked: parted on
# request, for ever. moved: the same person under a newer key.
State = Literal["alias", "held", "merging", "merged", "shared", "unlinking", "unlinked", "moving", "moved"]
UNDER_WAY: frozenset[State] = frozenset({"merging", "unlinking", "moving"})

_VERSION = b"\x01"
_HOPS = 4  # former names a name may have: more keys than anybody keeps


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Name -> shopper, since `since` (unix seconds of the event that said so)."""

    shop: str
    name: str
    shopper: str
    state: State
    since: float = 0.0


_decoder = msgspec.msgpack.Decoder(Link)


def encode_link(link: Link) -> bytes:
    """One link as stored."""
    return _VERSION + msgspec.msgpack.encode(link)


def decode_link(data: bytes) -> Link:
    """Read what `encode_link` wrote. Raises CodecError for anything else."""
    if not data.startswith(_VERSION):
        raise CodecError(f"stored link has version {data[:1]!r}, this program reads {_VERSION!r}")
    try:
        return _decoder.decode(data[1:])
    except UNREADABLE as error:
        raise CodecError(f"stored link is unreadable: {error}") from error


async def read_links(redis: "Redis", shop: str, names: Iterable[str]) -> dict[str, Link]:
    """The links of these names, where there are any; a damaged or foreign one counts as none."""
    asked = list(dict.fromkeys(names))
    if not asked:
        return {}
    values = await get_many(redis, [keys.alias_key(shop, name) for name in asked])
    found = {}
    for name, data in zip(asked, values, strict=True):
        link = _believed(data, shop, name)
        if link is not None:
            found[name] = link
    return found


async def present_name(redis: "Redis", shop: str, name: str) -> str:
    """A shopper's name now, where it was given under a former key."""
    for _ in range(_HOPS):
        link = (await read_links(redis, shop, [name])).get(name)
        if link is None or link.state != "moved":
            break
        name = link.shopper
    return name


def _believed(data: bytes | None, shop: str, name: str) -> Link | None:
    if data is None:
        return None
    try:
        link = decode_link(data)
    except CodecError:
        return None
    return link if (link.shop, link.name) == (shop, name) else None


# Only if the link is still what it was when the decision was made.
_CHANGE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


async def change_link(redis: "Redis", before: Link | None, after: Link) -> bool:
    """Put a link in the place of another (None: of none). False when somebody else was first."""
    key, expected = keys.alias_key(after.shop, after.name), encode_link(before) if before else b""
    done: Any = await redis.eval(_CHANGE, 1, key, expected, encode_link(after), keys.LINK_TTL_S)
    return bool(done)
