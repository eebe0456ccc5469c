"""Who does which task: the worker of the backend, put together from the parts that know how."""

from redis.asyncio import Redis

from backend.platforms.handlers import HANDLERS as FETCHING
from backend.privacy.handlers import AFTERWARDS
from backend.privacy.handlers import HANDLERS as PRIVACY
from backend.settings import Settings
from backend.tasks import TaskWorker


def task_worker(redis: "Redis", settings: Settings) -> TaskWorker:
    """The shop's worker for every kind of task."""
    return TaskWorker(redis, settings, {**PRIVACY, **FETCHING}, AFTERWARDS)
