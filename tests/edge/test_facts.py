"""GET /v1/customers/{id}/facts: over real HTTP from a real store, for secret keys only, and never against consent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from edge.core import keys
from edge.core.access import FILE, make_key, read_keys, remove_key
from edge.core.consent import Decision, encode_decision
from edge.core.facts import DEFINITIONS, Facts, Value, encode_facts
from edge.embedded import EmbeddedStore

pytestmark = pytest.mark.store

DAY = 86_400
VALUES: dict[str, Value | None] = {
    "customer_ltv_12m": 1200.0,
    "churn_risk_30d": 0.25,
    "preferred_category": "Drinks > Tea",
    "return_rate": None,
}


def today() -> int:
    """The unix day."""
    return int(datetime.now(UTC).timestamp() // DAY)


def stored(running: Any, redis: "Redis", customer_id: str, **fields: Any) -> str:
    """Put facts where the backend would; returns the pseudonym."""
    shopper: str = running.edge.identifier.caller(None, customer_id, ()).customer
    options: dict[str, Any] = {
        "computed_at": today() * DAY,
        "as_of": today() - 1,
        "model": "m1",
        "currency": "EUR",
    } | fields
    facts = Facts.of("demo", shopper, VALUES, **options)
    redis.set(keys.facts_key("demo", shopper), encode_facts(facts), ex=100)
    return shopper


def ask(running: Any, customer_id: str, key: str | None) -> httpx.Response:
    """The request, with this key."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer: httpx.Response = running.client.get(f"/v1/customers/{customer_id}/facts", headers=headers)
    return answer


@pytest.fixture
def key(data_dir: Path) -> str:
    """A key of the shop, made before the server starts."""
    return make_key(data_dir, "demo")


