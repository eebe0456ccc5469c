"""The machine: its cores and tools, and what processes take of it, read from /proc.

In: process ids. Out: CPU seconds, bytes of memory, and the facts that a reader of figures wants to know. Linux only.
"""

import fcntl
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from loadtests.server import RunError

_TOOLS = {"wrk": "wrk", "taskset": "util-linux"}  # program -> the package that has it on Debian and Ubuntu
_PACKAGES = ("endcap", "starlette", "uvicorn", "uvloop", "httptools", "onnxruntime", "numpy", "redis", "hiredis")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Where the server runs, and where everything else does: clients and store."""

    server: int
    client: int


@dataclass(frozen=True)
class Memory:
    """Bytes of one process: resident, and resident with what is shared split among those who share it."""

    rss: int
    pss: int


def check_tools() -> None:
    """Raises RunError when a program is missing that the benchmark needs."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        packages = " ".join(_TOOLS[tool] for tool in missing)
        raise RunError(f"{' and '.join(missing)} missing; on Debian and Ubuntu: apt-get install {packages}")


def choose_cores() -> Cores:
    """The first core that we may use for clients and store, the last for the server. Raises RunError for one core."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise RunError(
            f"only core {allowed[0]} may be used; server and client need one each: run this on a machine with two "
            "cores, or widen what taskset or the container allows"
        )
    return Cores(server=allowed[-1], client=allowed[0])


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Keep other benchmarks off a directory, which is made if need be. Raises RunError while another one runs there."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"another benchmark runs in {place}; wait for its end, or name another --data-dir") from None
        yield


def pinned(core: int, *command: object) -> list[str]:
    """The command line that runs a command, and all that it starts, on one core."""
    return ["taskset", "--cpu-list", str(core), *map(str, command)]


def family(pid: int) -> list[int]:
    """A process and all that it has started, that still run."""
    found = [pid]
    for parent in found:  # grows while it is walked
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in _read(path).split()]
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """Seconds of CPU that processes have used so far, all threads."""
    total = 0
    for pid in pids:
        fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12]) if fields else 0
    return total / _TICKS


def memory(pid: int) -> Memory:
    """What a process takes at the moment. Raises RunError when it is gone."""
    told = dict(_kilobytes(_read(Path(f"/proc/{pid}/smaps_rollup"))))
    if "Rss" not in told:
        raise RunError(f"process {pid} is gone; its memory cannot be read")
    return Memory(told["Rss"] * 1024, told["Pss"] * 1024)


def _kilobytes(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            yield name, int(value.split()[0])


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ended meanwhile
        return ""


def facts(cores: Cores) -> dict[str, Any]:
    """What stands beside the figures in the report."""
    models = [
        line.partition(":")[2].strip() for line in _read(Path("/proc/cpuinfo")).splitlines() if "model name" in line
    ]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "server_core": cores.server,
        "client_core": cores.client,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average_before": [round(one, 2) for one in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: told for name in _PACKAGES if (told := _version(name))},
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or None
