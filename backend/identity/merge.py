"""A visitor's history becomes a customer's, once, and can be taken back.

In: a name and the customer it turned out to be. Out: the name's profile as a part of the customer's. The two lie in
different slots of a cluster, so it takes three steps, each atomic, each harmless to repeat: (1) the link says `merging`
and the profile is set aside beside it, (2) the customer's slot takes it in and notes the name, (3) the link says
`merged` and what was set aside goes. After a crash the next one who sees the link carries on. `unlink` goes backwards.
"""

from typing import Any

from redis.asyncio import Redis

from backend.identity.links import Link, change_link, encode_link, present_name, read_links
from backend.identity.parts import OWN, combine
from backend.identity.records import ATTEMPTS, ContendedError, read_records, rewrite
from edge.core import keys
from edge.core.codec import encode_profile
from edge.core.profile import Profile, merge

Marks = list[tuple[bytes, float]]
ASIDE = "out"  # the field of a name's own hash in which its profile waits to be taken in

# KEYS: link, consent, profile, parts. ARGV: link and consent as read, the new link, its TTL.
_SET_ASIDE = """
local function is(key, expected) return (redis.call('GET', key) or '') == expected end
if not is(KEYS[1], ARGV[1]) or not is(KEYS[2], ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
local profile = redis.call('GET', KEYS[3])
if profile then
  redis.call('HSET', KEYS[4], 'out', profile)
  redis.call('EXPIRE', KEYS[4], ARGV[4])
  redis.call('DEL', KEYS[3])
end
return 1
"""
# KEYS: link, parts. ARGV: the link as it must be, the new one, its TTL.
_SETTLE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('HDEL', KEYS[2], 'out')
return 1
"""


async def absorb(redis: "Redis", shop: str, name: str, shopper: str, since: float) -> Link | None:
    """Merge a name's history into a shopper's, or carry on where a crash left it. The link then; None if denied.

    A name that belongs to somebody already stays there: the link returned says so. Raises ContendedError.
    """
    for _ in range(ATTEMPTS):
        link = (await read_links(redis, shop, [name])).get(name)
        if link and link.state == "merging":
            return await _carry_on(redis, link)
        if link and link.state not in ("alias", "held"):
            return link
        records = await read_records(redis, shop, name)
        if records.denied:
            return None
        after = Link(shop, name, shopper, "merging", float(since))
        if await set_aside(redis, link, after, records.consent_bytes):
            return await _carry_on(redis, after)
    raise ContendedError("merging a visitor into a customer")


async def set_aside(redis: "Redis", before: Link | None, after: Link, consent: bytes | None) -> bool:
    """Step 1. False when the link or the consent changed meanwhile."""
    shop, name = after.shop, after.name
    names = [keys.alias_key(shop, name), keys.consent_key(shop, name)]
    names += [keys.profile_key(shop, name), keys.parts_key(shop, name)]
    arguments: list[bytes | int] = [
        encode_link(before) if before else b"",
        consent or b"",
        encode_link(after),
        keys.LINK_TTL_S,
    ]
    return bool(await redis.eval(_SET_ASIDE, len(names), *names, *arguments))


async def _carry_on(redis: "Redis", link: Link) -> Link:
    await _take_in(redis, link)
    merged = Link(link.shop, link.name, link.shopper, "merged", link.since)
    await settle(redis, link, merged)
    return merged


async def _take_in(redis: "Redis", link: Link) -> None:
    """Step 2: the history as a part, its marks with it, so that no event of it counts again in its new place."""
    waiting = await read_records(redis, link.shop, link.name)
    history = waiting.waiting(ASIDE)
    for _ in range(ATTEMPTS):
        theirs = await read_records(redis, link.shop, link.shopper)
        if theirs.took_in(link.name) or theirs.denied:
            return  # done before a crash; or a denial, which also holds for what would be merged
        parts = theirs.parts
        if history:
            parts[link.name] = history
        if await rewrite(redis, theirs, parts, link=(link.name, f"+{link.name}"), marks=waiting.marks):
            return
    raise ContendedError("merging a visitor into a customer")


async def settle(redis: "Redis", before: Link, after: Link) -> bool:
    """Step 3. False when somebody else did it."""
    names = [keys.alias_key(after.shop, after.name), keys.parts_key(after.shop, after.name)]
    done: Any = await redis.eval(_SETTLE, 2, *names, encode_link(before), encode_link(after), keys.LINK_TTL_S)
    return bool(done)


async def share(redis: "Redis", link: Link) -> None:
    """Note that a second customer uses the device: from now on nothing of it is merged into anybody."""
    await change_link(redis, link, Link(link.shop, link.name, link.shopper, "shared", link.since))


# --- undo ------------------------------------------------------------------------------------------------------------


async def unlink(redis: "Redis", shop: str, name: str, shopper: str) -> bool:
    """Take a visitor's history out of a customer's again, for ever. False when the two are not linked.

    Raises ContendedError. Repeating it after a crash finishes it.
    """
    name, shopper = await present_name(redis, shop, name), await present_name(redis, shop, shopper)
    for _ in range(ATTEMPTS):
        link = (await read_links(redis, shop, [name])).get(name)
        if link is None or link.state not in ("merging", "merged", "shared", "unlinking"):
            return False
        if await present_name(redis, shop, link.shopper) != shopper:
            return False
        if link.state == "merging":
            await _carry_on(redis, link)
            continue
        leaving = Link(shop, name, shopper, "unlinking", link.since)
        if link.state == "unlinking" or await change_link(redis, link, leaving):
            await finish_unlink(redis, leaving)
            return True
    raise ContendedError("parting a visitor from a customer")


async def finish_unlink(redis: "Redis", link: Link) -> None:
    """Carry out a parting that was begun: out of the customer's slot, into the visitor's, in steps that can repeat."""
    field = f"{ASIDE}:{link.name}"
    history, marks = await _take_out(redis, link, field)
    if history:
        await _give_back(redis, link, history, marks)
    await redis.hdel(keys.parts_key(link.shop, link.shopper), field)
    await settle(redis, link, Link(link.shop, link.name, link.shopper, "unlinked", link.since))


async def _take_out(redis: "Redis", link: Link, field: str) -> tuple[Profile | None, Marks]:
    mine = await read_records(redis, link.shop, link.name)
    former = (one.decode() for one in mine.links if not one.startswith((b"+", b"back:")))
    names = [link.name, *former]
    for _ in range(ATTEMPTS):
        theirs = await read_records(redis, link.shop, link.shopper)
        parts = theirs.parts
        found = {name: parts.pop(name) for name in names if name in parts}
        part = combine(link.shop, link.name, found) if found else None
        out = {field: encode_profile(part)} if part else {}
        if part is None and theirs.links.isdisjoint(name.encode() for name in names):
            return theirs.waiting(field), theirs.marks  # done before a crash
        if await rewrite(redis, theirs, parts, unlink=[one for name in names for one in (name, f"+{name}")], out=out):
            return part or theirs.waiting(field), theirs.marks
    raise ContendedError("parting a visitor from a customer")


async def _give_back(redis: "Redis", link: Link, history: Profile, marks: Marks) -> None:
    """The visitor has its history again, with what it did since; once, because the name is noted in the same step."""
    done = f"back:{link.shopper}"
    for _ in range(ATTEMPTS):
        mine = await read_records(redis, link.shop, link.name)
        if done.encode() in mine.links or mine.denied:
            return
        parts = mine.parts
        merge(parts[OWN], history)
        if await rewrite(redis, mine, parts, link=[done], marks=marks):
            return
    raise ContendedError("parting a visitor from a customer")
