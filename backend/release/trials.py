"""The steps of a trial: begin, widen, withdraw, promote a canary, name a shadow; each with a line in the audit log.

In: the settings, the store with the counts, who does it. Out: a changed `live.json`, and `canary.json` beside it, which
says when the trial began and what had been counted by then.
"""

from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis

from backend import audit
from backend.release import steps
from backend.release.canary import Days, Trial, Verdict, judge
from backend.release.state import Change, ReleaseError
from backend.settings import Settings
from edge.core import clock
from edge.core.bundle import Live, replace_file, verify_files
from edge.core.errors import UNREADABLE
from edge.core.keys import counts_key

_DAY_S = 86_400
_MOST_DAYS = 60


async def start(settings: Settings, redis: "Redis", actor: str, version: str, percent: int) -> Change:
    """Let a bundle serve a share of the shoppers. A canary with another share or beside another model is judged anew.

    Raises BundleError for a damaged bundle, and ReleaseError where nothing is live or the version is live already.
    """
    state = steps.state_of(settings)
    verify_files(state.directory / version, state.manifest(version))

    def named(now: Live) -> Live:
        if now.live == version:
            raise ReleaseError(f"{version} is live for everybody already; it cannot be its own canary")
        shadow = None if now.shadow == version else now.shadow
        return msgspec.structs.replace(now, canary=version, percent=percent, shadow=shadow)

    change = state.change_live(named)
    await _begin(settings, redis, change.live)
    _note(settings, "canary", actor, version=version, percent=percent, live=change.live.live)
    return change


def withdraw(settings: Settings, actor: str, reasons: tuple[str, ...] = (), version: str | None = None) -> str | None:
    """End the trial; the live model serves everybody. Returns what was withdrawn, None where nothing (else) was."""
    gone: list[str] = []

    def ended(now: Live) -> Live:
        if now.canary is None or version not in (None, now.canary):
            return now
        gone.append(now.canary)
        return msgspec.structs.replace(now, canary=None, percent=0)

    steps.state_of(settings).change_live(ended)
    if not gone:
        return None
    _note(settings, "withdraw", actor, version=gone[0], reasons=list(reasons))
    return gone[0]


def promote(settings: Settings, actor: str, reasons: tuple[str, ...] = ()) -> Change:
    """Let the canary serve everybody. Raises ReleaseError where there is none."""
    live = steps.state_of(settings).live()
    if live is None or live.canary is None:
        raise ReleaseError(f"shop {settings.shop!r} has no canary; `python -m backend canary VERSION` begins one")
    _note(settings, "promote", actor, version=live.canary, reasons=list(reasons))
    return steps.publish(settings, actor, live.canary)


def name_shadow(settings: Settings, actor: str, version: str | None) -> Change:
    """Name the model that is asked besides, or none."""
    state = steps.state_of(settings)
    if version is not None:
        verify_files(state.directory / version, state.manifest(version))
    change = state.change_live(lambda now: msgspec.structs.replace(now, shadow=version))
    _note(settings, "shadow", actor, version=version)
    return change


async def assess(settings: Settings, redis: "Redis") -> tuple[Trial, Verdict] | None:
    """The canary's trial and what the judge makes of it now; None without a canary."""
    live = steps.state_of(settings).live()
    if live is None or live.canary is None:
        return None
    trial = _read(_path(settings))
    if trial is None or (trial.version, trial.live, trial.percent) != (live.canary, live.live, live.percent):
        trial = await _begin(settings, redis, live)  # named by other hands: its trial begins when it is first seen
    now = clock.now()
    first = max(trial.day, int(now // _DAY_S) - _MOST_DAYS)
    days = {day: await read_counts(redis, settings.shop, day) for day in range(first, int(now // _DAY_S) + 1)}
    return trial, judge(trial, days, now, settings)


async def look(settings: Settings, redis: "Redis") -> str:
    """Judge the canary and act on it: the job of every minute. Returns what was done, in words.

    A canary that is worse is withdrawn; one that is as good is promoted only with PUBLISH=auto, else it waits.
    """
    found = await assess(settings, redis)
    if found is None:
        return "no canary"
    trial, verdict = found
    told = "; ".join(verdict.reasons)
    if verdict.action == "withdraw" and withdraw(settings, "judge", verdict.reasons, trial.version):
        return f"{trial.version} withdrawn: {told}"
    if verdict.action == "promote" and settings.publish == "auto":
        promote(settings, "judge", verdict.reasons)
        return f"{trial.version} promoted: {told}"
    return f"{trial.version} serves {trial.percent} %: {told}"


async def read_counts(redis: "Redis", shop: str, day: int) -> dict[str, int]:
    """What was counted on a unix day."""
    found: Any = await redis.hgetall(counts_key(shop, day))
    return {name.decode(): int(value) for name, value in found.items()}


async def shadow_report(redis: "Redis", shop: str, version: str, days: Days | None = None) -> dict[str, Any]:
    """What was counted of a shadow in the last two weeks: questions, failures, time, and overlap by shelf."""
    today = int(clock.now() // _DAY_S)
    counted = days or {day: await read_counts(redis, shop, day) for day in range(today - 13, today + 1)}
    total: dict[str, int] = {}
    for counts in counted.values():
        for name, n in counts.items():
            if name.startswith(f"shadow:{version}:"):
                what = name.removeprefix(f"shadow:{version}:")
                total[what] = total.get(what, 0) + n
    compared = total.get("compared", 0)
    slots = sorted(name.partition(":")[2] for name in total if name.startswith("shelves:"))
    return {
        "version": version,
        "compared": compared,
        "failed": total.get("failed", 0),
        "time_ratio": round(total.get("us", 0) / total["live_us"], 3) if total.get("live_us") else None,
        "mean_us": round(total.get("us", 0) / compared) if compared else None,
        "overlap": {
            slot: round(total.get(f"overlap:{slot}", 0) / 1_000 / total[f"shelves:{slot}"], 3) for slot in slots
        },
    }


async def _begin(settings: Settings, redis: "Redis", live: Live) -> Trial:
    now, canary = clock.now(), live.canary or ""
    day = int(now // _DAY_S)
    counts = await read_counts(redis, settings.shop, day)
    before = {name: n for name, n in counts.items() if canary in name or live.live in name}
    trial = Trial(canary, live.live, live.percent, now, day, before)
    replace_file(_path(settings), msgspec.json.encode(trial))
    return trial


def _path(settings: Settings) -> Path:
    return settings.bundles_dir / settings.shop / "canary.json"


def _read(path: Path) -> Trial | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Trial)
    except (OSError, *UNREADABLE):
        return None  # a damaged note costs the evidence so far, not the trial


def _note(settings: Settings, action: str, actor: str, **details: audit.Detail) -> None:
    audit.append(settings.data_dir, settings.shop, action, actor, "done", **details)
