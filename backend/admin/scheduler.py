"""The scheduler: looks every second which jobs are due, and runs them.

In: the job table. Out: runs, recorded in the store. Short jobs run side by side; of those that are commands only one at
a time, since each may take a core or two and gigabytes.
"""

import asyncio
import logging
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.admin.jobs import JOBS, Job, Record, interval, next_run, read_records, run_job
from backend.settings import Settings
from edge.core import clock

logger = logging.getLogger("endcap.jobs")

_EVERY_S = 1.0


class Scheduler:
    """Runs the jobs of one shop."""

    def __init__(self, settings: Settings, redis: "Redis", jobs: tuple[Job, ...] = JOBS) -> None:
        self.jobs = jobs
        self._settings = settings
        self._redis = redis
        self._running: dict[str, asyncio.Task[Record | None]] = {}
        self._heavy = asyncio.Semaphore(1)

    @property
    def running(self) -> frozenset[str]:
        """The jobs at work or in line."""
        return frozenset(self._running)

    async def run(self, stop: asyncio.Event) -> None:
        """Run what is due until `stop` is set; then end what is at work."""
        try:
            while not stop.is_set():
                try:
                    await self._start_due()
                except (RedisError, OSError) as error:
                    logger.warning("the scheduler waits for the store: %s", type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _EVERY_S)
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_due(self) -> None:
        records, now = await read_records(self._redis, self._settings.shop), clock.now()
        for job in self.jobs:
            due = next_run(records.get(job.name), interval(job, self._settings), now)
            if due is not None and due <= now:
                self.start(job, only_if_due=True)

    def start(self, job: Job, *, only_if_due: bool = False) -> bool:
        """Run a job now, unless it is at work already; False then."""
        if job.name in self._running:
            return False
        self._running[job.name] = task = asyncio.create_task(self._run(job, only_if_due=only_if_due))
        task.add_done_callback(lambda done: self._ended(job, done))
        return True

    async def _run(self, job: Job, *, only_if_due: bool) -> Record | None:
        if job.run is not None:
            return await run_job(job, self._settings, self._redis, only_if_due=only_if_due)
        async with self._heavy:
            return await run_job(job, self._settings, self._redis, only_if_due=only_if_due)

    def _ended(self, job: Job, task: "asyncio.Task[Record | None]") -> None:
        self._running.pop(job.name, None)
        if not task.cancelled() and (error := task.exception()):
            logger.error("job %s could not be run: %s", job.name, error)
