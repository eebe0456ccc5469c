"""Jobs: when they are due, one at a time between two backends, and what is kept of a run. A real store."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend.admin import jobs as module
from backend.admin.jobs import JOBS, Job, Record, UnknownJobError, job_named, next_run, read_records, run_job
from backend.admin.scheduler import Scheduler
from backend.settings import Settings
from edge.core.keys import job_lock_key, jobs_key
from edge.profiles import connect

pytestmark = pytest.mark.store


@pytest.fixture
async def client(session_store: str, redis: object) -> AsyncIterator["AsyncRedis"]:
    """A client as the backend uses it, on an empty store."""
    one = connect(session_store, timeout_s=10, connections=8)
    yield one
    await one.aclose()


class Work:
    """A job that counts its runs and takes until it is let go."""

    def __init__(self, *, waits: bool = False, fails: bool = False) -> None:
        self.runs = 0
        self.go = asyncio.Event()
        self._fails = fails
        if not waits:
            self.go.set()

    async def __call__(self, *_: object) -> str:
        """One run."""
        self.runs += 1
        await self.go.wait()
        if self._fails:
            raise OSError("the disk is gone")
        return f"run {self.runs}"


def made(work: Work, every_s: float = 60, name: str = "work") -> Job:
    """A job of this work."""
    return Job(name, every_s, "for a test", run=work)


async def test_a_run_is_kept_where_a_restart_finds_it(settings: Settings, client: "AsyncRedis") -> None:
    """When, how it ended, and in which words."""
    record = await run_job(made(Work()), settings, client)
    assert record is not None
    assert (record.ok, record.outcome) == (True, "run 1")
    assert await read_records(client, "demo") == {"work": record}


async def test_a_damaged_record_is_none(settings: Settings, client: "AsyncRedis", redis: "Redis") -> None:
    """The others are read, and the job runs again."""
    await run_job(made(Work(), name="whole"), settings, client)
    redis.hset(jobs_key("demo"), "torn", b'{"started": 1')
    assert set(await read_records(client, "demo")) == {"whole"}
    record = await run_job(made(Work(), name="torn"), settings, client, only_if_due=True)
    assert record is not None
    assert set(await read_records(client, "demo")) == {"whole", "torn"}


async def test_a_failure_is_an_outcome(settings: Settings, client: "AsyncRedis") -> None:
    """Kept like any other; the lock is free again."""
    job = made(Work(fails=True))
    record = await run_job(job, settings, client)
    assert record is not None
    assert (record.ok, record.outcome) == (False, "OSError: the disk is gone")
    assert await run_job(job, settings, client) is not None


async def test_two_backends_do_not_run_a_job_at_once_or_twice(settings: Settings, client: "AsyncRedis") -> None:
    """The second finds the lock held; once that is free, it finds the job done."""
    work = Work(waits=True)
    first = asyncio.create_task(run_job(made(work), settings, client, only_if_due=True))
    while not work.runs:
        await asyncio.sleep(0.01)
    assert await run_job(made(work), settings, client, only_if_due=True) is None
    work.go.set()
    assert await first is not None
    assert await run_job(made(work), settings, client, only_if_due=True) is None
    assert work.runs == 1
    assert await run_job(made(work), settings, client) is not None, "asked for by a person it runs again"


async def test_two_schedulers_share_the_work(settings: Settings, client: "AsyncRedis") -> None:
    """Each job that is due runs once."""
    works = [Work(), Work(), Work()]
    table = tuple(made(work, name=f"work-{at}") for at, work in enumerate(works))
    schedulers = [Scheduler(settings, client, table), Scheduler(settings, client, table)]
    stop = asyncio.Event()
    tasks = [asyncio.create_task(one.run(stop)) for one in schedulers]
    while len(await read_records(client, "demo")) < 3:
        await asyncio.sleep(0.02)
    await asyncio.sleep(1.2)  # a second look of both
    stop.set()
    await asyncio.gather(*tasks)
    assert [work.runs for work in works] == [1, 1, 1]


async def test_a_lock_of_a_dead_backend_ends_by_itself(settings: Settings, client: "AsyncRedis") -> None:
    """It has a time to live, which the holder renews; a lock that is another's by now is neither renewed nor freed."""
    work, key = Work(waits=True), job_lock_key("demo", "work")
    run = asyncio.create_task(run_job(made(work), settings, client))
    while not work.runs:
        await asyncio.sleep(0.01)
    assert 0 < await client.ttl(key) <= 60
    await client.set(key, "another's", ex=50)
    work.go.set()
    await run
    assert await client.get(key) == b"another's"


