"""A store of the tests' own: the server that the edge embeds, without its supervisor, to be killed, stopped, refused.

In: a directory for the data. Out: a unix socket that answers, until a test does something to it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import redis

from edge.embedded import find_binary
from tests.serving import until

_OPTIONS = "--port 0 --protected-mode no --appendonly yes --appendfsync everysec --maxmemory-policy noeviction"


def binary() -> str:
    """The server under test: ENDCAP_TEST_SERVER, or the embedded one."""
    name = os.environ.get("ENDCAP_TEST_SERVER")
    return (shutil.which(name) if name else None) or str(find_binary())


class Store:
    """One server process and its data directory, which outlives it."""

    def __init__(self, directory: Path, *options: str, password: str | None = None) -> None:
        self.directory = directory
        self._home = tempfile.mkdtemp(prefix="endcap-")  # sockets have short names; a test's directory may not
        self.socket = f"{self._home}/s"
        self._password = password
        self._options = (*options, "--requirepass", password) if password else options
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Any = self.connect()

    @property
    def url(self) -> str:
        """As REDIS_URL wants it."""
        return f"unix://:{self._password}@{self.socket}" if self._password else f"unix://{self.socket}"

    def connect(self) -> Any:
        """Another client, with patience."""
        return redis.Redis(unix_socket_path=self.socket, password=self._password, protocol=2, socket_timeout=30)

    @property
    def pid(self) -> int:
        """Of the server now."""
        assert self._process is not None
        return self._process.pid

    def start(self, *more: str, wait: bool = True) -> "Store":
        """Start it, and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        options = [*_OPTIONS.split(), "--save", "", "--dir", str(self.directory), "--unixsocket", self.socket]
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary(), *options, *self._options, *more], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if wait:
            until(self.answers)
        return self

    def answers(self) -> bool:
        """Whether it takes commands."""
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "server.log").read_text()[-1000:]
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: it takes connections, as the kernel does that, and says nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        """What is left of it."""
        self.client.close()
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._home, ignore_errors=True)
