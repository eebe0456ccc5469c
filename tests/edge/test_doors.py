"""Who is let in by which door, and whom they may say they are, against a running edge."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from redis import Redis

from edge.core import keys
from edge.core.access import make_key
from edge.core.keys import PseudonymKey
from edge.doors import Door, Doors, is_loopback
from edge.errors import InputError
from edge.identify import Identifier
from edge.keyring import KeyRing
from edge.worker_header import is_workers, message
from tests.edge.doors import SETTINGS, SHOP, WORKER_SECRET, Knocker, from_worker, proxied

pytestmark = pytest.mark.store

Serve = Callable[..., Any]
MakeEvent = Callable[..., dict[str, Any]]
ALL = "personalization,analytics"
HOME = "/v1/recommendations/home"


@pytest.fixture
def key(data_dir: Path) -> str:
    """A secret key of the shop."""
    return make_key(data_dir, "demo")


@pytest.fixture
def shop(serve: Serve, key: str) -> Any:
    """An edge as a shop runs it: no demo mode, all doors set up."""
    return serve(demo=False, **SETTINGS)


@pytest.fixture
def knock(shop: Any, key: str) -> Callable[..., Knocker]:
    """`knock("proxy", logged_in="7")` asks the shop's edge by that door."""
    return lambda door, logged_in="": Knocker(shop.client, door, key, logged_in)


# --- who is let in ---------------------------------------------------------------------------------------------------


def test_without_demo_mode_nobody_is_believed_for_asking_from_here(shop: Any) -> None:
    """Not even loopback: 401, a problem, and the remedy."""
    for method, path in (
        ("GET", HOME),
        ("POST", "/v1/events"),
        ("POST", "/v1/consent"),
        ("POST", "/v1/recommendations"),
    ):
        answer = shop.client.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert "sk_" in answer.json()["detail"]
    refused = REGISTRY.get_sample_value("endcap_refused_total", {"door": "server", "reason": "key"})
    assert refused is not None
    assert refused >= 4


@pytest.mark.parametrize("door", ["proxy", "server", "worker"])
def test_each_door_opens_for_those_it_is_for(knock: Callable[..., Knocker], door: str) -> None:
    """GET, POST and batch: the same shelves by each."""
    knocker = knock(door)
    got = knocker.ask("GET", "/v1/recommendations/pdp", {"product_id": "p004"})
    posted = knocker.ask("POST", "/v1/recommendations/pdp", json={"product_id": "p004"})
    batch = knocker.ask("POST", "/v1/recommendations", json={"requests": [{"surface": "pdp", "product_id": "p004"}]})
    assert got.status_code == posted.status_code == batch.status_code == 200
    assert got.json()["slots"]
    assert got.json() == posted.json() == batch.json()["results"][0]["body"]


@pytest.mark.parametrize("path", [HOME, "/v1/recommendations/pdp", "/v1/recommendations", "/v1/events", "/v1/consent"])
@pytest.mark.parametrize("demo", [True, False])
def test_under_proxy_nothing_goes_unsigned(serve: Serve, key: str, path: str, demo: bool) -> None:
    """In demo mode, too, and with any other proof: 401 that does not say which check failed."""
    edge = serve(demo=demo, **SETTINGS)
    addresses = [
        f"/proxy{path}",
        proxied(path, secret="not-it"),
        proxied(path, at=time.time() - 91),
        proxied(path) + "&shop=" + SHOP,
        proxied(path).replace("demo.my", "evil.my"),
        proxied(path) + "&logged_in_customer_id=7",
    ]
    answers = [edge.client.request("POST", address, json={}) for address in addresses]
    answers.append(edge.client.post(addresses[0], json={}, headers={"Authorization": f"Bearer {key}"}))
    answers.append(edge.client.send(from_worker(edge.client.build_request("POST", addresses[0], json={}))))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["cache-control"] for answer in answers} == {"private, no-store"}


