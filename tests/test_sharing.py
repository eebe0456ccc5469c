"""What tests share among workers is made once; the store is the one that was asked for."""

import os
import shutil
import threading
from pathlib import Path

import pytest
from redis import Redis

from edge.embedded import find_binary
from tests.sharing import once


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Four workers of one run."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    return [tmp_path / f"popen-gw{number}" for number in range(4)]


def test_workers_make_a_thing_once(workers: list[Path]) -> None:
    """Whoever comes first makes it; all read the same, also of the files."""
    makes: list[Path] = []
    found: list[tuple[Path, str]] = []

    def make(directory: Path) -> Path:
        makes.append(directory)
        (directory / "model").write_text("forest")
        return directory / "model"

    def worker(base: Path) -> None:
        path = once(base, "thing", make)
        found.append((path, path.read_text()))

    threads = [threading.Thread(target=worker, args=(base,)) for base in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(makes) == 1
    assert found == [(makes[0] / "model", "forest")] * 4


def test_what_failed_is_made_again(workers: list[Path]) -> None:
    """In an empty directory, by the next who asks."""

    def fail(directory: Path) -> None:
        (directory / "half").touch()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        once(workers[0], "thing", fail)
    files = once(workers[1], "thing", lambda made: list(made.iterdir()))
    assert files == []


def test_without_workers_a_run_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written outside of its directory."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    where = once(tmp_path, "thing", lambda made: made)
    assert where.is_relative_to(tmp_path)


@pytest.mark.store
@pytest.mark.skipif("REDIS_URL" in os.environ, reason="the store is somebody else's")
def test_the_store_is_the_one_asked_for(redis: "Redis") -> None:
    """The embedded Valkey, or what ENDCAP_TEST_SERVER names: else the tests on Redis would prove nothing of it."""
    named = shutil.which(os.environ.get("ENDCAP_TEST_SERVER") or find_binary())
    assert named is not None
    assert Path(redis.info("server")["executable"]).resolve() == Path(named).resolve()
