"""Jobs that are more than one command: what they call, and their outcome in words.

In: the settings and a store. Out: a sentence for the table of jobs.
"""

import asyncio
import sys

from redis.asyncio import Redis

from backend.event_log.store import EventLog
from backend.release.limits import run_limited
from backend.release.retrain import TrainingError, environment_of, limits_of, opened
from backend.release.scheduler import check_and_retrain
from backend.settings import Settings
from training.dataset import Dataset


async def retrain_when_due(settings: Settings, redis: "Redis") -> str:
    """Look whether there is a reason to train, and train on what the event log holds then."""
    attempt = await check_and_retrain(settings, redis, prepare=lambda: from_log(settings))
    if attempt is None:
        return "no reason to train"
    return f"{attempt.outcome}: {attempt.message or attempt.version} ({'; '.join(attempt.reasons)})"


def from_log(settings: Settings) -> Dataset:
    """The data set made anew from the event log, by a program of its own; as it stands where no log is kept."""
    if EventLog.open(settings.event_log, settings.data_dir) is not None:
        limits, environment = limits_of(settings), environment_of(settings)
        if settings.redis_url:
            environment["REDIS_URL"] = settings.redis_url
        command = [sys.executable, "-m", "backend", "prepare"]
        ended = asyncio.run(run_limited(command, limits, environment=environment))
        if not ended.done:
            raise TrainingError(f"no data set could be prepared from the event log: {ended.why(limits)}")
    return opened(settings)