def test_a_percent_in_the_path_is_no_way_around(serve: Serve) -> None:
    """The path that is routed is the path that is judged."""
    edge = serve(**SETTINGS)
    assert edge.client.get(f"/%70roxy{HOME}").status_code == 401
    assert edge.client.get(f"/proxy/../proxy{HOME}").status_code in (401, 404)


def test_an_app_proxy_that_is_not_set_up_says_so(serve: Serve) -> None:
    """404 with the variables, as webhooks do."""
    answer = serve().client.get(proxied(HOME))
    assert answer.status_code == 404
    assert "ENDCAP_SHOPIFY_SECRETS" in answer.json()["detail"]


def test_secrets_are_replaced_without_a_gap(serve: Serve) -> None:
    """While two are in force both sign, for Shopify and for the Worker."""
    edge = serve(demo=False, **(SETTINGS | {"shopify_secrets": "old, new", "worker_secrets": f"{'o' * 16},{'n' * 16}"}))
    for secret, status in (("old", 200), ("new", 200), ("older", 401)):
        assert edge.client.get(proxied(HOME, secret=secret)).status_code == status
    for secret, status in (("o" * 16, 200), ("n" * 16, 200), ("x" * 16, 401)):
        request = from_worker(edge.client.build_request("GET", HOME), secret=secret)
        assert edge.client.send(request).status_code == status


def test_a_key_of_another_shop_or_none_in_force_is_refused(shop: Any, data_dir: Path) -> None:
    """403 and 401, by name."""
    other = make_key(data_dir, "elsewhere")
    shop.edge.keyring.refresh()
    for shown, status in ((other, 403), ("sk_made_up", 401), ("pk_browser", 401)):
        answer = shop.client.get(HOME, headers={"Authorization": f"Bearer {shown}"})
        assert answer.status_code == status
        assert shown not in answer.text


def test_demo_mode_is_for_loopback_only(serve: Serve) -> None:
    """Whatever else is shown; the app proxy's signature counts from anywhere."""
    edge, elsewhere = serve(**SETTINGS), {"X-Forwarded-For": "203.0.113.9"}
    assert edge.client.get(HOME, headers=elsewhere).status_code == 403
    request = from_worker(edge.client.build_request("GET", HOME, headers=elsewhere))
    assert edge.client.send(request).status_code == 403
    assert edge.client.get(proxied(HOME), headers=elsewhere).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", None])
def test_loopback_is_let_into_demo_mode(tmp_path: Path, host: str | None) -> None:
    """And unix sockets, which have no host."""
    assert demo_doors(tmp_path).admit(scope(host)).trust == "demo"
    assert host is None or is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "192.0.2.7", "2001:db8::1", "example.com", "0.0.0.0", ""])
def test_everybody_else_is_refused_in_demo_mode(tmp_path: Path, host: str) -> None:
    """With 403 and the reason."""
    with pytest.raises(InputError, match="demo mode") as error:
        demo_doors(tmp_path).admit(scope(host))
    assert error.value.status == 403


def demo_doors(data_dir: Path) -> Doors:
    """The doors of demo mode, nothing set up."""
    return Doors("demo", True, KeyRing(data_dir))


def scope(host: str | None) -> dict[str, Any]:
    """A plain request from a host."""
    return {"path": HOME, "query_string": b"", "headers": [], "client": None if host is None else (host, 5)}


# --- the Worker's header ---------------------------------------------------------------------------------------------


