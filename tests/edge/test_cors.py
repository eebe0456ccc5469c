"""Which pages of other origins may read answers, by a running edge; and what an answer's headers tell a cache."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from edge.core.switches import Switches, write_switches
from edge.cors import EXPOSED
from edge.settings import Settings

Serve = Callable[..., Any]
SHOP, HOME = "https://shop.example", "/v1/recommendations/home"


@pytest.fixture
def open_edge(serve: Serve) -> Any:
    """An edge that two origins' pages may read."""
    return serve(origins=f"{SHOP}, http://localhost:3000")


@pytest.mark.parametrize("origin", [SHOP, "http://localhost:3000"])
def test_named_origins_may_read(open_edge: Any, origin: str) -> None:
    """Answers, errors and what stands in their headers; no cookies."""
    for path in (HOME, f"{HOME}?limit=0", "/nowhere"):
        answer = open_edge.client.get(path, headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in answer.headers
        assert set(answer.headers["access-control-expose-headers"].split(", ")) == set(EXPOSED)
    for name in ("x-endcap-scope", "x-endcap-version", "x-request-id", "server-timing"):
        assert name in open_edge.client.get(HOME).headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://shop.example.evil", "http://shop.example", "https://shop.example:8", "null"],
)
def test_others_may_not(open_edge: Any, origin: str) -> None:
    """Scheme, host and port must be the same."""
    answer = open_edge.client.get(HOME, headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert open_edge.client.options(HOME, headers=asked).status_code == 400


def test_a_browser_may_ask_first(open_edge: Any) -> None:
    """JSON and keys are asked for before they are sent; the yes may be kept for a day, and is counted and named."""
    asked = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = open_edge.client.options("/v1/events", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-max-age"] == "86400"
    assert answer.headers["x-request-id"]


def test_every_answer_then_varies_by_origin(open_edge: Any) -> None:
    """Or a shared cache would hand one without the header to a page that needs it."""
    for headers in ({}, {"Origin": SHOP}, {"Origin": "https://evil.example"}):
        vary = open_edge.client.get(HOME, headers=headers).headers["vary"].lower()
        assert {part.strip() for part in vary.split(",")} == {"accept-encoding", "origin"}


def test_without_origins_nothing_is_said(edge: Any) -> None:
    """The usual: pages of the same origin need no permission."""
    answer = edge.client.get(HOME, headers={"Origin": SHOP})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "origin" not in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    "origins",
    ["*", "null", "shop.example", "https://shop.example/", "https://SHOP.example", "https://a.example/x", "ftp://a"],
)
def test_an_origin_that_would_never_match_is_refused_at_the_start(origins: str) -> None:
    """Nor is there a word for everybody."""
    with pytest.raises(ValidationError, match="no origin"):
        Settings(origins=f"https://good.example,{origins}")


def headers_of(running: Any, query: str = "") -> httpx.Headers:
    """Those of one answer."""
    headers: httpx.Headers = running.client.get(f"{HOME}?{query}").headers
    return headers


def test_headers_tell_a_cache_whom_an_answer_is_for(edge: Any) -> None:
    """Shared where no shopper shaped it; a batch is as private as its most private member."""
    assert headers_of(edge)["x-endcap-scope"] == "shared"
    assert headers_of(edge, "visitor_id=v")["x-endcap-scope"] == "shared", "without consent nobody is looked up"
    for query in ("visitor_id=v&consent=personalization", "session=p004"):
        assert headers_of(edge, query)["x-endcap-scope"] == "personal"
    members = [{"surface": "home"}, {"surface": "cart", "product_ids": ["p004"]}]
    batch = edge.client.post("/v1/recommendations", json={"requests": members})
    assert batch.headers["x-endcap-scope"] == "shared"
    assert batch.headers["x-endcap-version"] == headers_of(edge)["x-endcap-version"]
    members.append({"surface": "home", "session": ["p004"]})
    batch = edge.client.post("/v1/recommendations", json={"requests": members})
    assert batch.headers["x-endcap-scope"] == "personal"
    wrong = edge.client.post("/v1/recommendations", json={"requests": [{}]})
    assert "x-endcap-scope" not in wrong.headers


def test_the_version_changes_with_model_and_rules(serve: Serve, until: Callable[..., None], data_dir: Any) -> None:
    """A switch or a setting makes another one; the same settings the same one, in every process."""
    edge, twin, other = serve(), serve(), serve(diversity=0.2)
    version = headers_of(edge)["x-endcap-version"]
    model, _, rules = version.rpartition(".")
    assert model == edge.shelves("home")["model_version"]
    assert len(rules) == 8
    assert headers_of(twin)["x-endcap-version"] == version
    assert headers_of(other)["x-endcap-version"] not in ("", version)
    for changed in ({"new_places": 0}, {"market": "CA"}, {"locale": "fr"}):
        assert headers_of(serve(**changed))["x-endcap-version"] != version
    write_switches(data_dir / "bundles", "demo", Switches(serve_percent=50))
    until(lambda: headers_of(edge)["x-endcap-version"] != version)


def test_timing_is_told_where_a_page_waits(edge: Any) -> None:
    """In milliseconds, for the browser's own tools; on the other answers it would be noise."""
    timing = headers_of(edge)["server-timing"]
    assert timing.startswith("app;dur=")
    assert float(timing.removeprefix("app;dur=")) >= 0
    assert "server-timing" not in edge.client.get("/healthz").headers
