"""The HTTP contract, against a running server."""

import concurrent.futures
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

PERSONAL = {"consent": "personalization"}
SURFACES = {"pdp": {"product_id": "p004"}, "cart": {"product_ids": "p004,p016"}, "home": {}}


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_answers_in_the_agreed_shape(edge: Any, surface: str) -> None:
    """By GET: the fields of the contract, and nothing else."""
    body = edge.shelves(surface, **SURFACES[surface])
    assert list(body) == ["surface", "model_version", "degraded", "slots"]
    assert body["surface"] == surface
    assert body["degraded"] == []
    assert body["slots"]
    for slot in body["slots"]:
        assert list(slot) == ["id", "title", "served_by", "attribution_token", "items"]
        for item in slot["items"]:
            assert list(item) == ["id", "score", "reason", "product"]
            assert 0 <= item["score"] <= 1
            assert list(item["product"]) == [
                "handle", "variant_id", "title", "url", "image", "price", "compare_at_price", "available",
            ]  # fmt: skip
            assert re.fullmatch(r"\d+\.\d\d", item["product"]["price"]["amount"])
        scores = [item["score"] for item in slot["items"]]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("surface", SURFACES)
def test_post_answers_as_get_does(edge: Any, surface: str) -> None:
    """The same names as JSON give the same bytes."""
    got = edge.client.get(f"/v1/recommendations/{surface}", params=SURFACES[surface])
    body = {name: value.split(",") if name == "product_ids" else value for name, value in SURFACES[surface].items()}
    assert edge.client.post(f"/v1/recommendations/{surface}", json=body).content == got.content


def test_a_batch_answers_each_member_by_itself(edge: Any) -> None:
    """One wrong member does not spoil the others."""
    members = [{"surface": "home"}, {"surface": "pdp"}, {"surface": "cart", "product_ids": ["p004"], "limit": 2}, {}]
    answer = edge.client.post("/v1/recommendations", json={"requests": members})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [200, 400, 200, 400]
    assert results[0]["body"]["surface"] == "home"
    assert results[1]["body"]["parameter"] == "product_id"
    assert all(len(slot["items"]) <= 2 for slot in results[2]["body"]["slots"])
    assert results[3]["body"]["parameter"] == "surface"


@pytest.mark.parametrize("body", ["", "{}", '{"requests": []}', '{"requests": 5}', json.dumps({"requests": [{}] * 21})])
def test_a_batch_that_is_none_is_refused(edge: Any, body: str) -> None:
    """Empty, too long, not a list."""
    answer = edge.client.post("/v1/recommendations", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/recommendations/attic", 400),
        ("GET", "/v1/recommendations/pdp", 400),
        ("GET", "/v1/recommendations/home?limit=0", 400),
        ("GET", "/v1/recommendations/home?nonsense=1", 400),
        ("POST", "/v1/recommendations/home", 400),
        ("POST", "/v1/events", 400),
        ("POST", "/v1/consent", 400),
        ("GET", "/v1/events", 405),
        ("DELETE", "/v1/recommendations/home", 405),
        ("GET", "/nowhere", 404),
    ],
)
def test_wrong_requests_get_a_problem_that_says_what_to_mend(edge: Any, method: str, path: str, status: int) -> None:
    """RFC 9457, with title, status and detail; never a 500."""
    answer = edge.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert status != 400 or body["parameter"]


def test_a_body_that_is_too_large_is_refused(edge: Any) -> None:
    """With 413, whether its length is announced or not."""
    big = b" " * (edge.settings.max_body_bytes + 1)
    assert edge.client.post("/v1/recommendations/home", content=big).status_code == 413
    assert edge.client.post("/v1/recommendations/home", content=iter([big])).status_code == 413


def test_the_same_answer_has_the_same_tag_and_is_not_sent_twice(edge: Any) -> None:
    """ETag and 304."""
    first = edge.client.get("/v1/recommendations/home")
    again = edge.client.get("/v1/recommendations/home")
    assert first.headers["etag"] == again.headers["etag"]
    assert first.content == again.content
    unchanged = edge.client.get("/v1/recommendations/home", headers={"If-None-Match": first.headers["etag"]})
    assert unchanged.status_code == 304
    assert unchanged.content == b""
    other = edge.client.get("/v1/recommendations/home", headers={"If-None-Match": '"something else"'})
    assert other.status_code == 200


def test_contextual_answers_may_be_shared_and_say_how_old_they_are(edge: Any) -> None:
    """Cache-Control, Cache-Status and Age travel in headers, not in the body."""
    path = "/v1/recommendations/pdp?product_id=p004"
    first, second = edge.client.get(path), edge.client.get(path)
    shared = "public, max-age=5, s-maxage=30, stale-while-revalidate=30, stale-if-error=60"
    assert first.headers["cache-control"] == second.headers["cache-control"] == shared
    assert first.headers["cache-status"] == "endcap; fwd=miss"
    assert second.headers["cache-status"].startswith("endcap; hit; ttl=")
    assert int(second.headers["age"]) >= 0


