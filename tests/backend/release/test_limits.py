"""Programs under limits: each limit really ends one, with all it started, and nothing is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from backend.release.limits import Ended, Limits, run_limited

EASY = Limits(wall_s=60, memory_mib=2_000, grace_s=5)


def python(code: str) -> list[str]:
    """A program."""
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def gone(pid: int) -> None:
    """Wait until it is."""
    ends = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < ends, "it still runs"
        await asyncio.sleep(0.02)


async def test_lines_are_passed_on_and_a_good_end_is_told() -> None:
    """In order, with the peak of memory and nothing to complain of."""
    lines: list[str] = []
    ended = await run_limited(
        python("import time; print('one'); print('two'); time.sleep(0.5)"), EASY, lines.append, {"HELLO": "1"}
    )
    assert lines == ["one", "two"]
    assert ended.done
    assert ended.why(EASY) == ""
    assert 1 < ended.peak_mib < 200


async def test_the_environment_reaches_it() -> None:
    """Beside what the parent has."""
    lines: list[str] = []
    await run_limited(python("import os; print(os.environ['HELLO'], 'PATH' in os.environ)"), EASY, lines.append,
                      {"HELLO": "1"})  # fmt: skip
    assert lines == ["1 True"]


async def test_a_bad_end_is_told_with_the_last_words() -> None:
    """Status and the end of standard error."""
    ended = await run_limited(python("import sys; print('no disk', file=sys.stderr); sys.exit(3)"), EASY)
    assert not ended.done
    assert ended.code == 3
    assert "status 3: no disk" in ended.why(EASY)


async def test_a_line_without_end_is_passed_over() -> None:
    """More bytes than any honest line has do not stop the reading."""
    lines: list[str] = []
    ended = await run_limited(python("print('x' * 3_000_000); print('after')"), EASY, lines.append)
    assert ended.done
    assert lines[-1] == "after"


async def test_too_long_ends_it() -> None:
    """The wall clock."""
    limits = Limits(wall_s=0.5, memory_mib=2_000, grace_s=5)
    ended = await run_limited(python("import time; time.sleep(60)"), limits)
    assert ended.stopped == "time"
    assert not ended.done
    assert "more than 0 s" in ended.why(limits) or "more than 1 s" in ended.why(limits)
    await gone(ended.pid)


async def test_too_much_memory_ends_it() -> None:
    """A program that keeps taking memory and using it."""
    code = "import time\nheld = []\nwhile True:\n    held.append(bytearray(b'x') * 10_000_000)\n    time.sleep(0.05)"
    limits = Limits(wall_s=60, memory_mib=150, grace_s=5)
    ended = await run_limited(python(code), limits)
    assert ended.stopped == "memory"
    assert ended.peak_mib > 150
    assert "MiB, more than 150" in ended.why(limits)


async def test_memory_of_what_it_started_counts_too(tmp_path: Path) -> None:
    """A child's, as Spark's JVM is one; and the child is ended with it."""
    child = (
        f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "held = bytearray(b'x') * 200_000_000; time.sleep(60)"
    )
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    ended = await run_limited(python(code), Limits(wall_s=60, memory_mib=150, grace_s=5))
    assert ended.stopped == "memory"
    await gone(int((tmp_path / "pid").read_text()))


async def test_one_that_will_not_end_is_made_to() -> None:
    """SIGTERM ignored: SIGKILL after the grace."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    ended = await run_limited(python(code), Limits(wall_s=1.5, memory_mib=2_000, grace_s=0.3))
    assert ended.stopped == "time"
    assert ended.code == -signal.SIGKILL
    await gone(ended.pid)


async def test_one_asked_to_end_may_tidy_up(tmp_path: Path) -> None:
    """SIGTERM comes first, and there is time for it."""
    code = (
        "import signal, sys, time\n"
        f"def bye(*_): open({str(tmp_path / 'tidied')!r}, 'w').close(); sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, bye)\ntime.sleep(60)"
    )
    ended = await run_limited(python(code), Limits(wall_s=1.5, memory_mib=2_000, grace_s=20))
    assert (ended.stopped, ended.code) == ("time", 7)
    assert (tmp_path / "tidied").exists()


async def test_what_it_leaves_behind_is_ended(tmp_path: Path) -> None:
    """A grandchild that would go on after a good end."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid)"
    )
    lines: list[str] = []
    ended = await run_limited(python(code), Limits(60, 2_000, grace_s=0.5), lines.append)
    assert ended.code == 0
    await gone(int(lines[0]))


async def test_cancelling_ends_it(tmp_path: Path) -> None:
    """The backend is told to stop: the run stops with it."""
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    task: asyncio.Task[Ended] = asyncio.create_task(run_limited(python(code), EASY, started.set_result))
    pid = int(await started)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
async def test_a_killed_parent_takes_it_along(tmp_path: Path) -> None:
    """SIGKILL of the backend: no training run goes on by itself."""
    note = tmp_path / "pid"
    child = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid()) + '.'); time.sleep(60)"
    code = (
        "import asyncio, sys\nfrom backend.release.limits import Limits, run_limited\n"
        f"asyncio.run(run_limited([sys.executable, '-c', {child!r}], Limits(60, 2000)))"
    )
    parent = subprocess.Popen(python(code))
    ends = time.monotonic() + 30
    while not (note.exists() and note.read_text().endswith(".")):
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    await gone(int(note.read_text().rstrip(".")))
