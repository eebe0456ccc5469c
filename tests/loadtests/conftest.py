"""A small shop over real HTTP that answers as told: what the load test's verdicts are tested against."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from loadtests import run as runs
from loadtests.budget import Budget, read_budget
from loadtests.run import Options
from loadtests.server import ROOT

BUDGET = read_budget()

PRODUCTS = [f"p{number}" for number in range(30)]


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C counts here, and in what is started from here, also where the run itself ignores it in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Shop:
    """What the shop says, and what it was asked. Change the attributes to make it slow, degraded or broken."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.status = 200
        self.degraded: list[str] = []
        self.model_version: str | None = "v1"
        self.known_customers = {"1", "2"}
        self.events_status = 200
        self.forgets = False
        self.seen_ids: set[str] = set()
        self.asked: list[str] = []
        self.posted: list[dict[str, Any]] = []
        self.url = ""

    def page(self, surface: str, product: str | None, customer: str | None, consents: bool) -> dict[str, Any]:
        """The shelves of a page: the neighbours of a product, or the first ten, personal for known customers."""
        start = PRODUCTS.index(product) + 1 if product in PRODUCTS else 0
        shown = PRODUCTS[start : start + 3] if surface == "pdp" else PRODUCTS[:10]
        personal = consents and customer in self.known_customers
        slot = {
            "id": "for_you",
            "title": "For you",
            "served_by": "personal" if personal else "popular",
            "items": [item(id_) for id_ in shown or PRODUCTS[:1]],
        }
        lack = [] if product is None or product in PRODUCTS else ["unknown_product"]
        return {
            "surface": surface,
            "model_version": self.model_version,
            "degraded": self.degraded + lack,
            "slots": [slot],
        }

    def take(self, events: list[dict[str, Any]]) -> list[dict[str, str]]:
        """A result per event, each id accepted once."""
        results = []
        for event in events:
            again = event["id"] in self.seen_ids and not self.forgets
            self.seen_ids.add(event["id"])
            kept = "duplicate" if again else "accepted"
            results.append({"id": event["id"], "status": kept if event["consent"] else "ignored"})
        return results


def item(id_: str) -> dict[str, Any]:
    """A product on a shelf."""
    price = {"amount": "2.50", "currency_code": "USD"}
    product = {"title": f"Product {id_}", "price": price, "compare_at_price": None}
    return {"id": id_, "score": 0.5, "reason": "popular", "product": product}


class Handler(BaseHTTPRequestHandler):
    """Puts the shop behind HTTP."""

    shop: Shop
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer for a page."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.shop.asked.append(self.path)
        surface = parts.path.rsplit("/", 1)[-1]
        consents = "personalization" in query.get("consent", "")
        self._say(
            self.shop.status, self.shop.page(surface, query.get("product_id"), query.get("customer_id"), consents)
        )

    def do_POST(self) -> None:
        """Take events, or answer a batch."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.shop.asked.append(self.path)
        if self.path == "/v1/events":
            self.shop.posted.append(body)
            results = {"results": self.shop.take(body["events"])} if self.shop.events_status == 200 else {}
            self._say(self.shop.events_status, results)
            return
        pages = [
            self.shop.page(q["surface"], q.get("product_id"), q.get("customer_id"), bool(q.get("consent")))
            for q in body["requests"]
        ]
        self._say(self.shop.status, {"results": [{"status": 200, "body": page} for page in pages]})

    def _say(self, status: int, content: object) -> None:
        time.sleep(self.shop.delay_s)
        body = json.dumps(content).encode()
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The shop, open for one test on a port of the loopback address."""
    shop = Shop()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"shop": shop}))
    server.daemon_threads = True
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def options(keep_sigterm: None) -> Callable[..., Options]:
    """A run of a few seconds at a low rate, so that a busy machine passes it too; with its place, and changes."""

    def made(tmp_path: Path, **changes: Any) -> Options:
        values: dict[str, Any] = {
            "rate": 40.0,
            "duration_s": 3.0,
            "users": None,
            "workers": 1,
            "port": None,
            "data_dir": tmp_path / "data",
            "host": None,
            "fault": False,
            "customers": ("1", "2", "3"),
            "seed": 1,
            "report_dir": tmp_path / "reports",
        }
        return Options(**values | changes)

    return made


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> Budget:
    """Limits that a busy machine keeps: what is tested is the run, not the machine."""
    calm = {name: replace(of, p99_ms=5e3, p99_scheduled_ms=5e3) for name, of in BUDGET.surfaces.items()}
    fault = {"redis": replace(BUDGET.fault["redis"], recovery_s=10.0)}
    changed = replace(BUDGET, surfaces=calm, run=replace(BUDGET.run, warm_up_s=1.0, min_rate_share=0.5), fault=fault)
    monkeypatch.setattr(runs, "read_budget", lambda: changed)
    return changed


@pytest.fixture
def keep_sigterm() -> Iterator[None]:
    """A run takes SIGTERM for itself, as the command line needs it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def trained(tmp_path: Path, bundle_root: Path, shop_dir: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory as the demo makes it: bundle, catalogue, and the profiles of all shoppers in the store."""
    from edge.core.snapshot import write_snapshot

    data = tmp_path / "data"
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("ENDCAP_DEADLINE_MS", "10000")  # a busy machine must not turn profiles away
    monkeypatch.setenv("ENDCAP_REDIS_TIMEOUT_MS", "2000")
    shutil.copytree(bundle_root, data / "bundles")
    shutil.copytree(shop_dir.directory, data / "datasets" / "demo")
    write_snapshot(data / "catalogue" / "demo.cat", shop_dir.catalogue(), as_of=0)
    environment = {**os.environ, "ENDCAP_DATA_DIR": str(data)}
    subprocess.run([sys.executable, "-m", "backend", "refresh"], cwd=ROOT, env=environment, check=True)
    return data
