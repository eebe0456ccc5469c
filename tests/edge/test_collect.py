"""Events and consent, through the running server, looked at from inside the store."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from edge.collect import Collector
from edge.core import keys
from edge.core.keys import PseudonymKey
from edge.doors import Door
from edge.identify import Identifier
from edge.profiles import ShopperStore, connect

pytestmark = pytest.mark.store

MakeEvent = Callable[..., dict[str, Any]]
PERSONAL = {"visitor_id": "v", "consent": "personalization"}


def stream(redis: "Redis") -> list[dict[str, Any]]:
    """The events in the shop's stream."""
    entries: Any = redis.xrange(keys.events_key("demo"))
    return [json.loads(fields[b"e"]) for _, fields in entries]


def test_an_event_is_in_the_stream_under_a_pseudonym(edge: Any, redis: "Redis", event: MakeEvent) -> None:
    """With all it said, but for the ids: those are keyed hashes from here on, in every key and value."""
    sent = event("add-to-cart", "p004", visitor_id="visitor-77", customer_id="customer-99", currency="USD")
    assert edge.send(sent) == [{"id": sent["id"], "status": "accepted"}]
    (stored,) = stream(redis)
    assert stored["type"] == "add-to-cart"
    assert stored["products"] == [{"product_id": "p004"}]
    assert stored["consent"] == ["analytics", "personalization"]
    caller = edge.edge.identifier.caller("visitor-77", "customer-99", [])
    assert (stored["visitor_id"], stored["customer_id"]) == (caller.visitor, caller.customer)
    everything = b"".join(redis.dump(name) or b"" for name in redis.scan_iter())
    assert b"visitor-77" not in everything
    assert b"customer-99" not in everything


def test_a_repeated_event_has_one_effect(edge: Any, redis: "Redis", event: MakeEvent) -> None:
    """Sent three times, twice in one batch: once in the stream, once in the cart."""
    sent = event("add-to-cart", "p004")
    assert [result["status"] for result in edge.send(sent, sent)] == ["accepted", "duplicate"]
    assert edge.send(sent)[0]["status"] == "duplicate"
    assert len(stream(redis)) == 1
    mark = redis.ttl(keys.seen_key("demo", sent["id"]))
    assert 0 < mark <= keys.SEEN_TTL_S


def test_a_single_event_needs_no_wrapping(edge: Any, event: MakeEvent) -> None:
    """And a beacon's content type is nobody's business."""
    answer = edge.client.post(
        "/v1/events", content=json.dumps(event("search", query="milk")), headers={"Content-Type": "text/plain"}
    )
    assert answer.json()["results"][0]["status"] == "accepted"


def test_each_event_of_a_batch_is_judged_by_itself(edge: Any, redis: "Redis", event: MakeEvent) -> None:
    """Good, nonsense, nobody's, from the future, too old, good again: six results in order."""
    now = datetime.now(UTC)
    batch = [
        event("detail-page-view", "p001"),
        event("teleport"),
        event("search", visitor_id=None),
        event("search", time=(now + timedelta(hours=2)).isoformat()),
        event("search", time=(now - timedelta(days=5)).isoformat()),
        event("detail-page-view", "p002"),
    ]
    results = edge.send(*batch)
    assert [result["status"] for result in results] == ["accepted", *["rejected"] * 4, "accepted"]
    for result, word in zip(results[1:5], ("type", "visitor_id", "future", "importer"), strict=True):
        assert word in result["detail"]
    assert len(stream(redis)) == 2


@pytest.mark.parametrize(
    "body", ["", "[]", "5", '{"events": []}', '{"events": [1]}', '{"events": {}}', "\xff", '{"id": "x"}']
)
def test_a_body_that_holds_no_event_is_a_problem(edge: Any, body: str) -> None:
    """Refused whole, with the place."""
    answer = edge.client.post("/v1/events", content=body.encode("latin-1"))
    assert answer.status_code == 400
    assert answer.json()["parameter"]


def test_too_many_events_at_once_are_refused(edge: Any, event: MakeEvent) -> None:
    """A hundred go."""
    assert len(edge.send(*(event("search") for _ in range(100)))) == 100
    answer = edge.client.post("/v1/events", json={"events": [event("search")] * 101})
    assert answer.status_code == 400


@pytest.mark.parametrize("consent", [[], ["marketing"]])
def test_without_consent_nothing_is_stored(edge: Any, redis: "Redis", event: MakeEvent, consent: list[str]) -> None:
    """Not a key: the event is ignored and says so."""
    (result,) = edge.send(event("detail-page-view", "p004", consent=consent))
    assert result["status"] == "ignored"
    assert redis.keys() == []


def test_analytics_alone_makes_no_session(edge: Any, redis: "Redis", event: MakeEvent) -> None:
    """The event may go to the log, the shopper is not followed."""
    edge.send(event("detail-page-view", "p004", consent=["analytics"]))
    assert len(stream(redis)) == 1
    assert list(redis.scan_iter("s:*")) == []
    assert stream(redis)[0]["consent"] == ["analytics"]


def test_an_event_moves_the_next_answer_at_once(edge: Any, event: MakeEvent) -> None:
    """No waiting for a consumer: what was viewed is there on the next page, and again after the next view."""
    edge.send(event("detail-page-view", "p004"))
    first = edge.shelves("home", **PERSONAL)
    edge.send(event("detail-page-view", "p016"))
    second = edge.shelves("home", **PERSONAL)
    viewed = [next(slot for slot in body["slots"] if slot["id"] == "recently_viewed") for body in (first, second)]
    assert [[item["id"] for item in slot["items"]] for slot in viewed] == [["p004"], ["p016", "p004"]]
    assert viewed[0]["served_by"] == "personal"


