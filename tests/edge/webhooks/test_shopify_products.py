"""Shopify's products and stock, until they show in another edge process."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from edge.core.keys import changes_key, overlay_key, stock_key
from edge.core.products import Change, Product, decode_change
from edge.core.tasks import Fetch
from edge.profiles import connect
from edge.webhooks.stock import Level, Listing, Variant, list_product, set_level
from tests.edge.webhooks.conftest import OpenShop, Shop
from tests.edge.webhooks.payloads import ago, level, product

pytestmark = pytest.mark.store


def card(shop: Shop, product_id: str = "4400") -> Product | None:
    """The product as the overlay shows it."""
    data: Any = shop.redis.hget(overlay_key("demo"), product_id)
    return decode_change(data).applied(None) if data else None


def available(shop: Shop, product_id: str = "4400") -> bool:
    """Whether it can be bought."""
    data: Any = shop.redis.hget(overlay_key("demo"), product_id)
    return decode_change(data).available is True


def test_a_new_product_is_listed_with_all_a_card_shows(shop: Shop) -> None:
    """Under the platform's number, in the shop's currency; the first variant that can be bought is shown."""
    assert shop.shopify("products/create", product()).status_code == 200
    assert card(shop) == Product(
        "4400", "Oat Milk", 2.5, currency="USD", compare_at_price=3.0, category="Milk", brand="Meadow",
        handle="oat-milk", url="/products/oat-milk", image="https://cdn.example/oat.png", variant_id="91", listed=20759,
    )  # fmt: skip
    assert shop.redis.ttl(stock_key("demo")) == -1


def test_a_change_shows_in_another_process_within_a_second(open_shop: OpenShop) -> None:
    """Price and stock come in at one server and are served by another, with no backend anywhere."""
    here, there = open_shop(), open_shop()
    first = there.running.shelves("pdp", product_id="p004")["slots"][0]["items"][0]["id"]
    variant = {"id": 1, "price": "123.45", "inventory_item_id": 77, "inventory_quantity": 5}
    shown = {"id": first, "title": "Now dearer", "updated_at": ago(seconds=5), "variants": [variant]}
    assert here.shopify("products/update", shown).status_code == 200
    time.sleep(1)
    item = there.running.shelves("pdp", product_id="p004")["slots"][0]["items"][0]
    assert (item["id"], item["product"]["price"]["amount"], item["product"]["title"]) == (first, "123.45", "Now dearer")
    assert here.shopify("inventory_levels/update", level(77, 0, ago(seconds=4))).status_code == 200
    time.sleep(1)
    page = there.running.shelves("pdp", product_id="p004", limit=50)
    assert first not in [item["id"] for slot in page["slots"] for item in slot["items"]]


def test_a_product_listed_now_is_served_now(shop: Shop, event: Callable[..., Any], until: Callable[..., None]) -> None:
    """Somebody who looks at it finds it again."""
    shop.shopify("products/create", product())
    until(lambda: shop.running.edge.recommender.catalogue.get("4400"))
    shop.running.send(event("detail-page-view", "4400"))
    home = shop.running.shelves("home", visitor_id="v", consent="personalization")
    viewed = next(slot for slot in home["slots"] if slot["id"] == "recently_viewed")
    assert viewed["items"][0]["product"]["title"] == "Oat Milk"


@pytest.mark.parametrize("changed", [{"status": "draft"}, {"status": "archived"}, {"published_at": None}])
def test_what_is_not_on_sale_is_not_available(shop: Shop, changed: dict[str, Any]) -> None:
    """Drafts, the archive, and what is not in the online shop, whatever their stock."""
    shop.shopify("products/update", product(**changed))
    assert not available(shop)
    shop.shopify("inventory_levels/update", level(501, 50, ago(seconds=1)))
    assert not available(shop)


def test_a_deleted_product_stays_deleted(shop: Shop) -> None:
    """An update that comes late, and a level, change nothing; nor does one that was never known."""
    shop.shopify("products/create", product())
    assert shop.shopify("products/delete", {"id": 4400}).status_code == 200
    shop.shopify("products/update", product(updated_at=ago(seconds=-60)))
    shop.shopify("inventory_levels/update", level(501, 50, ago(seconds=-60)))
    assert not available(shop)
    shop.shopify("products/delete", {"id": 4401})
    assert not available(shop, "4401")


def test_the_newer_product_stands_whichever_came_last(shop: Shop) -> None:
    """A retry carries the old payload."""
    shop.shopify("products/update", product(title="New", updated_at=ago(seconds=10)))
    shop.shopify("products/update", product(title="Old", updated_at=ago(seconds=20)))
    found = card(shop)
    assert found is not None
    assert found.title == "New"
    assert shop.outcome("shopify", "products/update", "stale") >= 1


def test_the_same_again_tells_nobody(shop: Shop) -> None:
    """Shopify repeats a product with every sale: edges hear of it only when a shopper could see a difference."""
    for seconds in (30, 20, 10):
        shop.shopify("products/update", product(updated_at=ago(seconds=seconds)))
    assert shop.redis.xlen(changes_key("demo")) == 1
    shop.shopify("products/update", product(updated_at=ago(seconds=5), title="Oat Milk 1 l"))
    assert shop.redis.xlen(changes_key("demo")) == 2


def test_stock_is_the_sum_over_locations(shop: Shop) -> None:
    """Gone only when no location has any of any variant; the variant shown is one that is there."""
    shop.shopify("products/update", product(updated_at=ago(seconds=50)))
    shop.shopify("inventory_levels/update", level(501, 0, ago(seconds=40), location=1))
    found = card(shop)
    assert found is not None
    assert (available(shop), found.variant_id, found.price) == (True, "92", 4.5)
    shop.shopify("inventory_levels/update", level(502, 0, ago(seconds=39), location=1))
    assert not available(shop)
    shop.shopify("inventory_levels/update", level(502, 3, ago(seconds=38), location=2))
    assert available(shop)
    shop.shopify("inventory_levels/update", level(502, -3, ago(seconds=37), location=1))
    assert not available(shop)
    shop.shopify("inventory_levels/update", level(502, None, ago(seconds=36), location=3))
    assert available(shop), "nobody counts there"


@pytest.mark.parametrize("changed", [{"inventory_policy": "continue"}, {"inventory_management": None}])
def test_what_sells_without_stock_is_always_there(shop: Shop, changed: dict[str, Any]) -> None:
    """Back orders are taken, or nobody counts."""
    shop.shopify("products/update", product(variants=[{"id": 1, "price": "1", "inventory_quantity": 0} | changed]))
    assert available(shop)


def test_a_level_of_an_unknown_item_waits_for_its_product(shop: Shop) -> None:
    """The backend is asked once whose it is; a product that comes meanwhile takes it up."""
    for seconds in (9, 8):
        assert shop.shopify("inventory_levels/update", level(501, 0, ago(seconds=seconds))).status_code == 200
    (task,) = shop.tasks()
    assert isinstance(task, Fetch)
    assert (task.platform, task.kind, task.object_id) == ("shopify", "inventory_item", "501")
    only = [{"id": 91, "price": "2.50", "inventory_item_id": 501, "inventory_quantity": 4}]
    shop.shopify("products/update", product(updated_at=ago(seconds=60), variants=only))
    assert not available(shop), "the level is newer than the product's own count"


def test_a_product_with_more_variants_than_told_is_fetched_too(shop: Shop) -> None:
    """Shopify leaves some out of long lists."""
    gids = [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{n}", "updated_at": ago(days=1)} for n in range(3)]
    shop.shopify("products/update", product(variant_gids=gids))
    (task,) = shop.tasks()
    assert isinstance(task, Fetch)
    assert (task.kind, task.object_id) == ("product", "4400")


def test_a_price_from_elsewhere_survives_stock_but_not_a_newer_card(shop: Shop) -> None:
    """Card, price and stock each have their own time."""
    shop.shopify("products/update", product(updated_at=ago(seconds=50)))
    shop.endcap({"type": "price", "product_id": "4400", "time": ago(seconds=40), "price": 1.11})
    shop.shopify("inventory_levels/update", level(501, 9, ago(seconds=30)))
    found = card(shop)
    assert found is not None
    assert found.price == 1.11
    shop.shopify("products/update", product(updated_at=ago(seconds=20)))
    found = card(shop)
    assert found is not None
    assert found.price == 2.5


def _messages() -> list[Listing | Level]:
    """Two states of a product, and levels of its two items at two locations."""

    def listing(time_: float, title: str, *counts: int) -> Listing:
        variants = tuple(Variant(f"v{n}", f"i{n}", 1.0 + n, None, count, False) for n, count in enumerate(counts))
        return Listing("1", time_, Product("1", title, 0.0), variants)

    return [
        listing(10, "Old", 5, 0),
        listing(30, "New", 0, 2),
        Level("i0", "a", 0, 20),
        Level("i0", "b", 3, 40),
        Level("i1", "a", 0, 50),
        Level("i1", "a", 7, 15),
    ]  # fmt: skip


async def test_the_outcome_does_not_depend_on_the_order_of_arrival(session_store: str, redis: "Redis") -> None:
    """Sixty shuffles of six messages, each told twice, end in one and the same card."""
    client = connect(session_store, timeout_s=5, connections=2)
    outcomes = set()
    orders = random.Random(7).sample(list(itertools.permutations(_messages())), 60)
    for order in orders:
        redis.delete(overlay_key("demo"), stock_key("demo"))
        for message in (*order, *order):
            if isinstance(message, Listing):
                await list_product(client, "demo", message)
            else:
                await set_level(client, "demo", message)
        stored: Any = redis.hget(overlay_key("demo"), "1")
        outcomes.add(decode_change(stored).applied(None))
    await client.aclose()
    assert outcomes == {Product("1", "New", 1.0, available=True, variant_id="v0")}


async def test_many_writers_at_once_agree(session_store: str, redis: "Redis") -> None:
    """Levels of one product from many processes at a time: none is lost."""
    client = connect(session_store, timeout_s=5, connections=30)
    variants = tuple(Variant(f"v{n}", f"i{n}", 1.0, None, 1, False) for n in range(12))
    await list_product(client, "demo", Listing("1", 1.0, Product("1", "x", 0.0), variants))
    await asyncio.gather(*(set_level(client, "demo", Level(f"i{n}", "a", 0, 2.0 + n)) for n in range(12)))
    await client.aclose()
    stored: Any = redis.hget(overlay_key("demo"), "1")
    assert decode_change(stored).available is False


async def test_damaged_records_are_replaced_by_what_comes(session_store: str, redis: "Redis") -> None:
    """A product, an item and an overlay that cannot be read."""
    client = connect(session_store, timeout_s=5, connections=2)
    redis.hset(stock_key("demo"), mapping={"p:1": b"\xff", "i:i0": b"\xff"})
    redis.hset(overlay_key("demo"), "1", b"\xff")
    variants = (Variant("v0", "i0", 1.0, None, 1, False),)
    assert await set_level(client, "demo", Level("i0", "a", 4, 1.0)) == "unknown"
    assert await list_product(client, "demo", Listing("1", 1.0, Product("1", "x", 0.0), variants)) == "taken"
    await client.aclose()
    stored: Any = redis.hget(overlay_key("demo"), "1")
    expected = Change("1", 0.0, available=True, product=Product("1", "x", 1.0, variant_id="v0"))
    assert decode_change(stored).shown() == expected
