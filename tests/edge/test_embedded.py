"""The embedded store against real servers, real launchers and real signals; waiting is always for a condition."""

import fcntl
import logging
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from edge import embedded
from edge.embedded import EmbeddedStore, store_url
from edge.errors import StoreError
from tests.edge.stores import (
    FORK,
    LAST_WORDS,
    answers,
    by_hand,
    connect,
    filled,
    gone,
    kill_and_wait,
    launched,
    logged_pids,
    said,
    server_pid,
    supervised,
    wait_until,
)

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has PR_SET_PDEATHSIG")


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