async def test_a_long_run_renews_its_lock(
    settings: Settings, client: "AsyncRedis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody else takes it while it lasts."""
    monkeypatch.setattr(module, "_LOCK_S", 1)
    work = Work(waits=True)
    run = asyncio.create_task(run_job(made(work), settings, client))
    await asyncio.sleep(2.2)
    assert await run_job(made(work), settings, client) is None
    work.go.set()
    assert await run is not None


def test_when_a_job_is_due() -> None:
    """Never run: now. Else its interval after the last start; 0 is never; a record from the future counts as none."""
    ran = Record(1_000.0, 1_010.0, ok=True, outcome="")
    assert next_run(None, 60, 5_000) == 5_000
    assert next_run(ran, 60, 1_030) == 1_060
    assert next_run(ran, 0, 5_000) is None
    assert next_run(ran, 60, 500) == 500


async def test_a_command_is_a_process_whose_last_words_are_the_outcome(
    settings: Settings, client: "AsyncRedis"
) -> None:
    """The shop's switches, as the command tells them; a command that fails says why."""
    record = await run_job(Job("switch", 60, "", command=("switch",)), settings, client)
    assert record is not None
    assert (record.ok, record.outcome) == (True, "off: none; shoppers served: 100 %")
    record = await run_job(Job("lost", 60, "", command=("publish", "nowhere")), settings, client)
    assert record is not None
    assert not record.ok
    assert "ended with status 2" in record.outcome
    assert "no bundle at" in record.outcome


async def test_a_command_ends_with_its_scheduler(settings: Settings, client: "AsyncRedis") -> None:
    """Stopped in the middle, its process is ended and its lock freed."""
    job = Job("consume", 60, "runs for ever", command=("consume",))
    scheduler, stop = Scheduler(settings, client, (job,)), asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop))
    while not await client.exists(job_lock_key("demo", "consume")):
        await asyncio.sleep(0.01)
    assert scheduler.running == {"consume"}
    stop.set()
    await asyncio.wait_for(task, 30)
    assert not await client.exists(job_lock_key("demo", "consume"))
    assert await read_records(client, "demo") == {}


async def test_only_one_command_runs_at_a_time(settings: Settings, client: "AsyncRedis") -> None:
    """They are heavy; short jobs do not wait for them."""
    work = Work()
    table = (
        Job("consume", 60, "runs for ever", command=("consume",)),
        Job("log", 60, "runs for ever", command=("log",)),
        made(work),
    )
    scheduler, stop = Scheduler(settings, client, table), asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop))
    while not work.runs or not await client.exists(job_lock_key("demo", "consume")):
        await asyncio.sleep(0.01)
    assert not await client.exists(job_lock_key("demo", "log"))
    assert not scheduler.start(table[1]), "it is in line already"
    stop.set()
    await asyncio.wait_for(task, 30)


async def test_intervals_come_from_the_settings(settings: Settings, client: "AsyncRedis") -> None:
    """A job set to 0 is left alone, another is run more often."""
    never, often = Work(), Work()
    changed = settings.model_copy(update={"jobs": {"never": 0.0, "often": 0.1}})
    table = (made(never, name="never"), made(often, 86_400, "often"))
    scheduler, stop = Scheduler(changed, client, table), asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop))
    while often.runs < 2:
        await asyncio.sleep(0.02)
    stop.set()
    await task
    assert never.runs == 0


async def test_a_store_that_is_away_only_delays(settings: Settings, tmp_path: Path) -> None:
    """The scheduler goes on asking; a job that cannot take its lock is not run."""
    away, work = connect(f"unix://{tmp_path}/nobody.sock", timeout_s=0.2, connections=2), Work()
    scheduler, stop = Scheduler(settings, away, (made(work),)), asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop))
    assert scheduler.start(made(work))
    await asyncio.sleep(0.5)
    assert not task.done()
    assert scheduler.running == frozenset()
    stop.set()
    await task
    await away.aclose()
    assert work.runs == 0


async def test_the_time_is_that_of_the_simulation(
    settings: Settings, client: "AsyncRedis", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week that is replayed in a minute has its seven daily runs."""
    clock = tmp_path / "clock"
    monkeypatch.setattr("edge.core.clock.simulated", str(clock))
    work = Work()
    for day in range(3):
        clock.write_text(str(1_000_000.0 + day * 86_400))
        for _ in range(2):
            await run_job(made(work, 86_400), settings, client, only_if_due=True)
    assert work.runs == 3


def test_every_job_has_a_name_and_one_way_to_run() -> None:
    """And is found by it."""
    assert len({job.name for job in JOBS}) == len(JOBS)
    for job in JOBS:
        assert bool(job.command) != (job.run is not None)
        assert job_named(job.name) is job
    with pytest.raises(UnknownJobError, match="there are canary"):
        job_named("nothing")


def test_the_commands(settings: Settings, redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    """List with the last run and the next; run one now; a second process is told that it is at work."""
    from typer.testing import CliRunner

    from backend.__main__ import app
    from backend.cli import console

    monkeypatch.setenv("REDIS_URL", str(settings.redis_url))
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(console, "width", 250)  # made when the module was first read, whatever COLUMNS said then

    def call(*arguments: str) -> Any:
        return CliRunner().invoke(app, list(arguments))

    assert "judge the canary" in call("jobs").output
    done = call("run", "canary")
    assert (done.exit_code, done.output.strip()) == (0, "no canary")
    assert "no canary" in call("jobs").output
    assert call("run", "nothing").exit_code != 0
    redis.set(job_lock_key("demo", "canary"), "somebody", ex=60)
    busy = call("run", "canary")
    assert busy.exit_code == 3
    assert "another process" in busy.output
    redis.hset(
        jobs_key("demo"), "canary", msgspec.json.encode(Record(time.time(), time.time(), ok=False, outcome="[bad]"))
    )
    assert "FAILED: [bad]" in call("jobs").output
