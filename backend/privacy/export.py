"""All that is kept of a person, as one file people can read, for the shop to hand over.

In: the names in a request. Out: `<data>/exports/<shop>-<request>.json`, made whole, gone by itself after EXPORT_DAYS.
It holds the person's pseudonyms, since that is how they are known here; the shop knows whose request it was.
"""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq
from redis.asyncio import Redis

from backend import audit
from backend.event_log.store import EventLog
from backend.identity.records import read_records
from backend.privacy.files import Judge, exports_dir, theirs_in_log
from backend.privacy.reach import Reach, find_reach
from backend.privacy.store import events_of
from backend.settings import Settings
from edge.core import clock, keys
from edge.core.bundle import replace_file
from edge.core.codec import decode_session
from edge.core.errors import BundleError, CodecError
from edge.core.facts import decode_facts
from edge.core.keys import load_keys
from edge.core.profile import Profile
from edge.core.snapshot import read_snapshot
from training.intake import LINES_FILE

EXPORT_DAYS = 30
_DAY_S = 86_400


async def export(
    redis: "Redis", settings: Settings, request: str, shoppers: Collection[str], *, actor: str = "worker"
) -> Path:
    """Write the export of a request; its path. The same request again writes the same file anew."""
    shop = settings.shop
    reach = await find_reach(redis, shop, shoppers)
    titles = _titles(settings)
    records = [one for name in sorted(reach.named) if (one := await _records(redis, shop, name, titles))]
    body = {
        "names": sorted(reach.everyone),
        "request": request,
        "shop": shop,
        "made": _time(clock.now()),
        "about": "All that Endcap keeps of this person. Names are keyed hashes; times are UTC.",
        "records": records,
        "events_not_yet_logged": [msgspec.to_builtins(event) for event in await events_of(redis, shop, reach)],
        "event_log": await asyncio.to_thread(_logged, settings, reach),
        "prepared_history": await asyncio.to_thread(_history, settings, reach),
    }
    path = exports_dir(settings) / f"{shop}-{sha256(request.encode()).hexdigest()[:16]}.json"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, msgspec.json.format(msgspec.json.encode(body), indent=2))
    audit.append(settings.data_dir, shop, "export", actor, "done", names=len(reach.named), records=len(records))
    return path


async def _records(redis: "Redis", shop: str, name: str, titles: dict[str, str]) -> dict[str, Any]:
    """What lies under one name; empty where nothing does."""
    found = await read_records(redis, shop, name)
    told: dict[str, Any] = {}
    if found.decision:
        told["consent"] = {
            "granted": found.decision.granted, "time": _time(found.decision.time), "source": found.decision.source
        }  # fmt: skip
    if found.profile:
        told["profile"] = _profile(found.profile, titles)
    if found.links:
        told["linked_names"] = sorted(link.decode() for link in found.links if not link.startswith((b"+", b"back:")))
    session: Any = await redis.get(keys.session_key(shop, name))
    if session is not None:
        try:
            visit = decode_session(session)
            told["visit"] = {"viewed": visit.viewed, "cart": visit.cart, "bought": visit.bought}
        except CodecError as error:
            told["visit"] = str(error)
    facts: Any = await redis.get(keys.facts_key(shop, name))
    if facts is not None:
        try:
            told["facts"] = dict(decode_facts(facts, shop, name).current())
        except CodecError as error:
            told["facts"] = str(error)
    return {"name": name, **told} if told else {}


def _profile(profile: Profile, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "orders": profile.orders,
        "first_order": _day(profile.first_order_day),
        "last_order": _day(profile.last_order_day),
        "histories_of_devices_merged": profile.parts,
        "events": profile.tally,
        "bought": [
            {"product_id": id_, "title": titles.get(id_), "times": one.count, "first": _day(one.first_day),
             "last": _day(one.last_day)}
            for id_, one in profile.bought.items()
        ],
        "viewed": [
            {"product_id": id_, "title": titles.get(id_), "time": _time(at)} for id_, at in profile.viewed.items()
        ],
    }  # fmt: skip


def _titles(settings: Settings) -> dict[str, str]:
    try:
        snapshot = read_snapshot(settings.data_dir / "catalogue" / f"{settings.shop}.cat")
    except BundleError:
        return {}
    return {product.id: product.title for product in snapshot.products}


def _logged(settings: Settings, reach: Reach) -> list[dict[str, Any]]:
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is None:
        return []
    found: dict[tuple[str, int], dict[str, Any]] = {}
    with log.exclusive(settings.shop), log.on_this_machine(log.files(settings.shop)) as paths:
        for path in paths:
            table = pq.read_table(path, partitioning=None)
            for row in table.filter(theirs_in_log(reach)(table)).to_pylist():
                found.setdefault((row["event_id"], row["line"]), {k: v for k, v in row.items() if v is not None})
    return sorted(found.values(), key=lambda row: (row["time"], row["event_id"]))


def _history(settings: Settings, reach: Reach) -> list[dict[str, Any]]:
    path = settings.dataset_dir / LINES_FILE
    if not path.is_file():
        return []
    judge = Judge(reach, settings.shop, load_keys(settings.data_dir, settings.pseudonym_key))
    shoppers = pc.unique(pq.read_table(path, columns=["shopper"])["shopper"]).to_pylist()
    theirs = [one for one in shoppers if judge.shopper(one)]
    if not theirs:
        return []
    rows: list[dict[str, Any]] = pq.read_table(path, filters=[("shopper", "in", theirs)]).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _day(day: int) -> str | None:
    return datetime.fromtimestamp(day * _DAY_S, UTC).date().isoformat() if day else None
