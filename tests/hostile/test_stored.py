"""What lies in the store and on disk, damaged: refused with the error that its reader declares, never half read."""

import hashlib
import json
import shutil
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from backend.consume.entries import read_entry
from edge.core import keys
from edge.core.access import KeysError, make_key, matching, read_keys
from edge.core.bundle import MANIFEST, read_arrays, read_live, read_manifest, verify_files
from edge.core.codec import decode_columns, decode_profile, decode_session, encode_profile, encode_session
from edge.core.consent import Decision, decode_decision, encode_decision
from edge.core.errors import BundleError, CodecError, EndcapError
from edge.core.events import Event, Line
from edge.core.facts import Facts, decode_facts, encode_facts
from edge.core.ids import Ids
from edge.core.index import Index
from edge.core.packing import pack
from edge.core.products import Change, Product, decode_change, encode_change
from edge.core.profile import Profile, apply
from edge.core.session import Session
from edge.core.switches import read_switches
from edge.core.tasks import Fetch, decode_task, encode_task
from tests.hostile.effort import tries
from tests.hostile.inputs import bodies, damages
from tests.serving import Running

NOW = 1_795_000_000.0
DEEP = b"\x91" * 60_000 + b"\xc0"  # msgpack: a list in a list in a list
LINES = (Line("p001"), Line("sku-2"), Line("3", quantity=4))


def profile() -> Profile:
    """A shopper with purchases and views, by number and by text."""
    made = Profile("demo", "k.x")
    for type_ in ("purchase-complete", "detail-page-view"):
        apply(made, Event(type_, type_, datetime.fromtimestamp(NOW - 90_000, UTC), products=LINES), NOW)
    return made


SESSION = Session("demo", "k.x", viewed=["p001", "4"], cart={"5": 2}, customer="k.y")
_NESTED = b"\xdc\x00\x0b" + msgspec.msgpack.encode(["d", "x", 1, 1, [], [], [], [], "", ""])[1:] + DEEP
STORED: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "profile": (encode_profile(profile()), decode_profile),
    "columns": (encode_profile(profile()), decode_columns),
    "session": (encode_session(SESSION), decode_session),
    "decision": (encode_decision(Decision("demo", "k.x", ("analytics",), NOW, "web")), decode_decision),
    "change": (encode_change(Change("p1", NOW, 2.5, product=Product("p1", "P", 2.5))), decode_change),
    "task": (encode_task(Fetch("f", NOW, "shopify", "order", "1")), decode_task),
    "facts": (
        encode_facts(Facts("demo", "k.x", int(NOW), 20_000, "", "USD", (), ())),
        lambda data: decode_facts(data, "demo", "k.x"),
    ),
    "event": (
        msgspec.json.encode(Event("e", "return", datetime.fromtimestamp(NOW, UTC), visitor_id="k.v", order_id="o")),
        lambda data: read_entry(b"1-1", data),
    ),
}


@tries(400)
@given(st.sampled_from(sorted(STORED)), st.data())
def test_a_damaged_record_is_refused(name: str, data: st.DataObject) -> None:
    """A byte more, less or other: the record, another one that holds together, or CodecError."""
    whole, read = STORED[name]
    try:
        found = read(data.draw(damages(whole)))
    except CodecError:
        return
    assert found is not None


@tries(300)
@given(st.sampled_from(["profile", "columns", "session"]), st.integers(0, 19), st.data())
def test_a_record_that_says_what_cannot_be_is_refused(name: str, at: int, data: st.DataObject) -> None:
    """Whoever can write to the store can also pack well: any value in any place, of any size."""
    whole, read = STORED[name]
    fields = msgspec.msgpack.decode(zlib.decompress(whole[1:]))
    fields[at % len(fields)] = data.draw(HOSTILE)
    try:
        found = read(pack(whole[0], fields))
        if name == "profile":  # what is read is used and written again
            apply(found, Event("n", "detail-page-view", datetime.fromtimestamp(NOW, UTC), products=LINES), NOW)
            decode_profile(encode_profile(found))
    except CodecError:
        return


HOSTILE = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, 1, -1, 255, 2**31 - 1, 2**31, 2**62, -(2**31) - 1]),
    st.binary(max_size=40),
    st.lists(st.integers(-(2**63), 2**63), max_size=30),
    st.lists(st.text(max_size=3) | st.integers(0, 9), max_size=6),
    st.floats(),
    st.text(max_size=5),
    st.none(),
)


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (decode_decision, b"\x01\x96" + msgspec.msgpack.encode(["demo", "x", [], 1.0, "web"])[1:] + DEEP),
        (decode_change, b"\x83\xa2id\xa1x\xa4time\x01\xa1q" + DEEP),
        (decode_session, b"\x01" + zlib.compress(_NESTED)),
        (decode_task, b'{"type":"Fetch","q":' + b"[" * 60_000),
    ],
)
def test_what_is_nested_without_end_is_refused(read: Callable[[bytes], Any], data: bytes) -> None:
    """Also in fields that nobody reads, which are skipped level by level."""
    with pytest.raises(CodecError, match="recursion"):
        read(data)


@pytest.mark.store
def test_a_damaged_mark_of_a_decision_is_no_fault(edge: Running, redis: "Redis") -> None:
    """What is said now counts, as if the decision had come for the first time."""
    body = {"consent": ["analytics"], "id": "d1", "visitor_id": "v"}
    assert edge.client.post("/v1/consent", json=body).status_code == 200
    (mark,) = redis.keys(keys.decided_key("demo", "*"))
    for damage in (b"", b"\xc1", DEEP, b"\x93\x01\x02\x03"):
        redis.set(mark, damage)
        answer = edge.client.post("/v1/consent", json=body)
        assert (answer.status_code, answer.json()) == (200, {"consent": ["analytics"]})