def test_what_the_worker_signed_cannot_be_used_for_anything_else(shop: Any) -> None:
    """Another path, query, method, or later: 401. The same request again within 90 s is the Worker's retry."""
    request = from_worker(shop.client.build_request("GET", f"{HOME}?limit=3"))
    signature = {"X-Endcap-Worker": request.headers["X-Endcap-Worker"]}
    assert shop.client.send(request).status_code == 200
    assert shop.client.get(f"{HOME}?limit=3", headers=signature).status_code == 200
    for method, path in (
        ("GET", f"{HOME}?limit=4"),
        ("GET", HOME),
        ("GET", f"{HOME}?limit=3&rev=1"),
        ("GET", f"{HOME}?limit=%33"),
        ("GET", "/v1/recommendations/cart?limit=3"),
        ("POST", f"{HOME}?limit=3"),
    ):
        assert shop.client.request(method, path, headers=signature).status_code == 401
    late = from_worker(shop.client.build_request("GET", HOME), at=time.time() - 91)
    assert shop.client.send(late).status_code == 401
    assert shop.client.get(f"{HOME}?limit=3", headers=[*signature.items(), *signature.items()]).status_code == 401


def header(stamp: bytes, *secrets: str) -> bytes:
    """The header for GET /x."""
    given = (hmac.new(secret.encode(), message(stamp, "GET", b"/x"), hashlib.sha256).hexdigest() for secret in secrets)
    return b"t=" + stamp + "".join(f",v1={one}" for one in given).encode()


@pytest.mark.parametrize(
    ("sent", "good"),
    [
        (header(b"100", "new"), True),
        (header(b"100", "old"), True),
        (header(b"100", "other", "new"), True),
        (header(b"190", "new"), True),
        (header(b"191", "new"), False),
        (header(b"9", "new"), False),
        (header(b"100", "other"), False),
        (header(b"100"), False),
        (header(b"100", "new").upper(), False),
        (b"t=101," + header(b"100", "new"), False),
        (b"", False),
        (b"t=,v1=", False),
        (b"t=\xb2,v1=x", False),
        (b"v1=" + b"0" * 64, False),
        (header(b"100", *["x"] * 20), False),
    ],
)
def test_the_workers_header_is_read_strictly(sent: bytes, good: bool) -> None:
    """One time, at least one signature that fits, not too old, not endless."""
    assert is_workers((b"old", b"new"), sent, "GET", b"/x", 100.0) is good


def test_without_secrets_no_header_fits() -> None:
    """Nobody is the Worker where none is set up."""
    assert not is_workers((), header(b"100", ""), "GET", b"/x", 100.0)


# --- who they may say they are ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["proxy", "worker"])
def test_a_customer_may_not_be_named_from_a_page(
    knock: Callable[..., Knocker], redis: "Redis", event: MakeEvent, door: str
) -> None:
    """By no route: query, percent-encoded query, query of a POST, body, member of a batch, event, consent: 400."""
    knocker = knock(door, "7")
    named = {"customer_id": "8", "visitor_id": "v", "consent": "personalization"}
    listed = named | {"consent": ["personalization"]}
    bad = event("detail-page-view", "p004", customer_id="8")
    asked = [
        knocker.ask("GET", HOME, named),
        knocker.ask("POST", HOME, json=listed),
        knocker.ask("POST", HOME, {"customer_id": "8"}, json={}),
        knocker.ask("GET", HOME, {"customer_id": "7"}),
        knocker.ask("POST", "/v1/events", json=bad),
        knocker.ask("POST", "/v1/consent", json={"id": "d1", "customer_id": "8", "consent": []}),
        knocker.ask("POST", "/v1/consent", {"customer_id": "8"}, json={"id": "d2", "visitor_id": "v", "consent": []}),
    ]
    for answer in asked:
        assert answer.status_code == 400
        assert answer.json()["parameter"] == "customer_id"
    batch = knocker.ask(
        "POST", "/v1/recommendations", json={"requests": [listed | {"surface": "home"}, {"surface": "home"}]}
    )
    assert [result["status"] for result in batch.json()["results"]] == [400, 200]
    results = knocker.ask("POST", "/v1/events", json={"events": [bad, event("search")]}).json()["results"]
    assert [result["status"] for result in results] == ["rejected", "accepted"]
    assert "customer_id" in results[0]["detail"]
    eight = knock("server").ask("GET", HOME, {"customer_id": "8", "consent": "personalization"})
    assert eight.status_code == 200
    assert all(slot["id"] != "recently_viewed" for slot in eight.json()["slots"])


