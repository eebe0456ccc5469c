"""Shopify's Admin API: its budget, its errors, its pages, its bulk operations."""

import asyncio
from datetime import UTC, datetime

import pytest

from backend.platforms.http import NotFoundError, PlatformError
from backend.platforms.shopify import BulkFailedError, Shopify, gid, kind_of, short
from backend.platforms.shopify_queries import BULK_ORDERS, CURRENCY, ONE_ORDER, ORDER_IDS
from tests.backend.platforms.conftest import QUICK
from tests.backend.platforms.shop_server import TOKEN, Platforms, shopify_order

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)


def client(platforms: Platforms, token: str = TOKEN) -> Shopify:
    """A client of the server."""
    return Shopify(platforms.url, token, QUICK)


async def test_a_spent_budget_is_waited_for(platforms: Platforms) -> None:
    """A throttled query is asked again once the budget has what it costs."""
    platforms.available, platforms.cost = 0.0, 40.0
    async with client(platforms) as api:
        assert await api.query(CURRENCY) == {"shop": {"currencyCode": "EUR"}}
    assert platforms.throttled == 1


async def test_the_budget_is_never_run_dry_knowingly(platforms: Platforms) -> None:
    """Once a query's cost is known, the client waits before it asks, and is not throttled."""
    platforms.available, platforms.cost, platforms.restore = 100.0, 50.0, 400.0
    async with client(platforms) as api:
        for _ in range(6):
            await api.query(CURRENCY)
        assert platforms.throttled == 0
        assert api.waited_s > 0


async def test_a_question_shopify_cannot_answer_is_not_repeated(platforms: Platforms) -> None:
    """Its words are in the error."""
    async with client(platforms) as api:
        with pytest.raises(PlatformError, match="doesn't exist"):
            await api.query("{ nonsense }")
    assert len(platforms.asked) == 1


async def test_a_wrong_token_is_said_to_be_one(platforms: Platforms) -> None:
    """With where to read about scopes, and without the token."""
    async with client(platforms, "shpat-wrong") as api:
        with pytest.raises(PlatformError, match=r"importing\.md") as failure:
            await api.query(CURRENCY)
    assert "shpat" not in str(failure.value)


async def test_an_object_is_found_or_is_said_to_be_missing(platforms: Platforms) -> None:
    """By its global name."""
    platforms.orders[gid("Order", "1")] = shopify_order(1, AT)
    async with client(platforms) as api:
        assert (await api.node(ONE_ORDER, gid("Order", "1")))["currencyCode"] == "EUR"
        with pytest.raises(NotFoundError):
            await api.node(ONE_ORDER, gid("Order", "2"))


async def test_all_pages_are_read(platforms: Platforms) -> None:
    """Of two each; a page that was throttled or broke off is read again."""
    for number in range(1, 6):
        platforms.orders[gid("Order", str(number))] = shopify_order(number, AT)
    platforms.faults = ["ok", "half", "503"]
    async with client(platforms) as api:
        found = [node["id"] async for node in api.nodes(ORDER_IDS, {"query": "x"})]
    assert found == [gid("Order", str(number)) for number in range(1, 6)]


async def test_a_bulk_operation_runs_to_its_end(platforms: Platforms) -> None:
    """Started once, asked about until it is done."""
    platforms.bulk["orders"] = "{}\n"
    platforms.bulk_status = ["CREATED", "RUNNING", "COMPLETED"]
    told: list[int] = []
    async with client(platforms) as api:
        operation = await api.start_bulk(BULK_ORDERS % "")
        bulk = await api.finish_bulk(operation, poll_s=0.01, progress=told.append)
    assert bulk.url == f"{platforms.url}/bulk/orders.jsonl"
    assert told == [3, 3]
    assert len(platforms.bulk_started) == 1


@pytest.mark.parametrize("status", ["FAILED", "CANCELED", "EXPIRED"])
async def test_a_bulk_operation_that_failed_says_so(platforms: Platforms, status: str) -> None:
    """With Shopify's word for it."""
    platforms.bulk_status = [status]
    async with client(platforms) as api:
        with pytest.raises(BulkFailedError, match=status):
            await api.finish_bulk(gid("BulkOperation", "orders"), poll_s=0.01)


async def test_a_bulk_operation_that_shopify_refuses_says_why(platforms: Platforms) -> None:
    """Its user errors."""
    async with client(platforms) as api:
        with pytest.raises(PlatformError, match="starts no bulk operation: no"):
            await api.start_bulk("refuse")


async def test_a_lost_answer_starts_no_second_operation(platforms: Platforms) -> None:
    """It may have started: that is for the caller to find out."""
    platforms.faults = ["half"]
    async with client(platforms) as api:
        with pytest.raises(PlatformError):
            await api.start_bulk(BULK_ORDERS % "")
    assert len(platforms.asked) == 1


async def test_many_at_once_share_the_budget(platforms: Platforms) -> None:
    """Concurrent queries all get their answer, throttled or not."""
    platforms.available, platforms.cost, platforms.restore = 100.0, 50.0, 2_000.0
    async with client(platforms) as api:
        answers = await asyncio.gather(*(api.query(CURRENCY) for _ in range(8)))
    assert len(answers) == 8


def test_names_are_short_and_long() -> None:
    """As webhooks have them, and as GraphQL has."""
    assert gid("Order", "820982911946154508") == "gid://shopify/Order/820982911946154508"
    assert gid("Order", "gid://shopify/Order/1") == "gid://shopify/Order/1"
    assert short("gid://shopify/Order/1?x=2") == "1"
    assert short("1") == "1"
    assert short(None) is None
    assert kind_of("gid://shopify/LineItem/5") == "LineItem"
    assert kind_of("5") is None
