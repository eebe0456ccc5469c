"""Publishing and rolling back while shoppers ask: no request fails, and every answer is of one model."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from backend.release import steps
from backend.release.state import Candidate
from backend.settings import Settings
from edge.core.bundle import INDEX, RANKERS, SESSIONS, Part, new_version, read_arrays, read_manifest, write_bundle

TURNS = 12


@pytest.fixture
def two(data_dir: Any) -> tuple[Settings, str, str]:
    """The live bundle, and the same under another version."""
    settings = Settings(data_dir=data_dir, shop="demo")
    live = steps.state_of(settings).live()
    assert live is not None
    source = settings.bundles_dir / "demo" / live.live
    manifest = read_manifest(source)
    parts = {INDEX: Part((source / RANKERS[INDEX]).read_bytes(), read_arrays(source))}
    if manifest.sessions:
        parts[SESSIONS] = Part((source / RANKERS[SESSIONS]).read_bytes(), read_arrays(source, SESSIONS))
    other = msgspec.structs.replace(manifest, version=new_version())
    write_bundle(settings.bundles_dir, other, parts)
    return settings, manifest.version, other.version


class Shoppers:
    """Clients that ask without a pause, each page anew."""

    def __init__(self, url: str) -> None:
        self.served: Counter[str] = Counter()
        self.failed: list[str] = []
        self.mixed: list[Any] = []
        self._url = url
        self._stop = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def asking(self, clients: int) -> Iterator[None]:
        """While the block runs."""
        threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            turn = 0
            while not self._stop.is_set():
                turn += 1
                product = f"p{(number * 37 + turn) % 119 + 1:03d}"
                try:
                    answer = client.get("/v1/recommendations/pdp", params={"product_id": product})
                    body = answer.json()
                except (httpx.HTTPError, ValueError) as error:
                    with self._lock:
                        self.failed.append(repr(error))
                    continue
                self._note(answer.status_code, body)

    def _note(self, status: int, body: Any) -> None:
        with self._lock:
            if status != 200 or body["degraded"]:
                self.failed.append(f"{status} {body}")
                return
            self.served[body["model_version"]] += 1
            tokens = {slot["attribution_token"].split(".")[1] for slot in body["slots"]}
            if not tokens <= {body["model_version"]}:
                self.mixed.append(body)


def test_no_request_fails_while_models_change(
    two: tuple[Settings, str, str], serve: Callable[..., Any], until: Callable[..., None]
) -> None:
    """Approve and roll back in turns under load: both models serve, nothing fails, no answer mixes two models."""
    settings, first, second = two
    shoppers, state = Shoppers(serve().url), steps.state_of(settings)
    with shoppers.asking(3):
        for turn in range(TURNS):
            if turn % 2 == 0:
                state.put_candidate(Candidate(second, "2026-01-01T00:00:00+00:00", "f", "2025-12-31", stage="waiting"))
                steps.approve(settings, "test")
            else:
                steps.rollback(settings, "test")
            wanted = second if turn % 2 == 0 else first
            seen = shoppers.served[wanted]
            until(lambda wanted=wanted, seen=seen: shoppers.served[wanted] > seen + 5)
    assert shoppers.failed == []
    assert shoppers.mixed == []
    assert set(shoppers.served) == {first, second}
    assert min(shoppers.served.values()) > TURNS


def test_changing_faster_than_edges_look_fails_nothing(
    two: tuple[Settings, str, str], serve: Callable[..., Any], until: Callable[..., None]
) -> None:
    """A hundred changes in a row, the edge looks each second: it ends with the last one."""
    settings, first, second = two
    shoppers = Shoppers(serve().url)
    with shoppers.asking(2):
        for turn in range(100):
            steps.rollback(settings, "test", (second, first)[turn % 2])
        steps.rollback(settings, "test", second)
        seen = shoppers.served[second]
        until(lambda: shoppers.served[second] > seen + 5)
    assert shoppers.failed == []
    assert shoppers.mixed == []
    assert set(shoppers.served) <= {first, second}
