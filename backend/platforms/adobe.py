"""Adobe Commerce's REST API, as far as thin events need it: one order, one product, the orders since a moment.

In: a shop's address and an integration's access token. Out: objects as plain JSON. Left out: history (export it in the
plain format), several store views, customer segments, bundles' parts (the line the shopper saw counts).
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from backend.platforms.http import Api, Limits, NotFoundError, PlatformError

_PAGE = 200


class Adobe:
    """One shop's API; use as `async with`."""

    def __init__(self, shop_url: str, token: str, limits: Limits | None = None) -> None:
        self._api = Api(f"{shop_url.rstrip('/')}/rest/V1", {"Authorization": f"Bearer {token}"}, limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def _get(self, path: str, **params: str | int) -> dict[str, Any]:
        found = (await self._api.call("GET", path, params=params)).json(object)
        if not isinstance(found, dict):
            raise PlatformError("Adobe Commerce's answer is not the object its documentation promises")
        return found

    async def order(self, order_id: str) -> dict[str, Any]:
        """One order by its entity id, with its lines, and as `creditmemos` what was refunded."""
        order = await self._get(f"orders/{quote(order_id, safe='')}")
        if not any(item.get("qty_refunded") for item in order.get("items") or []):
            return order
        filtered = "searchCriteria[filter_groups][0][filters][0]"
        memos = await self._get("creditmemos", **{f"{filtered}[field]": "order_id", f"{filtered}[value]": order_id})
        return {**order, "creditmemos": memos.get("items") or []}

    async def product(self, sku: str) -> dict[str, Any]:
        """One product by SKU, with its stock."""
        return await self._get(f"products/{quote(sku, safe='')}")

    async def product_of(self, number: str) -> dict[str, Any]:
        """One product by its entity id, with its stock. Raises NotFoundError."""
        filtered = "searchCriteria[filter_groups][0][filters][0]"
        found = await self._get("products", **{f"{filtered}[field]": "entity_id", f"{filtered}[value]": number})
        items = found.get("items") or []
        if not items:
            raise NotFoundError(f"Adobe Commerce has no product {number}")
        return await self.product(str(items[0]["sku"]))  # a list has no stock

    async def orders(self, created_since: datetime) -> AsyncIterator[dict[str, Any]]:
        """Orders made since then, oldest first: id, times, state, and the customer's id."""
        filtered = "searchCriteria[filter_groups][0][filters][0]"
        page, total = 1, 1
        while (page - 1) * _PAGE < total:
            asked: dict[str, str | int] = {
                f"{filtered}[field]": "created_at",
                f"{filtered}[value]": created_since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
                f"{filtered}[condition_type]": "gteq",
                "searchCriteria[sortOrders][0][field]": "entity_id",
                "searchCriteria[sortOrders][0][direction]": "ASC",
                "searchCriteria[pageSize]": _PAGE,
                "searchCriteria[currentPage]": page,
                "fields": "items[entity_id,created_at,updated_at,state,customer_id],total_count",
            }
            found = await self._get("orders", **asked)
            for order in found.get("items") or []:
                yield order
            total = int(found.get("total_count", 0))
            page += 1
