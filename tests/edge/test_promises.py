"""The promises of docs/shelves.md, on real requests to a running edge and its trained model."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from edge.changes import put_changes
from edge.core.codec import encode_profile
from edge.core.content import family
from edge.core.events import Event, Line
from edge.core.keys import load_key, profile_key
from edge.core.products import Change, Product
from edge.core.profile import Profile, apply
from edge.core.similar import within_band
from edge.identify import Identifier
from tests.edge.test_launcher import address

pytestmark = pytest.mark.store

NEW = Product("new-cheese", "Alder Smoked Cheese", 5.0, category="Dairy > Cheese", brand="Alder")


def shelf(edge: Any, slot: str, surface: str = "pdp", **query: Any) -> list[str]:
    """The products of one shelf, asked for alone; empty where the shelf is left out or something else stands there."""
    query = {"fallback": "none", "limit": 8} | query
    shelves = edge.shelves(surface, slots=slot, **query)["slots"]
    return [item["id"] for one in shelves for item in one["items"]]


def list_product(url: str, *products: Product) -> None:
    """List products as `python -m backend listing` does."""

    async def put() -> None:
        redis: AsyncRedis = AsyncRedis.from_url(url, protocol=2)
        await put_changes(redis, "demo", [Change(one.id, time.time(), product=one) for one in products])
        await redis.aclose()

    asyncio.run(put())


def test_similar_is_the_same_narrow_category_within_the_band(edge: Any) -> None:
    """On every page of the shop; what breaks the promise stands behind all that keep it, and only on short shelves."""
    index = edge.edge.recommender.live.current.index
    kept = 0
    for page, product_id in enumerate(index.ids):
        shown = shelf(edge, "similar", product_id=product_id)
        narrow, rows = index.category_of[:, :].max(axis=1), index.positions(shown)
        keeps = ((narrow[rows] == narrow[page]) & within_band(float(index.price[page]), index.price[rows])).tolist()
        assert keeps == sorted(keeps, reverse=True), product_id
        mates = index.category_items[index.category_ptr[narrow[page]] : index.category_ptr[narrow[page] + 1]]
        # But for the page itself and one that is sold out, all that keep the promise come before what does not.
        assert sum(keeps) >= min(8, within_band(float(index.price[page]), index.price[mates]).sum() - 2)
        assert all(index.category_of[row, 0] == index.category_of[page, 0] for row in rows), "at least the department"
        kept += sum(keeps)
    assert kept > 4 * len(index.ids)


def test_complete_the_look_is_another_category_bought_together_beyond_chance(edge: Any) -> None:
    """Every product shown is on the page's list of pairs, and of another second level."""
    index = edge.edge.recommender.live.current.index
    shown = 0
    for page, product_id in enumerate(index.ids):
        rows = index.positions(shelf(edge, "complete_the_look", product_id=product_id)).tolist()
        pairs = index.pair_items[index.pair_ptr[page] : index.pair_ptr[page + 1]]
        assert set(rows) <= set(pairs.tolist())
        assert all(index.category_of[row, :2].max() != index.category_of[page, :2].max() for row in rows)
        shown += len(rows)
    assert shown > len(index.ids)


def test_recently_viewed_is_in_exact_order_whatever_the_products_are(
    edge: Any, redis: "Redis", event: Callable[..., Any], until: Callable[..., None]
) -> None:
    """Views one after the other, one of them twice: newest first, each once, sisters of one family side by side."""
    for product in ("p004", "p052", "p016", "p004", "p120", "p028"):
        edge.send(event("detail-page-view", product))
    query = {"visitor_id": "v", "consent": "personalization"}
    until(lambda: len(shelf(edge, "recently_viewed", "home", **query)) == 5)
    assert shelf(edge, "recently_viewed", "home", **query) == ["p028", "p120", "p004", "p016", "p052"]


def test_trending_rises_against_its_own_past_with_enough_evidence(edge: Any) -> None:
    """All of the list, and in its order; the sample shop's one riser is on it."""
    index = edge.edge.recommender.live.current.index
    rows = index.positions(shelf(edge, "trending", "home", limit=50)).tolist()
    assert rows
    assert all(index.trend[row] >= 0.25 for row in rows)
    # The log ratio is of sums with five orders of doubt: so much interest lately is the least that reaches it.
    assert all(index.sold_recently[row] > 0 for row in rows)
    places = {int(at): place for place, at in enumerate(index.trending)}
    assert [places[row] for row in rows] == sorted(places[row] for row in rows)


def test_no_shelf_shows_two_of_a_family_but_those_that_repeat_what_was_done(
    edge: Any, session_store: str, redis: "Redis", until: Callable[..., None]
) -> None:
    """Sizes of one cheese are listed; one of them stands on the shelf. Somebody who viewed both finds both."""
    sizes = [
        Product(f"cheese-{n}", f"Alder Blue Cheese, {n} oz", 5.0, category="Dairy > Cheese", brand="Alder")
        for n in (4, 8, 16)
    ]
    list_product(session_store, *sizes)
    until(
        lambda: (
            set(edge.edge.recommender.listings.of(edge.edge.recommender.live.current.index).ids)
            >= {one.id for one in sizes}
        )
    )
    catalogue = edge.edge.recommender.catalogue
    seen = 0
    for page in ("p005", "p017", "p029"):
        for body in (edge.shelves("pdp", product_id=page, limit=20), edge.shelves("cart", product_ids=page, limit=20)):
            for one in body["slots"]:
                families = [family(catalogue.get(item["id"])) for item in one["items"]]
                assert len(families) == len(set(families))
                seen += sum(item["id"].startswith("cheese-") for item in one["items"])
    assert seen, "a new size stands somewhere, once"
    viewed = shelf(edge, "recently_viewed", "home", session="cheese-4,cheese-8")
    assert viewed == ["cheese-8", "cheese-4"]


