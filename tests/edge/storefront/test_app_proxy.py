"""The app proxy: what passes, what does not, and what a page gets while the app is away."""

import gzip
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from edge.app_proxy import read_signed
from edge.core import clock
from tests.edge.hostile import Hostile, answer, hangs_up, hostile, sends
from tests.edge.storefront.conftest import DOMAIN, SECRET, Before, Shop
from tests.serving import Running, Serve, event, remember

HOME = "/apps/endcap/v1/recommendations/home"


def head_of(server: Hostile, place: int = -1) -> tuple[str, str, dict[str, str]]:
    """Method, target and headers of a request that reached the app."""
    lines = server.requests[place].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    method, target, _ = lines[0].split(" ")
    return method, target, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}


def test_a_real_edge_believes_the_shop_and_knows_who_is_logged_in(serve: Serve, before: Before, redis: Any) -> None:
    """The household of the login cookie gets its own shelves; nobody gets popular ones."""
    edge: Running = serve(shopify_secrets=SECRET, shopify_domain=DOMAIN)
    shop = before(edge.url)
    bought = [one.id for one in shop.goods.products[:3]]
    remember(edge, redis, "7", *bought)
    nobody = shop.client.get(HOME, params={"consent": "personalization"}).json()
    shop.client.cookies.set("household", "7")
    known = shop.client.get(HOME, params={"consent": "personalization"}).json()
    assert {slot["served_by"] for slot in nobody["slots"]} == {"popular"}
    again = next(slot for slot in known["slots"] if slot["id"] == "buy_again")
    assert {item["id"] for item in again["items"]} <= set(bought)
    assert known["degraded"] == []


def test_a_shopper_cannot_name_a_customer(front: Shop) -> None:
    """The edge says so, and the shop passes its word on."""
    told = front.client.get(HOME, params={"customer_id": "7", "consent": "personalization"})
    assert told.status_code == 400
    assert told.json()["parameter"] == "customer_id"


def test_events_pass_with_their_bodies(front: Shop) -> None:
    """And their results come back."""
    one = event("detail-page-view", front.goods.products[0].id)
    told = front.client.post("/apps/endcap/v1/events", content=json.dumps({"events": [one]}))
    assert told.status_code == 200
    assert [result["status"] for result in told.json()["results"]] == ["accepted"]


def test_the_theme_script_comes_through(front: Shop) -> None:
    """Compressed as it was, with its tag; and again as unchanged."""
    first = front.client.get("/apps/endcap/endcap.js")
    assert first.headers["content-encoding"] == "gzip"
    assert "customElements.define" in first.text
    tag = first.headers["etag"]
    assert front.client.get("/apps/endcap/endcap.js", headers={"If-None-Match": tag}).status_code == 304


def test_cookies_pass_in_neither_direction(before: Before) -> None:
    """Nor what is between two machines only; the rest does, and the shopper's address is said."""
    said = {
        "Set-Cookie": "a=b",
        "Server": "x",
        "Date": "now",
        "X-Powered-By": "y",
        "X-Endcap-Scope": "shared",
        "ETag": '"1"',
    }
    with hostile(answer(200, {"slots": []}, said)) as app:
        shop = before(app.url)
        sent = {"Cookie": "household=7; secret=1", "X-Forwarded-For": "6.6.6.6", "Authorization": "Bearer sk_x"}
        told = shop.client.get(HOME, headers=sent | {"Accept-Language": "sv"})
        method, target, headers = head_of(app)
    assert method == "GET"
    assert target.startswith("/proxy/v1/recommendations/home?")
    assert "cookie" not in headers
    assert "authorization" not in headers
    assert headers["accept-language"] == "sv"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-host"] == urlsplit(shop.url).netloc
    assert not {"set-cookie", "x-powered-by"} & set(told.headers)
    assert told.headers.get("server") != "x"
    assert told.headers["date"] != "now"
    assert told.headers["x-endcap-scope"] == "shared"
    assert told.headers["etag"] == '"1"'


def test_every_request_is_signed_anew(before: Before) -> None:
    """POST, too, in the query; the household of the cookie, the shop's domain, the prefix, the time."""
    with hostile(answer(200, {"results": []})) as app:
        shop = before(app.url)
        shop.client.cookies.set("household", "12")
        shop.client.post("/apps/endcap/v1/events?extra=a%20b&logged_in_customer_id=1", content=b"{}")
        method, target, _ = head_of(app)
        assert app.requests[-1].endswith(b"\r\n\r\n{}")
    query = urlsplit(target).query
    told = read_signed(query.encode(), [SECRET.encode()], DOMAIN, clock.now())
    assert (method, told.customer_id, told.query) == ("POST", "12", b"extra=a%20b")
    assert parse_qs(query)["path_prefix"] == ["/apps/endcap"]


