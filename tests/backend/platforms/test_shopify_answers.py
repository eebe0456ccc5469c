"""Shopify's answers of other shapes, and what tasks about platforms say they did."""

import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from redis import Redis

from backend.platforms.handlers import HANDLERS
from backend.platforms.http import Answer, BusyError, PlatformError, judge
from backend.platforms.shopify import Shopify, gid
from backend.platforms.shopify_queries import CURRENCY
from backend.settings import Settings
from backend.tasks import Context
from edge.core.keys import overlay_key
from edge.core.tasks import Fetch, Uninstalled
from edge.profiles import connect
from tests.backend.platforms.conftest import QUICK
from tests.backend.platforms.shop_server import TOKEN, Platforms, shopify_product
from tests.serving import KEY


def answer(**body: Any) -> Answer:
    """An answer of status 200."""
    return Answer(200, httpx.Headers(), msgspec.json.encode(body))


def cost(requested: float, left: float, restore: float, most: float = 1_000.0) -> dict[str, Any]:
    """What an answer says of the budget."""
    status = {"maximumAvailable": most, "currentlyAvailable": left, "restoreRate": restore}
    return {"cost": {"requestedQueryCost": requested, "throttleStatus": status}}


@pytest.fixture
def api() -> Shopify:
    """A client that is never asked to connect."""
    return Shopify("https://shop.example", TOKEN, QUICK)


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ("Not Found", "refuses: Not Found"),
        ([{"message": "a"}, {"message": "b"}], "refuses: a; b"),
        ([{"message": "a", "extensions": {"code": "ACCESS_DENIED"}}], "refuses: a"),
        ({"query": "bad"}, "not what its documentation says"),
        ([{"extensions": {}}], "not what its documentation says"),
    ],
)
def test_errors_of_any_shape_are_errors(api: Shopify, errors: Any, words: str) -> None:
    """In Shopify's words where it has some; none of them is worth another try."""
    with pytest.raises(PlatformError, match=words) as failure:
        api._check("q", answer(errors=errors))
    assert not isinstance(failure.value, BusyError)


def test_being_throttled_says_how_long_to_wait(api: Shopify) -> None:
    """As long as the budget takes to hold what the query costs; without a word on it, no time is named."""
    throttled = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    with pytest.raises(BusyError) as failure:
        api._check("q", answer(errors=throttled))
    assert failure.value.wait_s is None
    with pytest.raises(BusyError) as failure:
        api._check("q", answer(errors=throttled, extensions=cost(100, 20, 40)))
    assert failure.value.wait_s == pytest.approx(2.0, abs=0.1)


def test_a_query_dearer_than_the_bucket_waits_for_a_full_one(api: Shopify) -> None:
    """Not for ever; a bucket that does not fill is waited for long, not divided by."""
    api._check("q", answer(data={}, extensions=cost(5_000, 900, 100)))
    assert api._until_affordable(5_000) == pytest.approx(1.0, abs=0.1)
    assert api._until_affordable(10) == 0
    api._check("q", answer(data={}, extensions=cost(10, 0, 0)))
    assert api._until_affordable(10) == pytest.approx(10_000, rel=0.01)


def test_a_cost_without_a_budget_is_remembered(api: Shopify) -> None:
    """What is not told stays as it was told last."""
    api._check("q", answer(data={}, extensions={"cost": {"requestedQueryCost": 7.0}}))
    assert (api._costs, api._bucket) == ({"q": 7.0}, None)
    assert api._until_affordable(7.0) == 0
    api._check("q", answer(data={}))
    assert api._costs == {"q": 7.0}


async def test_an_answer_without_data_is_said_to_be_one(platforms: Platforms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither data nor errors: nothing to go on with."""
    monkeypatch.setattr("tests.backend.platforms.shop_server._shopify", lambda *_: {"data": None})
    async with Shopify(platforms.url, TOKEN, QUICK) as api:
        with pytest.raises(PlatformError, match="without data"):
            await api.query(CURRENCY)


@pytest.mark.parametrize(
    ("status", "repeatable", "kind"),
    [
        (200, True, None), (204, False, None), (503, True, BusyError), (503, False, PlatformError),
        (429, False, BusyError), (304, True, PlatformError), (418, True, PlatformError),
    ],
)  # fmt: skip
def test_a_status_decides_what_becomes_of_a_call(
    status: int, kind: type[Exception] | None, *, repeatable: bool
) -> None:
    """A refusal may be repeated always, a failure only where nothing can have been done."""
    given = Answer(status, httpx.Headers(), b"")
    if kind is None:
        judge("GET x", given, 10.0, repeatable=repeatable)
        return
    with pytest.raises(kind, match=f"GET x: status {status}") as failure:
        judge("GET x", given, 10.0, repeatable=repeatable)
    assert type(failure.value) is kind


@pytest.mark.store
async def test_tasks_say_what_they_did(
    tmp_path: Path, platforms: Platforms, session_store: str, redis: "Redis"
) -> None:
    """In words without ids, for the task's log; an uninstall stops the next fetch."""
    given: dict[str, Any] = {"shopify_url": platforms.url, "shopify_token": TOKEN}
    settings = Settings(data_dir=tmp_path, pseudonym_key=KEY, **given)
    platforms.products[gid("Product", "101")] = shopify_product(101)
    client = connect(session_store, timeout_s=5, connections=2)
    context = Context(client, "demo", settings)
    fetch = Fetch("t1", time.time(), "shopify", "product", "101")
    gone = Uninstalled("t2", time.time(), "shopify")
    assert await HANDLERS[Fetch](context, fetch) == "shopify product taken in"
    assert redis.hlen(overlay_key("demo")) == 1
    assert await HANDLERS[Uninstalled](context, gone) == "no more calls to shopify"
    with pytest.raises(PlatformError, match="install it again"):
        await HANDLERS[Fetch](context, fetch)
    await client.aclose()
