"""Where a run takes place: the server, its store, what lies between them and the shoppers, and on which cores.

In: what is to be started. Out: a `Site` for as long as a block lasts. Where the server is what is measured, it has a
core to itself: the store, the proxies and all who ask share another, so that nobody slows it down but by asking.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.ask import free_port, port_is_free
from loadtests.bench.machine import Cores, pinned
from loadtests.budget import NetworkBudget
from loadtests.server import ROOT, RunError, await_ready, running, tail

_PATIENCE_S = 60.0
_POLL_S = 0.05
_HOLDER = ROOT / "backend" / "crowd.py"  # run as a program: keeps a data directory's store up
_Beside = Callable[..., list[str]]
_ADDRESS = re.compile(r"^proxy on (\S+) to ", re.MULTILINE)


@dataclass(frozen=True)
class Site:
    """Where to ask. `pid`: the server's launcher, if it is ours; `cores`: None where all share all of them."""

    url: str
    pid: int | None = None
    cores: Cores | None = None

    @property
    def port(self) -> int:
        """Of the loopback address at which the server, or the way to it, begins."""
        return int(self.url.rpartition(":")[2])

    def beside(self, *command: object) -> list[str]:
        """The command line that runs a command away from the server's core."""
        return pinned(self.cores.client, *command) if self.cores else [*map(str, command)]

    def asking(self, *command: object) -> list[str]:
        """The same for who asks: where the store shares their core, it comes first, as if it had one to itself."""
        return self.beside("nice", "-n", "10", *command) if self.cores else self.beside(*command)


@dataclass(frozen=True)
class Staging:
    """What to start, and where its logs go. Without `workers` one, alone on its core."""

    data_dir: Path
    logs: Path
    port: int | None = None
    workers: int | None = None
    network: NetworkBudget | None = None


def cores_for(workers: int | None) -> Cores | None:
    """A core for one worker and one for all else; None where there is but one, or several workers need several."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if workers not in (None, 1) or len(allowed) < 2:
        return None
    return Cores(server=allowed[-1], client=allowed[0])


@contextmanager
def staged(staging: Staging) -> Iterator[Site]:
    """The server on a core of its own, with its store, and the way to both if there is one. Raises RunError."""
    cores = cores_for(staging.workers)
    beside = Site("", cores=cores).beside
    port = _port(staging.port)
    environment = {"ENDCAP_DATA_DIR": str(staging.data_dir)}
    with ExitStack() as stack:
        store = stack.enter_context(_held(staging, beside))
        if staging.network:
            each_way_ms = staging.network.store_round_trip_ms / 2
            far = stack.enter_context(_proxy(store, each_way_ms, beside, staging.logs / "way-to-store.log"))
            environment["REDIS_URL"] = f"redis://{far}"
        command: list[object] = [sys.executable, "-m", "edge", "--port", port, "--workers", staging.workers or 1]
        line = pinned(cores.server, *command) if cores else [*map(str, command)]
        log, url = staging.logs / "server.log", f"http://127.0.0.1:{port}"
        server = stack.enter_context(running(line, environment, log))
        await_ready(url, server, log)
        if staging.network:
            each_way_ms = staging.network.shopper_round_trip_ms / 2
            way = _proxy(f"127.0.0.1:{port}", each_way_ms, beside, staging.logs / "way-to-server.log")
            url = f"http://{stack.enter_context(way)}"
        yield Site(url, server.pid, cores)


def _port(wanted: int | None) -> int:
    if wanted is not None and not port_is_free(wanted):
        raise RunError(f"port {wanted} is taken; stop what uses it, or leave --port out")
    return wanted or free_port()


@contextmanager
def _held(staging: Staging, beside: _Beside) -> Iterator[str]:
    """The store of the data directory, which the server finds running and uses; its address for a proxy."""
    told, log = staging.logs / "store.url", staging.logs / "store.log"
    told.unlink(missing_ok=True)
    arguments = ("--source", staging.data_dir, "--into", staging.data_dir, "--hold", told)
    with running(beside(sys.executable, "-P", _HOLDER, *arguments), {}, log) as holder:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not (told.exists() and (url := told.read_text())):
            if holder.poll() is not None or time.monotonic() > deadline_s:
                raise RunError(f"the store did not start{tail(log)}")
            time.sleep(_POLL_S)
        yield f"unix:{url.removeprefix('unix://')}"
    told.unlink(missing_ok=True)


@contextmanager
def _proxy(upstream: str, each_way_ms: float, beside: _Beside, log: Path) -> Iterator[str]:
    """Our proxy before something, in a process of its own; the address to ask instead."""
    command = beside(sys.executable, "-m", "loadtests.toxics", "--upstream", upstream, "--latency-ms", each_way_ms)
    with running(command, {}, log) as proxy:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not (found := _ADDRESS.search(log.read_text())):
            if proxy.poll() is not None or time.monotonic() > deadline_s:
                raise RunError(f"the proxy before {upstream} did not start{tail(log)}")
            time.sleep(_POLL_S)
        yield found[1]
