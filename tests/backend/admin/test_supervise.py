"""Services kept running: restarted when they die, ended when they fall silent, stopped in order. Real processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from backend.admin.supervise import Health, Supervisor, end

SAYS = "import json, sys, time\ndef say(**w): print(json.dumps(w), flush=True)\n"


def supervisor(code: str, *, silent_s: float = 20.0, grace_s: float = 10.0, **environment: str) -> Supervisor:
    """One whose service is this Python code."""
    return Supervisor(
        "made-up",
        silent_s=silent_s,
        grace_s=grace_s,
        environment=environment,
        first_pause_s=0.05,
        command=(sys.executable, "-c", SAYS + code),
    )


@asynccontextmanager
async def running(one: Supervisor) -> AsyncIterator[Health]:
    """Run it while the block lasts, then end it in order."""
    stop = asyncio.Event()
    task = asyncio.create_task(one.run(stop))
    try:
        yield one.health
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def soon(condition: Callable[[], object]) -> None:
    """Wait for what must happen."""
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def alive(pid: int | None) -> bool:
    """Whether the process is there."""
    with suppress(ProcessLookupError):
        os.kill(pid or 0, 0)
        return True
    return False


async def test_a_service_says_how_it_is() -> None:
    """Its own words reach the status; it ends with the supervisor."""
    async with running(supervisor("say(status={'events': 7}); time.sleep(60)")) as health:
        await soon(lambda: health.state == "running")
        assert health.detail == {"events": 7}
        pid = health.pid
        assert alive(pid)
    assert health.state == "stopped"
    assert not alive(pid)


async def test_a_service_that_is_killed_is_started_again() -> None:
    """With another process; the status tells what became of the last one."""
    async with running(supervisor("say(status={}); time.sleep(60)")) as health:
        await soon(lambda: health.state == "running")
        first = health.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await soon(lambda: health.state == "running" and health.pid not in (None, first))
        assert (health.error, health.restarts) == ("ended by signal 9", 1)


async def test_a_service_that_keeps_failing_waits_longer_each_time() -> None:
    """The last error shows while it waits."""
    one = supervisor("say(error='no such thing'); sys.exit(1)")
    async with running(one) as health:
        await soon(lambda: health.restarts >= 3)
        assert health.error == "no such thing"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sys.exit(3)", "ended with status 3"),
        ("say(status={}); time.sleep(60)", "silent for 0.3 s"),
        ("print('not json', flush=True); time.sleep(60)", "it says what nobody understands"),
    ],
)
async def test_what_a_service_can_die_of(code: str, error: str) -> None:
    """A status, silence, and nonsense on its channel."""
    async with running(supervisor(code, silent_s=0.3 if "silent" in error else 20.0)) as health:
        await soon(lambda: health.restarts >= 1)
        assert error in str(health.error)


async def test_a_service_that_cannot_be_started_is_tried_again() -> None:
    """A missing program is a failure like any other."""
    one = Supervisor("made-up", silent_s=1, grace_s=1, environment={}, first_pause_s=0.02, command=("/nowhere/at-all",))
    async with running(one) as health:
        await soon(lambda: health.restarts >= 2)
        assert "could not be started" in str(health.error)


async def test_a_service_that_is_off_stays_off() -> None:
    """It said why; nobody starts it again."""
    one = supervisor("say(off='EVENT_LOG is none')")
    await asyncio.wait_for(one.run(asyncio.Event()), 20)
    assert (one.health.state, one.health.detail, one.health.restarts) == ("off", {"why": "EVENT_LOG is none"}, 0)


async def test_a_service_has_time_to_finish_what_it_does(tmp_path: Path) -> None:
    """SIGTERM first; what it writes in the end is there."""
    code = (
        "import signal, pathlib, os\n"
        "def leave(*_):\n    time.sleep(0.3); pathlib.Path(os.environ['LAST']).write_text('done'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave); say(status={}); time.sleep(60)"
    )
    async with running(supervisor(code, LAST=str(tmp_path / "last"))) as health:
        await soon(lambda: health.state == "running")
    assert (tmp_path / "last").read_text() == "done"


async def test_a_service_that_will_not_end_is_killed() -> None:
    """After its grace."""
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); say(status={}); time.sleep(600)"
    async with running(supervisor(code, grace_s=0.3)) as health:
        await soon(lambda: health.state == "running")
        pid = health.pid
    assert not alive(pid)


async def test_ending_what_has_ended_returns_its_status() -> None:
    """Nothing is signalled twice."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(5)")
    await process.wait()
    assert await end(process, 1) == 5
