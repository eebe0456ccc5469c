"""The log's lock: one holder, freed by death, taken over when its time is up, and never mistaken for one's own."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import obstore
import pytest
from obstore.store import MemoryStore

from backend.event_log import lock
from backend.event_log.rows import LogError
from backend.event_log.store import EventLog
from tests.backend.event_log.handmade import event, ids

HOLDER = """
import sys, time
from pathlib import Path
from backend.event_log import lock
with lock.on_disk(Path(sys.argv[1]), 5):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_file_lock_has_one_holder_and_dies_with_it(tmp_path: Path) -> None:
    """Another process waits, then says who is in the way; after a SIGKILL it is free at once."""
    path = tmp_path / "locks" / "demo"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd()) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LogError, match="stays with another process"), lock.on_disk(path, 0.2):
            raise AssertionError("must not be held twice")
        os.kill(holder.pid, signal.SIGKILL)
    with lock.on_disk(path, 5) as held:
        held.keep()


def test_an_object_lock_has_one_holder() -> None:
    """And is gone when it is given back, so that the next one gets it."""
    store = MemoryStore()
    with lock.in_store(store, "key", 1) as held:
        held.keep()
        with pytest.raises(LogError, match="lock key stays"), lock.in_store(store, "key", 0.1):
            raise AssertionError("must not be held twice")
    with lock.in_store(store, "key", 0):
        assert obstore.head(store, "key")
    assert list(obstore.list(store)) == []


def test_a_dead_holder_is_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is up; should it live after all, it learns at its next write that it is no longer the holder."""
    store = MemoryStore()
    monkeypatch.setattr(lock, "LEASE_S", -1.0)  # over as soon as it is taken
    with lock.in_store(store, "key", 0) as held:
        monkeypatch.setattr(lock, "LEASE_S", 60.0)
        with lock.in_store(store, "key", 0) as successor:
            successor.keep()
            monkeypatch.setattr(lock, "LEASE_S", -1.0)
            with pytest.raises(LogError, match="ran out"):
                held.keep()


def test_a_lock_in_use_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its time is up; one that somebody else took meanwhile is not."""
    store = MemoryStore()
    with lock.in_store(store, "key", 0) as held:
        before = bytes(obstore.get(store, "key").bytes())
        held.keep()
        assert bytes(obstore.get(store, "key").bytes()) == before  # nothing to do yet
        monkeypatch.setattr(held, "_renewed_s", held.__dict__["_renewed_s"] - lock.LEASE_S / 2)
        held.keep()
        assert bytes(obstore.get(store, "key").bytes()) != before
        monkeypatch.setattr(held, "_renewed_s", held.__dict__["_renewed_s"] - lock.LEASE_S / 2)
        obstore.put(store, "key", msgspec.json.encode({"owner": "another", "until": 9e9}))
        with pytest.raises(LogError, match="taken over by somebody else"):
            held.keep()
    assert obstore.head(store, "key"), "what is another's is not given back by us"


def test_two_logs_of_one_place_exclude_each_other(log: EventLog) -> None:
    """On disk and in an object store; in memory every log is a place of its own."""
    if log.location.startswith("memory"):
        return
    with log.exclusive("demo"):
        other = EventLog(log.location, patience_s=0.2)
        with pytest.raises(LogError, match="stays with another process"):
            other.write("demo", [event("b")], "b")
        assert other.write("other", [event("b")], "b") == 1
    assert other.write("demo", [event("b")], "b") == 1


def test_threads_write_one_after_the_other(tmp_path: Path) -> None:
    """Through one log or several, and within one thread the lock may be taken again."""
    log, other = EventLog(str(tmp_path)), EventLog(str(tmp_path))
    order: list[str] = []

    def write() -> None:
        other.write("demo", [event("b")], "b")
        order.append("other")

    with log.exclusive("demo"), log.exclusive("demo"):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(0.3)
        log.write("demo", [event("a")], "a")
        order.append("first")
    thread.join()
    assert order == ["first", "other"]
    assert ids(log) == ["a", "b"]


def test_without_the_lock_nothing_is_put(tmp_path: Path) -> None:
    """A slip of the programmer is an error, not a race."""
    with pytest.raises(KeyError):
        EventLog(str(tmp_path)).put_file("demo/day=2026-05-01/a.parquet", b"")
