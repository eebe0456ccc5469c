"""The headless storefront page in a real browser: its own origin, an edge on another, nothing in between."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from redis import Redis

from edge.core import keys
from tests.serving import Running, Serve, until
from tests.web.axe import findings
from tests.web.chromium import Open
from tests.web.conftest import Node
from tests.web.visit import DESK, PHONE, Visit

pytestmark = pytest.mark.store
PAGE = Path(__file__).parents[2] / "edge" / "web" / "headless.html"
DEFAULT = "http://127.0.0.1:8000"
Front = Callable[[str], str]


@pytest.fixture
def front() -> Iterator[tuple[str, Front]]:
    """A server of one page: its origin, and what to call with the edge's address before the page is opened."""
    page = [b""]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page[0])

        def log_message(self, *_: object) -> None:
            """Silence."""

    def ask(edge: str) -> str:
        text = PAGE.read_text()
        assert text.count(DEFAULT) == 1
        page[0] = text.replace(DEFAULT, edge).encode()
        return edge

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", ask
        server.shutdown()
        thread.join()


@pytest.fixture
def edge(serve: Serve, front: tuple[str, Front]) -> Running:
    """An edge that lets the page's origin read its answers."""
    origin, ask = front
    running = serve(origins=origin)
    ask(running.url)
    return running


def opened(visit: Open, origin: str, viewport: tuple[int, int] = DESK) -> Visit:
    """A shopper on the page, who waits longer than a busy machine takes."""
    shopper = visit(viewport)
    shopper.page.add_init_script(
        "addEventListener('DOMContentLoaded', () => document.querySelector('option').value = '20000')"
    )
    shopper.open(origin)
    return shopper


def test_without_consent_everybody_sees_the_same(visit: Open, edge: Running, front: tuple[str, Front]) -> None:
    """Shelves of real products from the other origin; no id, no event, nothing stored, nothing on the console."""
    shopper = opened(visit, front[0])
    expect(shopper.page.locator("section").first).to_be_visible()
    titles = [item["product"]["title"] for slot in edge.shelves("home", limit=6)["slots"] for item in slot["items"]]
    assert shopper.page.locator("li span").all_text_contents() == titles
    shopper.page.locator("li a").first.click()
    expect(shopper.page.locator("h1")).to_have_text(titles[0])
    expect(shopper.page.locator("#told")).to_contain_text("context")
    asked = [request.url for request in shopper.watch.requests if "/v1/" in request.url]
    assert len(asked) == 2
    assert all(url.startswith(edge.url) and "visitor" not in url for url in asked)
    assert shopper.stored() == {}
    assert shopper.faults() == []


def test_with_consent_the_next_page_moves(visit: Open, edge: Running, front: tuple[str, Front], redis: "Redis") -> None:
    """Views and clicks are counted, the homepage becomes personal; withdrawn, both sides forget."""
    shopper = opened(visit, front[0])
    page = shopper.page
    page.get_by_label("Personalize").check()
    page.locator("li a").first.click()
    until(lambda: redis.xlen(keys.events_key("demo")) == 3)  # the homepage, the click, the product
    page.get_by_role("link", name="Headless storefront").click()
    expect(page.locator("#told")).to_contain_text("personal")
    visitor = shopper.stored()["local"]["headless.visitor"]
    name = str(edge.edge.identifier.caller(visitor, None, ()).visitor)
    assert len(redis.keys(f"*{name}*")) > 1
    page.get_by_label("Personalize").uncheck()
    until(lambda: redis.keys(f"*{name}*") == [keys.consent_key("demo", name).encode()])
    expect(page.locator("#told")).not_to_contain_text("personal")
    assert shopper.stored() == {}
    assert shopper.faults() == []


def test_a_deadline_that_passes_leaves_the_shops_own(visit: Open, edge: Running, front: tuple[str, Front]) -> None:
    """And says so; with time the shelves come back."""
    shopper = opened(visit, front[0])
    expect(shopper.page.locator("li").first).to_be_visible()
    shopper.page.get_by_label("Wait at most").select_option("1")
    expect(shopper.page.get_by_role("heading", name="From our own window")).to_be_visible()
    expect(shopper.page.locator("#told")).to_contain_text("no answer within 1 ms")
    shopper.page.get_by_label("Wait at most").select_option(index=0)
    expect(shopper.page.locator("li").first).to_be_visible()
    assert shopper.faults() == []


def test_an_edge_that_does_not_know_the_origin_leaves_the_shops_own(
    visit: Open, serve: Serve, front: tuple[str, Front]
) -> None:
    """The script may be loaded from anywhere, answers not."""
    origin, ask = front
    ask(serve().url)
    shopper = opened(visit, origin)
    expect(shopper.page.get_by_role("heading", name="From our own window")).to_be_visible()
    assert shopper.page.locator("li").count() == 0


def test_without_an_edge_the_page_stands(visit: Open, front: tuple[str, Front]) -> None:
    """Not even the script comes."""
    origin, ask = front
    ask("http://127.0.0.1:9")
    shopper = opened(visit, origin)
    expect(shopper.page.get_by_role("heading", name="From our own window")).to_be_visible()
    shopper.page.get_by_label("Personalize").check()
    expect(shopper.page.locator("#told")).to_contain_text("Endcap is away")
    assert shopper.watch.errors == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_is_accessible(
    visit: Open, node: Node, edge: Running, front: tuple[str, Front], viewport: tuple[int, int]
) -> None:
    """axe finds nothing; nothing is wider than the screen."""
    shopper = opened(visit, front[0], viewport)
    expect(shopper.page.locator("li").first).to_be_visible()
    assert findings(shopper.page, node) == []
    assert shopper.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
