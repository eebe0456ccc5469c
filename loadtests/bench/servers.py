"""The servers that are compared, each on the server's core, started, waited for and ended with all they started.

In: where data, store, environments and logs are. Out: a `Server` for as long as a `with` block lasts.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.ask import Asker, free_port, port_is_free
from loadtests.bench.environments import HERE
from loadtests.bench.machine import Cores, cpu_s, family, pinned
from loadtests.server import ROOT, RunError, running, tail

_READY_TIMEOUT_S = 90.0
_POLL_S = 0.002  # the start is timed by it


@dataclass(frozen=True)
class Server:
    """One server that runs."""

    name: str
    url: str
    pid: int
    ready_s: float  # from the start of its process to its first good answer

    def cpu_s(self) -> float:
        """CPU that it and all its processes have used."""
        return cpu_s(family(self.pid))


@dataclass(frozen=True)
class Place:
    """Where everything is: the benchmark's own data directory, the store's address, cores, first port."""

    data: Path
    store: str
    cores: Cores
    port: int | None = None
    root: Path = ROOT  # the checkout whose Endcap is run
    model: Mapping[str, str] = field(default_factory=dict)  # RANKER and ROWS, for the frameworks

    def choose_port(self, number: int) -> int:
        """A free port, or the wanted one. Raises RunError when that is in use."""
        if self.port is None:
            return free_port()
        if not port_is_free(self.port + number):
            raise RunError(f"port {self.port + number} is taken; stop what uses it, or leave --port out")
        return self.port + number


@contextmanager
def endcap(place: Place, *, name: str = "endcap", workers: int = 1) -> Iterator[Server]:
    """Endcap as it is started by people: a launcher with one worker, production settings, demo mode."""
    port = place.choose_port(0)
    # -P: of the checkout that is meant, whatever the working directory.
    command = [sys.executable, "-P", "-m", "edge", "--port", port, "--workers", workers]
    environment = {"ENDCAP_DATA_DIR": str(place.data), "REDIS_URL": place.store, "PYTHONPATH": str(place.root)}
    with _serving(place, name, command, port, "/readyz", environment) as server:
        yield server


@contextmanager
def bare(place: Place, answer: Path) -> Iterator[Server]:
    """Starlette alone."""
    port = place.choose_port(1)
    command = [sys.executable, HERE / "bare.py"]
    with _serving(place, "bare", command, port, "/readyz", {"PORT": str(port), "ANSWER": str(answer)}) as server:
        yield server


@contextmanager
def litserve(place: Place, binaries: Path) -> Iterator[Server]:
    """LitServe with its one worker."""
    port = place.choose_port(2)
    command = [binaries / "python", HERE / "litserve_server.py"]
    with _serving(place, "litserve", command, port, "/health", {"PORT": str(port), **place.model}) as server:
        yield server


@contextmanager
def bentoml(place: Place, binaries: Path) -> Iterator[Server]:
    """BentoML with its one worker."""
    port = place.choose_port(3)
    # Its command is a script that names its interpreter; its children are told apart by the path, too.
    command = [binaries / "python", binaries / "bentoml", "serve", "bentoml_server:Ranking"]
    command += ["--host", "127.0.0.1", "--port", port, "--working-dir", HERE]
    home = {"BENTOML_HOME": str(place.data / "bentoml-home"), "BENTOML_DO_NOT_TRACK": "true"}
    with _serving(place, "bentoml", command, port, "/readyz", {**home, **place.model}) as server:
        yield server


@contextmanager
def _serving(
    place: Place,
    name: str,
    command: Sequence[object],
    port: int,
    path: str,
    environment: Mapping[str, str],
) -> Iterator[Server]:
    log = place.data / "logs" / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    line = pinned(place.cores.server, *command)
    began_s = time.perf_counter()
    with ended_whole(line, environment, log) as process:
        url = f"http://127.0.0.1:{port}"
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while True:
            if process.poll() is not None:
                raise RunError(f"{name} ended with status {process.returncode} before it was ready{tail(log)}")
            with Asker(url) as asker:
                if asker.get(path).status == 200:
                    break
            if time.monotonic() > deadline_s:
                raise RunError(f"{name} was not ready after {_READY_TIMEOUT_S:g} s{tail(log)}")
            time.sleep(_POLL_S)
        yield Server(name, url, process.pid, time.perf_counter() - began_s)


@contextmanager
def ended_whole(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """`running`, and nothing that it started outlives it: some frameworks' workers do."""
    group = 0
    try:
        with running(command, environment, log) as process:
            group = process.pid  # of all it starts, as `running` gives it a session of its own
            yield process
    finally:
        if group:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
