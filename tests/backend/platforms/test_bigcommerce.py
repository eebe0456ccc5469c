"""BigCommerce's API: pages, thin objects completed, calls left."""

import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from backend.platforms.bigcommerce import BigCommerce, pause
from backend.platforms.http import NotFoundError, PlatformError
from tests.backend.platforms.conftest import QUICK
from tests.backend.platforms.shop_server import TOKEN, Platforms, bc_order, bc_product

AT = "Sun, 01 Nov 2026 10:00:00 +0000"


def client(platforms: Platforms) -> BigCommerce:
    """A client of the server."""
    return BigCommerce(f"{platforms.url}/stores/abc", TOKEN, QUICK)


async def test_all_orders_come_by_rising_id(platforms: Platforms) -> None:
    """Three a page, until a page is empty; a page that failed is asked for again."""
    platforms.bc_orders = [bc_order(number, AT) for number in range(1, 8)]
    platforms.faults = ["ok", "429", "half"]
    async with client(platforms) as api:
        pages = [[order["id"] for order in page] async for page in api.orders()]
    assert pages == [[1, 2, 3], [4, 5, 6], [7]]


async def test_orders_after_one_are_the_rest(platforms: Platforms) -> None:
    """Where an import goes on."""
    platforms.bc_orders = [bc_order(number, AT) for number in range(1, 8)]
    async with client(platforms) as api:
        pages = [page async for page in api.orders(after_id=5, created_since=datetime(2026, 1, 1, tzinfo=UTC))]
    assert [order["id"] for page in pages for order in page] == [6, 7]


async def test_an_order_is_completed_with_lines_and_refunds(platforms: Platforms) -> None:
    """Refunds are asked for only where a line says that there are some."""
    lines: list[dict[str, Any]] = bc_order(2, AT)["products"]
    lines[0]["quantity_refunded"] = 1
    refund = {"id": 9, "created": "2026-11-02T00:00:00+00:00", "items": []}
    platforms.bc_orders = [bc_order(1, AT), bc_order(2, AT, products=lines, refunds=[refund])]
    async with client(platforms) as api:
        assert (await api.order("1"))["refunds"] == []
        assert len(platforms.asked) == 2
        whole = await api.order("2")
    assert [line["product_id"] for line in whole["products"]] == [201]
    assert whole["refunds"] == [refund]


async def test_all_products_and_names_come(platforms: Platforms) -> None:
    """Two a page."""
    platforms.bc_products = [bc_product(number) for number in range(1, 6)]
    platforms.bc_categories = [{"id": number, "name": f"c{number}", "parent_id": 0} for number in range(1, 4)]
    async with client(platforms) as api:
        assert [product["id"] async for product in api.products()] == [1, 2, 3, 4, 5]
        assert sorted(await api.names("categories")) == [1, 2, 3]
        assert (await api.product("3"))["name"] == "Product 3"
        with pytest.raises(NotFoundError):
            await api.product("99")


async def test_before_the_window_is_used_up_the_client_waits(platforms: Platforms) -> None:
    """The last calls of a window are the store's other apps'."""
    platforms.bc_products, platforms.bc_left = [bc_product(1)], 2
    async with client(platforms) as api:
        await api.product("1")
        before = time.monotonic()
        await api.product("1")
    assert time.monotonic() - before >= 0.25


@pytest.mark.parametrize("number", ["../../v2/customers", "1;2", "", "x"])
async def test_only_numbers_become_part_of_an_address(platforms: Platforms, number: str) -> None:
    """An id out of a message cannot lead anywhere else."""
    async with client(platforms) as api:
        with pytest.raises(PlatformError, match="is no id"):
            await api.product(number)
    assert platforms.asked == []


def test_headers_of_other_shapes_mean_no_wait() -> None:
    """Absent, or no numbers."""
    assert pause(httpx.Headers()) == 0
    assert pause(httpx.Headers({"X-Rate-Limit-Requests-Left": "few", "X-Rate-Limit-Time-Reset-Ms": "5"})) == 0
    assert pause(httpx.Headers({"X-Rate-Limit-Requests-Left": "90", "X-Rate-Limit-Time-Reset-Ms": "5000"})) == 0
    assert pause(httpx.Headers({"X-Rate-Limit-Requests-Left": "1", "X-Rate-Limit-Time-Reset-Ms": "5000"})) == 5
