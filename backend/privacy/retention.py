"""Nothing longer than agreed: what no TTL of the store ends is ended here, once a day.

In: the settings' days. Out: old days of the event log, old exports and old dead letters gone, and one line in the audit
log. Profiles, visits, decisions, links and facts end by their TTL; the audit log is kept.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from backend import audit
from backend.event_log.store import EventLog
from backend.privacy.export import EXPORT_DAYS
from backend.privacy.files import exports_dir
from backend.settings import Settings
from edge.core import clock, keys

_DAY_S = 86_400


async def retain(redis: "Redis", settings: Settings, *, actor: str = "scheduler") -> dict[str, int]:
    """Let go what is too old; how much went, by place."""
    now = clock.now()
    day = datetime.fromtimestamp(now, UTC).date() - timedelta(days=settings.retention_days)
    log = EventLog.open(settings.event_log, settings.data_dir)
    counts = {
        "log_files": await asyncio.to_thread(log.drop_days, settings.shop, day) if log else 0,
        "exports": _old_exports(settings, now),
        "dead_letters": await _old_dead_letters(redis, settings.shop, now),
    }
    audit.append(settings.data_dir, settings.shop, "retention", actor, "done", before=day.isoformat(), **counts)
    return counts


def _old_exports(settings: Settings, now: float) -> int:
    gone = 0
    for path in exports_dir(settings).glob(f"{settings.shop}-*.json"):
        if path.stat().st_mtime < now - EXPORT_DAYS * _DAY_S:
            path.unlink()
            gone += 1
    return gone


async def _old_dead_letters(redis: "Redis", shop: str, now: float) -> int:
    oldest = int((now - keys.DEAD_TTL_S) * 1000)
    gone: int = await redis.xtrim(keys.dead_key(shop), minid=str(max(oldest, 0)), approximate=False)
    return gone
