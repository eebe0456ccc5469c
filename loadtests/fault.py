"""Breaking something on purpose: the store of the server under test is killed, again and again, for a while.

In: the file with the pid of the embedded store, and when to begin and end (Unix time). Out: how often it was killed.
Its supervisor starts it anew each time, so the outage ends by itself when the killing does. Processes are ended by pid,
and only after a look at what they are: a pid file may be older than the process that has the number now.
"""

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

_POLL_S = 0.01
_SERVERS = ("valkey-server", "redis-server")


def store_pid(pid_file: Path) -> int | None:
    """The pid of the store that runs, if one does."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):  # no file, or one that is being written
        return None
    return pid if _is_store(pid) else None


def _is_store(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return any(name in command.read_text(errors="replace") for name in _SERVERS)
        except OSError:
            return False
    done = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return any(name in done.stdout for name in _SERVERS)


class StoreOutage:
    """Holds the store down between two moments, from a thread of its own."""

    def __init__(self, pid_file: Path, *, starts_at: float, ends_at: float) -> None:
        self.kills = 0
        self._pid_file = pid_file
        self._starts_at, self._ends_at = starts_at, ends_at
        self._called_off = threading.Event()
        self._thread = threading.Thread(target=self._hold_down, name="store-outage", daemon=True)

    def start(self) -> None:
        """Arm it."""
        self._thread.start()

    def stop(self) -> None:
        """Call it off, or clean up after it: nothing is killed once this has returned."""
        self._called_off.set()
        self._thread.join()

    def _hold_down(self) -> None:
        if self._called_off.wait(max(0.0, self._starts_at - time.time())):
            return
        while time.time() < self._ends_at and not self._called_off.wait(_POLL_S):
            pid = store_pid(self._pid_file)
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                self._await_end(pid)

    def _await_end(self, pid: int) -> None:
        """Until the killed process is gone from the table, so that no kill is counted twice."""
        while _is_store(pid) and not self._called_off.wait(_POLL_S):
            pass
