"""Shopper tokens at a running edge: whose profile a page is answered from, and what a token that does not hold does."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from edge.client import shopper_token
from edge.core import keys
from edge.core.access import make_key
from edge.core.shopper_token import make_token
from tests.backend.program import backend
from tests.edge.doors import SETTINGS, proxied

pytestmark = pytest.mark.store

SECRET, OLD = "s" * 32, "o" * 32
PAGE = {"Origin": "https://shop.example"}
HOME = "/v1/recommendations/home"
CONSENT = ["personalization", "analytics"]


@pytest.fixture
def shop(serve: Callable[..., Any], data_dir: Path) -> Any:
    """An edge as a shop runs it, while its secret is being replaced."""
    shop = serve(demo=False, shopper_secrets=f"{SECRET},{OLD}", **SETTINGS)
    shop.client.headers.update(PAGE)
    shop.client.params = {"key": make_key(data_dir, "demo", [PAGE["Origin"]])}
    shop.edge.keyring.refresh()
    return shop


def home(shop: Any, token: str, **more: Any) -> dict[str, Any]:
    """The homepage that a page with a token gets."""
    body = {"shopper_token": token, "consent": CONSENT, **more}
    answer = shop.client.post(HOME, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shelf_names(body: dict[str, Any]) -> list[str]:
    """The shelves of an answer."""
    return [slot["id"] for slot in body["slots"]]


def broken(kind: str) -> str:
    """A token that does not hold."""
    now = int(time.time())
    made = {
        "expired": make_token(SECRET.encode(), "demo", "ada", now - 1),
        "too long": make_token(SECRET.encode(), "demo", "ada", now + 10**6),
        "forged": make_token(b"x" * 32, "demo", "ada", now + 600),
        "other shop": make_token(SECRET.encode(), "elsewhere", "ada", now + 600),
        "changed": shopper_token(SECRET, "demo", "ada").replace("st_e", "st_f"),
        "nonsense": "ada",
    }
    return made[kind]


KINDS = ["expired", "too long", "forged", "other shop", "changed", "nonsense"]


@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_a_page_is_answered_as_the_customer_whom_the_shops_server_names(
    shop: Any, redis: "Redis", remember: Callable[..., Any], secret: str
) -> None:
    """In query, body and batch, from the client's function or the command; nobody else's, and only with consent."""
    remember(shop, redis, "ada", "p004", "p016")
    ada = shopper_token(secret, "demo", "ada")
    mine = home(shop, ada)
    assert "buy_again" in shelf_names(mine)
    assert mine["degraded"] == []
    got = shop.client.get(HOME, params={"shopper_token": ada, "consent": ",".join(CONSENT)})
    assert got.json() == mine
    assert got.headers["cache-control"].startswith("private")
    member = {"surface": "home", "shopper_token": ada, "consent": CONSENT}
    batch = shop.client.post("/v1/recommendations", json={"requests": [member]})
    assert batch.json()["results"][0]["body"] == mine
    made = backend("token", "ada", "--minutes", "5", ENDCAP_SHOPPER_SECRETS=f"{secret},x").stdout.strip()
    assert home(shop, made) == mine
    assert "buy_again" not in shelf_names(home(shop, shopper_token(secret, "demo", "bob")))
    assert "buy_again" not in shelf_names(home(shop, ada, consent=[]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_does_not_hold_makes_nobody_of_a_customer(
    shop: Any, redis: "Redis", remember: Callable[..., Any], kind: str
) -> None:
    """The page is filled all the same, for whoever is not logged in; the answer says so, and nobody keeps it."""
    remember(shop, redis, "ada", "p004", "p016")
    body = home(shop, broken(kind))
    assert body["degraded"] == ["shopper_token"]
    assert body["slots"]
    assert "buy_again" not in shelf_names(body)
    answer = shop.client.get(HOME, params={"shopper_token": broken(kind)})
    assert answer.headers["cache-control"] == "private, no-store"
    assert shop.client.get(HOME).json()["degraded"] == []
    member = {"surface": "home", "consent": CONSENT}
    two = [member | {"shopper_token": shopper_token(SECRET, "demo", name)} for name in ("ada", "bob")]
    results = shop.client.post("/v1/recommendations", json={"requests": two}).json()["results"]
    assert all(result["body"]["degraded"] == ["shopper_token"] for result in results), "two shoppers are nobody"


def test_events_are_the_customers_or_else_the_visitors(
    shop: Any, redis: "Redis", event: Callable[..., dict[str, Any]]
) -> None:
    """A token that does not hold loses no event; without a visitor the event has nobody."""
    caller = shop.edge.identifier.caller("v", "ada", [])

    def send(token: str, **fields: Any) -> str:
        body = {"events": [event("search", **fields)], "shopper_token": token}
        answer = shop.client.post("/v1/events", json=body)
        return str(answer.json()["results"][0]["status"]) if answer.status_code == 200 else str(answer.status_code)

    assert send(shopper_token(SECRET, "demo", "ada")) == "accepted"
    assert send(broken("expired")) == "accepted"
    assert send(broken("forged"), visitor_id=None) == "400"
    stored: Any = redis.xrange(keys.events_key("demo"))
    assert [caller.customer.encode() in fields[b"e"] for _, fields in stored] == [True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_a_withdrawal_never_looks_as_if_it_had_been_the_customers(shop: Any, redis: "Redis", kind: str) -> None:
    """401, so that the page asks for another token; with one that holds the customer's data go."""
    caller = shop.edge.identifier.caller("v", "ada", [])
    decision = {"visitor_id": "v", "consent": []}
    answer = shop.client.post("/v1/consent", json=decision | {"shopper_token": broken(kind)})
    assert (answer.status_code, answer.json()["parameter"]) == (401, "shopper_token")
    assert not redis.exists(keys.consent_key("demo", caller.visitor))
    token = shopper_token(SECRET, "demo", "ada")
    assert shop.client.post("/v1/consent", json=decision | {"shopper_token": token}).status_code == 200
    assert redis.exists(keys.consent_key("demo", caller.customer))


def test_a_token_is_no_key(shop: Any) -> None:
    """Beside nothing that opens the door it opens nothing; nor may a customer be named beside it."""
    token = shopper_token(SECRET, "demo", "ada")
    shop.client.params = {}
    assert shop.client.post(HOME, json={"shopper_token": token}).status_code == 401
    assert shop.client.get(proxied(HOME, query={"shopper_token": token})).json()["degraded"] == []


def test_a_customer_is_not_named_beside_a_token(shop: Any) -> None:
    """400, as without one."""
    body = {"shopper_token": shopper_token(SECRET, "demo", "ada"), "customer_id": "ada"}
    assert shop.client.post(HOME, json=body).status_code == 400
