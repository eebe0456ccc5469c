"""A program run under limits: its lines are passed on, and it ends by itself or is ended, with all it started.

In: a command line, seconds, MiB. Out: `Ended`. Memory is watched, not limited by the kernel: NumPy, DuckDB and the JVM
reserve address space far beyond what they touch, so RLIMIT_AS ends runs that fit, and a cgroup needs rights we may not
have. What counts is the resident memory of the whole process tree, looked at five times a second.
"""

import asyncio
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import psutil

_LOOK_EVERY_S, _STEP_S = 0.2, 0.02
_KILLED_S = 10.0  # the kernel may take a while to free much memory
_LAST_WORDS = 20  # lines of what it complained
_LINE_BYTES = 1 << 20
_MIB = 1 << 20

# As in edge.embedded: a fresh interpreter asks the kernel (Linux) to send SIGTERM when its parent is gone, then becomes
# the program. PR_SET_PDEATHSIG (1) outlives exec; a parent that died before shows in the parent id.
_DIE_WITH_PARENT = f"""import ctypes, os, sys
ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)})
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Limits:
    """What a program may take. `grace_s` is the time between the request to end and the end."""

    wall_s: float
    memory_mib: float
    grace_s: float = 10.0


@dataclass(frozen=True)
class Ended:
    """How a program ended. `stopped` says which limit ended it; `complaint` is the end of its standard error."""

    code: int
    stopped: Literal["time", "memory"] | None
    seconds: float
    peak_mib: float
    complaint: str
    pid: int

    @property
    def done(self) -> bool:
        """Whether it came to its own, good end."""
        return self.stopped is None and self.code == 0

    def why(self, limits: Limits) -> str:
        """Why it did not, in a sentence; empty where it did."""
        if self.stopped == "time":
            return f"it took more than {limits.wall_s:,.0f} s"
        if self.stopped == "memory":
            return f"it held {self.peak_mib:,.0f} MiB, more than {limits.memory_mib:,.0f}"
        return "" if self.done else f"it ended with status {self.code}: {self.complaint or 'nothing said'}"


async def run_limited(
    command: Sequence[str],
    limits: Limits,
    on_line: Callable[[str], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run it to its end. Cancelled, it ends the program first, with everything that one started.

    `on_line` hears each line of standard output.
    """
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *_with_parent(command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
        limit=_LINE_BYTES,
    )
    words: deque[str] = deque(maxlen=_LAST_WORDS)
    readers = [
        asyncio.create_task(_read(process.stdout, on_line)),
        asyncio.create_task(_read(process.stderr, words.append)),
    ]
    watch = _Watch(process, limits, began)
    try:
        await watch.until_end()
    finally:
        await _end(process, limits.grace_s)
        await asyncio.wait(readers, timeout=limits.grace_s)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    seconds = time.monotonic() - began
    complaint = " / ".join(line for line in words if line.strip())[-1_000:]
    return Ended(process.returncode or 0, watch.stopped, seconds, watch.peak_mib, complaint, process.pid)


class _Watch:
    """Looks at a program until it ends or breaks a limit, and then ends it."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits, began: float) -> None:
        self.peak_mib = 0.0
        self.stopped: Literal["time", "memory"] | None = None
        self._process = process
        self._limits = limits
        self._ends = began + limits.wall_s

    async def until_end(self) -> None:
        """Return when it has ended, by itself or because of a limit."""
        # asyncio's own wait() also waits for the pipes, which a grandchild may hold open.
        while self._process.returncode is None:
            self.peak_mib = max(self.peak_mib, _tree_mib(self._process.pid))
            if self.peak_mib > self._limits.memory_mib:
                self.stopped = "memory"
            elif time.monotonic() > self._ends:
                self.stopped = "time"
            if self.stopped:
                await _end(self._process, self._limits.grace_s)
                return
            await _ended(self._process, _LOOK_EVERY_S)


async def _ended(process: asyncio.subprocess.Process, within_s: float) -> None:
    ends = time.monotonic() + within_s
    while process.returncode is None and time.monotonic() < ends:  # noqa: ASYNC110 -- a process sets no asyncio.Event
        await asyncio.sleep(_STEP_S)


def _with_parent(command: Sequence[str]) -> list[str]:
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]


async def _read(stream: asyncio.StreamReader | None, on_line: Callable[[str], object]) -> None:
    while stream and (line := await _line(stream)) is not None:
        on_line(line)


async def _line(stream: asyncio.StreamReader) -> str | None:
    """The next line; None at the end. One longer than the buffer is passed over."""
    try:
        raw = await stream.readline()
    except ValueError:
        return ""
    return raw.decode(errors="replace").rstrip() if raw else None


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """Ask the whole group to end, wait, then make it."""
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        await _ended(process, grace_s)
    # Also after a good end: what it started and left behind has no business any more.
    _signal(process.pid, signal.SIGKILL)
    await _ended(process, _KILLED_S)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone; or, on macOS, a zombie
        os.killpg(group, number)


def _tree_mib(pid: int) -> float:
    """Resident MiB of a process and all it started."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0.0
    total = 0
    for process in tree:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total / _MIB
