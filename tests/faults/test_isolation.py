"""Row 19: shoppers who hang up in the middle, a slow way to the store, two shops: nobody is shown another's things."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import pytest

from loadtests.toxics import Latency
from tests.faults.crowd import Crowd, fine, page
from tests.faults.raw import dial
from tests.faults.shop import SHOPPERS, Shops
from tests.faults.speed import either

Say = Callable[[str], None]
Until = Callable[..., None]


class Quitters:
    """Callers who ask for a page and hang up before it is there, again and again."""

    def __init__(self, url: str, seed: int) -> None:
        self.hung_up = 0
        self._url, self._rng = url, random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            connections = []
            for _ in range(8):
                with suppress(OSError):
                    connections.append(dial(self._url))
                    target = page(self._rng.choice(["home", "cart"]), self._rng.randrange(SHOPPERS))
                    connections[-1].sendall(f"GET {target} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
            time.sleep(self._rng.uniform(0, 0.05))
            for connection in connections:
                connection.close()
            self.hung_up += len(connections)


@pytest.mark.fault(19)
def test_a_storm_of_cancellations_mixes_nobody_up(open_shop: Shops, until: Until, figure: Say) -> None:
    """Callers hang up and replies come just too late, through a proxy; each page shows its own shopper's things."""
    shop = open_shop(proxied=True, ENDCAP_CACHE_TTL_S="0")
    until(shop.knows)
    ends = time.monotonic() + either(4, 30)
    rng = random.Random(19)
    with Crowd(shop.url, callers=12, per_s=120, home=0.8) as crowd, Quitters(shop.url, 19) as quitters:
        while time.monotonic() < ends:
            shop.way.set(Latency(rng.uniform(5, 20), jitter_ms=10))  # about the 30 ms that the edge waits
            time.sleep(0.3)
        shop.way.set()
        until(shop.knows)
    pages = fine(crowd.pages())
    assert any(one.own for one in pages)
    assert shop.lost(crowd.acked) == set()
    late = sum("profile" in one.degraded for one in pages)
    figure(f"{len(pages)} pages, {late} without a profile, {quitters.hung_up} hung up on, 0 of another shopper")


@pytest.mark.fault(19)
def test_two_shops_on_one_store_know_nothing_of_each_other(open_shop: Shops, until: Until, figure: Say) -> None:
    """The same visitors and customers in both, at the same time: neither records nor answers cross over."""
    store = open_shop.store()
    first = open_shop(patient=True, store=store)
    second = open_shop.other(store)
    until(first.knows)
    until(lambda: second.home(0)["model_version"])
    with Crowd(first.url) as here, Crowd(second.url, events=0, letters="") as there:
        time.sleep(either(2, 10))
    assert any(one.own for one in fine(here.pages()))
    strangers = fine(there.pages())
    assert not any(one.own for one in strangers), "what demo's shoppers did is nobody's business in another shop"
    assert first.lost(here.acked) == set()
    figure(f"{len(here.pages())} and {len(strangers)} pages in two shops, none crossed over")


@pytest.mark.fault(19)
async def test_what_is_everybodys_is_marked_so_and_what_is_not_is_private(open_shop: Shops) -> None:
    """No cache in front may hand a shopper's page to another: asked at once, by name and without."""
    shop = open_shop(patient=True)
    for who in range(5):
        answer = await asyncio.to_thread(shop.client.get, page("home", who))
        assert answer.headers["cache-control"].startswith("private")
    answer = await asyncio.to_thread(shop.client.get, "/v1/recommendations/home")
    assert "mark-" not in answer.text