def test_the_cart_seen_in_events_is_not_recommended(edge: Any, event: MakeEvent) -> None:
    """And the cart page knows it without being told."""
    edge.send(event("add-to-cart", "p004"))
    cart = edge.shelves("cart", limit=50, **PERSONAL)
    assert cart["slots"][0]["served_by"] == "personal"
    for body in (cart, edge.shelves("home", limit=50, **PERSONAL)):
        assert "p004" not in [item["id"] for slot in body["slots"] for item in slot["items"]]


def test_withdrawal_empties_the_store_and_stays(edge: Any, redis: "Redis", event: MakeEvent) -> None:
    """Session, stream entries and trail go; later events are ignored whatever they claim; a new grant opens again."""
    edge.send(event("detail-page-view", "p004"), event("add-to-cart", "p016"))
    answer = edge.client.post("/v1/consent", json={"visitor_id": "v", "consent": []})
    assert answer.json() == {"consent": []}
    left = {name.decode().split(":")[0] for name in redis.scan_iter()}
    assert left <= {"c", "d", "e", "w"}, "the decision, marks against repeats, the empty stream, the backend's task"
    assert stream(redis) == []
    assert edge.shelves("home", **PERSONAL) == edge.shelves("home")
    (result,) = edge.send(event("detail-page-view", "p004"))
    assert result["status"] == "ignored"
    edge.client.post("/v1/consent", json={"visitor_id": "v", "consent": ["personalization"]})
    (result,) = edge.send(event("detail-page-view", "p004"))
    assert result["status"] == "accepted"
    assert stream(redis)[0]["consent"] == ["personalization"], "the stored decision also limits what the event claims"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"consent": []}, "visitor_id"),
        ({"visitor_id": "v"}, "consent"),
        ({"visitor_id": "v", "consent": ["all"]}, "consent"),
        ({"visitor_id": "v", "consent": [], "why": 1}, "why"),
    ],
)
def test_a_decision_that_cannot_be_understood_is_a_problem(edge: Any, body: dict[str, Any], parameter: str) -> None:
    """Whose, what: both are needed, nothing is guessed."""
    answer = edge.client.post("/v1/consent", json=body)
    assert answer.status_code == 400
    assert parameter in answer.json()["parameter"]


def test_an_unread_stream_is_never_trimmed_it_refuses(
    serve: Callable[..., Any], redis: "Redis", event: MakeEvent
) -> None:
    """At the limit: 503 with Retry-After, nothing dropped, nothing half taken; room again, accepted again."""
    edge = serve(stream_max_entries=3)
    edge.send(event("search"), event("search"))
    refused = event("search")
    answer = edge.client.post("/v1/events", json={"events": [refused, event("search")]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "full" in answer.json()["detail"]
    assert len(stream(redis)) == 2
    assert edge.send(refused)[0]["status"] == "accepted", "a refused event left no mark"


def test_what_cannot_be_stored_is_not_accepted(edge: Any, redis: "Redis", event: MakeEvent) -> None:
    """Out of memory: 503, also for a decision on consent, and recommendations go on."""
    redis.config_set("maxmemory", "1")
    try:
        for path, body in (("/v1/events", event("search")), ("/v1/consent", {"visitor_id": "v", "consent": []})):
            answer = edge.client.post(path, json=body)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
        assert edge.shelves("home", **PERSONAL)["degraded"] == []
    finally:
        redis.config_set("maxmemory", "0")
    edge.edge.store.breaker.succeeded()
    assert edge.send(event("search"))[0]["status"] == "accepted"


def test_no_key_of_a_shopper_lives_for_ever(edge: Any, redis: "Redis", event: MakeEvent) -> None:
    """Everything but the shop's own streams has a TTL."""
    edge.send(
        event("detail-page-view", "p004", customer_id="c"),
        event("purchase-complete", "p004", order_id=uuid.uuid4().hex),
    )
    edge.client.post("/v1/consent", json={"visitor_id": "w", "consent": ["analytics"]})
    lasting = {name for name in redis.scan_iter() if redis.ttl(name) == -1}
    assert lasting == {keys.events_key("demo").encode(), keys.tasks_key("demo").encode()}


async def test_a_withdrawal_while_an_event_is_taken_also_removes_that_event(session_store: str, redis: "Redis") -> None:
    """It comes between the event's place in the stream and the session: neither is left."""
    client = connect(session_store, timeout_s=5, connections=2)
    store = ShopperStore(client)
    collector = Collector(store, Identifier("demo", PseudonymKey.from_hex("00" * 32)), 1000)
    append = collector.stream.append

    async def append_then_lose_consent(*arguments: Any) -> Any:
        entries = await append(*arguments)
        collector.stream.append = append  # type: ignore[method-assign]  # because the race comes once
        await collector.consent(b'{"visitor_id": "v", "consent": []}', Door("demo"))
        return entries

    collector.stream.append = append_then_lose_consent  # type: ignore[method-assign, assignment]  # because the race must happen right here
    sent = {"id": "e1", "type": "search", "time": datetime.now(UTC).isoformat(), "visitor_id": "v"}
    sent["consent"] = ["personalization"]  # type: ignore[assignment]  # because the literal above holds only strings
    (result,) = await collector.events(json.dumps(sent).encode(), Door("demo"))
    await client.aclose()
    assert result.status == "ignored"
    assert stream(redis) == []
    assert list(redis.scan_iter("s:*")) == []
