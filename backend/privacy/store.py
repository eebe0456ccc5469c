"""Forgetting in the store: a person's own records, and what they did that still stands in the shop's streams.

In: a `Reach`. Out: nothing of it but the tombstones, and how much went. The tombstone comes first: whoever writes a
profile, a link or the log compares with it, so nothing that is under way brings anything back.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from backend.identity.links import Link, encode_link, read_links
from backend.privacy.reach import Reach
from edge.core import keys, tasks
from edge.core.codec import decode_session
from edge.core.consent import Decision, encode_decision
from edge.core.errors import UNREADABLE, CodecError
from edge.core.events import Event

ERASED = "erased"  # the source of a tombstone
OWN_KEYS: tuple[Callable[[str, str], str], ...] = (
    keys.profile_key, keys.session_key, keys.parts_key, keys.marks_key, keys.alias_key, keys.links_key, keys.facts_key,
    keys.trail_key,
)  # fmt: skip
_PAGE = 1_000
_REWRITE_WAIT_S = 120.0
_event = msgspec.json.Decoder(Event)


@dataclass
class Gone:
    """How much went, by place; no ids."""

    keys: int = 0
    entries: int = 0
    dead_letters: int = 0
    tasks: int = 0


async def bury(redis: "Redis", shop: str, names: Iterable[str], now: float, ttl_s: int = keys.CONSENT_TTL_S) -> None:
    """Put a tombstone for each name: a decision that grants nothing."""
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            stone = encode_decision(Decision(shop, name, (), now, ERASED))
            pipe.set(keys.consent_key(shop, name), stone, ex=ttl_s)
        await pipe.execute()


async def forget_records(redis: "Redis", shop: str, reach: Reach) -> int:
    """Delete everything under the names; of shared devices what is nobody else's. How many keys went."""
    async with redis.pipeline(transaction=False) as pipe:
        for name in reach.named:
            pipe.delete(*(key(shop, name) for key in OWN_KEYS))
        gone: int = sum(await pipe.execute())
    for name in reach.shared:
        gone += await _forget_shared(redis, shop, name, reach.named)
    return gone


async def _forget_shared(redis: "Redis", shop: str, name: str, named: frozenset[str]) -> int:
    gone: int = await redis.delete(keys.profile_key(shop, name), keys.parts_key(shop, name))
    data: Any = await redis.get(keys.session_key(shop, name))
    if data is not None and _of(data, named):
        gone += await redis.delete(keys.session_key(shop, name))
    link = (await read_links(redis, shop, [name])).get(name)
    if link and link.shopper in named:
        # The device stays nobody's; whose it was is forgotten.
        nobodys = encode_link(Link(shop, name, name, "unlinked"))
        await redis.set(keys.alias_key(shop, name), nobodys, ex=keys.LINK_TTL_S)
    return gone


def _of(data: bytes, named: frozenset[str]) -> bool:
    try:
        session = decode_session(data)
    except CodecError:
        return True
    return session.customer in named or session.after in named or not session.customer


async def _pages(redis: "Redis", key: str) -> AsyncIterator[list[tuple[bytes, dict[bytes, bytes]]]]:
    start = "-"
    while True:
        page: Any = await redis.xrange(key, start, "+", count=_PAGE)
        if not page:
            return
        yield page
        start = f"({page[-1][0].decode()}"


async def forget_entries(redis: "Redis", shop: str, reach: Reach) -> int:
    """Take their events out of the stream, read or unread, and the marks of these events; how many."""
    gone = 0
    async for page in _pages(redis, keys.events_key(shop)):
        found = [(entry, fields[b"e"]) for entry, fields in page if _theirs(fields.get(b"e", b""), reach)]
        gone += await _drop(redis, keys.events_key(shop), [entry for entry, _ in found], groups=True)
        for _, data in found:
            if event := _event_of(data):
                await redis.delete(keys.seen_key(shop, event.id))
    return gone


async def events_of(redis: "Redis", shop: str, reach: Reach) -> list[Event]:
    """Their events that still stand in the stream."""
    found = []
    async for page in _pages(redis, keys.events_key(shop)):
        events = (_event_of(fields.get(b"e", b"")) for _, fields in page)
        found += [event for event in events if event and reach.concerns(event)]
    return found


def _theirs(data: bytes, reach: Reach) -> bool:
    """Whether the bytes of an event are theirs; unreadable ones are if they name them."""
    event = _event_of(data)
    return reach.concerns(event) if event else names_any(data, (*reach.everyone, *reach.orders))


def _event_of(data: bytes) -> Event | None:
    try:
        return _event.decode(data)
    except UNREADABLE:
        return None


def names_any(data: bytes, names: Iterable[str]) -> bool:
    """Whether any of the names stands in some bytes, as a word of its own."""
    return any(re.search(rb"(?<![\w-])" + re.escape(name.encode()) + rb"(?![\w-])", data) for name in names)


async def forget_dead_letters(redis: "Redis", shop: str, reach: Reach) -> int:
    """Take out dead letters that are theirs or name them; how many."""
    gone, names = 0, (*reach.everyone, *reach.orders)
    async for page in _pages(redis, keys.dead_key(shop)):
        entries = [
            entry
            for entry, fields in page
            if _theirs(fields.get(b"e", b""), reach)
            or any(names_any(fields.get(field, b""), names) for field in (b"t", b"p", b"r"))
        ]
        gone += await _drop(redis, keys.dead_key(shop), entries)
    return gone


async def forget_tasks(redis: "Redis", shop: str, reach: Reach) -> int:
    """Drop what else was asked for about them, such as an export or an order to be fetched; other erasures stay."""
    gone = 0
    async for page in _pages(redis, keys.tasks_key(shop)):
        entries = [entry for entry, fields in page if _about(fields.get(b"t", b""), reach)]
        gone += await _drop(redis, keys.tasks_key(shop), entries, groups=True)
    return gone


def _about(data: bytes, reach: Reach) -> bool:
    try:
        task = tasks.decode_task(data)
    except CodecError:
        return names_any(data, (*reach.everyone, *reach.orders))
    match task:
        case tasks.Export():
            return not reach.everyone.isdisjoint(task.shoppers)
        case tasks.Unlink():
            return not reach.named.isdisjoint((task.visitor, task.customer))
        case tasks.Fetch():
            return task.object_id in reach.orders
    return False


async def _drop(redis: "Redis", key: str, entries: list[bytes], *, groups: bool = False) -> int:
    if not entries:
        return 0
    if groups:
        found: Any = await redis.xinfo_groups(key)
        for group in found:
            await redis.xack(key, group["name"], *entries)
    gone: int = await redis.xdel(key, *entries)
    return gone


async def rewrite_files(redis: "Redis") -> bool:
    """Have the store write its append-only file anew, so that what was deleted leaves the disk, too.

    False where the store does not let itself be asked, as managed ones do.
    """
    try:
        before: Any = await redis.info("persistence")
        if not before.get("aof_enabled"):
            return False
        await _wait_idle(redis)
        await redis.bgrewriteaof()
        return await _wait_idle(redis)
    except ResponseError:
        return False


async def _wait_idle(redis: "Redis") -> bool:
    for _ in range(int(_REWRITE_WAIT_S / 0.05)):
        state: Any = await redis.info("persistence")
        if not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"] or state["rdb_bgsave_in_progress"]):
            return bool(state["aof_last_bgrewrite_status"] == "ok")
        await asyncio.sleep(0.05)
    return False
