"""The live catalogue: what changes in the shop shows in the next answer."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from edge import catalogue as module
from edge.catalogue import Catalogue
from edge.changes import put_changes
from edge.core.cards import card_of
from edge.core.errors import BundleError
from edge.core.index import Index
from edge.core.keys import changes_key, overlay_key
from edge.core.products import Change, Product, decode_change
from edge.core.snapshot import read_snapshot, write_snapshot
from edge.live_cards import LiveCards

pytestmark = pytest.mark.store

MILK = Product("1", "Milk", 2.99, category="Dairy > Milk")


def change(url: str, *changes: Change) -> None:
    """Make changes as the backend does."""

    async def put() -> None:
        redis: AsyncRedis = AsyncRedis.from_url(url, protocol=2)
        await put_changes(redis, "demo", changes)
        await redis.aclose()

    asyncio.run(put())


def first(edge: Any) -> dict[str, Any]:
    """The first product of a page everybody gets."""
    item: dict[str, Any] = edge.shelves("pdp", product_id="p004")["slots"][0]["items"][0]
    return item


def test_price_and_stock_change_within_a_second_also_when_cached(edge: Any, session_store: str) -> None:
    """The answer is cached, its prices are not; a sold-out product makes room for the next."""
    before = first(edge)
    change(session_store, Change(before["id"], time.time(), price=123.45))
    time.sleep(1)
    changed = edge.client.get("/v1/recommendations/pdp?product_id=p004")
    assert changed.headers["cache-status"].startswith("endcap; hit")
    assert changed.json()["slots"][0]["items"][0]["product"]["price"]["amount"] == "123.45"

    change(session_store, Change(before["id"], time.time(), available=False))
    time.sleep(1)
    shown = [item["id"] for slot in edge.shelves("pdp", product_id="p004", limit=50)["slots"] for item in slot["items"]]
    assert before["id"] not in shown
    change(session_store, Change(before["id"], time.time(), available=True))
    time.sleep(1)
    assert first(edge)["id"] == before["id"]


def test_a_process_that_starts_later_sees_the_same(serve: Callable[..., Any], session_store: str) -> None:
    """The overlay is read at the start, not only followed."""
    change(session_store, Change("p004", time.time(), available=False))
    edge = serve()
    catalogue = edge.edge.recommender.catalogue
    ends = time.monotonic() + 20
    while catalogue.get("p004").available and time.monotonic() < ends:
        time.sleep(0.01)
    assert not catalogue.get("p004").available


def test_a_product_listed_today_can_be_shown_today(
    edge: Any, session_store: str, redis: "Redis", event: Callable[..., Any], until: Callable[..., None]
) -> None:
    """It has a card as soon as it is announced; somebody who viewed it finds it again."""
    new = Product("brand-new", "Brand New", 5.0, category="Dairy > Cheese > Cheese")
    change(session_store, Change(new.id, time.time(), product=new))
    until(lambda: edge.edge.recommender.catalogue.get("brand-new"))
    edge.send(event("detail-page-view", "brand-new"))
    home = edge.shelves("home", visitor_id="v", consent="personalization")
    viewed = next(slot for slot in home["slots"] if slot["id"] == "recently_viewed")
    assert viewed["items"][0]["product"]["title"] == "Brand New"

    def bought_with_its_like() -> bool:
        page = edge.shelves("pdp", product_id="brand-new")
        assert page["degraded"] == []
        return bool(page["slots"][0]["title"] == "Frequently bought together")

    until(bought_with_its_like)  # at first what is popular in its category, then what goes with products like it


def test_a_flood_of_changes_is_followed_to_the_end(edge: Any, session_store: str, until: Callable[..., None]) -> None:
    """More than one reading's worth, on one product: the last one counts."""
    start = time.time()
    change(session_store, *(Change("p004", start + n / 1000, price=float(n + 1)) for n in range(1500)))
    until(lambda: edge.edge.recommender.catalogue.get("p004").price == 1500)


def test_unreadable_changes_are_skipped_and_counted(
    edge: Any, redis: "Redis", session_store: str, until: Callable[..., None]
) -> None:
    """A damaged entry does not stop the ones behind it."""
    before = edge.metric("endcap_records_ignored_total", record="change", reason="unreadable")
    redis.xadd(changes_key("demo"), {"c": b"\xff\xff"})
    redis.xadd(changes_key("demo"), {"other": b"field"})
    change(session_store, Change("p004", time.time(), price=7.0))
    until(lambda: edge.edge.recommender.catalogue.get("p004").price == 7.0)
    assert edge.metric("endcap_records_ignored_total", record="change", reason="unreadable") == before + 2


def test_changes_merge_in_the_overlay(session_store: str, redis: "Redis") -> None:
    """Price now, stock later: both stand, whichever came first; the stream tells of each."""
    change(session_store, Change("1", 20.0, price=5.0), Change("1", 10.0, price=9.0, available=False))
    merged = decode_change(redis.hget(overlay_key("demo"), "1"))  # type: ignore[arg-type]  # because redis-py types both clients at once
    assert (merged.price, merged.available, merged.time) == (5.0, False, 20.0)
    assert redis.xlen(changes_key("demo")) == 2


def test_many_writers_lose_no_change(session_store: str, redis: "Redis") -> None:
    """At once, on one shop: each product's change is there."""

    async def put_all() -> None:
        client: AsyncRedis = AsyncRedis.from_url(session_store, protocol=2)
        await asyncio.gather(*(put_changes(client, "demo", [Change(str(n), 1.0, price=n)]) for n in range(30)))
        await client.aclose()

    asyncio.run(put_all())
    assert redis.hlen(overlay_key("demo")) == 30


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """A catalogue of one product, read at time 100."""
    write_snapshot(tmp_path / "demo.cat", [MILK], as_of=100)
    made = Catalogue("demo", tmp_path / "demo.cat")
    assert made.reload()
    return made


