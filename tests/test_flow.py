"""The whole of it, end to end: view, be known, withdraw; the store dies and comes back."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.embedded import EmbeddedStore

PERSONAL = {"visitor_id": "v", "consent": "personalization"}


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store of the test's own, to be killed."""
    with EmbeddedStore(tmp_path / "own-store") as store:
        yield store


def test_three_views_move_the_home_page(edge: Any, event: Callable[..., Any]) -> None:
    """With consent: viewed products appear, the order of the shelves and their contents change."""
    before = edge.shelves("home", **PERSONAL)
    edge.send(*(event("detail-page-view", product) for product in ("p004", "p016", "p028")))
    after = edge.shelves("home", **PERSONAL)
    assert after != before
    shelves = {slot["id"]: slot for slot in after["slots"]}
    assert [item["id"] for item in shelves["recently_viewed"]["items"]] == ["p028", "p016", "p004"]
    assert shelves["for_you"]["served_by"] == "personal"
    assert after["degraded"] == []


def test_a_dead_store_degrades_and_a_living_one_is_personal_again(
    serve: Callable[..., Any],
    own_store: EmbeddedStore,
    tmp_path: Path,
    event: Callable[..., Any],
    until: Callable[..., None],
) -> None:
    """Away: recommendations are marked, events refused. Back: personal again, and the refused event is taken."""
    edge = serve(redis_url=own_store.url, redis_timeout_ms=200, redis_write_timeout_ms=200)
    edge.send(event("detail-page-view", "p004"))
    edge.client.get("/readyz")
    with outage(tmp_path / "own-store"):
        until(lambda: edge.shelves("home", **PERSONAL)["degraded"] == ["profile"])
        body = edge.shelves("home", **PERSONAL)
        assert body["slots"]
        assert all(slot["served_by"] == "popular" for slot in body["slots"])
        refused = event("detail-page-view", "p016")
        answer = edge.client.post("/v1/events", json=refused)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert edge.client.get("/readyz").json()["store"] == "away"
        assert edge.client.get("/readyz").status_code == 200
        contextual = edge.shelves("pdp", product_id="p004")
        assert contextual["degraded"] == []
    until(lambda: edge.shelves("home", **PERSONAL)["degraded"] == [])
    until(lambda: edge.client.post("/v1/events", json=refused).status_code == 200)
    slots = {slot["id"]: slot for slot in edge.shelves("home", **PERSONAL)["slots"]}
    assert slots["for_you"]["served_by"] == "personal"
    assert edge.metric("endcap_degraded_total", what="profile") > 0


class outage:  # noqa: N801 -- reads as a with-statement
    """Keeps a supervised store down by freezing it: a killed one would be back too soon to look at."""

    def __init__(self, directory: Path) -> None:
        self._pid = int((directory / "store.pid").read_text())

    def __enter__(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGCONT)


def test_a_killed_store_is_restarted_and_nothing_acknowledged_is_lost(
    serve: Callable[..., Any],
    own_store: EmbeddedStore,
    tmp_path: Path,
    event: Callable[..., Any],
    until: Callable[..., None],
) -> None:
    """SIGKILL: the supervisor brings it back, with the visit in it."""
    edge = serve(redis_url=own_store.url)
    edge.send(event("detail-page-view", "p004"))
    time.sleep(1.5)  # the append-only file is synced every second: what that second may lose is said in the docs
    os.kill(int((tmp_path / "own-store" / "store.pid").read_text()), signal.SIGKILL)

    def viewed() -> list[str]:
        slots = {slot["id"]: slot for slot in edge.shelves("home", **PERSONAL)["slots"]}
        return [item["id"] for item in slots.get("recently_viewed", {"items": []})["items"]]

    until(lambda: viewed() == ["p004"])
