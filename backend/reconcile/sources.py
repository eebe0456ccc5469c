"""The orders that a platform, or a file, has: ids, times, and customers as pseudonyms. Nothing else is kept.

In: settings, the first day (UTC). Out: `Order`s. Test orders and what never became an order are left aside. Each
listing leaves a line in the audit log.
"""

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from backend.platforms import adobe_objects, connect, shopify_queries
from backend.platforms.bigcommerce_objects import NO_ORDERS, read_time
from backend.platforms.http import PlatformError
from backend.platforms.shopify import short
from backend.settings import Settings
from edge.core.keys import load_key, pseudonym
from edge.core.tasks import Platform
from training import engine as engines
from training import reading, rules


@dataclass(frozen=True)
class Order:
    """One order as the platform names it."""

    id: str
    time: datetime
    customer: str | None = None  # a pseudonym


async def platform_orders(settings: Settings, platform: Platform, since: date) -> list[Order]:
    """The orders a platform lists since a day (UTC). Raises PlatformError."""
    start = datetime(since.year, since.month, since.day, tzinfo=UTC)
    sources = {"shopify": _shopify, "bigcommerce": _bigcommerce, "adobe": _adobe}
    if platform not in sources:
        raise PlatformError(f"{platform} lists no orders; give a file of them with --orders")
    found = [order async for order in sources[platform](settings, start)]
    connect.note_fetch(settings, platform, "order ids", len(found), "reconcile")
    key = load_key(settings.data_dir, settings.pseudonym_key)
    return [
        Order(id_, at, pseudonym(key, settings.shop, "customer", customer) if customer else None)
        for id_, at, customer in found
    ]


_Raw = AsyncIterator[tuple[str, datetime, str | None]]


async def _shopify(settings: Settings, since: datetime) -> _Raw:
    variables = {"query": f"created_at:>='{since:%Y-%m-%dT%H:%M:%SZ}' status:any"}
    async with connect.shopify(settings) as api:
        async for node in api.nodes(shopify_queries.ORDER_IDS, variables):
            customer = node["customer"]["id"] if node.get("customer") else None
            if not node.get("test"):
                yield short(node["id"]) or "", datetime.fromisoformat(node["createdAt"]), short(customer)


async def _bigcommerce(settings: Settings, since: datetime) -> _Raw:
    async with connect.bigcommerce(settings) as api:
        async for page in api.orders(created_since=since):
            for order in page:
                if order.get("status_id") not in NO_ORDERS and not order.get("is_deleted"):
                    customer = str(order["customer_id"]) if order.get("customer_id") else None
                    yield str(order["id"]), read_time(order["date_created"]), customer


async def _adobe(settings: Settings, since: datetime) -> _Raw:
    async with connect.adobe(settings) as api:
        async for order in api.orders(since):
            if order.get("state") != "canceled":
                customer = str(order["customer_id"]) if order.get("customer_id") else None
                yield str(order["entity_id"]), adobe_objects.read_time(order["created_at"]), customer


def file_orders(settings: Settings, source: Path, since: date) -> list[Order]:
    """The orders of a plain-format directory (docs/data-format.md), for a shop without a platform's API."""
    key = load_key(settings.data_dir, settings.pseudonym_key)
    engine = engines.connect()
    try:
        with tempfile.TemporaryDirectory(prefix="endcap-orders-") as work:
            path = reading.find(source, "events")
            raw = reading.read(engine, path, Path(work), rules.EVENT_COLUMNS, rules.EVENT_REQUIRED)
            t = rules.typed_events(raw.table)
            bought = t.filter((t.type == "purchase-complete") & t.order_id.notnull() & t["at"].notnull())
            found = engines.arrow(engine, bought.group_by("order_id").agg(
                time=bought["at"].min(), customer=bought.customer_id.min())).to_pylist()  # fmt: skip
    finally:
        engine.disconnect()
    orders = [
        Order(row["order_id"], row["time"].replace(tzinfo=UTC),
              pseudonym(key, settings.shop, "customer", row["customer"]) if row["customer"] else None)
        for row in found
    ]  # fmt: skip
    return [order for order in orders if order.time.date() >= since]
