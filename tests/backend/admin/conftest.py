"""The backend app under test: the real API on a real port, in a thread, over a real store."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from backend.admin.app import create_app
from backend.admin.jobs import Job
from backend.admin.scheduler import Scheduler
from backend.admin.serve import Server, _listen, _together
from backend.admin.state import Backend, assemble
from backend.admin.supervise import Supervisor
from backend.settings import Settings
from edge.core.access import make_key
from edge.profiles import connect
from tests.serving import KEY, until


@dataclass
class Panel:
    """A running app: an address, a client that shows the shop's key, and its parts."""

    url: str
    key: str
    client: httpx.Client
    backend: Backend
    settings: Settings
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self) -> httpx.Client:
        """A browser that has logged in."""
        client = httpx.Client(base_url=self.url, timeout=30)
        self.browsers.append(client)
        answer = client.post("/login", data={"key": self.key})
        assert answer.status_code == 303, answer.text
        return client

    def status(self) -> dict[str, Any]:
        """All that the app says."""
        answer = self.client.get("/status")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


StartPanel = Callable[..., Panel]


@pytest.fixture
def settings(data_dir: Path, session_store: str) -> Settings:
    """The backend's settings for the test's own data directory."""
    return Settings(data_dir=data_dir, redis_url=session_store, pseudonym_key=KEY, store_timeout_s=5)


@pytest.fixture
def start_panel(settings: Settings, redis: object) -> Iterator[StartPanel]:
    """Starts apps: `start_panel(jobs=(...), supervisors=[...])`. All are ended in order at the end of the test."""
    running: list[tuple[threading.Thread, Callable[[], None], Panel]] = []

    def start(jobs: tuple[Job, ...] = (), supervisors: list[Supervisor] | None = None, **changed: Any) -> Panel:
        given = settings.model_copy(update=changed)
        listener, ready = _listen("127.0.0.1", 0), threading.Event()
        made: dict[str, Any] = {}

        async def main() -> None:
            client = connect(str(given.redis_url), timeout_s=given.store_timeout_s, connections=8)
            backend = assemble(given, client, supervisors or [], Scheduler(given, client, jobs))
            config = uvicorn.Config(create_app(backend), log_level="warning", lifespan="off")
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            made.update(backend=backend, stop=lambda: loop.call_soon_threadsafe(stop.set))
            ready.set()
            await _together(backend, Server(config), listener, stop)
            await client.aclose()

        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        assert ready.wait(10)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        key = make_key(given.data_dir, given.shop)
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        panel = Panel(url, key, client, made["backend"], given)
        running.append((thread, made["stop"], panel))
        until(lambda: client.get("/healthz").status_code == 200)
        return panel

    yield start
    for thread, stop, panel in running:
        for client in (panel.client, *panel.browsers):
            client.close()
        stop()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def panel(start_panel: StartPanel) -> Panel:
    """An app without services and jobs."""
    return start_panel()
