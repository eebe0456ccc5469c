"""Noting that a name leads to a shopper, unless one of them does not want to be known.

In: links as they were and as they shall be. Out: those that took. The shopper's list of names comes first, the link
after: what erasure reads is never behind what leads to a customer.
"""

from collections.abc import Iterable, Sequence

from redis.asyncio import Redis

from backend.identity.links import Link, encode_link
from edge.core import keys
from edge.core.consent import decode_decision
from edge.core.errors import CodecError
from edge.profiles import get_many

Lesson = tuple[Link | None, Link]

# KEYS: links, consent. ARGV: consent as read, the name, the TTL.
_NOTE = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('SADD', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
# KEYS: link, profile. ARGV: the link as read, the new one, its TTL, whether the name must have no profile of its own.
_LEAD = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[4] ~= '' and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


async def consents(redis: "Redis", shop: str, names: Iterable[str]) -> dict[str, bytes]:
    """The stored decisions of these names, as bytes; empty where there is none."""
    asked = list(dict.fromkeys(names))
    values = await get_many(redis, [keys.consent_key(shop, name) for name in asked]) if asked else []
    return {name: value or b"" for name, value in zip(asked, values, strict=True)}


def denies(stored: bytes) -> bool:
    """Whether a stored decision forbids knowing somebody across visits. A damaged one counts as none."""
    if not stored:
        return False
    try:
        return "personalization" not in decode_decision(stored).granted
    except CodecError:
        return False


async def may_learn(redis: "Redis", shop: str, names: Iterable[str]) -> bool:
    """Whether none of these has denied it."""
    return not any(denies(stored) for stored in (await consents(redis, shop, names)).values())


async def learn(redis: "Redis", shop: str, lessons: Sequence[Lesson]) -> dict[str, Link]:
    """Keep these links, by name; without those that were denied or changed meanwhile: the next event says it again.

    A link that says `merged` is kept only for a name without a profile: there is nothing to merge then.
    """
    if not lessons:
        return {}
    stored = await consents(redis, shop, [name for _, link in lessons for name in (link.name, link.shopper)])
    kept = [(old, new) for old, new in lessons if not denies(stored[new.name]) and not denies(stored[new.shopper])]
    async with redis.pipeline(transaction=False) as pipe:
        for _, link in kept:
            names = [keys.links_key(shop, link.shopper), keys.consent_key(shop, link.shopper)]
            pipe.execute_command("EVAL", _NOTE, 2, *names, stored[link.shopper], link.name, keys.LINK_TTL_S)
        noted = await pipe.execute()
        kept = [lesson for lesson, done in zip(kept, noted, strict=True) if done]
        for old, new in kept:
            before, empty = encode_link(old) if old else b"", "1" if new.state == "merged" else ""
            names = [keys.alias_key(shop, new.name), keys.profile_key(shop, new.name)]
            pipe.execute_command("EVAL", _LEAD, 2, *names, before, encode_link(new), keys.LINK_TTL_S, empty)
        led = await pipe.execute()
    return {new.name: new for (_, new), done in zip(kept, led, strict=True) if done}
