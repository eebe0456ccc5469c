"""Adobe Commerce's API: pages of orders, credit memos only where needed, products by SKU and by number."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backend.platforms.adobe import Adobe
from backend.platforms.http import NotFoundError, PlatformError
from tests.backend.platforms.conftest import QUICK
from tests.backend.platforms.shop_server import TOKEN, Platforms, adobe_order, adobe_product

AT = "2026-11-01 10:00:00"


def client(platforms: Platforms, token: str = TOKEN) -> Adobe:
    """A client of the server, whose address may end in a stroke."""
    return Adobe(f"{platforms.url}/", token, QUICK)


async def test_credit_memos_are_asked_for_where_something_was_refunded(platforms: Platforms) -> None:
    """An order without a refunded line takes one call, another one two."""
    refunded = adobe_order(2, AT)
    refunded["items"][0]["qty_refunded"] = 1
    platforms.adobe_orders = {"1": adobe_order(1, AT), "2": refunded}
    platforms.memos = [{"entity_id": 5, "order_id": 2}, {"entity_id": 6, "order_id": 9}]
    async with client(platforms) as api:
        assert "creditmemos" not in await api.order("1")
        assert platforms.asked == ["GET /rest/V1/orders/1"]
        assert (await api.order("2"))["creditmemos"] == [{"entity_id": 5, "order_id": 2}]
    assert platforms.asked[1:] == ["GET /rest/V1/orders/2", "GET /rest/V1/creditmemos"]


async def test_an_order_without_lines_is_read_as_it_is(platforms: Platforms) -> None:
    """Nothing to refund, nothing more to ask."""
    platforms.adobe_orders["1"] = adobe_order(1, AT, items=None)
    async with client(platforms) as api:
        assert (await api.order("1"))["items"] is None
    assert len(platforms.asked) == 1


async def test_all_orders_since_a_moment_are_listed(platforms: Platforms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page until as many were asked for as there are in all."""
    monkeypatch.setattr("backend.platforms.adobe._PAGE", 2)
    platforms.adobe_orders = {str(number): adobe_order(number, AT) for number in range(1, 4)}
    zone = timezone(timedelta(hours=2))
    async with client(platforms) as api:
        found = [order["entity_id"] async for order in api.orders(datetime(2026, 11, 1, 1, tzinfo=zone))]
    assert found == [1, 2, 3]
    assert platforms.asked == ["GET /rest/V1/orders"] * 2


async def test_no_orders_are_one_call(platforms: Platforms) -> None:
    """An empty list ends at once."""
    async with client(platforms) as api:
        assert [order async for order in api.orders(datetime(2026, 11, 1, tzinfo=UTC))] == []
    assert len(platforms.asked) == 1


async def test_a_product_is_found_by_number_through_its_sku(platforms: Platforms) -> None:
    """Lists tell no stock: the product itself is asked for; a number of nothing is said to be missing."""
    platforms.adobe_products["HAT"] = adobe_product("HAT")
    async with client(platforms) as api:
        assert (await api.product_of("9"))["extension_attributes"]["stock_item"]["is_in_stock"] is True
        assert platforms.asked == ["GET /rest/V1/products", "GET /rest/V1/products/HAT"]
        with pytest.raises(NotFoundError, match="no product 404"):
            await api.product_of("404")


@pytest.mark.parametrize("sku", ["a/b", "../orders/1", "50% off", "ä 1"])
async def test_an_sku_never_becomes_another_address(platforms: Platforms, sku: str) -> None:
    """Strokes, dots and signs in it are quoted."""
    async with client(platforms) as api:
        with pytest.raises(NotFoundError):
            await api.product(sku)
    assert platforms.asked == [f"GET /rest/V1/products/{sku}"]


async def test_a_list_where_an_object_was_promised_is_refused(platforms: Platforms) -> None:
    """With the platform's name; so is a token it does not know."""
    platforms.adobe_products["LIST"] = []  # type: ignore[assignment]  # because the server shall misbehave
    async with client(platforms) as api:
        with pytest.raises(PlatformError, match="Adobe Commerce's answer is not the object"):
            await api.product("LIST")
    async with client(platforms, "wrong-canary") as api:
        with pytest.raises(PlatformError, match="scope") as failure:
            await api.order("1")
    assert "canary" not in str(failure.value)
