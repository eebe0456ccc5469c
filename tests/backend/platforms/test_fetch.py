"""Thin webhooks: what they name is fetched, translated, appended once, as far as consent goes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend import audit
from backend.platforms.connect import NotConnectedError, connected
from backend.platforms.fetch import currency, fetch_order, handle_fetch, handle_uninstalled
from backend.platforms.http import PlatformError
from backend.settings import Settings
from edge.core.consent import Decision, encode_decision
from edge.core.events import Event
from edge.core.keys import PseudonymKey, consent_key, events_key, overlay_key, pseudonym, trail_key
from edge.core.products import Product, decode_change
from edge.core.snapshot import write_snapshot
from edge.core.tasks import Fetch, Platform, Uninstalled
from edge.profiles import connect
from tests.backend.platforms.shop_server import (
    TOKEN,
    Platforms,
    adobe_order,
    adobe_product,
    bc_order,
    bc_product,
    gid,
    shopify_order,
    shopify_product,
)
from tests.serving import KEY

pytestmark = pytest.mark.store
NOW = datetime.now(UTC)
CUSTOMER = pseudonym(PseudonymKey.from_hex(KEY), "demo", "customer", "7")


@pytest.fixture
def settings(tmp_path: Any, platforms: Platforms) -> Settings:
    """Connected to all three, with the consent that the shop declares."""
    given: dict[str, Any] = {
        "shopify_url": platforms.url, "shopify_token": TOKEN, "bigcommerce_url": f"{platforms.url}/stores/abc",
        "bigcommerce_token": TOKEN, "adobe_url": platforms.url, "adobe_token": TOKEN,
    }  # fmt: skip
    consent = "personalization, analytics"
    return Settings(data_dir=tmp_path / "data", pseudonym_key=KEY, webhook_consent=consent, **given)


@pytest.fixture
async def store(session_store: str, redis: "Redis") -> AsyncIterator["AsyncRedis"]:
    """The store as the backend sees it."""
    client = connect(session_store, timeout_s=5, connections=4)
    yield client
    await client.aclose()


def task(platform: Platform, kind: str, object_id: str) -> Fetch:
    """What a webhook has asked for."""
    return Fetch("t1", NOW.timestamp(), platform, kind, object_id)


def streamed(redis: "Redis") -> list[Event]:
    """The events in the shop's stream."""
    entries: Any = redis.xrange(events_key("demo"))
    return [msgspec.json.decode(fields[b"e"], type=Event) for _, fields in entries]


def change(redis: "Redis", product_id: str) -> Any:
    """What the overlay says of a product."""
    stored: Any = redis.hget(overlay_key("demo"), product_id)
    return decode_change(stored)


def recent(hours: int = 5) -> datetime:
    """Some hours ago."""
    return (NOW - timedelta(hours=hours)).replace(microsecond=0)


def put_orders(platforms: Platforms, at: datetime) -> None:
    """Order 1 on every platform, with a return of an hour ago."""
    back = recent(1)
    line = {"quantity": 1, "lineItem": {"id": gid("LineItem", 11)}}
    refund = {"id": gid("Refund", 5), "createdAt": back.isoformat(), "refundLineItems": {"nodes": [line]}}
    platforms.orders[gid("Order", "1")] = shopify_order(1, at, refunds=[refund])
    order = bc_order(1, at.strftime("%a, %d %b %Y %H:%M:%S +0000"))
    order["products"][0]["quantity_refunded"] = 1
    items = [{"item_type": "PRODUCT", "item_id": 10, "quantity": 1}]
    platforms.bc_orders = [order | {"refunds": [{"id": 5, "created": back.isoformat(), "items": items}]}]
    whole = adobe_order(1, at.strftime("%Y-%m-%d %H:%M:%S"))
    whole["items"][0]["qty_refunded"] = 1
    platforms.adobe_orders["1"] = whole
    platforms.memos = [{"entity_id": 5, "order_id": 1, "created_at": back.strftime("%Y-%m-%d %H:%M:%S"),
                        "items": [{"order_item_id": 1, "qty": 1}]}]  # fmt: skip


@pytest.mark.parametrize("platform", ["shopify", "bigcommerce", "adobe"])
async def test_an_order_and_its_return_are_appended_once(
    platform: Platform, settings: Settings, platforms: Platforms, store: "AsyncRedis", redis: "Redis"
) -> None:
    """However often the task runs; in pseudonyms, with the declared consent, and in the shopper's trail."""
    put_orders(platforms, recent())
    for _ in range(2):
        await handle_fetch(task(platform, "order", "1"), store, settings)
    bought, back = streamed(redis)
    assert (bought.id, back.id) == (f"{platform}:order:1", f"{platform}:return:5")
    assert (bought.customer_id, bought.time, bought.source) == (CUSTOMER, recent(), "store")
    assert set(bought.consent) == {"personalization", "analytics"}
    assert back.products[0].quantity == 1
    assert redis.llen(trail_key("demo", CUSTOMER)) == 2
    fetches = [entry.details for entry in audit.read(settings.data_dir) if entry.action == "fetch"]
    assert fetches == [{"platform": platform, "kind": "orders", "count": 1}] * 2


