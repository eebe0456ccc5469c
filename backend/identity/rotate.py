"""A shopper's records move to the name that the new key gives them.

In: the name under the former key, and the name now. Out: everything under the new one, and `moved` under the old. Three
steps as in `merge`, each harmless to repeat. A denial under either name holds under the new one.
"""

from redis.asyncio import Redis

from backend.identity.links import Link, encode_link, read_links
from backend.identity.merge import ASIDE, absorb, finish_unlink, set_aside, settle
from backend.identity.parts import OWN
from backend.identity.records import ATTEMPTS, ContendedError, Records, read_records, rewrite
from edge.core import keys
from edge.core.consent import Decision, encode_decision
from edge.core.profile import merge


async def move(redis: "Redis", shop: str, old: str, new: str) -> Link | None:
    """Move all that lies under a former name. The old name's link then; None while there was nothing to move."""
    for _ in range(ATTEMPTS):
        link = (await read_links(redis, shop, [old])).get(old)
        if link and link.state == "moved":
            return link
        if link and link.state == "moving":
            return await _carry_on(redis, link)
        if link and link.state == "merging":
            link = await absorb(redis, shop, old, link.shopper, link.since)
        elif link and link.state == "unlinking":
            await finish_unlink(redis, link)
            continue
        records = await read_records(redis, shop, old)
        if link is None and not _holds(records):
            return None
        # What the old name led to is said in the new name's link before the old one forgets it.
        if link:
            await _repeat_link(redis, link, new)
        after = Link(shop, old, new, "moving")
        if await set_aside(redis, link, after, records.consent_bytes):
            return await _carry_on(redis, after)
    raise ContendedError("moving a shopper to a new key's name")


def _holds(records: Records) -> bool:
    return any((records.profile_bytes, records.consent_bytes, records.hashed, records.links, records.marks))


async def _repeat_link(redis: "Redis", link: Link, new: str) -> None:
    shopper = new if link.shopper == link.name else link.shopper  # a guest's own name waits for itself
    repeated = Link(link.shop, new, shopper, link.state, link.since)
    await redis.set(keys.alias_key(link.shop, new), encode_link(repeated), ex=keys.LINK_TTL_S, nx=True)


async def _carry_on(redis: "Redis", link: Link) -> Link:
    await _take_over_consent(redis, link)
    await _take_in(redis, link)
    moved = Link(link.shop, link.name, link.shopper, "moved")
    await settle(redis, link, moved)
    shop, old = link.shop, link.name
    # The marks stay their four days: an entry delivered again may still name the old name.
    # The visit stays its day, too: the edge reads it there until the next event writes it under the new name.
    # So does a decision: who writes the log may still come upon entries under the old name.
    for key in (keys.parts_key, keys.links_key, keys.facts_key):
        await redis.delete(key(shop, old))
    return moved


async def _take_over_consent(redis: "Redis", link: Link) -> None:
    for _ in range(ATTEMPTS):
        former = (await read_records(redis, link.shop, link.name)).decision
        mine = await read_records(redis, link.shop, link.shopper)
        if former is None:
            return
        granted, at, source = former.granted, former.time, former.source
        if mine.decision:
            newer = max(mine.decision, former, key=lambda decision: decision.time)
            granted, at, source = newer.granted, newer.time, newer.source
        made = encode_decision(Decision(link.shop, link.shopper, granted, at, source))
        if await _swap_consent(redis, mine, made):
            return
    raise ContendedError("moving a decision on consent to a new key's name")


_SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


async def _swap_consent(redis: "Redis", before: Records, made: bytes) -> bool:
    key = keys.consent_key(before.shop, before.name)
    return bool(await redis.eval(_SWAP, 1, key, before.consent_bytes or b"", made, keys.CONSENT_TTL_S))


async def _take_in(redis: "Redis", link: Link) -> None:
    source = await read_records(redis, link.shop, link.name)
    history = source.waiting(ASIDE)
    for _ in range(ATTEMPTS):
        target = await read_records(redis, link.shop, link.shopper)
        if target.took_in(link.name):
            return
        parts = target.parts
        if not target.denied:
            theirs = source.parts if len(source.parts) > 1 else {OWN: history} if history else {}
            for name, part in theirs.items():
                if name in parts:
                    merge(parts[name], part)
                else:
                    parts[name] = part
        names = [name.decode() for name in source.links]
        if await rewrite(redis, target, parts, link=(link.name, f"+{link.name}"), marks=source.marks):
            break
    else:
        raise ContendedError("moving a shopper to a new key's name")
    if names:
        await redis.sadd(keys.links_key(link.shop, link.shopper), *names)
