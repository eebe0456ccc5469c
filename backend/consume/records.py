"""Shoppers' records for a batch: read in one trip, written with one atomic step per shopper in another.

In: groups of entries, plans. Out: what is stored, and what became of each write. On a cluster each trip goes to all
nodes at once.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from backend.consume import scripts
from backend.consume.entries import Item
from backend.consume.plan import Group, Plan
from edge.core import keys
from edge.profiles import get_many

_MARK_SPAN = keys.SEEN_TTL_S * 1000 * 4096  # in scores


class Records:
    """Reads and writes for one shop."""

    def __init__(self, redis: "Redis", shop: str) -> None:
        self.redis = redis
        self.shop = shop
        self._write = redis.register_script(scripts.WRITE)

    async def read(self, groups: Sequence[Group]) -> tuple[dict[str, bytes | None], dict[str, bytes | None]]:
        """Stored profiles by tag, stored decisions by subject."""
        owners = [group.tag for group in groups if group.shopper]
        subjects = list(dict.fromkeys([*owners, *(name for group in groups for name in group.subjects())]))
        names = [keys.profile_key(self.shop, owner) for owner in owners]
        names += [keys.consent_key(self.shop, subject) for subject in subjects]
        values = await get_many(self.redis, names) if names else []
        profiles = dict(zip(owners, values, strict=False))
        return profiles, dict(zip(subjects, values[len(owners) :], strict=True))

    async def parts(self, group: Group) -> dict[bytes, bytes]:
        """What a merged profile is made of."""
        found: Any = await self.redis.hgetall(keys.parts_key(self.shop, group.tag))
        return dict(found)

    async def write(self, plans: Sequence[Plan]) -> list[Any]:
        """Write each plan. For each: 1, or 0 where its records changed, or the scores of marks found, or an error."""
        if not plans:
            return []
        async with self.redis.pipeline(transaction=False) as pipe:
            for plan in plans:
                pipe.execute_command("EVALSHA", self._write.sha, 6, *self._write_arguments(plan))
            replies: list[Any] = await pipe.execute(raise_on_error=False)
        if any(isinstance(reply, NoScriptError) for reply in replies):  # a store that has just been started
            await self.redis.script_load(scripts.WRITE)
            return [0 if isinstance(reply, NoScriptError) else reply for reply in replies]
        return replies

    def _write_arguments(self, plan: Plan) -> list[str | bytes | int]:
        group, shop = plan.group, self.shop
        tag = group.tag
        arguments: list[str | bytes | int] = [
            keys.profile_key(shop, tag),
            keys.consent_key(shop, tag),
            keys.marks_key(shop, tag),
            keys.trail_key(shop, tag),
            keys.parts_key(shop, tag),
            keys.alias_key(shop, tag),
            plan.profile_before,
            plan.consent_before,
            plan.profile_after,
            keys.PROFILE_TTL_S,
            keys.SEEN_TTL_S,
            min(item.score for item in group.items) - _MARK_SPAN,
            len(plan.marks),
            len(plan.parts_after),
            "1" if group.unlinked else "",
        ]
        for mark, score in plan.marks:
            arguments += ("" if score is None else score, mark)
        for name, part in plan.parts_after.items():
            arguments += (name, part)
        return arguments + [item.entry for item in group.items if item.visit == tag]

    async def forget_trails(self, items: Iterable[Item], but: set[bytes]) -> None:
        """Take processed entries off the trails they are noted on, except for those in `but`, which are off already."""
        trails: dict[str, list[bytes]] = {}
        for item in items:
            if item.entry not in but and (visit := item.visit):
                trails.setdefault(visit, []).append(item.entry)
        if not trails:
            return
        async with self.redis.pipeline(transaction=False) as pipe:
            for visit, entries in trails.items():
                pipe.execute_command("EVAL", scripts.FORGET, 1, keys.trail_key(self.shop, visit), *entries)
            await pipe.execute()
