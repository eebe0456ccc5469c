"""The server under test and every other process of a run: started, waited for, and ended by pid whatever happens.

In: a data directory. Out: the address of a server that is ready, for as long as a `with` block lasts.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests.ask import Asker, free_port, port_is_free

ROOT = Path(__file__).parent.parent
_READY_TIMEOUT_S = 60.0
_UNREADY_GRACE_S = 15.0  # it answers, but has no model: one may be just being loaded, but not for ever
_STOP_GRACE_S = 15.0
_POLL_S = 0.1
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
_LOG_LINES = 12


class RunError(RuntimeError):
    """A run that could not be made; the message says why and what to do."""


@contextmanager
def serving(data_dir: Path, *, port: int | None, workers: int, log: Path) -> Iterator[str]:
    """A server of our own on this machine."""
    if port is not None and not port_is_free(port):
        raise RunError(f"port {port} is taken; stop what uses it, or leave --port out")
    port = port or free_port()
    command = [sys.executable, "-m", "edge", "--port", str(port), "--workers", str(workers)]
    url = f"http://127.0.0.1:{port}"
    with running(command, {"ENDCAP_DATA_DIR": str(data_dir)}, log) as process:
        await_ready(url, process, log)
        yield url


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process whose output goes to `log`, ended at the end of the block: SIGTERM, after a while SIGKILL."""
    # Our own package must be found from any directory, and Ctrl-C must reach only us: we end the others in order.
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    process = None
    try:
        with log.open("wb") as output, undisturbed():
            process = subprocess.Popen(
                command,
                env={**inherited, "PYTHONPATH": paths, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        yield process
    finally:
        if process:
            end(process)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Have SIGINT and SIGTERM wait until the block is left: one that interrupts Popen leaves a process nobody knows."""
    if threading.current_thread() is not threading.main_thread():  # which signals do not interrupt
        yield
        return
    waiting: list[int] = []
    handlers = {number: signal.signal(number, lambda n, _: waiting.append(n)) for number in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in waiting:
            signal.raise_signal(late)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process of ours and wait for it."""
    process.terminate()  # nothing happens to one that has ended
    try:
        process.wait(_STOP_GRACE_S)
    except BaseException as error:  # because a second Ctrl-C must not leave it behind either
        process.kill()
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise


def await_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server has a model and products. Raises RunError with what it said."""
    deadline_s = time.monotonic() + _READY_TIMEOUT_S
    answered_s: float | None = None
    said = "nothing"
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            raise RunError(f"the server ended with status {process.returncode} before it was ready{tail(log)}")
        with Asker(url) as asker:
            reply = asker.get("/readyz")
        if reply.status == 200:
            return
        if reply.status:
            said = reply.body.decode(errors="replace")
            answered_s = answered_s or time.monotonic()
            if time.monotonic() - answered_s > _UNREADY_GRACE_S:
                break
        time.sleep(_POLL_S)
    raise RunError(f"the server did not become ready; /readyz says: {said}{_remedy(said)}{tail(log)}")


def _remedy(said: str) -> str:
    try:
        state = json.loads(said)
        modelless = state["model_version"] is None
    except (ValueError, TypeError, KeyError):
        return ""
    return "\nIt has no model: prepare the demo with scripts/demo --prepare, or name another --data-dir." * modelless


def tail(log: Path) -> str:
    """The last lines of a log, ready to be put behind a message."""
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n  ".join(["\nThe end of its log:", *lines]) if lines else "\nIts log is empty."