async def test_an_old_order_is_left_to_the_import(
    settings: Settings, platforms: Platforms, store: "AsyncRedis", redis: "Redis"
) -> None:
    """Its mark may be gone, so it could count twice; its return of today still counts."""
    put_orders(platforms, recent(hours=200))
    await handle_fetch(task("bigcommerce", "order", "1"), store, settings)
    assert [event.id for event in streamed(redis)] == ["bigcommerce:return:5"]


async def test_consent_decides(settings: Settings, platforms: Platforms, store: "AsyncRedis", redis: "Redis") -> None:
    """Without a declaration nothing is kept; a stored denial, such as a tombstone, wins over it."""
    put_orders(platforms, recent())
    none = settings.model_copy(update={"webhook_consent": "none"})
    await handle_fetch(task("shopify", "order", "1"), store, none)
    redis.set(consent_key("demo", CUSTOMER), encode_decision(Decision("demo", CUSTOMER, (), 0.0, "erased")))
    await handle_fetch(task("shopify", "order", "1"), store, settings)
    assert streamed(redis) == []


async def test_an_order_that_is_gone_is_no_error(
    settings: Settings, platforms: Platforms, store: "AsyncRedis", redis: "Redis"
) -> None:
    """It was deleted between the webhook and now."""
    for platform in connected(settings):
        await handle_fetch(task(platform, "order", "404"), store, settings)
    await handle_fetch(task("shopify", "bulk_operation", "x"), store, settings)
    await handle_fetch(task("bigcommerce", "cart", "x"), store, settings)
    assert streamed(redis) == []


async def test_a_platform_that_fails_makes_the_task_fail(
    settings: Settings, platforms: Platforms, store: "AsyncRedis"
) -> None:
    """So that it is tried again later."""
    platforms.faults = ["401"]
    with pytest.raises(PlatformError):
        await handle_fetch(task("shopify", "order", "1"), store, settings)
    for kind in ("order", "product"):
        with pytest.raises(PlatformError, match="nothing can be fetched"):
            await handle_fetch(task("endcap", kind, "1"), store, settings)


async def test_products_reach_the_catalogue(
    settings: Settings, platforms: Platforms, store: "AsyncRedis", redis: "Redis"
) -> None:
    """As whole cards, in the catalogue's currency."""
    products = [Product("x", "X", 1.0, "CAD")]
    write_snapshot(settings.data_dir / "catalogue" / "demo.cat", products)
    platforms.products[gid("Product", "101")] = shopify_product(101)
    platforms.items = {gid("InventoryItem", "10100"): gid("Product", "101"), gid("InventoryItem", "5"): ""}
    platforms.bc_products, platforms.bc_brands = [bc_product(201)], [{"id": 5, "name": "Leaf"}]
    platforms.adobe_products["HAT"] = adobe_product("HAT")
    await handle_fetch(task("shopify", "inventory_item", "10100"), store, settings)
    await handle_fetch(task("bigcommerce", "product", "201"), store, settings)
    await handle_fetch(task("adobe", "stock_item", "9"), store, settings)
    assert change(redis, "101").product.currency == "EUR"
    assert (change(redis, "201").product.brand, change(redis, "201").product.currency) == ("Leaf", "CAD")
    assert change(redis, "HAT").product.price == 8.0
    await handle_fetch(task("adobe", "product", "HAT"), store, settings)
    await handle_fetch(task("shopify", "product", "101"), store, settings)
    await handle_fetch(task("shopify", "inventory_item", "5"), store, settings)
    assert not [entry for entry in audit.read(settings.data_dir) if entry.action == "fetch"]


async def test_a_product_that_is_gone_is_not_shown_any_more(
    settings: Settings, platforms: Platforms, store: "AsyncRedis", redis: "Redis"
) -> None:
    """On every platform; an item of nothing changes nothing."""
    for platform in connected(settings):
        await handle_fetch(task(platform, "product", "404"), store, settings)
        assert change(redis, "404").available is False
        redis.flushall()
    await handle_fetch(task("adobe", "stock_item", "404"), store, settings)
    await handle_fetch(task("shopify", "inventory_item", "404"), store, settings)
    assert not redis.exists(overlay_key("demo"))


async def test_an_uninstalled_app_makes_no_more_calls(
    settings: Settings, platforms: Platforms, store: "AsyncRedis"
) -> None:
    """Until the shop gives a new token."""
    put_orders(platforms, recent())
    await handle_uninstalled(Uninstalled("u1", NOW.timestamp(), "shopify"), store, settings)
    with pytest.raises(NotConnectedError, match="install it again"):
        await fetch_order(settings, "shopify", "1", "test")
    assert platforms.asked == []
    other = Settings(shopify_token="another")
    renewed = settings.model_copy(update={"shopify_token": other.shopify_token})
    with pytest.raises(PlatformError, match="scope"):  # it was asked: the server knows only the first token
        await fetch_order(renewed, "shopify", "1", "test")
    assert (await fetch_order(settings, "bigcommerce", "1", "test")).events


def test_without_a_catalogue_the_settings_say_the_currency(settings: Settings) -> None:
    """So does an empty or a broken one."""
    path = settings.data_dir / "catalogue" / "demo.cat"
    assert currency(settings) == "USD"
    write_snapshot(path, [])
    assert currency(settings) == "USD"
    path.write_bytes(b"nonsense")
    assert currency(settings) == "USD"


def test_no_token_shows_in_settings(settings: Settings) -> None:
    """Not printed, not logged."""
    assert TOKEN not in repr(settings) + str(settings)
