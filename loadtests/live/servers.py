"""Everything a simulation needs running on this machine: the live edge with its store, the backend, the frozen edges.

In: the data directory of the live shop and a copy that stays as it is. Out: addresses, for as long as a `with` block
lasts. The frozen edges show what stands still without the loop: `frozen model` serves the old model on live profiles,
`frozen` the old model on the old profiles.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.ask import Asker, free_port
from loadtests.server import ROOT, RunError, await_ready, running, tail

_WEEK_S = 604_800
_ALIVE_TIMEOUT_S, _POLL_S = 60.0, 0.1
# Daily chores would run at every simulated day, which takes seconds here; the canary has nobody to judge.
_JOBS = {"facts": _WEEK_S, "compact": _WEEK_S, "retention": _WEEK_S, "drift": _WEEK_S, "reconcile": 0, "canary": 0}


@dataclass(frozen=True)
class Cast:
    """Who plays: the arms, the live one first, and the backend with its key."""

    arms: tuple[tuple[str, str], ...]
    admin: str
    key: str


@contextmanager
def playing(live: Path, frozen: Path, clock: Path, logs: Path, settings: Mapping[str, str]) -> Iterator[Cast]:
    """Start all servers, the live edge first, since its store serves the others. Raises RunError."""
    logs.mkdir(parents=True, exist_ok=True)
    # A week's end is a second before the data are a week old.
    shared = {"ENDCAP_RETRAIN_INTERVAL_H": "160", "ENDCAP_CLOCK_FILE": str(clock.absolute()), **settings}
    key = _secret_key(live)
    with ExitStack() as stack:
        first = stack.enter_context(_edge("live", live, shared, logs))
        store = {"REDIS_URL": f"unix://{(live / 'store' / 'store.sock').absolute()}"}
        arms = [
            ("live", first),
            ("frozen model", stack.enter_context(_edge("frozen-model", frozen, shared | store, logs))),
            ("frozen", stack.enter_context(_edge("frozen", frozen, shared, logs))),
        ]
        admin = stack.enter_context(_backend(live, shared | store, logs))
        yield Cast(tuple(arms), admin, key)


@contextmanager
def _edge(name: str, data_dir: Path, environment: Mapping[str, str], logs: Path) -> Iterator[str]:
    port, log = free_port(), logs / f"{name}.log"
    command = [sys.executable, "-m", "edge", "--port", str(port)]
    with running(command, {**environment, "ENDCAP_DATA_DIR": str(data_dir.absolute())}, log) as process:
        url = f"http://127.0.0.1:{port}"
        await_ready(url, process, log)
        yield url


@contextmanager
def _backend(data_dir: Path, environment: Mapping[str, str], logs: Path) -> Iterator[str]:
    port, log = free_port(), logs / "backend.log"
    own = {"ENDCAP_DATA_DIR": str(data_dir.absolute()), "ENDCAP_ADMIN_PORT": str(port)}
    own["ENDCAP_JOBS"] = json.dumps(_JOBS)
    with running([sys.executable, "-m", "backend", "serve"], {**environment, **own}, log) as process:
        url = f"http://127.0.0.1:{port}"
        _await_alive(url, process, log)
        yield url


def _await_alive(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + _ALIVE_TIMEOUT_S
    while process.poll() is None:
        with Asker(url) as asker:
            if asker.get("/healthz").status == 200:
                return
        if time.monotonic() > ends:
            raise RunError(f"the backend did not answer within {_ALIVE_TIMEOUT_S:.0f} s{tail(log)}")
        time.sleep(_POLL_S)
    raise RunError(f"the backend ended with status {process.returncode} before it was ready{tail(log)}")


def _secret_key(data_dir: Path) -> str:
    """A new key of the shop, made by the backend's own command."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"ENDCAP_DATA_DIR": str(data_dir.absolute()), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-m", "backend", "key"], env=environment, capture_output=True, text=True, check=False
    )
    found = re.search(r"\bsk_[\w-]+", done.stdout)
    if done.returncode or not found:
        raise RunError(f"no key could be made for {data_dir}: {done.stdout}{done.stderr}")
    return found.group()
