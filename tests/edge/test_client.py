"""The Python client against a running edge: typed answers, events counted once, decisions, facts."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args, get_type_hints
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

import edge.client as client_module
from edge import facts as facts_module
from edge import wire
from edge.client import Answer, Endcap, EventResult, Query, RefusedError
from edge.client.calls import in_url
from edge.core import events, keys, switches
from edge.core.access import make_key
from edge.core.errors import EndcapError
from tests.edge.both_clients import BOTH
from tests.edge.test_facts import stored
from tests.serving import Running, event, remember

pytestmark = pytest.mark.store

SOON = {"timeout_s": 20.0}  # these tests are not about speed


@pytest.fixture(params=BOTH, ids=["blocking", "asyncio"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Each client in turn."""
    return request.param


@pytest.fixture
def product(edge: Running) -> str:
    """A product that has shelves."""
    slots = edge.shelves("home")["slots"]
    return str(slots[0]["items"][0]["id"])


def test_a_page_comes_with_typed_shelves(kind: Any, edge: Running, product: str) -> None:
    """The same as the JSON says, as structs."""
    with kind(edge.url, **SOON) as endcap:
        answer = endcap.shelves("pdp", product_id=product, limit=3)
    said = edge.shelves("pdp", product_id=product, limit=3)
    assert isinstance(answer, Answer)
    assert (answer.surface, answer.model_version, answer.degraded) == ("pdp", said["model_version"], ())
    assert [slot.id for slot in answer.slots] == [slot["id"] for slot in said["slots"]]
    first, plain = answer.slots[0].items[0], said["slots"][0]["items"][0]
    assert (first.id, first.score, first.reason) == (plain["id"], plain["score"], plain["reason"])
    assert first.product.price.amount == plain["product"]["price"]["amount"]
    assert first.product.title == plain["product"]["title"]
    assert answer.slot(answer.slots[0].id) is answer.slots[0]
    assert answer.slot("no such shelf") is None


def test_a_known_customer_gets_personal_shelves(kind: Any, edge: Running, redis: "Redis", product: str) -> None:
    """With consent; without it the same customer gets what everybody gets."""
    remember(edge, redis, "ada", product)
    with kind(edge.url, **SOON) as endcap:
        known = endcap.shelves("home", customer_id="ada", consent=["personalization"])
        nobody = endcap.shelves("home", customer_id="ada")
    assert "personal" in {slot.served_by for slot in known.slots}
    assert "personal" not in {slot.served_by for slot in nobody.slots}


def test_carts_filters_and_exclusions_are_understood(kind: Any, edge: Running, product: str) -> None:
    """As cart lines, which need a body, and as ids, which do not."""
    with kind(edge.url, **SOON) as endcap:
        lines = endcap.shelves("cart", lines=[{"product_id": product, "quantity": 2}])
        ids = endcap.shelves("cart", product_ids=[product])
        shown = [item.id for slot in ids.slots for item in slot.items]
        less = endcap.shelves("cart", product_ids=[product], exclude=shown[:1], filter={"price_max": 1e6})
    assert lines == ids
    assert shown
    assert shown[0] not in {item.id for slot in less.slots for item in slot.items}


def test_several_pages_are_one_request(kind: Any, edge: Running, product: str) -> None:
    """In the order asked; one that the edge refuses falls back alone."""
    heard: list[tuple[str, Exception]] = []

    def fallback(surface: str, error: Exception) -> Answer:
        heard.append((surface, error))
        return Answer(surface, degraded=("mine",))

    pages: list[dict[str, Any]] = [
        {"surface": "pdp", "product_id": product},
        {"surface": "pdp"},
        {"surface": "home", "limit": 2},
    ]
    with kind(edge.url, **SOON, fallback=fallback) as endcap:
        first, second, third = endcap.pages(pages)
        assert endcap.pages([]) == []
    assert first.slots
    assert third.surface == "home"
    assert second.degraded == ("mine",)
    assert heard[0][0] == "pdp"
    assert "product_id" in str(heard[0][1])


def test_events_are_counted_once(kind: Any, edge: Running, redis: "Redis", product: str) -> None:
    """Ids and times are filled in; the same id again is a duplicate; without consent nothing is kept."""
    mine = event("detail-page-view", product)
    fresh = {name: mine[name] for name in ("type", "visitor_id", "products", "consent")}
    with kind(edge.url) as endcap:
        assert [one.status for one in endcap.track([fresh, mine])] == ["accepted", "accepted"]
        assert endcap.track([mine]) == [EventResult(mine["id"], "duplicate")]
        assert endcap.track([{**mine, "id": "other", "consent": []}])[0].status == "ignored"
    assert redis.xlen(keys.events_key("demo")) == 2


def test_an_event_that_cannot_be_taken_is_a_result(kind: Any, edge: Running, product: str) -> None:
    """With its id and the reason, alone as well as among others."""
    bad, good = event("add-to-cart", product, currency="dollars"), event("add-to-cart", product)
    with kind(edge.url) as endcap:
        (alone,) = endcap.track([bad])
        among, other = endcap.track([bad, good])
        assert endcap.track([]) == []
    assert (alone.id, alone.status) == (among.id, among.status) == (bad["id"], "rejected")
    assert "currency" in (alone.detail or "")
    assert other.status == "accepted"


def test_more_events_than_a_request_may_hold_go_in_parts(
    kind: Any, edge: Running, redis: "Redis", product: str
) -> None:
    """230 events: three requests, a result for each in order."""
    many = [event("detail-page-view", product) for _ in range(230)]
    with kind(edge.url) as endcap:
        results = endcap.track(many)
    assert [one.id for one in results] == [one["id"] for one in many]
    assert redis.xlen(keys.events_key("demo")) == 230


