"""Shopify's Admin GraphQL: queries within its cost budget, bulk operations, orders and products one by one.

In: a shop's address and Admin token. Out: the `data` of answers as plain JSON, nodes of connections page by page.
The budget is a bucket: every answer says how full it is and how fast it fills, and we wait before it is empty.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from backend.platforms.http import Answer, Api, BusyError, Limits, NotFoundError, PlatformError

VERSION = "2026-07"
_POLL_S = 5.0
_ENDED = ("COMPLETED", "FAILED", "CANCELED", "EXPIRED")

_RUN = """mutation run($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false) {
  bulkOperation { id status } userErrors { field message } } }"""
_BULK = """query bulk($id: ID!) { node(id: $id) { ... on BulkOperation {
  id status errorCode objectCount fileSize url partialDataUrl } } }"""


class Bulk(msgspec.Struct, rename="camel", frozen=True):
    """A bulk operation as Shopify tells it. `url` leads to its JSONL for seven days; none where nothing was found."""

    id: str
    status: str
    error_code: str | None = None
    object_count: str = "0"
    file_size: str | None = None
    url: str | None = None


class BulkFailedError(PlatformError):
    """A bulk operation ended without a result."""


class _Throttle(msgspec.Struct, rename="camel", frozen=True):
    maximum_available: float
    currently_available: float
    restore_rate: float


class _Cost(msgspec.Struct, rename="camel", frozen=True):
    requested_query_cost: float = 0.0
    throttle_status: _Throttle | None = None


class _Extensions(msgspec.Struct, frozen=True):
    cost: _Cost | None = None


class _ErrorKind(msgspec.Struct, frozen=True):
    code: str | None = None


class _Error(msgspec.Struct, frozen=True):
    message: str
    extensions: _ErrorKind = _ErrorKind()


class _Reply(msgspec.Struct, frozen=True):
    data: dict[str, Any] | None = None
    errors: list[_Error] | str | None = None
    extensions: _Extensions = _Extensions()


class Shopify:
    """One shop's Admin API; use as `async with`."""

    def __init__(self, shop_url: str, token: str, limits: Limits | None = None) -> None:
        headers = {"X-Shopify-Access-Token": token}
        self._api = Api(f"{shop_url.rstrip('/')}/admin/api/{VERSION}", headers, limits)
        self._turn = asyncio.Lock()  # one query at a time: each is planned on what the one before has left
        self._costs: dict[str, float] = {}  # query -> points Shopify reserved for it last time
        self._bucket: tuple[_Throttle, float] | None = None  # as last told, and when
        self.waited_s = 0.0  # for the budget, altogether

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def query(self, text: str, variables: dict[str, Any] | None = None, *, repeatable: bool = True) -> Any:  # noqa: ANN401 -- JSON
        """The answer's `data`. Raises PlatformError with Shopify's words where it names errors."""
        body = {"query": text, "variables": variables or {}}
        async with self._turn:
            self._hold(self._costs.get(text, 0.0))
            answer = await self._api.call(
                "POST", "graphql.json", body=body, repeatable=repeatable, check=lambda answer: self._check(text, answer)
            )
        data = answer.json(_Reply).data
        if data is None:
            raise PlatformError("Shopify answered without data")
        return data

    def _check(self, text: str, answer: Answer) -> None:
        """Note the budget; BusyError when it was spent, PlatformError for other errors."""
        reply = answer.json(_Reply)
        cost = reply.extensions.cost
        if cost is not None:
            self._costs[text] = cost.requested_query_cost
            if cost.throttle_status is not None:
                self._bucket = (cost.throttle_status, time.monotonic())
        if not reply.errors:
            return
        if isinstance(reply.errors, str):
            raise PlatformError(f"Shopify refuses: {reply.errors}")
        if any(error.extensions.code == "THROTTLED" for error in reply.errors):
            raise BusyError("Shopify's budget is spent", self._until_affordable(self._costs.get(text, 0.0)) or None)
        raise PlatformError(f"Shopify refuses: {'; '.join(error.message for error in reply.errors)}")

    def _until_affordable(self, cost: float) -> float:
        """Seconds until the budget holds so many points."""
        if self._bucket is None:
            return 0.0
        told, at = self._bucket
        filled = told.currently_available + told.restore_rate * (time.monotonic() - at)
        lacking = min(cost, told.maximum_available) - filled
        return max(0.0, lacking / max(told.restore_rate, 0.001))

    def _hold(self, cost: float) -> None:
        wait = self._until_affordable(cost)
        self.waited_s += wait
        self._api.hold(wait)

    async def nodes(self, text: str, variables: dict[str, Any] | None = None) -> AsyncIterator[dict[str, Any]]:
        """All nodes of the query's one connection, which takes `$after` and tells `pageInfo`."""
        after: str | None = None
        while True:
            data = await self.query(text, {**(variables or {}), "after": after})
            (connection,) = data.values()
            for node in connection["nodes"]:
                yield node
            page = connection["pageInfo"]
            if not page["hasNextPage"]:
                return
            after = page["endCursor"]

    async def node(self, text: str, gid: str) -> dict[str, Any]:
        """The one object a query with `$id` asks for. Raises NotFoundError."""
        data = await self.query(text, {"id": gid})
        (found,) = data.values()
        if found is None:
            raise NotFoundError(f"Shopify has no {gid}")
        node: dict[str, Any] = found
        return node

    async def start_bulk(self, text: str) -> str:
        """Start a bulk operation; its id. Not repeated after a lost answer: it may have started."""
        data = await self.query(_RUN, {"query": text}, repeatable=False)
        outcome = data["bulkOperationRunQuery"]
        if outcome["userErrors"]:
            said = "; ".join(error["message"] for error in outcome["userErrors"])
            raise PlatformError(f"Shopify starts no bulk operation: {said}")
        return str(outcome["bulkOperation"]["id"])

    async def bulk(self, operation: str) -> Bulk:
        """How far a bulk operation is. Raises NotFoundError for one Shopify has forgotten."""
        return msgspec.convert(await self.node(_BULK, operation), Bulk)

    async def finish_bulk(
        self, operation: str, poll_s: float = _POLL_S, progress: Callable[[int], None] = lambda _: None
    ) -> Bulk:
        """Wait for a bulk operation's end; `progress` hears of the objects found. Raises BulkFailedError."""
        while (bulk := await self.bulk(operation)).status not in _ENDED:
            progress(int(bulk.object_count))
            await asyncio.sleep(poll_s)
        if bulk.status != "COMPLETED":
            raise BulkFailedError(
                f"Shopify's bulk operation ended as {bulk.status} ({bulk.error_code}); start it again"
            )
        return bulk


_GID = re.compile(r"^gid://shopify/([A-Za-z]+)/([^/?]+)")


def gid(kind: str, number: str) -> str:
    """Shopify's global name of an object."""
    return number if number.startswith("gid://") else f"gid://shopify/{kind}/{number}"


def short(name: str | None) -> str | None:
    """The plain number in a global name, as webhooks and pages have it."""
    if name is None:
        return None
    found = _GID.match(name)
    return found[2] if found else name


def kind_of(name: str) -> str | None:
    """The kind of object a global name names, such as `Order`."""
    found = _GID.match(name)
    return found[1] if found else None
