"""The jobs of the backend: what is done again and again, how often, and how each is run once.

In: a job, by name. Out: a `Record` of the run in the store, which a restart finds again. A job is a command of this
program, run as a process of its own, or a short coroutine. A lock in the store keeps two backends from running the same
job at once, and the record from running it one after the other. To add a job, add a line to JOBS.
"""

import asyncio
import logging
import os
import secrets
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.admin import chores
from backend.admin.chores import reconcile_orders
from backend.admin.supervise import end
from backend.release import trials
from backend.settings import Settings
from edge.core import clock
from edge.core.errors import UNREADABLE, EndcapError
from edge.core.keys import job_lock_key, jobs_key

logger = logging.getLogger("endcap.jobs")

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
_LOCK_S = 60
_TAIL_LINES, _OUTCOME_CAP = 12, 1_000

# Deletes or renews the lock only for who holds it: after a pause it may be another's.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end return 0"

Run = Callable[[Settings, "Redis"], Awaitable[str]]


@dataclass(frozen=True)
class Job:
    """One job: a `command` of this program, or `run`, a coroutine that returns its outcome in words."""

    name: str
    every_s: float
    about: str
    command: tuple[str, ...] = ()
    run: Run | None = None


class Record(msgspec.Struct, frozen=True):
    """The last run of a job; times in unix seconds of the (possibly simulated) clock."""

    started: float
    finished: float
    ok: bool
    outcome: str


JOBS: tuple[Job, ...] = (
    Job("canary", MINUTE, "judge the canary, and withdraw one that is worse", run=trials.look),
    Job("retrain", MINUTE, "measure drift, and train and judge where there is a reason", run=chores.retrain_when_due),
    Job("facts", DAY, "recompute the facts of every customer, and weekly the forecasts in them", run=chores.facts),
    Job("retention", DAY, "let go what is older than agreed", command=("retention",)),
    Job("compact", DAY, "merge the small files of past days of the event log", command=("compact",)),
    Job("reconcile", DAY, "compare the platform's orders with those received", run=reconcile_orders),
    # By hand only: it writes what the prepared history says over what the consumer has added since.
    Job("profiles", 0, "write every profile anew from the prepared history", command=("refresh",)),
)


class UnknownJobError(EndcapError):
    """There is no job of this name."""


def job_named(name: str, jobs: tuple[Job, ...] = JOBS) -> Job:
    """The job of this name. Raises UnknownJobError that lists the others."""
    for job in jobs:
        if job.name == name:
            return job
    raise UnknownJobError(f"no job is called {name!r}; there are {', '.join(one.name for one in jobs)}")


def interval(job: Job, settings: Settings) -> float:
    """Seconds between runs; 0 means never by itself."""
    return settings.jobs.get(job.name, job.every_s)


async def read_records(redis: "Redis", shop: str) -> dict[str, Record]:
    """The last run of each job that ever ran. A record that cannot be read counts as none: the job runs again."""
    found: Any = await redis.hgetall(jobs_key(shop))
    records = {}
    for name, data in found.items():
        try:
            records[name.decode()] = msgspec.json.decode(data, type=Record)
        except UNREADABLE as error:
            logger.warning("the record of job %r is damaged: %s", name, error)
    return records


def next_run(record: Record | None, every_s: float, now: float) -> float | None:
    """When a job is due, in unix seconds; None when it never is. A record from the future counts as none."""
    if every_s <= 0:
        return None
    return now if record is None or record.started > now else record.started + every_s


async def run_job(job: Job, settings: Settings, redis: "Redis", *, only_if_due: bool = False) -> Record | None:
    """Run a job once, unless another process is at it or, where asked, it is not due. None when it was not run."""
    async with _locked(redis, settings.shop, job.name) as mine:
        if not mine:
            return None
        if only_if_due:
            record = (await read_records(redis, settings.shop)).get(job.name)
            due = next_run(record, interval(job, settings), clock.now())
            if due is None or due > clock.now():
                return None
        started = clock.now()
        ok, outcome = await _outcome(job, settings, redis)
        done = Record(started, clock.now(), ok, outcome[-_OUTCOME_CAP:])
        put: Any = redis.hset(jobs_key(settings.shop), job.name, msgspec.json.encode(done))
        await put
        logger.log(logging.INFO if ok else logging.ERROR, "job %s: %s", job.name, outcome)
        return done


async def _outcome(job: Job, settings: Settings, redis: "Redis") -> tuple[bool, str]:
    try:
        if job.run is not None:
            return True, await job.run(settings, redis)
        return await _run_command(job, settings)
    except EndcapError as error:
        return False, str(error)
    except Exception as error:  # any: jobs call all there is; logged, shown, and tried again next time
        logger.exception("job %s failed", job.name)
        return False, f"{type(error).__name__}: {error}"


async def _run_command(job: Job, settings: Settings) -> tuple[bool, str]:
    """Run a command of this program to its end; what it said last."""
    environment = os.environ | for_children(settings) | {"COLUMNS": "400"}  # an outcome is one line
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backend", *job.command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    try:
        while process.stdout is not None and (line := await _line(process.stdout)):
            if said := line.decode(errors="replace").strip():
                tail.append(said)
        status = await process.wait()
    finally:
        if process.returncode is None:
            await end(process, settings.service_grace_s)
    said = "\n".join(tail)
    if status == 0:
        return True, tail[-1] if tail else "done"
    ended = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return False, f"{ended}: {said}"


async def _line(stream: asyncio.StreamReader) -> bytes:
    """A line; of one that is longer than anybody reads, the beginning is dropped."""
    while True:
        try:
            return await stream.readline()
        except ValueError:
            continue


def for_children(settings: Settings) -> dict[str, str]:
    """Environment that gives a child the same store, shop and data, and ties its life to this process."""
    given = {
        "REDIS_URL": settings.redis_url,
        "ENDCAP_DATA_DIR": str(settings.data_dir.absolute()),
        "ENDCAP_SHOP": settings.shop,
        "ENDCAP_PSEUDONYM_KEY": settings.pseudonym_key,
        "ENDCAP_LAUNCHER": str(os.getpid()),
    }
    return {name: value for name, value in given.items() if value is not None}


@asynccontextmanager
async def _locked(redis: "Redis", shop: str, job: str) -> AsyncIterator[bool]:
    """Hold the job's lock, if it is free, and renew it until the block is left."""
    key, token = job_lock_key(shop, job), secrets.token_hex(8)
    if not await redis.set(key, token, nx=True, ex=_LOCK_S):
        yield False
        return
    renewing = asyncio.create_task(_renew(redis, key, token))
    try:
        yield True
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        release: Any = redis.eval(_RELEASE, 1, key, token)
        try:
            await release
        except (RedisError, OSError) as error:
            logger.warning("the lock of job %s stays for up to %d s: %s", job, _LOCK_S, error)


async def _renew(redis: "Redis", key: str, token: str) -> None:
    while True:
        await asyncio.sleep(_LOCK_S / 4)
        try:
            renewal: Any = redis.eval(_RENEW, 1, key, token, _LOCK_S)
            await renewal
        except (RedisError, OSError) as error:
            logger.warning("the lock of a job could not be renewed: %s", error)