def test_the_customer_shopify_names_is_the_one_served(
    shop: Any, knock: Callable[..., Knocker], redis: "Redis", remember: Callable[..., Any]
) -> None:
    """With their own history, nobody else's, and none without consent."""
    remember(shop, redis, "7", "p004", "p016")
    consent = {"consent": "personalization"}
    mine = knock("proxy", "7").ask("GET", HOME, consent).json()
    assert "buy_again" in [slot["id"] for slot in mine["slots"]]
    assert mine == knock("server").ask("GET", HOME, consent | {"customer_id": "7"}).json()
    for other in (knock("proxy", "8").ask("GET", HOME, consent), knock("proxy", "7").ask("GET", HOME)):
        assert "buy_again" not in [slot["id"] for slot in other.json()["slots"]]


def test_events_and_decisions_under_proxy_are_the_logged_in_customers(
    shop: Any, knock: Callable[..., Knocker], redis: "Redis", event: MakeEvent
) -> None:
    """Filled in from the signature, as pseudonyms, single or in a batch."""
    knocker = knock("proxy", "7")
    assert knocker.ask("POST", "/v1/events", json=event("search")).json()["results"][0]["status"] == "accepted"
    knocker.ask("POST", "/v1/events", json={"events": [event("search", visitor_id=None)]})
    caller = shop.edge.identifier.caller("v", "7", [])
    stored: Any = redis.xrange(keys.events_key("demo"))
    assert all(caller.customer.encode() in fields[b"e"] for _, fields in stored)
    assert len(stored) == 2
    answer = knocker.ask("POST", "/v1/consent", json={"id": "d1", "consent": []})
    assert answer.json() == {"consent": []}
    assert redis.exists(keys.consent_key("demo", caller.customer))


def test_a_visitor_seen_through_proxy_does_not_carry_a_customers_visit_to_another(
    knock: Callable[..., Knocker], event: MakeEvent
) -> None:
    """A shared device: what 7 looked at is not shown to 8, nor to nobody, who send the same visitor id."""
    knock("proxy", "7").ask("POST", "/v1/events", json=event("detail-page-view", "p004"))
    query = {"visitor_id": "v", "consent": ALL}
    seen = {who: knock("proxy", who).ask("GET", HOME, query).json() for who in ("7", "8", "")}
    viewed = {who: [slot["id"] for slot in body["slots"]].count("recently_viewed") for who, body in seen.items()}
    assert viewed == {"7": 1, "8": 0, "": 0}


@pytest.mark.parametrize("name", ["loyalty_id", "email", "phone"])
@pytest.mark.parametrize("door", ["proxy", "worker"])
def test_nor_may_a_page_name_anybody_another_way(
    knock: Callable[..., Knocker], redis: "Redis", event: MakeEvent, door: str, name: str
) -> None:
    """What leads to a customer's profile as the customer's id does; a server may."""
    sent = event("search", **{name: "somebody"})
    answer = knock(door).ask("POST", "/v1/events", json=sent)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == name
    assert not redis.exists(keys.events_key("demo"))
    assert knock("server").ask("POST", "/v1/events", json=sent).json()["results"][0]["status"] == "accepted"


@pytest.mark.parametrize("field", ["customer_id", "former"])
def test_the_edges_own_words_cannot_be_put_into_its_mouth(
    shop: Any, knock: Callable[..., Knocker], redis: "Redis", event: MakeEvent, field: str
) -> None:
    """What is stored of an event is what the door said, whatever the JSON claims besides."""
    sent = event("search") | {"former": [["k0.old", "k1.new"]], "trust": "server"}
    if field == "customer_id":
        sent["customer_id"] = None
    assert knock("proxy", "7").ask("POST", "/v1/events", json=sent).status_code == 200
    entries: Any = redis.xrange(keys.events_key("demo"))
    stored = json.loads(entries[0][1][b"e"])
    assert "former" not in stored
    assert stored["customer_id"] == shop.edge.identifier.caller(None, "7", []).customer


