"""Forgetting a person, or a whole shop, everywhere.

In: the names in a request. Out: nothing of them in the store, the streams, the log, the prepared history and the
exports; a tombstone under each name; one line in the audit log that says how much went and of nobody's name. Repeating
it finds nothing, so a crash in between is mended by doing it again.
"""

import asyncio
import shutil
from collections.abc import Collection

from redis.asyncio import Redis

from backend import audit
from backend.event_log.store import EventLog
from backend.identity.merge import unlink
from backend.privacy import files, store
from backend.privacy.reach import find_reach
from backend.privacy.rebuild import rebuild
from backend.settings import Settings
from edge.core import clock, keys


async def erase(
    redis: "Redis",
    settings: Settings,
    shoppers: Collection[str],
    orders: Collection[str] = (),
    *,
    reason: str = "asked for",
    actor: str = "worker",
) -> dict[str, int]:
    """Forget everything under these names and all that are linked to them; how much went, by place."""
    shop = settings.shop
    counts: dict[str, int] = {}
    reach = await find_reach(redis, shop, shoppers, orders)
    await store.bury(redis, shop, reach.named, clock.now())
    for customer, visitors in reach.hosts.items():
        for visitor in visitors:
            await unlink(redis, shop, visitor, customer)  # its part of another's profile comes back, and goes below
            await redis.srem(keys.links_key(shop, customer), visitor, f"+{visitor}")
    counts["entries"] = await store.forget_entries(redis, shop, reach)
    counts["dead_letters"] = await store.forget_dead_letters(redis, shop, reach)
    counts["tasks"] = await store.forget_tasks(redis, shop, reach)
    counts["keys"] = await store.forget_records(redis, shop, reach)
    log = EventLog.open(settings.event_log, settings.data_dir)
    counts["log_rows"] = await asyncio.to_thread(files.forget_log, log, shop, reach)
    counts["history_rows"] = await asyncio.to_thread(files.forget_history, settings, reach)
    counts["exports"] = files.forget_exports(settings, reach)
    files.list_erased(settings, reach.named)
    # What was under way when the tombstones came may have noted a name or an entry since; it finds them now.
    counts["keys"] += await store.forget_records(redis, shop, reach)
    counts["entries"] += await store.forget_entries(redis, shop, reach)
    audit.append(
        settings.data_dir, shop, "erase", actor, "done",
        reason=reason[:200], names=len(reach.named), **counts,
    )  # fmt: skip
    return counts


async def wash(redis: "Redis", settings: Settings, *, actor: str = "worker") -> bool:
    """Have the deleted bytes leave the streams and the store's file, too, after erasures and the end of their tasks.

    False, and so in the audit log, where a stream is too long or the store does not let its file be written anew.
    """
    shop = settings.shop
    streams = [await rebuild(redis, key(shop)) for key in (keys.events_key, keys.dead_key, keys.tasks_key)]
    file = await store.rewrite_files(redis)
    done = all(streams) and file
    audit.append(
        settings.data_dir, shop, "erase-bytes", actor, "done" if done else "fail", streams=all(streams), store_file=file
    )
    return done


async def erase_shop(redis: "Redis", settings: Settings, *, actor: str = "worker") -> dict[str, int]:
    """Forget all shoppers of a shop. Bundles and catalogue hold none and stay; tombstones last as long as retries."""
    shop = settings.shop
    names: set[str] = set()
    counts = {"keys": 0, "log_files": 0}
    async for key in redis.scan_iter(match=f"?:{{{shop}/*", count=1_000):
        names.add(key.decode().partition("/")[2].rstrip("}"))
    await store.bury(redis, shop, names, clock.now(), keys.SEEN_TTL_S)
    # Emptied, not deleted: with the stream its readers' groups would go.
    for key in (keys.events_key(shop), keys.dead_key(shop)):
        if await redis.exists(key):
            counts["keys"] += await redis.xtrim(key, maxlen=0, approximate=False)
    async for found in redis.scan_iter(match=f"?:{{{shop}}}*", count=1_000):
        if found[:1] in (b"d", b"n"):
            counts["keys"] += await redis.delete(found)
    for name in names:
        counts["keys"] += await redis.delete(*(key(shop, name) for key in store.OWN_KEYS))
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is not None:
        counts["log_files"] = await asyncio.to_thread(log.drop_shop, shop)
    for path in (*files.exports_dir(settings).glob(f"{shop}-*.json"), settings.data_dir / "erased" / f"{shop}.txt"):
        path.unlink(missing_ok=True)
    shutil.rmtree(settings.dataset_dir, ignore_errors=True)
    audit.append(settings.data_dir, shop, "erase-shop", actor, "done", names=len(names), **counts)
    return counts