def test_bodies_pass_as_they_came(before: Before) -> None:
    """Also compressed ones, and errors that are the app's own."""
    packed = gzip.compress(b'{"title": "no"}', mtime=0)
    with hostile(answer(404, packed, {"Content-Encoding": "gzip", "Content-Type": "application/problem+json"})) as app:
        told = before(app.url).client.get("/apps/endcap/v1/nothing")
    assert told.status_code == 404
    assert told.json() == {"title": "no"}


def nothing_for(surface: str) -> dict[str, Any]:
    """A page without shelves."""
    return {"surface": surface, "model_version": None, "degraded": ["origin"], "slots": []}


STAND_INS = [
    ("GET", "/v1/recommendations/pdp", b"", nothing_for("pdp")),
    ("POST", "/v1/recommendations/cart", b"{}", nothing_for("cart")),
    ("POST", "/v1/events", b"{}", {"results": [], "degraded": ["origin"]}),
    ("GET", "/recommendations/products.json", b"", {"products": []}),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), STAND_INS)
def test_while_the_app_is_away_pages_get_what_they_can_live_with(
    shop: Shop, method: str, path: str, body: bytes, expected: object
) -> None:
    """200 and nothing in it, so that a browser has nothing to complain of; no event is said to have been taken."""
    told = shop.client.request(method, f"/apps/endcap{path}", content=body)
    assert (told.status_code, told.json()) == (200, expected)
    assert told.headers["cache-control"] == "private, no-store"


def test_a_batch_gets_an_empty_answer_for_each_page(shop: Shop) -> None:
    """In its order; one that cannot be read gets none."""
    body = json.dumps({"requests": [{"surface": "home"}, {"surface": "pdp", "product_id": "1"}]})
    told = shop.client.post("/apps/endcap/v1/recommendations", content=body).json()["results"]
    assert [(one["status"], one["body"]["surface"]) for one in told] == [(200, "home"), (200, "pdp")]
    assert shop.client.post("/apps/endcap/v1/recommendations", content=b"{").json() == {"results": []}


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/consent"), ("GET", "/v1/other")])
def test_what_would_be_a_promise_is_refused(shop: Shop, method: str, path: str) -> None:
    """A withdrawal that did not arrive must not look as if it had."""
    told = shop.client.request(method, f"/apps/endcap{path}", content=b"{}")
    assert told.status_code == 503
    assert told.headers["retry-after"] == "5"


def test_a_script_outlives_the_app(before: Before) -> None:
    """The last good copy; without one a module that does nothing, so that the shelves keep what stands in them."""
    said = answer(200, b"export const here = 1;", {"Content-Type": "text/javascript", "ETag": '"1"'})
    with hostile(said, answer(304, b""), hangs_up()) as app:
        shop = before(app.url)
        first = shop.client.get("/apps/endcap/endcap.js", headers={"If-None-Match": '"0"'})
        assert "if-none-match" not in head_of(app)[2]  # the whole of it is wanted once
        assert shop.client.get("/apps/endcap/endcap.js", headers={"If-None-Match": '"1"'}).status_code == 304
        assert head_of(app)[2]["if-none-match"] == '"1"'
        kept = shop.client.get("/apps/endcap/endcap.js")
        unknown = shop.client.get("/apps/endcap/endcap-react.js")
    assert (kept.status_code, kept.content) == (200, first.content)
    assert (unknown.status_code, unknown.text) == (200, "export {};\n")
    assert unknown.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_that_is_lost_is_an_app_that_is_away(before: Before, status: int) -> None:
    """For shelves; what the app itself says of events is passed on, since they must be sent again."""
    with hostile(answer(status, {"title": "away"}, {"Retry-After": "1"})) as app:
        shop = before(app.url)
        assert shop.client.get(HOME).json()["degraded"] == ["origin"]
        refused = shop.client.post("/apps/endcap/v1/events", content=b"{}")
    assert (refused.status_code, refused.headers["retry-after"]) == (status, "1")


def test_an_app_that_hangs_up_is_away(before: Before) -> None:
    """Before or within its answer."""
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    with hostile(hangs_up(), hangs_up(half)) as app:
        shop = before(app.url)
        for _ in range(2):
            assert shop.client.get(HOME).json()["degraded"] == ["origin"]


def test_an_app_that_is_silent_is_away(before: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, which a shopper does not notice."""
    monkeypatch.setattr("edge.storefront.app.DEADLINE_S", 0.3)
    with hostile(sends(b"")) as app:
        assert before(app.url).client.get(HOME).json()["degraded"] == ["origin"]
