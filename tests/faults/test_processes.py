"""Rows 11 and 12: workers are killed, hang, or are replaced one after the other while shoppers ask."""

import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.faults.crowd import Crowd, Reply, honest
from tests.faults.shop import Shop, Shops
from tests.faults.speed import either, within

Say = Callable[[str], None]
Until = Callable[..., None]
CALLERS = 6


def workers(shop: Shop) -> set[int]:
    """The server processes below the launcher."""
    found = set()
    for child in psutil.Process(shop.process.pid).children():
        try:
            if "spawn_main" in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                found.add(child.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def lost(replies: list[Reply]) -> list[Reply]:
    """Requests without an answer; asserts that all others were right."""
    bad = [one for one in replies if one.foreign or (one.status not in (0, 200) and one.what != "events")]
    assert not bad, bad[:3]
    return [one for one in replies if one.status == 0]


@pytest.mark.fault(11)
def test_killed_and_hung_workers_are_replaced(open_shop: Shops, until: Until, figure: Say) -> None:
    """SIGKILL five times, SIGSTOP once, one of two: only what it had in hand is lost, and nothing acknowledged."""
    shop = open_shop(ENDCAP_WORKERS="2", patient=True)
    until(lambda: len(workers(shop)) == 2)
    kills = [signal.SIGKILL] * int(either(1, 5)) + [signal.SIGSTOP]
    took: list[float] = []
    with Crowd(shop.url, callers=CALLERS) as crowd:
        until(lambda: len(crowd.acked) > 5)
        for number in kills:
            starts = shop.said().count("is live for shop")
            victim = min(workers(shop))
            began = time.monotonic()
            os.kill(victim, number)
            until(lambda gone=victim: gone not in workers(shop))
            until(lambda told=starts: len(workers(shop)) == 2 and shop.said().count("is live for shop") > told)
            took.append(time.monotonic() - began)
    cut = lost(crowd.replies)
    assert len(cut) <= CALLERS * len(kills), f"{len(cut)} lost, {CALLERS} callers, {len(kills)} workers: {cut[:3]}"
    honest([one for one in crowd.told() if one.status])
    assert shop.lost(crowd.acked) == set()
    figure(within(10, max(took), "s until replaced, at most"))
    figure(f"{len(cut)} of {len(crowd.replies)} requests lost with their workers")


@pytest.mark.fault(12)
def test_a_rolling_restart_loses_no_request_and_no_event(open_shop: Shops, until: Until, figure: Say) -> None:
    """SIGHUP to the launcher: each worker says goodbye and goes when another one stands ready."""
    shop = open_shop(ENDCAP_WORKERS="2", patient=True)
    until(lambda: len(workers(shop)) == 2)
    before = workers(shop)
    with Crowd(shop.url, callers=CALLERS) as crowd:
        until(lambda: len(crowd.acked) > 5)
        began = time.monotonic()
        shop.process.send_signal(signal.SIGHUP)
        until(lambda: not before & workers(shop), 120)
        took = time.monotonic() - began
        time.sleep(0.5)
    assert lost(crowd.replies) == []
    assert honest(crowd.told()) == []
    assert shop.lost(crowd.acked) == set()
    assert len(workers(shop)) == 2
    figure(f"{len(crowd.replies)} requests, 0 lost, both workers new after {took:.1f} s")


@pytest.mark.fault(12)
def test_at_the_end_every_acknowledged_event_is_queued(open_shop: Shops, until: Until) -> None:
    """SIGTERM under load: callers are told to go, the last answers come, the stream holds all that was accepted."""
    shop = open_shop(ENDCAP_DRAIN_S="1", patient=True)
    with Crowd(shop.url, callers=CALLERS, events=0.5) as crowd:
        until(lambda: len(crowd.acked) > 10)
        shop.process.terminate()
        assert shop.process.wait(30) == 0
    answered = [one for one in crowd.replies if one.status]
    refused = [one for one in crowd.replies if one.status == 0]
    assert {one.status for one in answered} == {200}
    assert all("ConnectionRefused" in one.detail or "on a new connection" in one.detail for one in refused), refused[:3]
    assert shop.lost(crowd.acked) == set()
