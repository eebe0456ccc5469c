"""The way in for what pages ask most, against a running server: the same answers as by the long way, and as ever."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from edge.changes import put_changes
from edge.core.products import Change

PAGES = (
    "/v1/recommendations/pdp?product_id=p004",
    "/v1/recommendations/cart?product_ids=p004,p016&limit=3",
    "/v1/recommendations/home",
    "/recommendations/products.json?product_id=p004",
)
VARYING = {"age", "cache-status", "date", "server-timing", "x-request-id"}


def fixed(answer: httpx.Response) -> dict[str, str]:
    """The headers that are the same for the same answer."""
    return {name: value for name, value in answer.headers.items() if name not in VARYING}


@pytest.mark.parametrize("path", PAGES)
def test_a_kept_answer_is_the_one_that_was_made(edge: Any, path: str) -> None:
    """Bytes and headers; what is counted of it is counted again."""
    made = edge.client.get(path)
    shelves = [(slot["id"], slot["served_by"]) for slot in made.json().get("slots", ())]
    before = {shelf: edge.metric("endcap_slots_total", slot=shelf[0], served_by=shelf[1]) for shelf in shelves}
    hits = edge.metric("endcap_cache_total", outcome="hit")
    assert len(edge.edge.pages) == 1
    again = edge.client.get(path)
    assert (again.status_code, again.content, fixed(again)) == (200, made.content, fixed(made))
    assert made.headers["cache-status"] == "endcap; fwd=miss"
    assert again.headers["cache-status"].startswith("endcap; hit; ttl=")
    assert edge.metric("endcap_cache_total", outcome="hit") == hits + 1
    for slot, served_by in shelves:
        assert edge.metric("endcap_slots_total", slot=slot, served_by=served_by) == before[slot, served_by] + 1
    unchanged = edge.client.get(path, headers={"If-None-Match": made.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize("path", PAGES)
def test_head_says_what_get_would(edge: Any, path: str) -> None:
    """The headers without the body, length included."""
    whole = edge.client.get(path)
    head = edge.client.head(path)
    assert (head.status_code, head.content, fixed(head)) == (200, b"", fixed(whole))


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("/v1/recommendations/pdp", 400, "product_id"),
        ("/v1/recommendations/attic", 400, "surface"),
        ("/v1/recommendations/home?limit=0", 400, "limit"),
        ("/v1/recommendations/home?colour=red", 400, "colour"),
        ("/v1/recommendations/home?visitor_id=%ff", 400, "query"),
        ("/proxy/v1/recommendations/home", 404, "path"),
        ("/recommendations/products.json", 422, "product_id"),
        ("/recommendations/products.json?product_id=1&intent=magic", 422, "intent"),
    ],
)
def test_mistakes_are_problems_here_as_anywhere(edge: Any, path: str, status: int, parameter: str) -> None:
    """RFC 9457, never kept, with an id; Shopify's words beside ours where it has some."""
    answer = edge.client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["x-request-id"]
    assert answer.json()["parameter"] == parameter
    assert ("description" in answer.json()) is (status == 422)


def test_a_page_under_a_locale_takes_the_long_way_to_the_same_function(edge: Any) -> None:
    """With the locale in its addresses; kept as well."""
    answers = [edge.client.get("/fr/recommendations/products.json?product_id=p004") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert all(product["url"].startswith("/fr/") for product in answers[0].json()["products"])
    assert answers[1].headers["cache-status"].startswith("endcap; hit")


def test_prices_on_kept_pages_are_those_of_this_moment(
    edge: Any, session_store: str, redis: "Redis", until: Callable[..., None]
) -> None:
    """A price changes while the page is kept: the next answer has it, with another tag."""
    path = "/v1/recommendations/home?slots=trending"
    before = edge.client.get(path)
    product = before.json()["slots"][0]["items"][0]["id"]

    async def change() -> None:

        client: AsyncRedis = AsyncRedis.from_url(session_store, protocol=2)
        await put_changes(client, "demo", [Change(product, time.time(), price=77.0)])
        await client.aclose()

    asyncio.run(change())
    until(lambda: edge.client.get(path).json()["slots"][0]["items"][0]["product"]["price"]["amount"] == "77.00")
    assert edge.client.get(path).headers["etag"] != before.headers["etag"]


def test_only_what_is_everybodys_is_kept(edge: Any, redis: "Redis", remember: Callable[..., Any]) -> None:
    """No answer for somebody named, for a visit told in the request, or with something missing."""
    remember(edge, redis, "c", "p004", "p016")
    for query in (
        "customer_id=c&consent=personalization",
        "visitor_id=v&consent=personalization",
        "visitor_id=v",
        "session=p004",
        "customer_id=c",
    ):
        for _ in range(2):
            edge.client.get(f"/v1/recommendations/home?{query}")
        assert len(edge.edge.pages) == 0, query


def test_while_a_model_is_on_trial_no_answer_is_kept_whole(edge: Any) -> None:
    """Each must be counted and compared; what lies under them may still be found in the cache."""
    live = edge.edge.recommender.live
    live.canary = live.current
    try:
        answers = [edge.client.get("/v1/recommendations/home") for _ in range(2)]
    finally:
        live.canary = None
    assert len(edge.edge.pages) == 0
    assert answers[0].content == answers[1].content
    assert answers[1].headers["cache-status"].startswith("endcap; hit")


def test_the_excess_is_the_popular_answer_without_the_shopper(edge: Any) -> None:
    """What is on the page, in the cart or excluded stays out of it; two shoppers get the same bytes."""
    edge.edge.in_flight = edge.settings.max_in_flight
    try:
        path = "/v1/recommendations/cart?product_ids=p004&exclude=p016&limit=50&consent=personalization&customer_id="
        first, second = edge.client.get(path + "a"), edge.client.get(path + "b")
        refused = edge.client.get("/v1/recommendations/cart?limit=0")
        posted = edge.client.post("/v1/recommendations/cart", json={"product_ids": ["p004"]})
    finally:
        edge.edge.in_flight = 0
    assert first.content == second.content
    assert fixed(first) == fixed(second)
    assert first.json()["degraded"] == posted.json()["degraded"] == ["overload"]
    assert (first.headers["cache-control"], first.headers["cache-status"]) == ("private, no-store", "endcap; fwd=miss")
    assert "age" not in second.headers
    shown = {item["id"] for slot in first.json()["slots"] for item in slot["items"]}
    assert shown
    assert not shown & {"p004", "p016"}
    assert refused.status_code == 400
