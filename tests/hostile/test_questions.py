"""What callers say, before anybody is believed: read, or refused with an error of ours that is a 4xx."""

from contextlib import suppress
from json import dumps
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.collect import ConsentUpdate, Events
from edge.core.access import PREFIX, PUBLISHABLE, key_of, make_key, matching, read_keys
from edge.core.events import Event, Id
from edge.core.shopper_token import customer_of, make_token
from edge.doors import Doors
from edge.drop_in import read_query
from edge.errors import InputError
from edge.keyring import KeyRing
from edge.middleware import Observed, random_ids
from edge.respond import Ready, refused
from edge.shown import read_shown
from edge.wire import Batch, Query, check_id, decode_json, query_from_body, query_from_url
from edge.worker_header import is_workers
from tests.hostile.effort import tries
from tests.hostile.inputs import bodies, damages, queries, texts, values

NAMES = tuple(Query.__struct_fields__)
LINE = {"product_id": "p001", "variant_id": "v", "quantity": 2, "price": 1.5}
QUESTION: dict[str, Any] = {
    "product_id": "p001",
    "product_ids": ["p001", "p002"],
    "lines": [LINE],
    "visitor_id": "v1",
    "session": ["p003"],
    "consent": ["personalization", "analytics"],
    "slots": ["similar"],
    "limit": 4,
    "exclude": ["p004"],
    "filter": {"in_stock": True, "category": "a", "price_min": 0.5, "price_max": 9.5},
    "min_score": 0.1,
    "rev": 7,
    "key": "pk_x",
    "shopper_token": "st_x.y",
}
EVENT: dict[str, Any] = {
    "id": "e1",
    "type": "purchase-complete",
    "time": "2026-11-22T10:00:00Z",
    "visitor_id": "v1",
    "products": [LINE | {"discount": 0.5}],
    "currency": "EUR",
    "consent": ["personalization"],
    "delivery": {"method": "post", "cost": 1, "days": 2},
}


def answered(error: InputError) -> None:
    """A refusal becomes a problem, whatever it quotes."""
    assert 400 <= error.status < 500
    told = msgspec.json.decode(bytes(refused(error).body))
    assert told["status"] == error.status
    assert told["detail"]


@tries(150)
@given(queries(NAMES), st.booleans())
def test_an_address_is_read_or_refused(raw: bytes, lenient: bool) -> None:
    """Whatever is escaped however; what is read keeps the limits."""
    for surface in ("pdp", "home"):
        try:
            query = query_from_url(surface, raw, lenient=lenient)
        except InputError as error:
            answered(error)
            continue
        assert 1 <= query.limit <= 50
        assert all(len(ids) <= 200 for ids in (query.product_ids, query.session, query.exclude))
        assert all(id_ == check_id("id", id_) for id_ in (*query.session, *query.exclude))


@tries(100)
@given(queries((*NAMES, "intent", "signature")), texts)
def test_a_drop_in_address_is_read_or_refused(raw: bytes, locale: str) -> None:
    """Shopify's names and ours, under any locale."""
    for path in (None, locale):
        try:
            query, _ = read_query(b"product_id=p001&" + raw, path)
        except InputError as error:
            answered(error)
        else:
            assert 1 <= query.limit <= 10


@tries(150)
@given(bodies(QUESTION, {"product_id": "p001"}))
def test_a_question_in_a_body_is_read_or_refused(body: bytes) -> None:
    """Replaced, doubled, deep, cut off: a query, or a problem."""
    try:
        assert isinstance(query_from_body("pdp", body), Query)
    except InputError as error:
        answered(error)


@tries(150)
@given(
    bodies(
        {"requests": [QUESTION | {"surface": "pdp"}, {"surface": "home"}]},
        EVENT,
        {"events": [EVENT, EVENT], "key": "pk_x"},
        {"consent": ["analytics"], "id": "1", "visitor_id": "v", "source": "web"},
    )
)
def test_all_other_bodies_are_read_or_refused(body: bytes) -> None:
    """Batches, events and decisions, each read as all of them; what is shown in them is looked for first."""
    for type_ in (Batch, Events, ConsentUpdate, Event):
        try:
            decode_json(body, type_, parameter="body")
        except InputError as error:
            answered(error)
    scope = {"type": "http", "path": "/v1/events", "headers": [], "query_string": b"key=%ff&shopper_token=%00"}
    for said in (body, body + b'"key""shopper_token"'):
        shown = read_shown(scope, said)
        assert shown.questions >= 1


