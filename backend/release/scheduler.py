"""What the backend's loop calls now and then: measure drift when it is time, train when there is a reason.

In: settings, the store with the day's counts. Out: `Attempt` when a run was made, else None.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from backend import audit
from backend.release import drift, steps
from backend.release.limits import run_limited
from backend.release.retrain import Prepare, Progress, environment_of, limits_of, opened, retrain
from backend.release.state import Attempt, ShopState
from backend.release.triggers import Known, drift_due, due, learned_until, resting
from backend.settings import Settings
from edge.core import clock
from edge.core.bundle import Manifest
from edge.core.errors import BundleError
from edge.core.keys import counts_key

_DAY_S = 86_400
_OLDEST_DAYS = 400  # of counts that are read


async def check_and_retrain(
    settings: Settings,
    redis: "Redis",
    *,
    actor: str = "scheduler",
    prepare: Prepare | None = None,
    progress: Progress = lambda _stage, _done: None,
) -> Attempt | None:
    """Train if a reason says so. Call it as often as you like: it decides by the clock, and rests after a run."""
    now = clock.now()
    known = await look(settings, redis, now)
    if resting(known.attempt, now, settings):
        return None
    reasons = due(known, now, settings)
    if not reasons and drift_due(known.drift, known.live, now, settings):
        await asyncio.to_thread(prepare or (lambda: opened(settings)))
        await measure_drift(settings, actor)
        reasons = due(await look(settings, redis, now), now, settings)
    if not reasons:
        return None
    return await retrain(settings, actor, [str(one) for one in reasons], prepare=prepare, progress=progress)


async def look(settings: Settings, redis: "Redis", now: float) -> Known:
    """What decides whether a run is due."""
    state = steps.state_of(settings)
    live, candidate = state.live(), state.candidate()
    newest = candidate.version if candidate and candidate.version in state.kept() else None
    learned = _newest(state, [version for version in (live.live if live else None, newest) if version])
    new_events = await events_since(redis, settings.shop, learned_until(learned), now) if learned else 0
    return Known(
        learned=learned,
        new_events=new_events,
        live=live.live if live else None,
        candidate=candidate,
        attempt=state.attempt(),
        drift=drift.read_report(steps.reports_dir(settings)),
    )


async def events_since(redis: "Redis", shop: str, since: float, until: float) -> int:
    """Events counted on the days from `since` to `until` (unix seconds), both days included."""
    first, last = int(since // _DAY_S), int(until // _DAY_S)
    total = 0
    for day in range(max(first, last - _OLDEST_DAYS), last + 1):
        counts: Any = await redis.hgetall(counts_key(shop, day))
        total += sum(int(value) for name, value in counts.items() if name.startswith(b"events:"))
    return total


async def measure_drift(settings: Settings, actor: str) -> drift.Report | None:
    """Measure drift in a process of its own. A failure leaves a line in the audit log, and a report that says so."""
    limits = limits_of(settings)
    command = [sys.executable, "-m", "backend", "drift", "--json"]
    ended = await run_limited(command, limits, environment=environment_of(settings))
    reports, live = steps.reports_dir(settings), steps.state_of(settings).live()
    report = drift.read_report(reports)
    if ended.stopped or ended.code not in (0, 1) or report is None:
        why = ended.why(limits) or "it left no report"
        steps.note(settings, "drift", actor, "fail", why=why[:2_000])
        # So that it is not tried again at every look.
        drift.write(reports, drift.failed(live.live if live else "", why))
        return None
    names = [f"{one.group}/{one.name}" for one in report.drifted]
    outcome: audit.Outcome = "fail" if names else "pass"
    steps.note(settings, "drift", actor, outcome, version=report.version, drifted=names, orders=report.orders)
    return report


def _newest(state: ShopState, versions: Sequence[str]) -> Manifest | None:
    """Of these models the one that learned from the newest day."""
    found = []
    for version in versions:
        try:
            found.append(state.manifest(version))
        except BundleError:
            continue
    return max(found, key=learned_until, default=None)
