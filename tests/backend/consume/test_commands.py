"""The consumer's commands, as people run them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner

from backend.__main__ import app
from backend.consume.consumer import Consumer
from edge.core import keys
from edge.profiles import connect
from tests.backend.consume import feed
from tests.backend.consume.feed import SHOP, append, make, stored, visitor

pytestmark = pytest.mark.store

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path, session_store: str, redis: "Redis") -> dict[str, str]:
    """A data directory of the test's own, and the test's store."""
    return os.environ | {"ENDCAP_DATA_DIR": str(tmp_path), "REDIS_URL": session_store, "COLUMNS": "200"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """`python -m backend ...`."""

    def start(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "backend", *arguments]
        return subprocess.run(line, env=environment | more, capture_output=True, text=True, timeout=120, check=False)

    return start


def test_once_applies_what_is_there_and_ends(run: Run, redis: "Redis") -> None:
    """And says what is left; the entries stay for the event log, which has not read them."""
    append(redis, *(make("search", id=str(number)) for number in range(5)), b"broken")
    done = run("consume", "--once")
    assert done.returncode == 0, done.stderr
    assert "0 events wait, 0 are at work elsewhere, 1 dead letters" in done.stdout
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.tally == {"search": 5}
    assert redis.xlen(keys.events_key(SHOP)) == 6


def test_without_an_event_log_nothing_is_kept_for_it(run: Run, redis: "Redis") -> None:
    """EVENT_LOG=none: applied entries go."""
    append(redis, make("search"))
    assert run("consume", "--once", EVENT_LOG="none").returncode == 0
    assert redis.xlen(keys.events_key(SHOP)) == 0


def test_sigterm_finishes_the_batch_and_leaves(
    environment: dict[str, str], redis: "Redis", until: Callable[..., None]
) -> None:
    """What was taken is applied and acknowledged, the name is off the group, the exit status is 0."""
    append(redis, *feed.load(500, 20, seed=3))
    command = [sys.executable, "-m", "backend", "consume"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: redis.exists(keys.profile_key(SHOP, visitor(1))))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
    assert "0 are at work elsewhere" in said
    groups: Any = redis.xinfo_groups(keys.events_key(SHOP))
    (mine,) = [group for group in groups if group["name"] == b"profiles"]
    assert (mine["pending"], mine["consumers"]) == (0, 0)


def test_dead_letters_are_listed_and_replayed(
    environment: dict[str, str], redis: "Redis", session_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With reason and bytes; named ones, then all."""
    for name in ("ENDCAP_DATA_DIR", "REDIS_URL"):
        monkeypatch.setenv(name, environment[name])
    assert "no dead letters" in said("dead-letters")
    append(redis, b"{broken", b"[1]")
    asyncio.run(consume(session_store))
    listed = said("dead-letters")
    assert "{broken" in listed
    assert "unreadable" in listed
    letters: Any = redis.xrange(keys.dead_key(SHOP))
    assert "1 events are in the stream again" in said("replay-dead", letters[0][0].decode())
    assert "1 events are in the stream again" in said("replay-dead")
    assert redis.xlen(keys.dead_key(SHOP)) == 0


async def consume(url: str) -> None:
    """Apply what there is."""
    client = connect(url, timeout_s=10, connections=2)
    await Consumer(client, SHOP).catch_up()
    await client.aclose()


def test_the_benchmark_applies_what_it_says(redis: "Redis") -> None:
    """A small one: on a store of its own, every event, and three figures."""
    text = said("bench-consume", "--events", "1500", "--shoppers", "50", "--batch", "500")
    assert "1,500 events" in text
    assert "per CPU second" in text
    assert redis.dbsize() == 0


def said(*arguments: str) -> str:
    """What a command prints, on one line; started in this process, since starting another takes seconds."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def test_limits_that_cannot_work_are_named(run: Run) -> None:
    """In one line."""
    done = run("consume", "--once", ENDCAP_CONSUME_BATCH="0")
    assert done.returncode == 2
    assert "consume_batch" in done.stderr
    assert "Traceback" not in done.stderr
