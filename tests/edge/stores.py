"""Embedded stores for the tests: launchers in processes of their own, servers left behind, what can be seen of them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from edge import embedded
from edge.embedded import EmbeddedStore

ROOT = Path(__file__).parents[2]
LAUNCHER = """
import sys
from pathlib import Path
from edge.embedded import EmbeddedStore
with EmbeddedStore(Path(sys.argv[1])) as store:
    print(store.owner, store.url, flush=True)
"""
WAIT = """
    sys.stdin.read()
"""
LAST_WORDS = """
    import redis, signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with SIGINT ignored
    try:
        print("waiting", flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        redis.Redis.from_url(store.url).set("last words", "bye")
        print("wrote", flush=True)
"""
FORK = """
    import os, redis, warnings
    warnings.simplefilter("ignore")  # Python 3.12 warns of any fork beside threads
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        print(redis.Redis.from_url(store.url).ping(), flush=True)
"""


def wait_until(condition: Callable[[], object], what: str, within_s: float = 20.0) -> None:
    """Poll until the condition holds; the limit is far above what a slow machine needs."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {within_s:g} s for: {what}"
        time.sleep(0.02)


def connect(url: str) -> redis.Redis:
    """Make a client as any user of the URL would."""
    return redis.Redis.from_url(url, protocol=2, decode_responses=True)


def answers(url: str) -> bool:
    """Whether a server at this address takes commands now."""
    with suppress(redis.RedisError), connect(url) as client:
        return bool(client.ping())
    return False


def server_pid(data_dir: Path) -> int:
    """The pid as a fault injector reads it; 0 while there is none."""
    with suppress(FileNotFoundError, ValueError):
        return int((data_dir / "store.pid").read_text())
    return 0


def supervised(data_dir: Path) -> bool:
    """Whether a thread still looks after a store in or below this directory."""
    return any(str(data_dir.resolve()) in thread.name for thread in threading.enumerate())


def gone(pid: int) -> bool:
    """Whether the process has ended; an orphan that its new parent never reaps has ended, too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def kill_and_wait(data_dir: Path, url: str) -> None:
    """SIGKILL the server of this directory and wait for its successor."""
    pid = server_pid(data_dir)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server_pid(data_dir) not in {0, pid} and answers(url), "a new server")


@contextmanager
def launched(data_dir: Path, then: str = WAIT) -> Iterator[subprocess.Popen[str]]:
    """Run a launcher in a process of its own, which leaves its block when its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER + then, str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(60, process.kill)  # a launcher that hangs fails its test instead of hanging it
    watchdog.start()
    with process:
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that a launcher printed."""
    assert process.stdout
    return process.stdout.readline().strip()


@contextmanager
def by_hand(data_dir: Path, *options: str, pid_file: str = "store.pid") -> Iterator[subprocess.Popen[bytes]]:
    """Run a bare server as a launcher without PDEATHSIG would leave it: it listens, and nobody holds the lock."""
    binary = embedded.find_binary()
    data_dir.mkdir(exist_ok=True)
    command = f"{binary} --port 0 --unixsocket {data_dir}/store.sock --dir {data_dir} --pidfile {data_dir / pid_file}"
    process = subprocess.Popen([*command.split(), "--appendonly", "yes", *options], stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def filled(data_dir: Path, count: int = 100) -> Path:
    """Make a stopped store with `count` keys; return its append-only file."""
    with EmbeddedStore(data_dir) as store, connect(store.url) as client, client.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.set(f"key-{number:05}", "x" * 50)
        pipe.execute()
    return data_dir / "appendonlydir" / "appendonly.aof.1.incr.aof"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in the folder, to show that nothing was changed or deleted."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def logged_pids(data_dir: Path) -> set[int]:
    """Every process that wrote to the server's log: each line starts with its pid."""
    return {int(pid) for pid in re.findall(r"^(\d+):", (data_dir / "store.log").read_text(), re.MULTILINE)}