def test_only_changes_after_the_snapshot_count(catalogue: Catalogue) -> None:
    """An old change is in the snapshot already."""
    catalogue.apply(Change("1", 99, price=1.0))
    assert catalogue.get("1") == MILK
    catalogue.apply(Change("1", 101, price=1.0))
    product = catalogue.get("1")
    assert product is not None
    assert product.price == 1.0


def test_a_new_snapshot_is_read_and_later_changes_stay(catalogue: Catalogue, tmp_path: Path) -> None:
    """The import of noon does not undo the price of half past."""
    catalogue.apply(Change("1", 150, price=1.0))
    catalogue.apply(Change("1", 250, available=False))
    assert not catalogue.reload(), "the same file is not read twice"
    write_snapshot(tmp_path / "demo.cat", [MILK, Product("2", "Eggs", 1.0)], as_of=200)
    assert catalogue.reload()
    product = catalogue.get("1")
    assert product is not None
    assert not product.available
    assert catalogue.get("2") is not None
    assert len(catalogue) == 2


def test_a_damaged_snapshot_leaves_the_old_one(catalogue: Catalogue, tmp_path: Path) -> None:
    """Refused once, not once a second; the products are still there."""
    path = tmp_path / "demo.cat"
    path.write_bytes(path.read_bytes()[:-4])
    os.utime(path, (1, 1))
    with pytest.raises(BundleError, match="damaged"):
        catalogue.reload()
    assert not catalogue.reload()
    assert catalogue.get("1") == MILK
    path.unlink()
    with pytest.raises(BundleError, match="import one first"):
        catalogue.reload()
    assert catalogue.get("1") == MILK


@pytest.mark.parametrize(
    ("price", "currency", "amount"), [(2.5, "USD", "2.50"), (1200.0, "JPY", "1200"), (1.2345, "KWD", "1.234")]
)
def test_amounts_have_their_currencys_decimals(price: float, currency: str, amount: str) -> None:
    """No cents for yen, mills for dinars."""
    card = card_of(Product("1", "x", price, currency=currency))
    assert f'"amount":"{amount}","currency_code":"{currency}"'.encode() in card


def test_a_card_is_put_together_once_until_it_changes(catalogue: Catalogue) -> None:
    """The same bytes object, then new ones."""
    row = catalogue.live.row("1")
    assert row is not None
    fragment = catalogue.live.fragment(row)
    assert catalogue.live.fragment(row) is fragment
    catalogue.apply(Change("1", 101, price=1.0))
    assert b'"1.00"' in catalogue.live.fragment(row)[2]


def test_changes_to_unknown_products_wait_for_their_card(catalogue: Catalogue, tmp_path: Path) -> None:
    """A price for a product the snapshot does not have shows nothing, until an import brings the product."""
    catalogue.apply(Change("9", 300, price=4.0))
    assert catalogue.get("9") is None
    write_snapshot(tmp_path / "demo.cat", [Product("9", "Nine", 9.0)], as_of=200)
    catalogue.reload()
    product = catalogue.get("9")
    assert product is not None
    assert product.price == 4.0
    assert read_snapshot(tmp_path / "demo.cat").products[0].price == 9.0


def test_changes_that_come_while_a_snapshot_is_read_are_not_lost(tmp_path: Path) -> None:
    """One thread reads snapshot after snapshot, another lays change after change: the last change stands."""
    path = tmp_path / "demo.cat"
    products = [Product(str(number), "x", 1.0) for number in range(2_000)]
    catalogue = Catalogue("demo", path)
    done = threading.Event()

    def import_again() -> None:
        while not done.is_set():
            write_snapshot(path, products, as_of=0)
            catalogue.reload()

    importer = threading.Thread(target=import_again)
    importer.start()
    for price in range(1, 3_000):
        catalogue.apply(Change("7", float(price), price=float(price)))
    done.set()
    importer.join()
    product = catalogue.get("7")
    assert product is not None
    assert product.price == 2_999.0


def test_what_changes_while_a_snapshot_is_laid_out_counts(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of a product that was laid already, one of a new product, one older than the snapshot."""
    catalogue.apply(Change("1", 150, price=1.0))
    real = module._lay

    def lay_and_change(live: LiveCards, change: Change) -> bool:
        monkeypatch.setattr(module, "_lay", real)
        done = real(live, change)
        catalogue.apply(Change("1", 151, price=2.0))
        catalogue.apply(Change("5", 151, product=Product("5", "Five", 5.0)))
        catalogue.apply(Change("2", 110, available=False))
        return done

    write_snapshot(tmp_path / "demo.cat", [MILK, Product("2", "Eggs", 1.0)], as_of=120)
    monkeypatch.setattr(module, "_lay", lay_and_change)
    assert catalogue.reload()
    products = {id_: catalogue.get(id_) for id_ in ("1", "2", "5")}
    assert {id_: product and (product.price, product.available) for id_, product in products.items()} == {
        "1": (2.0, True),
        "2": (1.0, True),
        "5": (5.0, True),
    }
    assert "5" in catalogue
    assert catalogue.ids() == {"1", "2", "5"}


def test_rows_of_the_indexes_in_service_are_ready_with_a_new_snapshot(
    catalogue: Catalogue, tmp_path: Path, index: Index
) -> None:
    """No request has to wait for them."""
    catalogue.keep([index])
    write_snapshot(tmp_path / "demo.cat", [Product("tea", "Tea", 1.0)], as_of=200)
    assert catalogue.reload()
    assert catalogue.live.indexes == [index]
    assert catalogue.live.rows_of(index)[index.position["tea"]] == 0