def test_a_product_listed_now_is_on_shelves_within_a_second_and_has_shelves(
    edge: Any, session_store: str, redis: "Redis"
) -> None:
    """Without training: under `similar` on the page of a product alike, and its own page is not empty."""
    index = edge.edge.recommender.live.current.index
    assert edge.shelves("pdp", product_id="p005")["slots"], "asked, and cached, before"
    list_product(session_store, NEW)
    time.sleep(1)
    item = edge.shelves("pdp", product_id="p005", slots="similar")["slots"][0]["items"][-1]
    assert (item["id"], item["reason"], item["product"]["title"]) == (NEW.id, "new", NEW.title)
    page = edge.shelves("pdp", product_id=NEW.id)
    assert page["degraded"] == []
    slots = {one["id"]: one for one in page["slots"]}
    assert {"bought_together", "similar"} <= set(slots)
    assert slots["similar"]["title"] == "Similar products"
    rows = index.positions(item["id"] for item in slots["similar"]["items"])
    assert {index.category_paths[code] for code in index.category_of[rows].max(axis=1)} == {"Dairy > Cheese"}
    assert {item["reason"] for item in slots["bought_together"]["items"]} == {"bought_with_similar"}
    assert edge.shelves("pdp", product_id=NEW.id) == page


def test_newcomers_take_no_more_than_their_places(edge: Any, session_store: str, redis: "Redis", serve: Any) -> None:
    """Five are listed: one stands on a shelf of eight, none on one of three, none where the setting says so."""

    list_product(
        session_store,
        *(msgspec.structs.replace(NEW, id=f"new-{n}", title=f"Alder {n * 'x'} Cheese") for n in range(1, 6)),
    )
    time.sleep(1)

    def new(on: Any, **query: Any) -> list[int]:
        body = on.shelves("home", session="p005,p017", slots="for_you,trending", **query)
        body["slots"] += on.shelves("pdp", product_id="p005", **query)["slots"]
        return [sum(item["reason"] == "new" for item in one["items"]) for one in body["slots"]]

    assert max(new(edge)) == 1
    assert max(new(edge, limit=3)) == 0
    none = serve(new_places=0)
    time.sleep(1)
    assert max(new(none)) == 0


@contextmanager
def another_process(data_dir: Path, store: str, seed: str) -> Iterator[httpx.Client]:
    """`python -m edge` in a process of its own, its strings hashed with another seed."""
    environment = os.environ | {"ENDCAP_DATA_DIR": str(data_dir), "REDIS_URL": store, "PYTHONHASHSEED": seed}
    environment |= {"ENDCAP_DEADLINE_MS": "10000", "ENDCAP_REDIS_TIMEOUT_MS": "2000", "ENDCAP_PORT": "0"}
    command = [sys.executable, "-m", "edge"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        with httpx.Client(base_url=address(process)) as client:
            ends = time.monotonic() + 60
            while True:
                try:
                    if client.get("/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                assert process.poll() is None
                assert time.monotonic() < ends
                time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_two_processes_and_a_restarted_one_answer_alike(
    data_dir: Path, session_store: str, redis: "Redis", until: Callable[..., None]
) -> None:
    """Byte for byte, for known shoppers and strangers, with newcomers heard of in another order."""
    identifier = Identifier("demo", load_key(data_dir, None))
    caller = identifier.caller(None, "c", [])
    assert caller.customer is not None
    profile = Profile("demo", caller.customer)
    for week in range(6, 0, -1):
        lines = tuple(Line(f"p{n:03}") for n in range(week, 100, 9))
        at = datetime.now(UTC) - timedelta(days=7 * week)
        apply(profile, Event("e", "purchase-complete", at, products=lines), time.time())
    redis.set(profile_key("demo", caller.customer), encode_profile(profile))
    known = {"customer_id": "c", "consent": "personalization"}
    pages = [("home", known), ("home", {"session": "p005,p017"}), ("home", {})]
    pages += [("pdp", {"product_id": f"p{n:03}", **who}) for n in range(1, 121, 7) for who in ({}, known)]
    pages += [
        ("cart", {"product_ids": f"p{n:03},p{n + 1:03}", **who}) for n in range(1, 120, 11) for who in ({}, known)
    ]
    pages += [("pdp", {"product_id": "new-a"})]

    def answers(client: httpx.Client) -> list[bytes]:
        until(lambda: b'"new-b"' in client.get("/v1/recommendations/pdp?product_id=new-a").content)
        return [client.get(f"/v1/recommendations/{surface}", params=query).content for surface, query in pages]

    a, b = (msgspec.structs.replace(NEW, id=id_) for id_ in ("new-a", "new-b"))
    with another_process(data_dir, session_store, "1") as first:
        list_product(session_store, b)
        list_product(session_store, a)
        before = answers(first)
        with another_process(data_dir, session_store, "2") as second:
            assert answers(second) == before
    with another_process(data_dir, session_store, "3") as restarted:
        assert answers(restarted) == before