@tries(100)
@given(texts)
@example("v1\n")
@example("v1\r")
@example("\u0085")
def test_no_id_ends_a_line(text: str) -> None:
    """Ids stand in keys, logs and CSV: none holds a control character, a line end at its end least of all."""
    with suppress(InputError):
        assert not any(ord(letter) < 32 or ord(letter) == 127 for letter in check_id("id", text))
    try:
        read = msgspec.json.decode(msgspec.json.encode(text), type=Id)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return
    assert read == check_id("id", text)


@tries(100)
@given(st.lists(st.tuples(st.sampled_from([b"authorization", b"x-endcap-worker", b"origin"]), st.binary(max_size=80))))
def test_nothing_shown_at_the_door_lets_a_stranger_in(data_dir: Any, headers: list[tuple[bytes, bytes]]) -> None:
    """Any bytes as key, signature or origin: 400, 401 or 403, never a door."""
    ring = KeyRing(data_dir)
    if not read_keys(data_dir):
        make_key(data_dir, "demo")
        make_key(data_dir, "demo", ["https://shop.example"])
    ring.refresh()
    doors = Doors("demo", demo=False, keyring=ring, worker_secrets=[b"w" * 32])
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/recommendations/home",
        "raw_path": b"/v1/recommendations/home",
        "query_string": b"",
        "client": ("203.0.113.9", 1),
    }
    for prefix in (b"", b"Bearer sk_", b"Bearer pk_"):
        dressed = [(name, (prefix if name == b"authorization" else b"") + value) for name, value in headers]
        with pytest.raises(InputError) as caught:
            doors.admit({**scope, "headers": dressed})
        answered(caught.value)


@tries(100)
@given(st.binary(max_size=600) | damages(b"t=1700000000,v1=" + b"0" * 64), st.text(max_size=10), st.binary(max_size=60))
def test_no_signature_of_a_worker_is_made_up(header: bytes, method: str, target: bytes) -> None:
    """Any bytes: no."""
    with suppress(UnicodeEncodeError):  # a method on the wire is ASCII
        method.encode()
        assert not is_workers([b"w" * 32, b"x" * 32], header, method, target, 1_700_000_000.0)


TOKEN = make_token(b"s" * 32, "demo", "c1", 1_700_000_500)


@tries(150)
@given(damages(TOKEN.encode()) | st.binary(max_size=80).map(b"st_".__add__), texts)
def test_no_token_is_made_up(data: bytes, text: str) -> None:
    """A changed one opens nothing; nor does any text."""
    for token in (data.decode("latin-1"), data.decode(errors="surrogateescape"), text):
        if token != TOKEN:
            assert customer_of(token, [b"s" * 32], "demo", 1_700_000_000.0) is None


@tries(100)
@given(st.text(max_size=60), st.sampled_from(["", "Bearer ", "bearer\t", f"Bearer {PREFIX}", f"Bearer {PUBLISHABLE}"]))
def test_no_text_is_a_key(data_dir: Any, text: str, prefix: str) -> None:
    """In force or not, letters of any kind."""
    if not read_keys(data_dir):
        make_key(data_dir, "demo")
    keys = read_keys(data_dir)
    assert key_of(keys, prefix + text) is None
    assert matching(keys, text) is None


@tries(100)
@given(st.binary(max_size=100))
def test_only_sane_request_ids_are_said_back(value: bytes) -> None:
    """Letters, digits and hyphens; else one of ours, so that no header can be split and no log line forged."""
    observed = Observed("/v1/recommendations/home", [(b"x-request-id", value)], random_ids(), ())
    headers = dict(observed.headers(200, [], leaving=False))
    told = headers[b"x-request-id"]
    assert told == value or len(told) == 16
    assert told.replace(b"-", b"").isalnum()
    assert len(told) <= 64


@tries(100)
@given(st.binary(max_size=100) | damages(b'"abc", W/"def", *'))
def test_any_if_none_match_is_answered(value: bytes) -> None:
    """With the page, or with nothing where the caller has it."""
    page: Any = SimpleNamespace(body=b"{}")
    served: Any = SimpleNamespace(answer=page, sharing="public", version="1.a")
    cached: Any = SimpleNamespace(hit=False)
    reply = Ready(served).reply(cached, value)
    assert reply.status in (200, 304)
    assert (reply.body == b"") is (reply.status == 304)


@tries(100)
@given(values)
def test_a_filter_is_read_or_refused(value: object) -> None:
    """Any JSON in the address."""
    try:
        query_from_url("home", b"filter=" + quote(dumps(value)).encode())
    except InputError as error:
        answered(error)
