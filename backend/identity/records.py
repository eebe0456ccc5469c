"""One shopper's records as they lie in their slot, and the one step that changes them.

In: a shop and a name. Out: `Records`, read together; `rewrite` puts others in their place only if profile and consent
are still what was read, so that an event, a merge and an erasure at the same moment never mix.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from backend.identity.parts import Parts, combine, read_parts, write_parts
from edge.core import keys
from edge.core.codec import decode_profile, encode_profile
from edge.core.consent import Decision, decode_decision
from edge.core.errors import CodecError, EndcapError
from edge.core.profile import Profile

ATTEMPTS = 20


class ContendedError(EndcapError):
    """A shopper's records kept changing under every attempt to change them."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: the records kept changing under {ATTEMPTS} attempts; repeat it, nothing was lost")


@dataclass(frozen=True)
class Records:
    """What lies under one name: raw bytes for the comparison, decoded on demand."""

    shop: str
    name: str
    profile_bytes: bytes | None
    consent_bytes: bytes | None
    hashed: dict[bytes, bytes]  # the parts, and what is on its way to another slot
    links: set[bytes]
    marks: list[tuple[bytes, float]]

    @property
    def profile(self) -> Profile | None:
        """The profile; a damaged or foreign one is none."""
        return _profile(self.profile_bytes, self.shop, self.name)

    @property
    def parts(self) -> Parts:
        """The profile's parts."""
        return read_parts(self.hashed, self.shop, self.name, self.profile)

    @property
    def decision(self) -> Decision | None:
        """The stored decision on consent. A damaged one is none, as it is for the edge."""
        return _decision(self.consent_bytes, self.shop, self.name)

    @property
    def denied(self) -> bool:
        """Whether a stored decision forbids a profile."""
        decision = self.decision
        return decision is not None and "personalization" not in decision.granted

    def took_in(self, name: str) -> bool:
        """Whether another name's history is in here already."""
        return f"+{name}".encode() in self.links

    def waiting(self, field: str) -> Profile | None:
        """A history on its way out of this slot."""
        return _profile(self.hashed.get(field.encode()), self.shop, None)


def _profile(data: bytes | None, shop: str, name: str | None) -> Profile | None:
    if data is None:
        return None
    try:
        profile = decode_profile(data)
    except CodecError:
        return None
    return profile if profile.shop == shop and name in (None, profile.shopper) else None


def _decision(data: bytes | None, shop: str, name: str) -> Decision | None:
    if data is None:
        return None
    try:
        decision = decode_decision(data)
    except CodecError:
        return None
    return decision if (decision.shop, decision.shopper) == (shop, name) else None


# KEYS: profile, consent, parts, links, marks. A script and no transaction: redis-py cannot do these on a cluster.
_READ = """
return {
  redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[3]),
  redis.call('SMEMBERS', KEYS[4]), redis.call('ZRANGE', KEYS[5], 0, -1, 'WITHSCORES')
}
"""


def _keys(shop: str, name: str) -> tuple[str, ...]:
    held = (keys.profile_key, keys.consent_key, keys.parts_key, keys.links_key, keys.marks_key)
    return tuple(key(shop, name) for key in held)


async def read_records(redis: "Redis", shop: str, name: str) -> Records:
    """All of one shopper's records at one moment."""
    names = _keys(shop, name)
    profile, consent, hashed, links, marks = await redis.eval(_READ, len(names), *names)
    return Records(
        shop, name, profile, consent, dict(_pairs(hashed)), set(links), [(m, float(at)) for m, at in _pairs(marks)]
    )


def _pairs(flat: list[bytes]) -> Iterable[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


# KEYS: profile, consent, parts, links, marks. ARGV: the two as read, the new profile (empty: none), the TTLs of profile
# and marks, how many names to link, to part from, parts to delete, to set, then all these, then marks.
_REWRITE = """
local function is(key, expected) return (redis.call('GET', key) or '') == expected end
if not is(KEYS[1], ARGV[1]) or not is(KEYS[2], ARGV[2]) then return 0 end
if ARGV[3] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4]) end
local at = 10
for _ = 1, tonumber(ARGV[6]) do redis.call('SADD', KEYS[4], ARGV[at]); at = at + 1 end
redis.call('EXPIRE', KEYS[4], ARGV[4])
for _ = 1, tonumber(ARGV[7]) do redis.call('SREM', KEYS[4], ARGV[at]); at = at + 1 end
for _ = 1, tonumber(ARGV[8]) do redis.call('HDEL', KEYS[3], ARGV[at]); at = at + 1 end
for _ = 1, tonumber(ARGV[9]) do redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1]); at = at + 2 end
redis.call('EXPIRE', KEYS[3], ARGV[4])
while ARGV[at] do redis.call('ZADD', KEYS[5], 'NX', ARGV[at + 1], ARGV[at]); at = at + 2 end
redis.call('EXPIRE', KEYS[5], ARGV[5])
return 1
"""


async def rewrite(
    redis: "Redis",
    before: Records,
    parts: Parts,
    *,
    link: Iterable[str] = (),
    unlink: Iterable[str] = (),
    out: Mapping[str, bytes] | None = None,
    marks: Iterable[tuple[bytes, float]] = (),
) -> bool:
    """Make the profile that of these parts, in one step. False when the records changed since they were read."""
    shop, name = before.shop, before.name
    fields = write_parts(parts) | dict(out or {})
    gone = [field for field in before.hashed if field.decode() not in fields and not field.startswith(b"out")]
    whole = combine(shop, name, parts)
    after = encode_profile(whole) if whole.revision else b""
    names = _keys(shop, name)
    arguments: list[Any] = [before.profile_bytes or b"", before.consent_bytes or b"", after]
    arguments += [keys.PROFILE_TTL_S, keys.SEEN_TTL_S]
    linked, parted = list(link), list(unlink)
    arguments += [len(linked), len(parted), len(gone), len(fields), *linked, *parted, *gone]
    arguments += [value for pair in fields.items() for value in pair]
    arguments += [value for mark in marks for value in mark]
    return bool(await redis.eval(_REWRITE, len(names), *names, *arguments))
