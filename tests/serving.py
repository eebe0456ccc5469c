"""A running edge for the tests: the real app on a real port, a real store, the small shop's trained bundle."""

import gc
import itertools
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from redis import Redis

from edge import embedded
from edge.app import create_app
from edge.assembly import Edge
from edge.core.codec import encode_profile
from edge.core.events import Event, Line
from edge.core.keys import profile_key
from edge.core.profile import Profile, apply
from edge.core.snapshot import write_snapshot
from edge.embedded import EmbeddedStore
from edge.protocol import GuardedProtocol
from edge.settings import Settings
from training.dataset import Dataset

CONSENT = "personalization,analytics"
KEY = "5e" * 32


@pytest.fixture(scope="session")
def session_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of a store that a worker's tests share: the one at REDIS_URL, or an embedded one of its own.

    ENDCAP_TEST_SERVER names another server to embed, such as Debian's: ENDCAP_TEST_SERVER=redis-server.
    """
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    store = EmbeddedStore(tmp_path_factory.mktemp("store"))
    with pytest.MonkeyPatch.context() as patch:
        if name := os.environ.get("ENDCAP_TEST_SERVER"):
            found = shutil.which(name)
            assert found, f"ENDCAP_TEST_SERVER={name} is no program here; on Debian and Ubuntu: apt-get install {name}"
            patch.setattr(embedded, "find_binary", lambda: Path(found))
        store.start()
    yield store.url
    store.stop()


@pytest.fixture
def redis(session_store: str) -> Iterator["Redis"]:
    """A client that looks at the store from outside. The store is empty at the start of each test."""
    client: Redis = Redis.from_url(session_store, protocol=2)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def data_dir(tmp_path: Path, bundle_root: Path, shop_dir: Dataset) -> Path:
    """A data directory of the test's own, with the trained bundle and the catalogue in it."""
    shutil.copytree(bundle_root, tmp_path / "data" / "bundles")
    write_snapshot(tmp_path / "data" / "catalogue" / "demo.cat", shop_dir.catalogue(), as_of=0)
    return tmp_path / "data"


@dataclass
class Running:
    """A server under test."""

    url: str
    client: httpx.Client
    edge: Edge
    settings: Settings
    server: uvicorn.Server

    def shelves(self, surface: str, **query: Any) -> dict[str, Any]:
        """Ask for a surface and expect an answer."""
        answer = self.client.get(f"/v1/recommendations/{surface}", params=query)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def send(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Send events and expect them to be taken."""
        answer = self.client.post("/v1/events", json={"events": list(events)})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric now; 0 when it was never touched."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.client.get("/metrics").text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] == name and wanted <= set(head.partition("{")[2].rstrip("}").split(",")):
                return float(value)
        return 0.0


Serve = Callable[..., Running]
_stopped = itertools.count()


@pytest.fixture
def serve(session_store: str, data_dir: Path, redis: "Redis") -> Iterator[Serve]:
    """Starts servers; `serve(deadline_ms=1)` with other settings. All are stopped at the end of the test."""
    running: list[tuple[uvicorn.Server, threading.Thread, Running]] = []

    def start(**changed: Any) -> Running:
        values: dict[str, Any] = {"redis_url": session_store, "data_dir": data_dir, "pseudonym_key": KEY, **changed}
        # A busy machine must not turn a test about something else into one about timeouts.
        settings = Settings(
            **(
                {"redis_timeout_ms": 2_000, "redis_write_timeout_ms": 2_000, "deadline_ms": 10_000, "drain_s": 0}
                | values
            )
        )
        app = create_app(settings)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on", http=GuardedProtocol))
        thread = threading.Thread(target=server.run)
        thread.start()
        until(lambda: server.started or not thread.is_alive())
        assert server.started, "the server did not start; see its log"
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        client = httpx.Client(base_url=url, timeout=30)
        running.append((server, thread, Running(url, client, app.state.edge, settings, server)))
        return running[-1][2]

    yield start
    for server, thread, one in running:
        one.client.close()
        server.should_exit = True
        thread.join()
    running.clear()
    if next(_stopped) % 8 == 7:
        # An edge freezes what it has loaded, as it has a process to itself; here each would keep its maps, and with
        # them some forty files, open for all tests to come.
        gc.unfreeze()
        gc.collect()


@pytest.fixture
def edge(serve: Serve) -> Running:
    """A server with the usual settings."""
    return serve()


def until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait for something that must happen; generous, since no test here is about speed."""
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.01)


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., None]:
    """`until(condition)` for tests."""
    return until


def remember(running: Running, redis: "Redis", customer_id: str, *products: str, times: int = 3) -> Profile:
    """Write a profile as the backend would: a customer who bought these products, weekly, until yesterday."""
    caller = running.edge.identifier.caller(None, customer_id, [])
    assert caller.customer is not None
    profile = Profile("demo", caller.customer)
    lines = tuple(Line(product) for product in products)
    for week in range(times, 0, -1):
        at = datetime.now(UTC) - timedelta(days=7 * week)
        apply(profile, Event("e", "purchase-complete", at, products=lines), time.time())
    redis.set(profile_key("demo", caller.customer), encode_profile(profile))
    return profile


@pytest.fixture(name="remember")
def remember_fixture() -> Callable[..., Profile]:
    """`remember(running, redis, customer_id, *products)` for tests."""
    return remember


def event(type_: str, *products: str, **fields: Any) -> dict[str, Any]:
    """An event as a page sends it: now, with consent, by visitor `v`, unless said otherwise."""
    return {
        "id": uuid.uuid4().hex,
        "type": type_,
        "time": datetime.now(UTC).isoformat(),
        "visitor_id": "v",
        "products": [{"product_id": product} for product in products],
        "consent": ["personalization", "analytics"],
    } | fields


@pytest.fixture(name="event")
def event_fixture() -> Callable[..., dict[str, Any]]:
    """`event(type, *products, **fields)` for tests."""
    return event