def test_how_the_process_is_is_told_to_who_runs_it(serve: Serve, shop: Any, key: str) -> None:
    """Metrics and what readiness stands on need a key outside demo mode; ready or not is for everybody."""
    operator = {"Authorization": f"Bearer {key}"}
    assert shop.client.get("/metrics").status_code == 401
    assert "endcap_requests_total" in shop.client.get("/metrics", headers=operator).text
    assert shop.client.get("/readyz").json() == {"status": "ready"}
    assert shop.client.get("/readyz", headers=operator).json()["store"] == "ok"
    assert shop.client.get("/healthz").status_code == 200
    demo = serve()
    assert demo.client.get("/readyz").json()["store"] == "ok"
    assert demo.client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_a_door_says_whose_word_counts() -> None:
    """The four of them."""
    for trust in ("demo", "server"):
        assert Door(trust).customer("7") == "7"
        assert Door(trust).customer(None) is None
    assert Door("proxy", b"", "7").customer(None) == "7"
    for door in (Door("proxy", b"", "7"), Door("worker")):
        with pytest.raises(InputError, match="may not be named"):
            door.customer("7")


def test_webhooks_count_as_a_server() -> None:
    """Their signature is over the body that names the customer."""
    assert Identifier("demo", PseudonymKey.from_hex("00" * 32)).caller(None, "7", []).trust == "server"


def test_unknown_names_are_ignored_under_proxy_only(knock: Callable[..., Knocker]) -> None:
    """Shopify may add some; elsewhere they are a mistake worth telling. Known ones are read as strictly as ever."""
    assert knock("proxy").ask("GET", HOME, {"buyer_country": "CA"}).status_code == 200
    assert knock("server").ask("GET", HOME, {"buyer_country": "CA"}).status_code == 400
    assert knock("proxy").ask("GET", HOME, {"limit": "0"}).status_code == 400


def test_a_signed_address_is_never_shown_again(knock: Callable[..., Knocker], shop: Any) -> None:
    """No redirect carries it, no problem repeats it."""
    for path in (f"{HOME}/", "/v1/events/", "/v1/nowhere", "/v1/recommendations/attic"):
        answer = knock("proxy").ask("GET", path)
        assert answer.status_code in (400, 404, 405)
        assert "location" not in answer.headers
        assert "signature=" not in answer.text
        assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("worker", [WORKER_SECRET, ""])
def test_a_worker_that_is_not_set_up_is_nobody(serve: Serve, worker: str) -> None:
    """Its header is then a reason to refuse, in demo mode, too: a mistake in settings shows at once."""
    edge = serve(**(SETTINGS | {"worker_secrets": worker or None}))
    answer = edge.client.send(from_worker(edge.client.build_request("GET", HOME)))
    assert answer.status_code == (200 if worker else 401)


def test_beacons_come_as_plain_text(knock: Callable[..., Knocker], shop: Any, event: MakeEvent) -> None:
    """What a browser sends without asking first: text/plain, parsed as the JSON it holds; consent likewise."""
    content = httpx.Request("POST", "http://x", json=event("search")).content
    plain = {"Content-Type": "text/plain;charset=UTF-8"}
    answer = shop.client.post(proxied("/v1/events"), content=content, headers=plain)
    assert answer.json()["results"][0]["status"] == "accepted"
    decision = b'{"id": "d1", "visitor_id": "v", "consent": []}'
    assert shop.client.post(proxied("/v1/consent"), content=decision, headers=plain).json() == {"consent": []}
