"""Publishable keys: what they open, from which pages, and what they never do, against a running edge."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from edge.core.access import PUBLISHABLE, make_key, read_keys, remove_key, rotate_key
from edge.doors import pages_ask
from tests.edge.doors import SETTINGS

pytestmark = pytest.mark.store

Serve = Callable[..., Any]
MakeEvent = Callable[..., dict[str, Any]]
SHOP, OTHER = "https://shop.example", "https://evil.example"
HOME = "/v1/recommendations/home"
PAGE = {"Origin": SHOP}


@pytest.fixture
def key(data_dir: Path) -> str:
    """A publishable key for the shop's pages."""
    return make_key(data_dir, "demo", [SHOP, "https://www.shop.example:8443"])


@pytest.fixture
def shop(serve: Serve, key: str) -> Any:
    """An edge as a shop runs it: no demo mode."""
    return serve(demo=False, **SETTINGS)


def question(key: str, **more: Any) -> dict[str, Any]:
    """A JSON body with the key beside the question."""
    return {"key": key, **more}


# --- what it opens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [SHOP, "https://www.shop.example:8443"])
def test_pages_ask_with_the_key_beside_the_question(shop: Any, key: str, event: MakeEvent, origin: str) -> None:
    """In the query or the body, of each route that is for pages, and as a beacon's text/plain; and may read it."""
    headers = {"Origin": origin}
    ask: httpx.Client = shop.client
    body = {"requests": [question(key, surface="home"), question(key, surface="cart", product_ids=["p004"])]}
    beacon = httpx.Request("GET", "http://x", json={"events": [event("search")], "key": key}).content
    answers = [
        ask.get(HOME, params={"key": key}, headers=headers),
        ask.post(HOME, json=question(key), headers=headers),
        ask.post(f"{HOME}?key={key}", json={}, headers=headers),
        ask.post("/v1/recommendations", json=body, headers=headers),
        ask.get("/recommendations/products.json", params={"product_id": "p004", "key": key}, headers=headers),
        ask.get("/fr/recommendations/products.json", params={"product_id": "p004", "key": key}, headers=headers),
        ask.post("/v1/events", content=beacon, headers=headers | {"Content-Type": "text/plain;charset=UTF-8"}),
        ask.post(f"/v1/events?key={key}", json=event("search"), headers=headers),
        ask.post("/v1/consent", json=question(key, visitor_id="v", consent=["analytics"]), headers=headers),
        ask.get(HOME, headers=headers | {"Authorization": f"Bearer {key}"}),
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {origin}
    assert all("Origin" in answer.headers["vary"] for answer in answers)
    assert [result["status"] for result in answers[6].json()["results"]] == ["accepted"]
    assert answers[0].json()["slots"]


def test_a_page_of_the_edges_own_origin_sends_none_with_get(shop: Any, key: str) -> None:
    """Browsers then say `same-origin` in a header that no script can set; without either, nobody is a page."""
    address = f"{HOME}?key={key}"
    assert shop.client.get(address, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    for site in ("same-site", "cross-site", "none", "same-origin, same-origin"):
        assert shop.client.get(address, headers={"Sec-Fetch-Site": site}).status_code == 401
    assert shop.client.get(address).status_code == 401
    assert shop.client.get(address, headers={"Origin": OTHER, "Sec-Fetch-Site": "same-origin"}).status_code == 401


def test_in_demo_mode_a_key_that_is_shown_counts(serve: Serve, key: str) -> None:
    """A wrong one is refused, never ignored, so what works here works there."""
    edge = serve()
    assert edge.client.get(HOME).status_code == 200
    assert edge.client.get(HOME, params={"key": key}, headers=PAGE).status_code == 200
    assert edge.client.get(HOME, params={"key": "pk_wrong"}, headers=PAGE).status_code == 401
    assert edge.client.get(HOME, params={"key": key}).status_code == 401


# --- what it does not ------------------------------------------------------------------------------------------------


def test_who_is_refused_does_not_learn_why(shop: Any, key: str, data_dir: Path) -> None:
    """A made-up key, another shop's, another origin, none, `null`, several keys: one answer, without what was sent."""
    elsewhere = make_key(data_dir, "elsewhere", [SHOP])
    shop.edge.keyring.refresh()
    asked = [
        ({"key": "pk_made_up"}, PAGE),
        ({"key": "nothing"}, PAGE),
        ({"key": elsewhere}, PAGE),
        ({"key": key}, {"Origin": OTHER}),
        ({"key": key}, {"Origin": "https://shop.example:444"}),
        ({"key": key}, {"Origin": "http://shop.example"}),
        ({"key": key}, {"Origin": "null"}),
        ({"key": key}, {}),
    ]
    answers = [shop.client.get(HOME, params=query, headers=headers) for query, headers in asked]
    answers.append(shop.client.get(f"{HOME}?key={key}&key=pk_other", headers=PAGE))
    answers.append(shop.client.post(f"{HOME}?key={key}", json={"key": "pk_other"}, headers=PAGE))
    answers.append(shop.client.get(HOME, headers=[("Origin", SHOP), ("Origin", OTHER)], params={"key": key}))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert "pk_m" not in answers[0].text
    assert answers[0].headers["www-authenticate"] == "Bearer"
    for reason in ("key", "origin", "no_origin"):
        assert REGISTRY.get_sample_value("endcap_refused_total", {"door": "page", "reason": reason})


def test_it_opens_nothing_but_what_pages_ask(shop: Any, key: str) -> None:
    """Neither facts nor metrics nor the details of readiness, by header or query, from the right page."""
    shown = PAGE | {"Authorization": f"Bearer {key}"}
    facts = "/v1/customers/ada/facts"
    assert shop.client.get(facts, headers=shown).status_code == 403
    assert shop.client.get(facts, params={"key": key}, headers=PAGE).status_code == 403
    assert shop.client.get("/metrics", headers=shown).status_code == 401
    assert set(shop.client.get("/readyz", headers=shown).json()) == {"status"}
    assert shop.client.get(f"/proxy{HOME}", params={"key": key}, headers=PAGE).status_code == 401


@pytest.mark.parametrize("path", ["/v1/customers/a/facts", "/metrics", "/readyz", "/v1/event", "/v1/consent/", "/"])
def test_paths_that_are_not_for_pages(path: str) -> None:
    """Only what is listed is."""
    assert not pages_ask(path)
    assert pages_ask(HOME)


def test_a_page_may_name_no_customer(shop: Any, key: str, event: MakeEvent) -> None:
    """By no route: 400, for the one event or member where there are several."""
    ask: httpx.Client = shop.client
    named = question(key, customer_id="7", consent=["personalization"])
    answers = [
        ask.get(HOME, params={"key": key, "customer_id": "7"}, headers=PAGE),
        ask.post(HOME, json=named, headers=PAGE),
        ask.post(f"{HOME}?customer_id=7", json=question(key), headers=PAGE),
        ask.post("/v1/consent", json=question(key, customer_id="7", consent=[]), headers=PAGE),
        ask.post(f"/v1/events?key={key}", json=event("search", email="a@shop.example"), headers=PAGE),
    ]
    assert {answer.status_code for answer in answers} == {400}
    batch = {"requests": [named | {"surface": "home"}, question(key, surface="home")]}
    results = ask.post("/v1/recommendations", json=batch, headers=PAGE).json()["results"]
    assert [result["status"] for result in results] == [400, 200]


@pytest.mark.parametrize("secret", ["sk_x", None])
def test_a_secret_key_in_an_address_is_refused_even_if_it_is_one(shop: Any, data_dir: Path, secret: str | None) -> None:
    """Addresses and bodies are logged on the way: 400, whether it would open anything or not, never repeated."""
    secret = secret or make_key(data_dir, "demo")
    shop.edge.keyring.refresh()
    answers = [
        shop.client.get(HOME, params={"key": secret}),
        shop.client.post(HOME, json={"key": secret}),
        shop.client.post("/v1/recommendations", json={"requests": [{"surface": "home", "key": secret}]}),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert all("header" in answer.json()["detail"] and secret not in answer.text for answer in answers)


@pytest.mark.parametrize(
    "body", [b'{"key": ', b'{"key": 7}', b"[" * 5_000 + b'"key"', b'{"key": "\xff"}', b'{"requests": [{"key": []}]}']
)
def test_a_body_that_is_no_question_shows_no_key(shop: Any, body: bytes) -> None:
    """401, not a fault."""
    assert shop.client.post("/v1/events", content=body, headers=PAGE).status_code == 401


# --- in force, and for how long --------------------------------------------------------------------------------------


def test_keys_are_replaced_without_a_gap_and_within_a_second(
    shop: Any, key: str, data_dir: Path, until: Callable[..., None]
) -> None:
    """Two at a time, for the same origins; the old one goes when it is removed, CORS with the last."""

    def status(shown: str) -> int:
        code: int = shop.client.get(HOME, params={"key": shown}, headers=PAGE).status_code
        return code

    (kept,) = read_keys(data_dir, PUBLISHABLE)
    new = rotate_key(data_dir, kept.id)
    until(lambda: status(new) == 200)
    assert status(key) == 200
    remove_key(data_dir, kept.id)
    until(lambda: status(key) == 401)
    assert status(new) == 200
    remove_key(data_dir, read_keys(data_dir, PUBLISHABLE)[0].id)
    until(lambda: status(new) == 401)
    answer = shop.client.get("/healthz", headers=PAGE)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_origins_of_keys_and_of_settings_are_one_list(serve: Serve, key: str) -> None:
    """A page may read answers where either names it, and ask first; the key itself still counts for its own only."""
    edge = serve(demo=False, origins="https://second.example", **SETTINGS)
    for origin, said in ((SHOP, True), ("https://second.example", True), (OTHER, False)):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = edge.client.options("/v1/events", headers=headers)
        assert (answer.status_code == 200) is said
        assert (answer.headers.get("access-control-allow-origin") == origin) is said
    refused = edge.client.get(HOME, params={"key": key}, headers={"Origin": "https://second.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://second.example", "so that its page can read why"
