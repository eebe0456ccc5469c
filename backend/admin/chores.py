"""Jobs that are more than one command: what they call, and their outcome in words.

In: the settings and a store. Out: a sentence for the table of jobs.
"""

import asyncio
import sys
import time
from collections import deque

from redis.asyncio import Redis

from backend.event_log.store import EventLog
from backend.platforms.connect import NotConnectedError
from backend.reconcile.commands import Asked
from backend.reconcile.commands import run as reconcile
from backend.release.limits import run_limited
from backend.release.retrain import TrainingError, environment_of, limits_of, opened
from backend.release.scheduler import check_and_retrain
from backend.settings import Settings
from edge.core.errors import EndcapError
from training.dataset import Dataset

_FORECASTS_S = 7 * 86_400.0


async def reconcile_orders(settings: Settings, redis: "Redis") -> str:
    """Compare the platform's orders of the last days with those received. Raises EndcapError where some are missing."""
    try:
        outcome = await asyncio.to_thread(reconcile, settings, Asked())
    except NotConnectedError:
        return "no platform is connected"
    if outcome.differs:
        missing, extra = sum(day.missing for day in outcome.days), sum(day.extra for day in outcome.days)
        raise EndcapError(
            f"{missing} of the platform's orders are not here, {extra} here are not the platform's; "
            "`python -m backend reconcile` names them"
        )
    return "all of the platform's orders are here"


async def retrain_when_due(settings: Settings, redis: "Redis") -> str:
    """Look whether there is a reason to train, and train on what the event log holds then."""
    attempt = await check_and_retrain(settings, redis, prepare=lambda: from_log(settings))
    if attempt is None:
        return "no reason to train"
    return f"{attempt.outcome}: {attempt.message or attempt.version} ({'; '.join(attempt.reasons)})"


def from_log(settings: Settings) -> Dataset:
    """The data set made anew from the event log, by a program of its own; as it stands where the log holds nothing."""
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is not None and log.days(settings.shop):
        asyncio.run(_program(settings, "preparing the data set", "backend", "prepare"))
    return opened(settings)


async def facts(settings: Settings, redis: "Redis") -> str:
    """Every customer's facts, by forecasts that are fitted again once they are a week old."""
    fitted = settings.data_dir / "customers" / settings.shop / "live.json"
    if not fitted.exists() or time.time() - fitted.stat().st_mtime > _FORECASTS_S:
        await _program(settings, "fitting the forecasts", "training", "customers")
    return await _program(settings, "computing facts", "backend", "facts")


async def _program(settings: Settings, what: str, *arguments: str) -> str:
    """Run a program of ours under the limits of a training run; the last line it said. Raises TrainingError."""
    limits, environment = limits_of(settings), environment_of(settings)
    if settings.redis_url:
        environment["REDIS_URL"] = settings.redis_url
    said: deque[str] = deque(maxlen=1)
    command = [sys.executable, "-m", *arguments]
    ended = await run_limited(command, limits, said.append, environment)
    if not ended.done:
        raise TrainingError(f"{what} did not end well: {ended.why(limits)}")
    return said[0].strip() if said else "done"