def test_a_withdrawal_deletes(kind: Any, edge: Running, redis: "Redis", product: str) -> None:
    """What is granted comes back, and what was kept is gone."""
    visitor = uuid.uuid4().hex
    with kind(edge.url) as endcap:
        assert endcap.consent(["personalization"], visitor_id=visitor) == {"personalization"}
        endcap.track([event("detail-page-view", product, visitor_id=visitor)])
        name = edge.edge.identifier.caller(visitor, None, ()).visitor
        assert redis.keys(f"*{name}*")
        assert endcap.consent([], visitor_id=visitor) == frozenset()
        assert endcap.track([event("detail-page-view", product, visitor_id=visitor)])[0].status == "ignored"
        with pytest.raises(RefusedError, match="visitor_id") as refused:
            endcap.consent([])
    assert (refused.value.status, refused.value.parameter) == (400, "visitor_id")
    assert redis.keys(f"*{name}*") == [keys.consent_key("demo", str(name)).encode()]  # the decision itself


def test_facts_need_the_key(kind: Any, data_dir: Path, edge: Running, redis: "Redis") -> None:
    """With it they come typed, and None for a customer of whom nothing is known; without it the edge refuses."""
    key = make_key(data_dir, "demo")
    edge.edge.keyring.refresh()
    stored(edge, redis, "ada & co")
    with kind(edge.url, key) as endcap, kind(edge.url) as stranger:
        facts = endcap.facts("ada & co")
        assert endcap.facts("somebody else") is None
        with pytest.raises(RefusedError, match="401"):
            stranger.facts("ada & co")
    assert facts.customer_id == "ada & co"
    assert facts.facts["customer_ltv_12m"].value == 1200.0
    assert facts.facts["customer_ltv_12m"].unit == "EUR"


def test_a_question_that_makes_no_sense_falls_back(kind: Any, edge: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A page must not fail for a typing error either; the log says what to mend."""
    with kind(edge.url, **SOON) as endcap:
        assert endcap.shelves("checkout").degraded == ("client",)
    assert "status 400" in caplog.text
    assert "surface" in caplog.text


def test_many_threads_share_one_client(edge: Running, product: str) -> None:
    """One loop, one pool of connections."""
    with Endcap(edge.url, timeout_s=20) as endcap, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: endcap.shelves("pdp", product_id=product), range(40)))
    assert all(answer.slots for answer in answers)


@pytest.mark.parametrize("name", ["product_ids", "exclude", "slots", "session", "consent"])
def test_a_text_is_no_list(kind: Any, edge: Running, name: str) -> None:
    """Python would send its letters."""
    with kind(edge.url) as endcap, pytest.raises(EndcapError, match=rf"{name}: 'abc' is no list"):
        endcap.shelves("home", **{name: "abc"})


def test_too_many_pages_are_the_callers_mistake(kind: Any, edge: Running) -> None:
    """Said at once, not by a fallback in each place."""
    with kind(edge.url) as endcap, pytest.raises(EndcapError, match="21 pages"):
        endcap.pages([{"surface": "home"}] * 21)


_ids = st.lists(st.text("abc,&ü %+", min_size=1, max_size=5), max_size=3)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the first characters cost seconds
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "product_id": st.text("abc,&=ü", min_size=1, max_size=5),
            "product_ids": _ids,
            "session": _ids,
            "exclude": _ids,
            "consent": st.lists(st.sampled_from(events.PURPOSES), unique=True),
            "limit": st.integers(1, 50),
            "min_score": st.floats(0, 1),
            "filter": st.fixed_dictionaries({}, optional={"brand": st.text(max_size=3), "price_max": st.just(2.5)}),
            "rev": st.text("ab1", min_size=1, max_size=3),
        },
    )
)
def test_a_get_says_what_the_post_would_have_said(query: Any) -> None:
    """Whichever way the client chooses, the edge reads the same question."""
    params = in_url(query)
    if params is None:
        assert any("," in id_ for name in ("product_ids", "session", "exclude") for id_ in query.get(name, ()))
        return
    asked = wire.query_from_url("home", urlencode(params).encode())
    body = msgspec.json.encode(query)
    assert asked == wire.query_from_body("home", body)


def test_persons_and_cart_lines_stay_out_of_urls() -> None:
    """URLs end up in logs; what is too long for them would be refused on the way."""
    assert in_url({"visitor_id": "v"}) is None
    assert in_url({"customer_id": "c"}) is None
    assert in_url({"lines": []}) is None
    assert in_url({"exclude": ["x" * 100] * 30}) is None
    assert in_url({"exclude": ["x", "y"], "limit": 3}) == {"exclude": "x,y", "limit": "3"}


def test_the_clients_names_are_the_edges() -> None:
    """The shapes are written out a second time, without the server's libraries; here they are held together."""
    named = {"Query": wire.Query, "Filter": wire.Filter, "CartLine": wire.CartLine, "Line": events.Line}
    named |= {"Event": events.Event, "Delivery": events.Delivery}
    server_only = {"Query": {"surface", "key", "shopper_token"}, "Filter": {"in_stock"}, "Event": {"former"}}
    for name, struct in named.items():
        wanted = set(struct.__struct_fields__) - server_only.get(name, set())
        assert set(get_type_hints(getattr(client_module, name))) == wanted, name
    for struct, mine in [
        (wire.Answer, client_module.Answer),
        (wire.Slot, client_module.Slot),
        (wire.Item, client_module.Item),
        (facts_module.Fact, client_module.Fact),
        (facts_module.FactsAnswer, client_module.Facts),
    ]:
        assert set(struct.__struct_fields__) == set(mine.__struct_fields__), mine
    assert get_args(client_module.Surface) == switches.SURFACES
    assert get_type_hints(Query)["limit"] is int
