"""Row 20: everybody comes at once: to a server that has just started, and to an answer that has just expired."""

import threading
import time
from collections.abc import Callable

import pytest

from tests.faults.crowd import Crowd, Reply, fine, honest
from tests.faults.shop import Shops
from tests.faults.speed import FULL, either

Say = Callable[[str], None]
Until = Callable[..., None]


def useful(replies: list[Reply], since: float, until: float) -> float:
    """Answers a second that are not the one prepared for overload."""
    good = [one for one in replies if since <= one.due < until and one.status == 200 and "overload" not in one.degraded]
    return len(good) / (until - since)


@pytest.mark.fault(20)
def test_a_cold_start_under_a_herd_serves_at_once(open_shop: Shops, until: Until, figure: Say) -> None:
    """Three times the callers that keep it busy, from before it is ready: all are answered, and as fast as ever."""
    shop = open_shop()
    lasts_s = either(2, 8)
    with Crowd(shop.url, callers=8, per_s=100_000, events=0) as some:
        began = time.monotonic()
        time.sleep(lasts_s)
        ended = time.monotonic()
    knee = useful(some.pages(), began + 0.5, ended)
    shop.end()
    cold = open_shop(store=shop.store, cold=True)
    with Crowd(cold.url, callers=24, per_s=300_000, events=0) as herd, Crowd(cold.url, per_s=20, events=1) as telling:
        until(cold.ready)
        began = time.monotonic()
        time.sleep(lasts_s)
        ended = time.monotonic()
    fine(herd.pages())
    honest(telling.told())
    assert cold.lost(telling.acked) == set()
    goodput = useful(herd.pages(), began, ended)
    if FULL:
        assert goodput >= 0.9 * knee, f"{goodput:.0f} useful answers a second of {knee:.0f} at the knee"
    figure(f"{goodput:.0f} useful answers/s of a cold herd, {knee:.0f} at the knee")


@pytest.mark.fault(20)
def test_an_expired_answer_is_worked_out_once_for_all_who_wait(open_shop: Shops, until: Until, figure: Say) -> None:
    """Thirty callers of one page without rest, its answer good for a second: one miss a second, not thirty."""
    shop = open_shop(patient=True, ENDCAP_CACHE_TTL_S="1")
    until(shop.ready)
    before = shop.metric("endcap_cache_total", 'outcome="miss"')
    began = time.monotonic()
    asked: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            asked.append(shop.client.get("/v1/recommendations/home?slots=trending&limit=9").status_code)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(int(either(6, 30)))]
    for thread in threads:
        thread.start()
    time.sleep(either(2, 6))
    stop.set()
    for thread in threads:
        thread.join()
    misses = shop.metric("endcap_cache_total", 'outcome="miss"') - before
    assert set(asked) == {200}
    assert 1 <= misses <= time.monotonic() - began + 2, f"{misses} misses for {len(asked)} requests"
    figure(f"{len(asked)} requests, {misses:.0f} worked out")
