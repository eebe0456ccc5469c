"""What the processes of a server take of memory while it is loaded, sampled from beside it.

In: the launcher's process id. Out: `Samples` by process, and how much each grew: Linux only, as /proc is read.
"""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression

from loadtests.bench.machine import family

Samples = dict[int, list[tuple[float, float]]]  # process -> (seconds since the begin of what is measured, MB)
_EVERY_S = 1.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MB = 1_000_000


class Sampler:
    """Samples all workers of a server, from a thread."""

    def __init__(self, launcher: int, every_s: float = _EVERY_S) -> None:
        self.samples: Samples = {}
        self._launcher, self._every_s, self._begins_at = launcher, every_s, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)

    def start(self, begins_at: float) -> None:
        """Begin; what is before that moment, in Unix time, is left out."""
        self._begins_at = begins_at
        self._thread.start()

    def stop(self) -> None:
        """No more is sampled once this has returned."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(self._every_s):
            for pid in workers(self._launcher):
                if (resident := resident_mb(pid)) and (at_s := time.time() - self._begins_at) >= 0:
                    self.samples.setdefault(pid, []).append((round(at_s, 2), round(resident, 3)))


def workers(launcher: int) -> list[int]:
    """The processes that serve: what the launcher has started, but for Python's own helper."""
    return [pid for pid in family(launcher)[1:] if "resource_tracker" not in _read(pid, "cmdline")]


def resident_mb(pid: int) -> float:
    """Resident memory, from the file that costs the process nothing to read; 0 of one that has ended."""
    fields = _read(pid, "statm").split()
    return int(fields[1]) * _PAGE / _MB if len(fields) > 1 else 0.0


def growth_mb(samples: Sequence[tuple[float, float]], since_s: float) -> float:
    """How much a straight line through the samples rises from `since_s` to the last one. 0 of fewer than two."""
    later = [(at_s, mb) for at_s, mb in samples if at_s >= since_s]
    if len(later) < 2:
        return 0.0
    times, sizes = zip(*later, strict=True)
    return float(linear_regression(times, sizes).slope * (times[-1] - times[0]))


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:  # it ended meanwhile
        return ""
