"""A withdrawal, carried to where the edge does not reach: links, parts of others' profiles, the log, the history.

In: names and the purposes they still grant. Out: what the other purposes had allowed is gone. The stored decision,
which the edge has written already, stands against whatever is under way.
"""

import asyncio
from collections.abc import Collection
from typing import Any

from redis.asyncio import Redis

from backend import audit
from backend.event_log.store import EventLog
from backend.identity.links import read_links
from backend.identity.merge import unlink
from backend.privacy import files
from backend.privacy.reach import Reach
from backend.settings import Settings
from edge.core import keys


async def withdraw(
    redis: "Redis", settings: Settings, shoppers: Collection[str], granted: Collection[str], *, actor: str = "worker"
) -> dict[str, int]:
    """Delete what is no longer allowed of these names; how much went, by place."""
    counts = {"links": 0, "log_rows": 0, "history_rows": 0}
    if "personalization" not in granted:
        for name in shoppers:
            counts["links"] += await _forget_links(redis, settings.shop, name)
    if "analytics" not in granted:
        reach = Reach(frozenset(shoppers))
        log = EventLog.open(settings.event_log, settings.data_dir)
        counts["log_rows"] = await asyncio.to_thread(files.forget_log, log, settings.shop, reach)
        counts["history_rows"] = await asyncio.to_thread(files.deny_history, settings, reach)
    audit.append(settings.data_dir, settings.shop, "withdraw", actor, "done", granted=sorted(granted), **counts)
    return counts


async def _forget_links(redis: "Redis", shop: str, name: str) -> int:
    """A visitor's part of a customer's profile, and whatever leads to this name."""
    link = (await read_links(redis, shop, [name])).get(name)
    if link and await unlink(redis, shop, name, link.shopper):
        return 1
    members: Any = await redis.smembers(keys.links_key(shop, name))
    others = [member.decode() for member in members if not member.startswith((b"+", b"back:"))]
    leading = [other for other, link in (await read_links(redis, shop, others)).items() if link.shopper == name]
    for other in leading:
        await redis.delete(keys.alias_key(shop, other))
    await redis.delete(keys.links_key(shop, name), keys.parts_key(shop, name))
    return len(leading)