def test_facts_come_with_what_they_mean(key: str, edge: Any, redis: "Redis") -> None:
    """Value, unit, words, version and freshness; what cannot be told is left out; nobody may keep the answer."""
    stored(edge, redis, "ada")
    answer = ask(edge, "ada", key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    body = answer.json()
    assert (body["customer_id"], body["model_version"]) == ("ada", "m1")
    assert set(body["facts"]) == {"customer_ltv_12m", "churn_risk_30d", "preferred_category"}
    assert body["facts"]["customer_ltv_12m"] == {
        "value": 1200.0,
        "unit": "EUR",
        "definition": DEFINITIONS["customer_ltv_12m"].text,
        "version": 1,
        "as_of": datetime.fromtimestamp((today() - 1) * DAY, UTC).date().isoformat(),
        "computed_at": datetime.fromtimestamp(today() * DAY, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "stale": False,
    }


def test_old_facts_are_called_stale(key: str, edge: Any, redis: "Redis") -> None:
    """The risks after ten days without new data, the rest after five weeks."""
    stored(edge, redis, "ada", as_of=today() - 20)
    facts = ask(edge, "ada", key).json()["facts"]
    assert {name: fact["stale"] for name, fact in facts.items()} == {
        "customer_ltv_12m": False, "churn_risk_30d": True, "preferred_category": False
    }  # fmt: skip


def test_one_trip_to_the_store(key: str, edge: Any, redis: "Redis") -> None:
    """Facts and consent in a single command."""
    stored(edge, redis, "ada")
    ask(edge, "ada", key)
    before = redis.info("commandstats")
    ask(edge, "ada", key)
    after = redis.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert calls["cmdstat_mget"] == 1
    assert not any(calls.get(f"cmdstat_{name}") for name in ("get", "hget", "eval", "exists", "ttl"))


@pytest.mark.parametrize(
    ("shown", "status", "words"),
    [
        (None, 401, "no secret key"),
        ("sk_wrong", 401, "no key in force"),
        ("pk_abc", 403, "a publishable key may not see this"),
        ("other", 403, "this key is not one of shop 'demo'"),
    ],
)
def test_without_a_key_of_the_shop_nothing_is_told(
    key: str, edge: Any, redis: "Redis", data_dir: Path, shown: str | None, status: int, words: str
) -> None:
    """Demo mode or not; the problem names the remedy, and tells nothing of the customer."""
    stored(edge, redis, "ada")
    if shown == "other":
        shown = make_key(data_dir, "other")
        edge.edge.keyring.refresh()
    answer = ask(edge, "ada", shown)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert words in problem["detail"]
    assert "`python -m backend key` makes a key" in problem["detail"]
    assert problem["parameter"] == "Authorization"
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert ask(edge, "nobody", shown).json() == problem


def test_keys_come_and_go_within_a_second(edge: Any, redis: "Redis", data_dir: Path, until: Any) -> None:
    """Without a restart; a damaged file leaves those in force that were."""
    stored(edge, redis, "ada")
    key = make_key(data_dir, "demo")
    until(lambda: ask(edge, "ada", key).status_code == 200)
    whole = (data_dir / FILE).read_bytes()
    (data_dir / FILE).write_bytes(b"[")
    until(lambda: edge.edge.keyring.fault)
    assert ask(edge, "ada", key).status_code == 200
    (data_dir / FILE).write_bytes(whole)
    until(lambda: not edge.edge.keyring.fault)
    remove_key(data_dir, read_keys(data_dir)[0].id)
    until(lambda: ask(edge, "ada", key).status_code == 401)


def test_a_stored_denial_wins(key: str, edge: Any, redis: "Redis") -> None:
    """Facts that are still there are not shown; unreadable consent counts as a denial, a grant does not."""
    shopper = stored(edge, redis, "ada")
    name = keys.consent_key("demo", shopper)
    for consent, status in (
        (encode_decision(Decision("demo", shopper, ("personalization",), 0, "page")), 200),
        (encode_decision(Decision("demo", shopper, ("analytics",), 0, "page")), 404),
        (encode_decision(Decision("demo", "other", ("personalization",), 0, "page")), 404),
        (b"\x09", 404),
    ):
        redis.set(name, consent)
        answer = ask(edge, "ada", key)
        assert answer.status_code == status
        assert status == 200 or answer.json()["detail"].startswith("nothing is kept")


def test_withdrawal_deletes_the_facts(key: str, edge: Any, redis: "Redis") -> None:
    """At once, in the same step as the profile."""
    shopper = stored(edge, redis, "ada")
    assert edge.client.post("/v1/consent", json={"customer_id": "ada", "consent": []}).status_code == 200
    assert not redis.exists(keys.facts_key("demo", shopper))
    assert ask(edge, "ada", key).status_code == 404


def test_unknown_customers_and_damaged_facts_are_not_found(key: str, edge: Any, redis: "Redis") -> None:
    """With the command that would make facts; damage is counted."""
    answer = ask(edge, "nobody", key)
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")
    assert "`python -m backend facts`" in answer.json()["detail"]
    shopper = stored(edge, redis, "ada")
    other = Facts.of("demo", "another", VALUES, computed_at=0, as_of=0)
    for bytes_ in (b"\x01\x93", encode_facts(other)):
        redis.set(keys.facts_key("demo", shopper), bytes_)
        before = edge.metric("endcap_records_ignored_total", record="facts", reason="unreadable")
        assert ask(edge, "ada", key).status_code == 404
        assert edge.metric("endcap_records_ignored_total", record="facts", reason="unreadable") == before + 1


def test_ids_may_hold_slashes_and_must_be_ids(key: str, edge: Any, redis: "Redis") -> None:
    """As platforms write them; an empty or endless one is the caller's mistake."""
    stored(edge, redis, "gid://shop/Customer/7")
    assert ask(edge, "gid:%2F%2Fshop%2FCustomer%2F7", key).json()["customer_id"] == "gid://shop/Customer/7"
    for wrong in ("", "x" * 129, "a%00b"):
        answer = ask(edge, wrong, key)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "customer_id")


def test_a_store_that_is_away_says_when_to_come_back(serve: Any, data_dir: Path, tmp_path: Path) -> None:
    """503 with Retry-After, not a 404 that would be believed."""
    key = make_key(data_dir, "demo")
    with EmbeddedStore(tmp_path / "own") as own:
        running = serve(redis_url=own.url, redis_timeout_ms=200)
        assert ask(running, "ada", key).status_code == 404
    answer = ask(running, "ada", key)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["title"] == "Nothing can be read"


def test_the_contract_names_it(edge: Any) -> None:
    """In /openapi.json, with the key it needs."""
    document = edge.client.get("/openapi.json").json()
    operation = document["paths"]["/v1/customers/{customer_id}/facts"]["get"]
    assert operation["security"] == [{"secret": []}]
    assert document["components"]["securitySchemes"]["secret"]["scheme"] == "bearer"
    assert set(operation["responses"]) >= {"200", "401", "403", "404", "503"}
    assert "FactsAnswer" in document["components"]["schemas"]