def test_personal_answers_are_private(edge: Any) -> None:
    """Also for a shopper of whom nothing is known yet, and for a session in the request."""
    for query in ("visitor_id=v&consent=personalization", "session=p004"):
        answer = edge.client.get(f"/v1/recommendations/home?{query}")
        assert answer.headers["cache-control"] == "private, max-age=5"


def test_many_equal_requests_at_once_are_worked_out_once(edge: Any) -> None:
    """Single flight: of fifty, one is a miss."""
    path = "/v1/recommendations/pdp?product_id=p030"
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: edge.client.get(path), range(50)))
    assert [answer.headers["cache-status"] for answer in answers].count("endcap; fwd=miss") == 1
    assert len({answer.content for answer in answers}) == 1


def test_requests_have_an_id(edge: Any) -> None:
    """The caller's where it is sane, else one of ours."""
    ours = edge.client.get("/healthz").headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", ours)
    for sent, kept in (("abc123", True), ("x" * 65, False), ("a b", False), ("", False)):
        answer = edge.client.get("/healthz", headers={"X-Request-Id": sent})
        assert (answer.headers["x-request-id"] == sent) is kept


def test_health_and_readiness(edge: Any) -> None:
    """Alive is not the same as ready; ready says with what."""
    assert edge.client.get("/healthz").json() == {"status": "ok"}
    ready = edge.client.get("/readyz")
    assert ready.status_code == 200
    state = ready.json()
    assert state["status"] == "ready"
    assert state["store"] == "ok"
    assert state["catalogue_products"] == 120
    assert state["model_version"] == edge.shelves("home")["model_version"]


def test_a_leaving_process_is_not_ready_and_closes_connections(edge: Any) -> None:
    """So that the balancer and the callers go elsewhere; it still answers."""
    edge.edge.drain.leaving = True
    assert edge.client.get("/readyz").status_code == 503
    answer = edge.client.get("/v1/recommendations/home")
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"


def test_metrics_count_what_happened(edge: Any) -> None:
    """Requests by route, shelves by what shaped them, events by what became of them, time per stage."""
    before = edge.metric("endcap_requests_total", route="home", status="200")
    edge.shelves("home")
    assert edge.metric("endcap_requests_total", route="home", status="200") == before + 1
    text = edge.client.get("/metrics").text
    for name in (
        "endcap_stage_seconds_bucket",
        "endcap_slots_total",
        "endcap_catalogue_products",
        "endcap_cache_total",
    ):
        assert name in text


def test_unknown_paths_do_not_become_labels(edge: Any) -> None:
    """Nobody can fill the memory with made-up routes."""
    edge.client.get("/made-up-by-a-scanner")
    assert "made-up-by-a-scanner" not in edge.client.get("/metrics").text


def test_the_openapi_document_knows_every_call_and_shape(edge: Any) -> None:
    """All references resolve, all parameters are described."""
    api = edge.client.get("/openapi.json").json()
    text = json.dumps(api)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in api["components"]["schemas"]
    assert {"/v1/recommendations/{surface}", "/v1/recommendations", "/v1/events", "/v1/consent"} <= set(api["paths"])
    described = {p["name"] for p in api["paths"]["/v1/recommendations/{surface}"]["get"]["parameters"]}
    query = set(api["components"]["schemas"]["Query"]["properties"])
    assert described == query - {"surface", "lines"}


def test_the_api_page_needs_no_other_site(edge: Any) -> None:
    """No address of anybody else in it, and a policy that would not let it."""
    page = edge.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_overload_is_answered_with_the_popular_list(serve: Callable[..., Any]) -> None:
    """200, marked, and not to be kept; an event is not refused for it."""
    edge = serve(max_in_flight=1)
    edge.edge.in_flight = 1
    answer = edge.client.get("/v1/recommendations/pdp?product_id=p004")
    body = answer.json()
    assert answer.status_code == 200
    assert body["degraded"] == ["overload"]
    assert [slot["served_by"] for slot in body["slots"]] == ["context"]
    assert answer.headers["cache-control"] == "private, no-store"
    edge.edge.in_flight = 0
    assert edge.shelves("pdp", product_id="p004")["degraded"] == []


def test_demo_mode_refuses_callers_from_elsewhere(edge: Any) -> None:
    """A proxy on this machine that forwards the world is found out by its own header."""
    answer = edge.client.get("/v1/recommendations/home", headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 403
    assert "demo mode" in answer.json()["detail"]
