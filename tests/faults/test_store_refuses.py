"""Rows 5 to 7: the store is there and refuses: no memory, no disk, read-only, no place, no entry, busy, loading."""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.faults.crowd import Crowd, fine, honest
from tests.faults.shop import Shop, Shops
from tests.faults.speed import either, p, within
from tests.faults.store import Store

Say = Callable[[str], None]
Until = Callable[..., None]
SECRET = "hush-0f9a7c"  # in the store's URL; nobody may read it in a log


def refused_while(shop: Shop, crowd: Crowd, until: Until, began: float) -> None:
    """Wait until events are refused, stay so for a moment."""
    until(lambda: any(one.status == 503 for one in crowd.told(since=began)))
    time.sleep(either(0.5, 3))


def check(shop: Shop, crowd: Crowd, began: float, ended: float) -> None:
    """Pages as ever, with the shopper in them; no event accepted that is not there."""
    fine(crowd.pages())
    assert honest(crowd.told())
    assert any(one.own for one in crowd.pages(began + 0.2, ended)), "reading works, so pages stay personal"
    assert shop.lost(crowd.acked) == set()
    assert any(one.status == 200 for one in crowd.told(since=ended)), "and it heals"


def taken_again(crowd: Crowd, until: Until, since: float) -> None:
    """Wait until an event is accepted."""
    until(lambda: any(one.status == 200 for one in crowd.told(since=since)))


@pytest.mark.fault(5)
def test_without_memory_events_are_refused_and_pages_go_on(open_shop: Shops, until: Until) -> None:
    """`maxmemory 1`: the store answers OOM to every write."""
    shop = open_shop()
    until(shop.knows)
    with Crowd(shop.url, events=0.4) as crowd:
        until(lambda: len(crowd.acked) > 5)
        began = time.monotonic()
        shop.store.client.config_set("maxmemory", 1)
        refused_while(shop, crowd, until, began)
        ended = time.monotonic()
        shop.store.client.config_set("maxmemory", 0)
        taken_again(crowd, until, ended)
    check(shop, crowd, began, ended)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here: a full disk needs Linux")
    if done.returncode:
        pytest.skip(f"no tmpfs may be mounted here ({done.stderr.strip()}); run as root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.fault(5)
def test_a_full_disk_is_no_false_promise(open_shop: Shops, small_disk: Path, until: Until) -> None:
    """The append-only file cannot grow: MISCONF, 503; room again: accepted again; SIGKILL: all accepted is there."""
    store = Store(small_disk / "store").start()
    try:
        shop = open_shop(store=store)
        until(shop.knows)
        with Crowd(shop.url, events=0.5) as crowd:
            until(lambda: len(crowd.acked) > 5)
            began = time.monotonic()
            fill(small_disk / "filler")
            refused_while(shop, crowd, until, began)
            with pytest.raises(redis.ResponseError, match="MISCONF"):
                store.client.set("anything", "x")
            ended = time.monotonic()
            (small_disk / "filler").unlink()
            taken_again(crowd, until, ended)
        check(shop, crowd, began, ended)
        store.kill()
        store.start()
        assert shop.lost(crowd.acked) == set()
    finally:
        store.end()


def fill(path: Path) -> None:
    """Write until there is no room left."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 512, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


@pytest.mark.fault(6)
def test_a_failover_refuses_events_until_it_is_over(open_shop: Shops, until: Until) -> None:
    """The store becomes a replica of a master nobody reaches, then a master itself."""
    shop = open_shop()
    until(shop.knows)
    with Crowd(shop.url, events=0.4) as crowd:
        until(lambda: len(crowd.acked) > 5)
        began = time.monotonic()
        shop.store.client.replicaof("127.0.0.1", 1)
        refused_while(shop, crowd, until, began)
        with pytest.raises(redis.ReadOnlyError):
            shop.store.client.set("anything", "x")
        ended = time.monotonic()
        shop.store.client.replicaof("NO", "ONE")
        taken_again(crowd, until, ended)
    check(shop, crowd, began, ended)


def endless(store: Store) -> None:
    """Keep the store at work on a script that never ends, until somebody kills it."""
    try:
        with store.connect() as other:
            other.eval("while true do end", 0)
    except redis.RedisError:
        pass  # it was killed, as it should be


class Refusal:
    """A way of the store not to let anybody in, and the way back."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def begin(self, kind: str) -> None:
        """From now on."""
        client = self.store.client
        if kind == "maxclients":
            client.config_set("maxclients", 1)
            client.client_kill_filter(_type="normal", skipme=True)
        elif kind == "NOAUTH":
            client.config_set("requirepass", "another one")
            client.client_kill_filter(_type="normal", skipme=True)
        elif kind == "BUSY":
            client.config_set("busy-reply-threshold", 100)
            threading.Thread(target=endless, args=(self.store,), daemon=True).start()
        else:
            client.bgrewriteaof()  # so that there is a snapshot, whose loading can be drawn out
            while client.info("persistence")["aof_rewrite_in_progress"] or self._plain():
                time.sleep(0.02)
            self.store.kill()
            slowly = ["--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024"]
            self.store.start(*slowly, wait=False)

    def _plain(self) -> bool:
        return not list((self.store.directory / "appendonlydir").glob("*.base.rdb"))

    def end(self, kind: str) -> None:
        """As it was."""
        client = self.store.client
        if kind == "maxclients":
            client.config_set("maxclients", 10_000)
        elif kind == "NOAUTH":
            client.config_set("requirepass", SECRET)
        elif kind == "BUSY":
            client.script_kill()


@pytest.mark.fault(7)
@pytest.mark.parametrize("kind", ["maxclients", "NOAUTH", "BUSY", "LOADING"])
def test_a_store_that_lets_nobody_in_is_said_seldom_and_without_secrets(
    open_shop: Shops, until: Until, figure: Say, kind: str
) -> None:
    """Pages without persons; at most a line of log a second; the password stands in none."""
    store = open_shop.store(password=SECRET)
    shop = open_shop(store=store)
    until(shop.knows)
    refusal = Refusal(store)
    with Crowd(shop.url) as crowd:
        until(lambda: len(crowd.acked) > 5)
        said = len(shop.said().splitlines())
        began = time.monotonic()
        refusal.begin(kind)
        until(lambda: any("profile" in one.degraded for one in crowd.pages(since=began)))
        time.sleep(either(1, 3))
        ended = time.monotonic()
        refusal.end(kind)
        until(shop.knows)
        taken_again(crowd, until, ended)
        lines = len(shop.said().splitlines()) - said
    fine(crowd.pages())
    assert honest(crowd.told())
    assert shop.lost(crowd.acked) == set()
    assert lines <= 2 + (time.monotonic() - began), f"{lines} lines of log"
    assert SECRET not in shop.said()
    assert not re.search("another one|Traceback", shop.said())
    figure(within(0.1, p(0.99, [one.took_s for one in crowd.pages(began, ended)]), f"{kind}: p99 s"))
