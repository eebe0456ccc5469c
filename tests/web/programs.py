"""Programs of ours as processes of their own, so that a test can kill them and bring them back.

In: a module, its settings as environment, and the address at which it answers once it is up. Out: `Program`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

# What the surroundings say of store and port is meant for others.
_NOT_OURS = frozenset({"REDIS_URL", "PORT", "ENDCAP_PORT"})
_UP_S = 60.0  # a busy machine starts slowly; nothing here is about speed


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Program:
    """`python -m <module>`, up when `ready` answers with 200. What it prints goes to `log`."""

    module: tuple[str, ...]
    environment: Mapping[str, str]
    ready: str
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it and wait until it is up. Fails with its log if it ends instead."""
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self.module],
                env={**inherited, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that a crash takes launcher and workers at once
            )
        ends = time.monotonic() + _UP_S
        while not self._is_up():
            assert self._process.poll() is None, f"{self.module} ended:\n{self.log.read_text()}"
            assert time.monotonic() < ends, f"{self.module} did not come up:\n{self.log.read_text()}"
            time.sleep(0.05)

    def _is_up(self) -> bool:
        try:
            return httpx.get(self.ready, timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _answers(self) -> bool:
        try:
            httpx.get(self.ready, timeout=5, trust_env=False)
        except httpx.ConnectError:
            return False
        except httpx.TransportError:
            return True  # it took the connection
        return True

    @property
    def running(self) -> bool:
        """Whether it was started and not ended."""
        return self._process is not None

    def kill(self) -> None:
        """As a crash: it gets to say nothing. Back once nobody answers, not even a worker that is about to end."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._end(signal.SIGKILL)
        while self._answers():
            time.sleep(0.02)

    def stop(self) -> None:
        """As an operator does."""
        self._end(signal.SIGTERM)

    def _end(self, by: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(by)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