@pytest.mark.store
@tries(60)
@given(st.data())
def test_a_damaged_store_costs_no_answer(edge: Running, redis: "Redis", data: st.DataObject) -> None:
    """Whatever lies under a shopper's names: shelves, and the shopper's next event is taken."""
    caller = edge.edge.identifier.caller("v", "c", ["personalization", "analytics"])
    assert caller.visitor
    assert caller.customer
    for name in (caller.visitor, caller.customer):
        redis.set(keys.profile_key("demo", name), data.draw(damages(STORED["profile"][0]) | st.binary(max_size=60)))
        redis.set(keys.session_key("demo", name), data.draw(damages(STORED["session"][0]) | st.binary(max_size=60)))
        redis.set(keys.consent_key("demo", name), data.draw(damages(STORED["decision"][0]) | st.just(DEEP)))
    asked = {"visitor_id": "v", "customer_id": "c", "consent": ["personalization", "analytics"]}
    assert edge.shelves("home", **asked | {"consent": "personalization,analytics"})["slots"]
    moment = datetime.now(UTC).isoformat()
    told = {
        "id": f"e{time.monotonic_ns()}",
        "type": "detail-page-view",
        "time": moment,
        "products": [{"product_id": "p001"}],
    }
    (result,) = edge.send(told | asked)
    assert result["status"] in ("accepted", "ignored")


# --- files ------------------------------------------------------------------------------------------------------------


@tries(60)
@given(st.data())
def test_damaged_files_of_keys_switches_and_versions_are_refused(tmp_path: Path, data: st.DataObject) -> None:
    """The JSON files that every process follows: only the error their followers expect."""
    (tmp_path / "demo").mkdir(exist_ok=True)
    if not (kept := tmp_path / "kept").exists():
        make_key(tmp_path, "demo", ["https://a.example"])
        (path := next(tmp_path.glob("*.json"))).rename(kept)
        (tmp_path / "name").write_text(path.name)
    keys_file, whole = tmp_path / (tmp_path / "name").read_text(), kept.read_bytes()
    keys_file.write_bytes(data.draw(damages(whole) | bodies(json.loads(whole))))
    _refuses_or_reads(lambda: matching(read_keys(tmp_path, "pk_"), "pk_of-somebody"), KeysError)
    live = {"live": "v1", "canary": "v2", "percent": 5, "shadow": None}
    (tmp_path / "demo" / "live.json").write_bytes(data.draw(bodies(live)))
    _refuses_or_reads(lambda: read_live(tmp_path, "demo"), BundleError)
    switches = {"off": ["home.similar"], "serve_percent": 90}
    (tmp_path / "demo" / "switches.json").write_bytes(data.draw(bodies(switches)))
    _refuses_or_reads(lambda: read_switches(tmp_path, "demo"), BundleError)


def _refuses_or_reads(read: Callable[[], Any], *errors: type[EndcapError]) -> None:
    with suppress(*errors):
        read()


@pytest.fixture
def a_bundle(bundle_root: Path, tmp_path: Path) -> Path:
    """A copy of the trained bundle, to be spoiled."""
    live = read_live(bundle_root, "demo").live
    return Path(shutil.copytree(bundle_root / "demo" / live, tmp_path / "demo" / live))


@tries(80)
@given(st.data())
def test_a_damaged_manifest_is_refused(a_bundle: Path, data: st.DataObject) -> None:
    """Cut, flipped, doubled, nested without end, of other kinds: BundleError, or files that do not fit it."""
    path = a_bundle / MANIFEST
    kept = path.with_suffix(".kept")
    if not kept.exists():
        path.rename(kept)
    whole = kept.read_bytes()
    path.write_bytes(data.draw(damages(whole) | bodies(json.loads(whole))))
    with suppress(BundleError):
        verify_files(a_bundle, read_manifest(a_bundle))


@tries(60)
@given(st.data())
def test_damaged_arrays_are_refused(a_bundle: Path, data: st.DataObject) -> None:
    """Their header, length or values, whoever made the checksum fit: BundleError, or an index that holds."""
    names = sorted(path.name for path in (a_bundle / "index").glob("*.npy"))
    path = a_bundle / "index" / data.draw(st.sampled_from(names))
    whole = path.read_bytes()
    header = data.draw(st.booleans())
    damaged = data.draw(damages(whole[:128])) + whole[128:] if header else whole[:128] + data.draw(damages(whole[128:]))
    path.write_bytes(damaged)
    try:
        with suppress(BundleError):
            assert len(Index.from_arrays(read_arrays(a_bundle)).ids) >= 0
    finally:  # for the next example
        path.write_bytes(whole)


@tries(60)
@given(st.lists(st.binary(max_size=6), max_size=6), st.lists(st.integers(-5, 9), max_size=8))
def test_arrays_of_ids_that_do_not_fit_are_refused(raw: list[bytes], order: list[int]) -> None:
    """Bytes that are no UTF-8, an order that leads outside."""
    arrays: dict[str, Any] = {"ids": np.array(raw or [b""], np.bytes_)}
    arrays["ids_order"] = np.array(order, np.int32)
    with suppress(BundleError):
        ids = Ids.from_arrays(arrays)
        assert len(ids) == len(arrays["ids"])


def test_checksums_are_what_they_were(a_bundle: Path) -> None:
    """The copy that the tests above spoil is a good one."""
    manifest = read_manifest(a_bundle)
    verify_files(a_bundle, manifest)
    assert manifest.files["ranker.onnx"] == hashlib.sha256((a_bundle / "ranker.onnx").read_bytes()).hexdigest()
