"""Models on trial at a running edge: who gets the canary, what is counted of it, and what the shadow is asked."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis

from edge.core.bundle import Live, read_arrays, read_live, write_live
from edge.core.keys import counts_key
from edge.core.switches import bucket
from edge.page import Page
from edge.scoring import LiveModel
from edge.trials import overlaps
from edge.wire import Answer, Item, Slot
from tests.bundles import another
from tests.serving import Running, Serve, until

pytestmark = pytest.mark.store
SHOPPERS = [f"visitor-{n}" for n in range(120)]


@pytest.fixture
def bundles(data_dir: Path) -> Path:
    """The bundles of the test's own data directory."""
    return data_dir / "bundles"


def versions(edge: Running, **query: Any) -> dict[str, str]:
    """Which model answers each shopper."""
    return {one: edge.shelves("home", visitor_id=one, **query)["model_version"] for one in SHOPPERS}


def counted(redis: "Redis") -> dict[str, int]:
    """The shop's counts of today."""
    found: Any = redis.hgetall(counts_key("demo", int(time.time() // 86_400)))
    return {name.decode(): int(value) for name, value in found.items()}


def try_out(edge: Running, bundles: Path, **fields: Any) -> str:
    """Name a canary or a shadow and wait for the edge to have it."""
    live = read_live(bundles, "demo").live
    write_live(bundles, "demo", Live(live, **fields))
    models = edge.edge.recommender.live
    until(lambda: models.percent == fields.get("percent", 0))

    def ready(role: str) -> bool:
        place = models.places[role]
        return place.version == fields.get(role) and bool(place.version is None or place.model or place.refused)

    until(lambda: ready("canary") and ready("shadow"))
    return live


def test_a_share_of_shoppers_gets_the_canary_and_keeps_it(edge: Running, bundles: Path) -> None:
    """The same shopper the same model, also with consent; growing moves nobody out; nameless callers get live."""
    second = another(bundles)
    live = try_out(edge, bundles, canary=second, percent=30)
    at_30 = versions(edge)
    assert set(at_30.values()) == {live, second}
    share = sum(version == second for version in at_30.values()) / len(SHOPPERS)
    assert 0.15 < share < 0.45
    assert versions(edge) == at_30
    assert versions(edge, consent="personalization") == at_30
    try_out(edge, bundles, canary=second, percent=60)
    at_60 = versions(edge)
    assert {one for one, version in at_30.items() if version == second} < {
        one for one, version in at_60.items() if version == second
    }
    try_out(edge, bundles, canary=second, percent=100)
    assert set(versions(edge).values()) == {second}
    assert edge.shelves("home")["model_version"] == live
    slots = edge.shelves("home", visitor_id=SHOPPERS[0])["slots"]
    assert slots
    assert all(slot["attribution_token"].split(".", 1)[1].startswith(f"{second}.") for slot in slots)


def test_who_gets_the_canary_has_nothing_to_do_with_who_is_served() -> None:
    """Two hashes of the same shopper: half of the first half, not all of it or none."""
    first_half = [one for one in map(str, range(4_000)) if bucket(one) < 50]
    both = sum(bucket(one, "canary\0") < 50 for one in first_half) / len(first_half)
    assert both == pytest.approx(0.5, abs=0.05)


def test_answers_are_counted_by_version_while_a_canary_serves(edge: Running, bundles: Path, redis: "Redis") -> None:
    """Outcome and time of both models, written to the day's counts off the request path; before it nothing is."""
    versions(edge)
    second = another(bundles)
    live = try_out(edge, bundles, canary=second, percent=50)
    answered = list(versions(edge, consent="personalization").values())
    wanted = {version: answered.count(version) for version in (live, second)}
    until(lambda: {v: counted(redis).get(f"served:{v}:ok", 0) for v in wanted} == wanted)
    timed = {v: sum(n for name, n in counted(redis).items() if name.startswith(f"served:{v}:ms:")) for v in wanted}
    assert all(0 < timed[version] <= wanted[version] for version in wanted)
    assert redis.ttl(counts_key("demo", int(time.time() // 86_400))) > 0
    assert edge.metric("endcap_trial_answers_total", role="canary", outcome="ok") > 0


def test_a_canary_that_breaks_down_costs_nobody_an_answer(
    edge: Running, bundles: Path, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live model answers instead, and the failure is counted; a live model that fails is a fault as ever."""
    second = another(bundles)
    live = try_out(edge, bundles, canary=second, percent=100)
    canary = edge.edge.recommender.live.canary
    assert canary is not None
    monkeypatch.setitem(vars(canary.index), "ids", [])
    assert edge.shelves("pdp", product_id="p004", visitor_id="v")["model_version"] == live
    until(lambda: counted(redis).get(f"served:{second}:failed") == 1)
    current = edge.edge.recommender.live.current
    assert current is not None
    monkeypatch.setitem(vars(current.index), "ids", [])
    assert edge.client.get("/v1/recommendations/pdp", params={"product_id": "p009"}).status_code == 500


def test_a_canary_that_fails_verification_is_not_served(edge: Running, bundles: Path, redis: "Redis") -> None:
    """Readiness, metric and the counts say why; all shoppers get the live model."""
    second = another(bundles)
    (bundles / "demo" / second / "ranker.onnx").write_bytes(b"not a model")
    refused = edge.metric("endcap_bundles_refused_total", shop="demo", role="canary")
    live = try_out(edge, bundles, canary=second, percent=100)
    until(lambda: edge.client.get("/readyz").json()["canary_refused"])
    state = edge.client.get("/readyz").json()
    assert "damaged" in state["canary_refused"]
    assert (state["status"], state["canary"], state["model_refused"]) == ("ready", None, None)
    assert set(versions(edge).values()) == {live}
    assert edge.metric("endcap_bundles_refused_total", shop="demo", role="canary") == refused + 1
    until(lambda: counted(redis).get(f"served:{second}:refused") == 1)


def test_a_promoted_canary_is_not_loaded_again(bundles: Path) -> None:
    """The very model that was on trial serves; taken out, its place is empty."""
    second, live = another(bundles), LiveModel(bundles, "demo")
    write_live(bundles, "demo", Live(read_live(bundles, "demo").live, canary=second, percent=5))
    assert live.refresh()
    canary = live.canary
    assert canary is not None
    assert not live.refresh()
    write_live(bundles, "demo", Live(second))
    assert live.refresh()
    assert live.current is canary
    assert live.canary is None


def test_a_damaged_live_json_changes_nothing(bundles: Path) -> None:
    """Live and canary serve on; the reason goes with the damage."""
    second, live = another(bundles), LiveModel(bundles, "demo")
    write_live(bundles, "demo", Live(read_live(bundles, "demo").live, canary=second, percent=5))
    live.refresh()
    good = (bundles / "demo" / "live.json").read_bytes()
    (bundles / "demo" / "live.json").write_text('{"live": "x", "percent": 500}')
    before = live.current, live.canary
    assert not live.refresh()
    assert "damaged" in str(live.refused)
    assert (live.current, live.canary) == before
    (bundles / "demo" / "live.json").write_bytes(good)
    assert not live.refresh()
    assert live.refused is None


def test_the_shadow_is_asked_after_the_answer(serve: Serve, bundles: Path, redis: "Redis") -> None:
    """It serves nobody; the overlap of each shelf, and the time of both, go into metrics and counts."""
    edge = serve(shadow_percent=100)
    same = another(bundles)
    live = try_out(edge, bundles, shadow=same)
    for id_ in ("p004", "p009"):
        assert edge.shelves("pdp", product_id=id_, visitor_id="v")["model_version"] == live
    batch = {"requests": [{"surface": "home"}, {"surface": "nowhere"}]}
    assert edge.client.post("/v1/recommendations", json=batch).status_code == 200
    until(lambda: counted(redis).get(f"shadow:{same}:compared") == 3)
    counts = counted(redis)
    assert counts[f"shadow:{same}:us"] > 0
    assert counts[f"shadow:{same}:live_us"] > 0
    shelves = {name.split(":")[3]: n for name, n in counts.items() if name.startswith(f"shadow:{same}:shelves:")}
    assert shelves["similar"] == 2
    assert all(counts[f"shadow:{same}:overlap:{slot}"] == 1_000 * n for slot, n in shelves.items())


def test_another_order_of_products_shows_in_the_overlap(serve: Serve, bundles: Path, redis: "Redis") -> None:
    """A shadow whose popular products are the live model's least popular ones."""
    edge = serve(shadow_percent=100)
    popular = read_arrays(bundles / "demo" / read_live(bundles, "demo").live)["popular"]
    shadow = another(bundles, popular=popular[::-1].copy())
    try_out(edge, bundles, shadow=shadow)
    edge.shelves("home", slots="for_you", limit=8)
    until(lambda: counted(redis).get(f"shadow:{shadow}:shelves:for_you") == 1)
    assert counted(redis)[f"shadow:{shadow}:overlap:for_you"] < 500


def test_a_shadow_that_breaks_down_is_a_result(
    serve: Serve, bundles: Path, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, and the next question is asked all the same."""
    edge = serve(shadow_percent=100)
    second = another(bundles)
    try_out(edge, bundles, shadow=second)
    shadow = edge.edge.recommender.live.shadow
    assert shadow is not None
    with monkeypatch.context() as broken:
        broken.setitem(vars(shadow.index), "ids", [])
        edge.shelves("pdp", product_id="p004")
        until(lambda: counted(redis).get(f"shadow:{second}:failed") == 1)
    edge.shelves("pdp", product_id="p004")
    until(lambda: counted(redis).get(f"shadow:{second}:compared") == 1)


def test_a_shadow_is_not_asked_at_zero_percent_or_while_requests_wait(
    serve: Serve, bundles: Path, until: Callable[..., None]
) -> None:
    """What does not fit into the short queue is dropped and counted."""
    edge = serve(shadow_percent=0)
    try_out(edge, bundles, shadow=another(bundles))
    for _ in range(40):
        edge.shelves("home")
    edge.edge.trials.offer([])
    busy = serve(shadow_percent=100)
    until(lambda: busy.edge.recommender.live.shadow is not None)
    dropped = busy.metric("endcap_shadow_total", outcome="dropped")
    busy.edge.in_flight = 1  # somebody who does not come to an end
    for _ in range(40):
        busy.shelves("home")
    assert busy.metric("endcap_shadow_total", outcome="dropped") >= dropped + 5
    busy.edge.in_flight = 0


def test_overlap_is_of_the_longer_shelf() -> None:
    """Nothing in common is 0, a shelf that only one has is 0, half of it is a half."""

    def answer(**shelves: str) -> Page:
        slots = [
            Slot(name, name, "context", "t", [Item(id_, 1.0, "r", msgspec.Raw(b"{}")) for id_ in ids])
            for name, ids in shelves.items()
        ]
        body = msgspec.json.encode(Answer("home", "m", [], slots))
        return Page(body, "m", (), tuple((slot.id, slot.served_by) for slot in slots))

    assert overlaps(answer(a="xy", b="x", c="x"), answer(a="yzuv", c="q", d="x")) == {"a": 0.25, "b": 0, "c": 0, "d": 0}


def test_a_store_that_is_away_keeps_the_counts_waiting(serve: Serve, bundles: Path, redis: "Redis") -> None:
    """They are written when it is back, each once."""
    edge = serve()
    second = another(bundles)
    try_out(edge, bundles, canary=second, percent=100)
    key = counts_key("demo", int(time.time() // 86_400))
    redis.set(key, "in the way")  # HINCRBY fails on it
    edge.shelves("home", visitor_id="v")
    time.sleep(1.5)
    redis.delete(key)
    until(lambda: counted(redis).get(f"served:{second}:ok") == 1)
