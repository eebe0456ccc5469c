"""BigCommerce's REST API: orders (V2), products and refunds (V3), within the calls it grants per window.

In: a store's API address and token. Out: objects as plain JSON, lists page by page. Each answer says how many calls
are left and when the window ends; the last few are left to the store's other apps.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from backend.platforms.http import Api, Limits, PlatformError

_PAGE = 250
_SPARE = 5  # calls of a window that are not ours


class BigCommerce:
    """One store's API; use as `async with`."""

    def __init__(self, store_url: str, token: str, limits: Limits | None = None) -> None:
        """`store_url` is `https://api.bigcommerce.com/stores/<hash>`."""
        self._api = Api(store_url, {"X-Auth-Token": token}, limits, pause_after=pause)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def _get(self, path: str, **params: str | int) -> Any:  # noqa: ANN401 -- JSON
        answer = await self._api.call("GET", path, params=params)
        return answer.json(object) if answer.body else None

    async def order(self, order_id: str) -> dict[str, Any]:
        """One order with its product lines as `products` and its refunds as `refunds`."""
        return await self.completed(_object(await self._get(f"v2/orders/{_number(order_id)}")))

    async def completed(self, order: dict[str, Any]) -> dict[str, Any]:
        """An order of a list with its product lines and refunds, which lists only link to."""
        number = _number(str(order["id"]))
        products: list[Any] = []
        page = 1
        while batch := _list(await self._get(f"v2/orders/{number}/products", limit=_PAGE, page=page)):
            products += batch
            if len(batch) < _PAGE:
                break
            page += 1
        refunds: list[Any] = []
        if any(int(line.get("quantity_refunded") or 0) for line in products if isinstance(line, dict)):
            answer = _object(await self._get(f"v3/orders/{number}/payment_actions/refunds"))
            refunds = _list(answer.get("data"))
        return {**order, "products": products, "refunds": refunds}

    async def orders(
        self, *, after_id: int = 0, created_since: datetime | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Pages of orders by rising id, from the one after `after_id`; without lines, see `completed`."""
        since = {} if created_since is None else {"min_date_created": format_datetime(created_since)}
        while True:
            found = await self._get("v2/orders", min_id=after_id + 1, sort="id:asc", limit=_PAGE, **since)
            page = [order for order in _list(found) if isinstance(order, dict)]
            if not page:  # 204 and no body at the end
                return
            yield page
            after_id = max(after_id, *(int(order["id"]) for order in page))

    async def product(self, product_id: str) -> dict[str, Any]:
        """One product with variants and pictures."""
        answer = await self._get(f"v3/catalog/products/{_number(product_id)}", include="variants,images")
        return _object(_object(answer).get("data"))

    async def products(self) -> AsyncIterator[dict[str, Any]]:
        """All products with variants and pictures."""
        async for item in self._items("v3/catalog/products", include="variants,images", sort="id"):
            yield item

    async def names(self, kind: str) -> dict[int, dict[str, Any]]:
        """All `categories` or `brands` by id."""
        return {int(item["id"]): item async for item in self._items(f"v3/catalog/{kind}")}

    async def _items(self, path: str, **params: str | int) -> AsyncIterator[dict[str, Any]]:
        page, pages = 1, 1
        while page <= pages:
            answer = _object(await self._get(path, page=page, limit=_PAGE, **params))
            for item in _list(answer.get("data")):
                yield _object(item)
            pages = _pages(answer)
            page += 1


def pause(headers: httpx.Headers) -> float:
    """Seconds to wait after an answer: until the window ends, once only the spare calls are left."""
    try:
        left, window_ms = int(headers["X-Rate-Limit-Requests-Left"]), int(headers["X-Rate-Limit-Time-Reset-Ms"])
    except (KeyError, ValueError):
        return 0.0
    return max(0, window_ms) / 1_000 if left <= _SPARE else 0.0


def _number(text: str) -> str:
    if not text.isascii() or not text.isdigit():
        raise PlatformError(f"{text!r} is no id of BigCommerce")
    return text


def _pages(answer: dict[str, Any]) -> int:
    """How many pages a list has; one where it does not say."""
    meta = answer.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    total = pagination.get("total_pages") if isinstance(pagination, dict) else None
    return total if isinstance(total, int) else 1


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PlatformError("BigCommerce's answer is not the object its documentation promises")
    return value
