"""The outage: a real embedded store, killed for a while and restored by its supervisor."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_client

from edge.embedded import EmbeddedStore
from loadtests.fault import StoreOutage, store_pid


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store of the test's own, supervised by this process."""
    with EmbeddedStore(tmp_path / "store") as store:
        yield store


def answers(store: EmbeddedStore) -> bool:
    """Whether the store answers right now."""
    try:
        with redis_client.Redis.from_url(store.url, protocol=2, socket_timeout=1) as client:
            return bool(client.ping())
    except redis_client.RedisError:
        return False


def wait_for(store: EmbeddedStore, *, up: bool, within_s: float = 20.0) -> None:
    """Until the store answers, or no longer does."""
    ends = time.monotonic() + within_s
    while answers(store) != up:
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)


def test_the_store_is_held_down_and_comes_back(tmp_path: Path, store: EmbeddedStore) -> None:
    """It is killed each time its supervisor restarts it, then left alone; what was written before is still there."""
    pid_file = tmp_path / "store" / "store.pid"
    with redis_client.Redis.from_url(store.url, protocol=2) as client:
        client.set("kept", "yes")
    before = store_pid(pid_file)
    now = time.time()
    outage = StoreOutage(pid_file, starts_at=now + 0.3, ends_at=now + 2.3)
    assert answers(store)
    outage.start()
    wait_for(store, up=False)
    time.sleep(max(0.0, now + 2.4 - time.time()))
    outage.stop()
    wait_for(store, up=True)
    assert outage.kills >= 2
    assert store_pid(pid_file) not in (None, before)
    with redis_client.Redis.from_url(store.url, protocol=2) as client:
        assert client.get("kept") == b"yes"


def test_an_outage_can_be_called_off(tmp_path: Path, store: EmbeddedStore) -> None:
    """A run that ends early kills nothing any more."""
    pid_file = tmp_path / "store" / "store.pid"
    outage = StoreOutage(pid_file, starts_at=time.time() + 60, ends_at=time.time() + 70)
    outage.start()
    outage.stop()
    assert outage.kills == 0
    assert answers(store)


def test_only_a_store_is_ever_killed(tmp_path: Path) -> None:
    """A pid file may be older than the process that has the number now."""
    pid_file = tmp_path / "store.pid"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as bystander:
        pid_file.write_text(f"{bystander.pid}\n")
        outage = StoreOutage(pid_file, starts_at=time.time(), ends_at=time.time() + 0.3)
        outage.start()
        time.sleep(0.4)
        outage.stop()
        assert outage.kills == 0
        assert bystander.poll() is None
        bystander.terminate()


@pytest.mark.parametrize("content", [None, "", "12a", "0"])
def test_no_pid_is_no_store(tmp_path: Path, content: str | None) -> None:
    """No file, one that is being written, one that names nobody."""
    pid_file = tmp_path / "store.pid"
    if content is not None:
        pid_file.write_text(content)
    assert store_pid(pid_file) is None


def test_this_process_is_no_store(tmp_path: Path) -> None:
    """Whatever runs the tests."""
    (tmp_path / "store.pid").write_text(str(os.getpid()))
    assert store_pid(tmp_path / "store.pid") is None
