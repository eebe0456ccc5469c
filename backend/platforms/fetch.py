"""What a thin webhook only named is read from its platform and taken in, as if the webhook had told it.

In: tasks `Fetch`, `Uninstalled`. Out: events in the stream, marked so that each counts once, as consent allows;
changes of the catalogue. Each fetch of an order leaves a line in the audit log. Raises PlatformError, for
the one who runs tasks to try again later.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from redis.asyncio import Redis

from backend.platforms import adobe_objects, bigcommerce_objects, connect, shopify_objects, shopify_queries
from backend.platforms.adobe import Adobe
from backend.platforms.bigcommerce import BigCommerce
from backend.platforms.http import NotFoundError, PlatformError
from backend.platforms.shopify import Shopify, gid, short
from backend.platforms.taken import Taken, checked, checked_product
from backend.settings import Settings
from edge.changes import put_changes
from edge.collect import Collector
from edge.core import clock
from edge.core.errors import BundleError
from edge.core.events import PURPOSES, Event, Purpose
from edge.core.keys import SEEN_TTL_S, load_keys
from edge.core.products import Change, Product
from edge.core.snapshot import read_snapshot
from edge.core.tasks import Fetch, Platform, Uninstalled
from edge.identify import Identifier
from edge.profiles import ShopperStore
from edge.webhooks.stock import Listing, list_product

_ACTOR = "webhook"
_NOTHING_TO_FETCH = ("bulk_operation", "cart")  # an import waits for its own operations; a cart's content is not read


async def handle_uninstalled(task: Uninstalled, redis: "Redis", settings: Settings) -> None:
    """Make no more calls to the platform, until there is a new token."""
    connect.disconnect(settings, task.platform)


async def handle_fetch(task: Fetch, redis: "Redis", settings: Settings) -> None:
    """Fetch the object and take it in. An object that is gone by now is no error. Raises PlatformError."""
    if task.kind in _NOTHING_TO_FETCH:
        return
    try:
        if task.kind == "order":
            taken = await fetch_order(settings, task.platform, task.object_id, _ACTOR)
            await take_events(redis, settings, taken.events)
        else:
            await _fetch_product(task, redis, settings)
    except NotFoundError:
        if task.kind == "product":
            gone = short(task.object_id) or task.object_id
            await put_changes(redis, settings.shop, [Change(gone, task.time, available=False)])


async def fetch_order(settings: Settings, platform: Platform, order_id: str, actor: str) -> Taken:
    """One order from its platform, in our terms and raw ids. Raises PlatformError."""
    if platform == "shopify":
        async with connect.shopify(settings) as shopify:
            node = await shopify.node(shopify_queries.ONE_ORDER, gid("Order", order_id))
        taken = shopify_objects.order_events(shopify_objects.read(node, shopify_objects.OrderNode))
    elif platform == "bigcommerce":
        async with connect.bigcommerce(settings) as bigcommerce:
            order = await bigcommerce.order(order_id)
        taken = bigcommerce_objects.order_events(bigcommerce_objects.read_order(order))
    elif platform == "adobe":
        async with connect.adobe(settings) as adobe:
            order = await adobe.order(order_id)
        taken = adobe_objects.order_events(adobe_objects.read_order(order))
    else:
        raise PlatformError(f"nothing can be fetched from {platform}")
    connect.note_fetch(settings, platform, "orders", 1, actor)
    taken.events = checked(taken.events)
    return taken


async def take_events(
    redis: "Redis", settings: Settings, events: Sequence[Event], *, oldest_s: float | None = SEEN_TTL_S
) -> int:
    """Append events in raw ids to the shop's stream, under the consent the shop declares for webhooks; how many.

    Events older than `oldest_s` are left out: their mark may be gone, and they could count twice.
    """
    key, *former = load_keys(settings.data_dir, settings.pseudonym_key)
    identifier = Identifier(settings.shop, key, tuple(former))
    collector = Collector(ShopperStore(redis), identifier, settings.stream_max_entries)
    now, appended = clock.now(), 0
    for event in events:
        if oldest_s is not None and now - event.time.timestamp() > oldest_s:
            continue
        caller = identifier.caller(event.visitor_id, event.customer_id, declared(settings))
        (result,) = await collector.take(caller, [msgspec.structs.replace(event, source="store")], now)
        appended += result.status == "accepted"
    return appended


def declared(settings: Settings) -> tuple[Purpose, ...]:
    """What the shop says its shoppers allow whose orders a platform tells of."""
    words = [word.strip() for word in settings.webhook_consent.split(",")]
    return tuple(purpose for purpose in PURPOSES if purpose in words)


async def _fetch_product(task: Fetch, redis: "Redis", settings: Settings) -> None:
    if task.platform == "shopify":
        async with connect.shopify(settings) as shopify:
            listing = await _shopify_listing(shopify, task)
        if listing is not None:
            await list_product(redis, settings.shop, listing)
        return
    if task.platform == "bigcommerce":
        async with connect.bigcommerce(settings) as bigcommerce:
            product = await _bigcommerce_product(bigcommerce, task.object_id, settings)
    elif task.platform == "adobe":
        async with connect.adobe(settings) as adobe:
            product = await _adobe_product(adobe, task, settings)
    else:
        raise PlatformError(f"nothing can be fetched from {task.platform}")
    card = checked_product(product)
    await put_changes(redis, settings.shop, [Change(card.id, clock.now(), product=card)])


async def _shopify_listing(api: Shopify, task: Fetch) -> Listing | None:
    """The product, or the one that an inventory item belongs to; None where it belongs to none."""
    product_id = gid("Product", task.object_id)
    if task.kind == "inventory_item":
        item = await api.node(shopify_queries.ITEM, gid("InventoryItem", task.object_id))
        if item.get("variant") is None:
            return None
        product_id = item["variant"]["product"]["id"]
    currency = (await api.query(shopify_queries.CURRENCY))["shop"]["currencyCode"]
    node = await api.node(shopify_queries.ONE_PRODUCT, product_id)
    return shopify_objects.listing(shopify_objects.read(node, shopify_objects.ProductNode), currency)


async def _bigcommerce_product(api: BigCommerce, product_id: str, settings: Settings) -> Product:
    product = await api.product(product_id)
    categories, brands = await api.names("categories"), await api.names("brands")
    return bigcommerce_objects.read_product(product, categories, brands, currency(settings))


async def _adobe_product(api: Adobe, task: Fetch, settings: Settings) -> Product:
    """By SKU; a stock item names its product by number."""
    if task.kind == "stock_item":
        return adobe_objects.read_product(await api.product_of(task.object_id), currency(settings))
    return adobe_objects.read_product(await api.product(task.object_id), currency(settings))


_currencies: dict[Path, tuple[datetime, str]] = {}


def currency(settings: Settings) -> str:
    """The catalogue's currency where there is one, else what the settings say."""
    path = settings.data_dir / "catalogue" / f"{settings.shop}.cat"
    try:
        changed = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        if _currencies.get(path, (None, ""))[0] != changed:
            products = read_snapshot(path).products
            _currencies[path] = (changed, products[0].currency if products else settings.webhook_currency)
    except (BundleError, OSError):
        return settings.webhook_currency
    return _currencies[path][1]
