"""What stands on the shelves: the rules, the fallbacks, the switches. Against a running server."""

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from redis import Redis

from edge.core.features import FEATURE_NAMES
from edge.core.switches import Switches, write_switches
from edge.scoring import Ranker

PERSONAL = {"consent": "personalization"}


def ids(body: dict[str, Any], slot: str | None = None) -> list[str]:
    """The products shown, of one slot or of all."""
    return [item["id"] for shelf in body["slots"] if slot in (None, shelf["id"]) for item in shelf["items"]]


def by_slot(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The shelves by name."""
    return {shelf["id"]: shelf for shelf in body["slots"]}


def test_no_product_stands_twice_on_a_page(edge: Any, redis: "Redis", remember: Callable[..., Any]) -> None:
    """Across all slots, on every surface."""
    remember(edge, redis, "c", *(f"p{n:03}" for n in range(0, 60, 2)))
    for surface, query in (("home", {}), ("pdp", {"product_id": "p004"}), ("cart", {"product_ids": "p004,p016"})):
        shown = ids(edge.shelves(surface, customer_id="c", limit=20, **query, **PERSONAL))
        assert len(shown) == len(set(shown)) > 0


def test_neither_page_nor_cart_nor_excluded_products_are_shown(edge: Any) -> None:
    """What somebody looks at, has in the cart, or was told to leave out."""
    whole = edge.shelves("pdp", product_id="p004", limit=50)
    unwanted = ids(whole)[:3]
    less = ids(edge.shelves("pdp", product_id="p004", limit=50, exclude=",".join(unwanted), product_ids="p016"))
    assert not {"p004", "p016", *unwanted} & set(less)
    assert len(less) > 0
    assert "p004" not in ids(edge.shelves("cart", product_ids="p004,p016", limit=50))


def test_limit_and_slots_are_obeyed(edge: Any) -> None:
    """Only the shelves asked for, each at most so long."""
    body = edge.shelves("home", slots="trending", limit=3)
    assert list(by_slot(body)) == ["trending"]
    assert len(ids(body)) == 3


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"category": "Dairy"}, lambda p: p["category"].startswith("Dairy > ")),
        ({"category": "Cheese"}, lambda p: "Cheese" in p["category"].split(" > ")),
        ({"brand": "Alder"}, lambda p: p["brand"] == "Alder"),
        ({"price_max": 4}, lambda p: p["price"] <= 4),
        ({"price_min": 8, "in_stock": True}, lambda p: p["price"] >= 8),
    ],
)
def test_filters_hold_for_every_product_shown(
    edge: Any, condition: dict[str, Any], holds: Callable[[dict[str, Any]], bool]
) -> None:
    """By category at any level, brand and price; also what falls back obeys."""
    body = edge.shelves("home", filter=json.dumps(condition), limit=20)
    shown = ids(body)
    assert shown
    for id_ in shown:
        product = edge.edge.recommender.catalogue.get(id_)
        assert holds({"category": product.category, "brand": product.brand, "price": product.price})


def test_min_score_leaves_weak_items_out(edge: Any, redis: "Redis", remember: Callable[..., Any]) -> None:
    """Only for those that score at least so much."""
    remember(edge, redis, "c", *(f"p{n:03}" for n in range(40)))
    query = {"customer_id": "c", "slots": "buy_again", "limit": 50, **PERSONAL}
    everything = edge.shelves("home", **query)["slots"][0]["items"]
    bar = sorted(item["score"] for item in everything)[len(everything) // 2]
    fewer = edge.shelves("home", min_score=bar, **query)["slots"][0]["items"]
    assert 0 < len(fewer) < len(everything)
    assert all(item["score"] >= bar for item in fewer)


def test_a_stranger_gets_popular_products_under_their_own_name(edge: Any) -> None:
    """Nothing is called a recommendation for somebody nothing is known of."""
    home = by_slot(edge.shelves("home"))
    assert list(home) == ["for_you", "trending"]
    assert home["for_you"]["title"] == "Popular right now"
    assert home["for_you"]["served_by"] == home["trending"]["served_by"] == "popular"
    assert {item["reason"] for item in home["for_you"]["items"]} == {"popular"}


def test_fallback_none_leaves_the_shelf_out(edge: Any) -> None:
    """For pages that would rather show nothing."""
    assert list(by_slot(edge.shelves("home", fallback="none"))) == ["trending"]


def test_a_known_shopper_gets_personal_shelves(edge: Any, redis: "Redis", remember: Callable[..., Any]) -> None:
    """Out of the profile: what was bought before, and what goes with it."""
    bought = ["p004", "p016", "p028", "p040"]
    remember(edge, redis, "c", *bought)
    home = by_slot(edge.shelves("home", customer_id="c", **PERSONAL))
    assert home["buy_again"]["served_by"] == "personal"
    assert set(ids({"slots": [home["buy_again"]]})) == set(bought)
    assert {item["reason"] for item in home["buy_again"]["items"]} == {"bought_before"}
    assert next(iter(home)) == "buy_again", "a regular comes to restock"
    page = by_slot(edge.shelves("pdp", product_id="p004", customer_id="c", **PERSONAL))
    assert page["similar"]["served_by"] == "context"
    assert all(
        shelf["served_by"] == "personal"
        for name, shelf in page.items()
        if name in ("bought_together", "complete_the_look")
    )


def test_without_consent_the_profile_is_not_looked_at(edge: Any, redis: "Redis", remember: Callable[..., Any]) -> None:
    """The same shopper, but the request allows nothing: the answer everybody gets."""
    remember(edge, redis, "c", "p004", "p016")
    stranger = edge.shelves("home")
    for consent in ({}, {"consent": "analytics,marketing"}):
        assert edge.shelves("home", customer_id="c", **consent) == stranger


def test_products_of_the_visit_in_the_request_shape_the_answer(edge: Any) -> None:
    """For callers that keep no state with us: served_by session, and viewed products newest first."""
    home = by_slot(edge.shelves("home", session="p004,p016,p028"))
    assert home["for_you"]["served_by"] == "session"
    assert ids({"slots": [home["recently_viewed"]]}) == ["p028", "p016", "p004"]
    assert next(iter(home)) == "for_you"


def test_an_unknown_product_is_no_error(edge: Any) -> None:
    """Popular products, and a mark."""
    body = edge.shelves("pdp", product_id="not-ours")
    assert body["degraded"] == ["unknown_product"]
    assert by_slot(body)["similar"]["title"] == "Popular right now"
    assert edge.shelves("pdp", product_id="not-ours", fallback="none")["slots"] == []
    assert edge.shelves("cart", product_ids="not-ours,p004")["degraded"] == ["unknown_product"]


def test_an_empty_cart_falls_back(edge: Any) -> None:
    """Nothing to complement: popular products."""
    assert by_slot(edge.shelves("cart"))["cart_complements"]["served_by"] == "popular"


def test_without_time_the_ranker_is_skipped(serve: Callable[..., Any]) -> None:
    """The order the candidates were found in serves, marked and not kept."""
    edge = serve(deadline_ms=0.0001)
    answer = edge.client.get("/v1/recommendations/pdp?product_id=p004")
    assert answer.json()["degraded"] == ["deadline"]
    assert ids(answer.json())
    assert answer.headers["cache-control"] == "private, no-store"
    assert edge.client.get("/v1/recommendations/pdp?product_id=p004").headers["cache-status"] == "endcap; fwd=miss"


def broken_ranker(kind: str) -> Ranker:
    """A real ONNX session that fails, or scores nonsense."""
    columns = len(FEATURE_NAMES) + (kind == "fails")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, columns])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    weights = np.full((columns, 1), np.nan if kind == "not a number" else 1.0, np.float32)
    tensor = helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.ravel())
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(made)
    return Ranker.from_bytes(made.SerializeToString())


@pytest.mark.parametrize("kind", ["fails", "not a number"])
def test_when_the_ranker_fails_the_retrieval_order_serves(edge: Any, kind: str) -> None:
    """A model that cannot take the rows, or answers NaN: marked, and the shelves are still there."""
    live = edge.edge.recommender.live
    good = live.current
    live.current = dataclasses.replace(good, ranker=broken_ranker(kind))
    body = edge.shelves("cart", product_ids="p004,p016")
    assert body["degraded"] == ["ranker"]
    assert by_slot(body)["cart_complements"]["items"]
    live.current = good
    assert edge.shelves("cart", product_ids="p004,p016")["degraded"] == []


def test_a_surface_can_be_switched_off_without_a_deploy(edge: Any, data_dir: Path, until: Callable[..., None]) -> None:
    """Popular at once, the other surfaces as before, and on again."""
    write_switches(data_dir / "bundles", "demo", Switches(off=("pdp",)))
    until(lambda: edge.shelves("pdp", product_id="p004")["degraded"] == ["switched_off"])
    body = edge.shelves("pdp", product_id="p004")
    assert list(by_slot(body)) == ["similar"]
    assert edge.shelves("cart", product_ids="p004")["degraded"] == []
    assert edge.client.get("/readyz").json()["off"] == ["pdp"]
    write_switches(data_dir / "bundles", "demo", Switches())
    until(lambda: edge.shelves("pdp", product_id="p004")["degraded"] == [])


def test_a_share_of_shoppers_is_served(
    edge: Any, redis: "Redis", remember: Callable[..., Any], data_dir: Path, until: Callable[..., None]
) -> None:
    """Half get their shelves, half the popular list; each the same every time."""
    for number in range(20):
        remember(edge, redis, f"c{number}", "p004", "p016")
    write_switches(data_dir / "bundles", "demo", Switches(serve_percent=50))
    until(lambda: edge.client.get("/readyz").json()["serve_percent"] == 50)

    def served() -> list[bool]:
        answers = [edge.shelves("home", customer_id=f"c{number}", **PERSONAL) for number in range(20)]
        return ["buy_again" in by_slot(body) for body in answers]

    first = served()
    assert 0 < sum(first) < 20
    assert served() == first


def test_damaged_switches_change_nothing_and_are_reported(
    edge: Any, data_dir: Path, until: Callable[..., None]
) -> None:
    """The last good ones hold."""
    path = data_dir / "bundles" / "demo" / "switches.json"
    write_switches(data_dir / "bundles", "demo", Switches(off=("home",)))
    until(lambda: edge.client.get("/readyz").json()["off"] == ["home"])
    path.write_bytes(b"{")
    until(lambda: "switches" in edge.client.get("/readyz").json()["faults"])
    assert edge.client.get("/readyz").json()["off"] == ["home"]


def test_without_any_model_the_answer_is_empty_but_an_answer(serve: Callable[..., Any], tmp_path: Path) -> None:
    """200 and marked; readiness says why."""
    edge = serve(data_dir=tmp_path / "empty")
    assert edge.shelves("home") == {"surface": "home", "model_version": None, "degraded": ["model"], "slots": []}
    state = edge.client.get("/readyz")
    assert state.status_code == 503
    assert "train one first" in state.json()["model_refused"]


def test_answers_do_not_change_between_requests(edge: Any, redis: "Redis", remember: Callable[..., Any]) -> None:
    """The same question gives the same bytes, out of the cache or not."""
    remember(edge, redis, "c", *(f"p{n:03}" for n in range(0, 30, 3)))
    bodies = set()
    for _ in range(3):
        bodies.add(json.dumps(edge.shelves("home", customer_id="c", **PERSONAL)))
        edge.edge.recommender._cache._entries.clear()
        time.sleep(0.01)
    assert len(bodies) == 1
