"""Rows 1 to 4: the store is killed, hangs, is slow, or the way to it is torn and tangled."""

import random
import time
from collections.abc import Callable

import pytest

from loadtests.toxics import Bandwidth, Down, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout, Toxic
from tests.faults.crowd import Crowd, fine, honest
from tests.faults.shop import Shops
from tests.faults.speed import FULL, either, p, within

Say = Callable[[str], None]
Until = Callable[..., None]
P99_S = 0.1  # of the table


@pytest.mark.fault(1)
def test_a_killed_store_costs_nothing_that_was_acknowledged(open_shop: Shops, until: Until, figure: Say) -> None:
    """SIGKILL under load, back after a while: pages go on without persons, events wait with 503, then all is fresh."""
    shop = open_shop()
    until(shop.knows)
    with Crowd(shop.url) as crowd:
        until(lambda: len(crowd.acked) > 5)
        died = time.monotonic()
        shop.store.kill()
        time.sleep(either(1.5, 5))
        back = time.monotonic()
        shop.store.start()
        until(shop.knows)
        fresh = time.monotonic()
        until(lambda: any(one.status == 200 for one in crowd.told(since=back)))
    fine(crowd.pages())
    assert any(one.own for one in crowd.pages(until=died))
    away = crowd.pages(died + 0.2, back)
    assert {one.degraded for one in away} == {("profile",)}
    assert honest(crowd.told())
    assert shop.lost(crowd.acked) == set()
    figure(within(P99_S, p(0.99, [one.took_s for one in away]), "p99 s while away"))
    figure(within(5, fresh - back, "s until fresh"))


@pytest.mark.fault(2)
def test_a_store_that_hangs_is_soon_not_asked_any_more(open_shop: Shops, until: Until, figure: Say) -> None:
    """SIGSTOP: connections stand, nothing answers. The breaker opens, the loop goes on, nothing acknowledged goes."""
    shop = open_shop()
    until(shop.knows)
    with Crowd(shop.url, probes=0.2) as crowd:
        until(lambda: len(crowd.acked) > 5)
        stopped = time.monotonic()
        shop.store.freeze()
        until(lambda: shop.metric("endcap_breaker_open") == 1)
        opened = time.monotonic()
        time.sleep(max(0.0, stopped + either(2, 10) - opened))
        back = time.monotonic()
        shop.store.thaw()
        until(shop.knows)
        fresh = time.monotonic()
    fine(crowd.pages())
    assert honest(crowd.told())
    assert shop.lost(crowd.acked) == set()
    assert any(one.degraded == ("profile",) for one in crowd.pages(opened, back))
    figure(within(1, opened - stopped, "s until the breaker opened"))
    figure(within(P99_S, p(0.99, [one.took_s for one in crowd.pages(stopped, back)]), "p99 s"))
    lag = p(0.99, [one.took_s for one in crowd.probed(stopped, back)])
    figure(within(0.02, lag, "p99 s of /healthz, the loop's lag"))
    figure(within(5, fresh - back, "s until fresh"))


@pytest.mark.fault(3)
@pytest.mark.parametrize("how", ["proxy", "CLIENT PAUSE"])
def test_a_slow_store_makes_no_slow_page(open_shop: Shops, until: Until, figure: Say, how: str) -> None:
    """Half a second for each answer: pages do without, in time; events are refused rather than half believed."""
    shop = open_shop(proxied=True)
    until(shop.knows)
    lasts_s = either(1.5, 8)
    with Crowd(shop.url) as crowd:
        until(lambda: len(crowd.acked) > 5)
        slow = time.monotonic()
        if how == "proxy":
            shop.way.set(Latency(500), direction="downstream")
        else:
            shop.store.client.execute_command("CLIENT", "PAUSE", int(lasts_s * 1000), "ALL")
        time.sleep(lasts_s)
        over = time.monotonic()
        shop.way.set()
        until(shop.knows)
    fine(crowd.pages())
    honest(crowd.told())
    assert shop.lost(crowd.acked) == set()
    during = crowd.pages(slow + 0.2, over)
    assert any(one.degraded == ("profile",) for one in during)
    figure(within(P99_S, p(0.99, [one.took_s for one in during]), "p99 s while slow"))


def weather(rng: random.Random) -> tuple[Toxic, ...]:
    """Something bad for a moment."""
    bad: list[tuple[Toxic, ...]] = [
        (),
        (Down(),),
        (ResetPeer(rng.uniform(0, 50)),),
        (Slicer(rng.randint(1, 40), varies=3, delay_ms=rng.choice([0, 1])),),
        (LimitData(rng.randint(1, 2_000)),),
        (Latency(rng.uniform(0, 40), jitter_ms=20),),
        (Timeout(rng.uniform(20, 200)),),
        (Bandwidth(rng.uniform(1_000, 100_000)),),
        (SlowClose(100), Latency(5, jitter_ms=5), Slicer(64)),
    ]
    return rng.choice(bad)


@pytest.mark.fault(4)
def test_whatever_the_way_does_nobody_sees_another_shopper(open_shop: Shops, until: Until, figure: Say) -> None:
    """Flapping, reset, in slices, cut short, at random: no error, no other's product, and well again when it ends."""
    shop = open_shop(proxied=True)
    until(shop.knows)
    rng = random.Random(4)
    ends = time.monotonic() + either(5, 60)
    changes = 0
    with Crowd(shop.url, callers=12, per_s=100) as crowd:
        while time.monotonic() < ends:
            shop.way.set(*weather(rng), direction=rng.choice(["upstream", "downstream", "both"]))
            changes += 1
            time.sleep(rng.uniform(0.05, 0.5))
        shop.way.set()
        until(shop.knows)
    pages = fine(crowd.pages())
    honest(crowd.told())
    assert shop.lost(crowd.acked) == set()
    assert any(one.own for one in pages)
    assert any(one.degraded for one in pages)
    figure(f"{changes} changes of weather, {len(pages)} pages, 0 errors, 0 of another shopper")
    if FULL:
        assert len(pages) > 2_000
