"""Consumers that are killed while they work: profiles and counts come out as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis

from edge.core import keys
from edge.core.codec import encode_profile
from edge.core.profile import BOUGHT_CAP, RECENT_ORDERS, VIEWED_CAP
from tests.backend.consume import feed

pytestmark = pytest.mark.store

# The consumer, in a process of its own, without the rest of the backend: starting that takes longer than most lives.
PROGRAM = """
import asyncio, signal, sys
from backend.consume.consumer import Consumer, Limits
from edge.profiles import connect
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    redis = connect(sys.argv[1], timeout_s=10, connections=4)
    consumer = Consumer(redis, "demo", Limits(batch=500, reclaim_idle_s=0.05, attempts=1000, janitor_s=0.2))
    print("ready", flush=True)
    await consumer.run(stop)
    await redis.aclose()
asyncio.run(main())
"""


@contextmanager
def consumer(url: str) -> Iterator[subprocess.Popen[str]]:
    """A consumer at work."""
    command = [sys.executable, "-c", PROGRAM, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def left(redis: "Redis") -> int:
    """Entries that the group has not been given or not acknowledged."""
    groups: Any = redis.xinfo_groups(keys.events_key("demo"))
    return sum(group["pending"] + (1 if group["lag"] is None else group["lag"]) for group in groups) if groups else 1


def run_chaos(url: str, redis: "Redis", events: int, shoppers: int, kills: int, life_s: float) -> int:
    """Feed events while consumers are killed, let a last one finish, compare; how many lives ended in a batch."""
    rng = random.Random(kills)
    sent = feed.load(events, shoppers, seed=events)
    denied = [feed.visitor(who) for who in range(0, shoppers, 10)]
    for shopper in denied:
        feed.deny(redis, shopper)
    troubled = feed.with_trouble(sent, seed=kills)
    feeder = threading.Thread(target=feed_slowly, args=(redis, troubled))
    feeder.start()
    interrupted = 0
    for _ in range(kills):
        with consumer(url) as process:
            time.sleep(rng.uniform(0, life_s))
            process.send_signal(signal.SIGKILL)
            process.wait()
        summary: Any = redis.xpending(keys.events_key("demo"), "profiles")
        interrupted += summary["pending"] > 0
    feeder.join()
    with consumer(url) as process:
        ends = time.monotonic() + 300
        while left(redis):
            assert time.monotonic() < ends, f"{left(redis)} entries are left"
            time.sleep(0.05)
        process.terminate()
        assert process.wait(30) == 0
    expected_profiles, expected_counts = feed.undisturbed(sent, denied)
    nothing_fell_off(expected_profiles)
    assert feed.profiles(redis) == expected_profiles
    assert feed.counts(redis) == expected_counts
    assert redis.xlen(keys.dead_key("demo")) == 0
    return interrupted


def feed_slowly(redis: "Redis", events: list[Any]) -> None:
    """Append in portions, so that consumers live and die while events come in."""
    redis.xgroup_create(keys.events_key("demo"), "profiles", id="0", mkstream=True)
    for at in range(0, len(events), 1_000):
        feed.append(redis, *events[at : at + 1_000])
        time.sleep(0.02)


def nothing_fell_off(profiles: dict[str, Any]) -> None:
    """The comparison is only fair below the caps: past them, order decides what is forgotten."""
    for profile in profiles.values():
        assert len(profile.bought) <= BOUGHT_CAP
        assert len(profile.viewed) < VIEWED_CAP
        assert len(profile.order_minutes) < RECENT_ORDERS
        assert len(encode_profile(profile)) < 1_200


@pytest.mark.fault(20)
def test_killed_consumers_leave_no_trace(session_store: str, redis: "Redis") -> None:
    """Eight lives cut off at random, duplicates, orders told twice, any order: each event has had one effect."""
    run_chaos(session_store, redis, events=3_000, shoppers=150, kills=8, life_s=0.15)


@pytest.mark.chaos
def test_fifty_kills_in_a_hundred_thousand_events(session_store: str, redis: "Redis") -> None:
    """The same at full size: some minutes."""
    began = time.monotonic()
    interrupted = run_chaos(session_store, redis, events=100_000, shoppers=2_500, kills=50, life_s=0.5)
    print(f"\n50 consumers killed, {interrupted} of them within a batch; {time.monotonic() - began:.0f} s")
