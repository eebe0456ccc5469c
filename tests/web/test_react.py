"""The React module in a real browser, against a running edge: bundled, mounted, changed, unmounted."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.serving import Running, until
from tests.web.axe import findings
from tests.web.chromium import Open
from tests.web.conftest import Node
from tests.web.element.site import Asked, Site, site
from tests.web.visit import Visit

pytestmark = pytest.mark.store
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def bundle(node: Node, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page's script as esbuild makes it, with React's development build, which complains about misuse."""
    out = tmp_path_factory.mktemp("bundle") / "page.js"
    define = {"process.env.NODE_ENV": '"development"'}
    options: dict[str, object] = {
        "entryPoints": [str(HERE / "react_page.jsx")],
        "outfile": str(out),
        "bundle": True,
        "format": "iife",
    }
    options |= {"jsx": "automatic", "define": define, "logOverride": {"empty-import-meta": "silent"}}
    done = node.run("-e", f"require('esbuild').buildSync({json.dumps(options)})")
    assert done.returncode == 0, done.stdout
    return out.read_text()


@pytest.fixture
def shop(bundle: str, edge: Running) -> Iterator[Site]:
    """A site with the way to an edge; its empty page has the bundle."""
    with site(edge.url) as made:
        made.config = bundle
        made.page("/", "")
        yield made


@pytest.fixture
def shopper(shop: Site, visit: Open) -> Visit:
    """A browser on the empty page."""
    one = visit()
    one.open(shop.url)
    return one


def products(edge: Running, shop: Site) -> tuple[str, str]:
    """Two products with similar ones."""
    popular = [item["id"] for slot in edge.shelves("home")["slots"] for item in slot["items"]]
    similar = [one for one in popular if edge.shelves("pdp", product_id=one, slots="similar", fallback="none")["slots"]]
    return similar[0], similar[1]


def titles(page: Page) -> list[str]:
    """What the shelf shows."""
    return page.locator("section li span").all_text_contents()


def shown(edge: Running, product: str) -> list[str]:
    """What it should show."""
    (slot,) = (one for one in edge.shelves("pdp", product_id=product)["slots"] if one["id"] == "similar")
    return [item["product"]["title"] for item in slot["items"]]


def test_shelves_follow_the_product(node: Node, edge: Running, shop: Site, shopper: Visit) -> None:
    """Strict mode mounts twice, and still all is well; another product is asked for anew; axe finds nothing."""
    first, second = products(edge, shop)
    shopper.page.evaluate("(first) => shop.mount(first)", first)
    expect(shopper.page.locator("main")).to_have_attribute("aria-busy", "false")
    assert titles(shopper.page) == shown(edge, first)
    assert findings(shopper.page, node, "section") == []
    shopper.page.evaluate("(product_id) => shop.walk({ product_id })", second)
    expect(shopper.page.locator(f"main[data-product={second}]")).to_have_attribute("aria-busy", "false")
    assert titles(shopper.page) == shown(edge, second)
    assert shopper.faults() == []


def test_a_product_that_was_left_is_given_up(edge: Running, shop: Site, shopper: Visit) -> None:
    """Its request is aborted; until the next answer stands the fallback, never another product's shelf."""
    first, second = products(edge, shop)
    shop.weather = lambda asked: 1.5 if asked.query.get("product_id") == first else 0.0
    shopper.page.evaluate("(first) => shop.mount(first)", first)
    until(lambda: shop.questions())
    expect(shopper.page.get_by_text("Bestsellers")).to_be_visible()
    shopper.page.evaluate("(product_id) => shop.walk({ product_id })", second)
    expect(shopper.page.locator("section")).to_be_visible()
    assert titles(shopper.page) == shown(edge, second)
    aborted = [request.url for request in shopper.watch.failed]
    assert aborted
    assert all(f"product_id={first}" in url for url in aborted)
    shopper.page.wait_for_timeout(1_800)  # longer than the first answer took
    assert titles(shopper.page) == shown(edge, second)
    assert shopper.faults() == []


def test_a_component_that_goes_takes_its_request_along(edge: Running, shop: Site, shopper: Visit) -> None:
    """Unmounted in the middle: aborted, and nobody complains."""
    first, _ = products(edge, shop)
    shop.weather = lambda _: 1.0
    shopper.page.evaluate("(first) => shop.mount(first)", first)
    until(lambda: shop.questions())
    shopper.page.evaluate("() => shop.leave()")
    shopper.settle()
    asked = [request for request in shopper.watch.requests if "/v1/" in request.url]
    assert {request.url for request in shopper.watch.failed} == {request.url for request in asked}
    assert shopper.faults() == []


def test_an_edge_that_fails_leaves_the_fallback(edge: Running, shop: Site, shopper: Visit) -> None:
    """The hook says why; with an answer of the shop's own, that is shown."""
    first, _ = products(edge, shop)
    shop.weather = lambda _: 500
    shopper.page.evaluate("(first) => shop.mount(first)", first)
    expect(shopper.page.locator("main")).to_have_attribute("data-degraded", "client")
    expect(shopper.page.locator("main")).to_have_attribute("aria-busy", "false")
    assert shopper.page.locator("main").get_attribute("data-error")
    expect(shopper.page.get_by_text("Bestsellers")).to_be_visible()
    shopper.page.evaluate("() => shop.leave()")
    mine = edge.shelves("pdp", product_id=first) | {"degraded": ["mine"]}
    shopper.page.evaluate("([first, fallback]) => shop.mount(first, { fallback })", [first, mine])
    expect(shopper.page.locator("main")).to_have_attribute("data-degraded", "mine")
    assert titles(shopper.page) == shown(edge, first)


def test_a_missing_endpoint_is_an_error_and_no_crash(shop: Site, shopper: Visit) -> None:
    """Bundled, the module does not know where it came from: the shop has to say where Endcap is."""
    shopper.page.evaluate("() => shop.mount('p004', { endpoint: undefined })")
    expect(shopper.page.locator("main")).to_have_attribute("aria-busy", "false")
    assert "endpoint" in (shopper.page.locator("main").get_attribute("data-error") or "")
    expect(shopper.page.get_by_text("Bestsellers")).to_be_visible()
    assert shopper.faults() == []


def test_what_a_server_rendered_is_not_asked_for_again(edge: Running, shop: Site, shopper: Visit) -> None:
    """The same markup on both sides, and no request until the question changes."""
    first, second = products(edge, shop)
    answer = httpx.get(f"{edge.url}/v1/recommendations/pdp", params={"product_id": first}).json()
    rendered = shopper.page.evaluate("([first, answer]) => shop.hydrate(first, answer)", [first, answer])
    shopper.settle()
    assert shopper.page.locator("main").text_content() == rendered
    assert titles(shopper.page) == shown(edge, first)
    assert shop.questions() == []
    shopper.page.evaluate("(product_id) => shop.walk({ product_id })", second)
    expect(shopper.page.locator(f"main[data-product={second}]")).to_have_attribute("aria-busy", "false")
    assert [one.query["product_id"] for one in shop.questions()] == [second]
    assert shopper.faults() == []


def test_what_the_shopper_did_moves_the_shelf_without_a_gap(edge: Running, shop: Site, shopper: Visit) -> None:
    """A new `rev` is asked anew while the older answer stays; without consent nothing of the former answer stays."""
    first, _ = products(edge, shop)
    who = {"product_id": first, "visitor_id": "v", "consent": ["personalization"]}
    shopper.page.evaluate("(first) => shop.mount(first)", first)
    expect(shopper.page.locator("section")).to_be_visible()
    shopper.page.evaluate("(who) => shop.walk(who)", who)
    expect(shopper.page.locator("main")).to_have_attribute("aria-busy", "false")

    def slow(asked: Asked) -> float:
        return 1.0

    shop.weather = slow
    shopper.page.evaluate("() => shop.walk({ rev: 1 })")
    expect(shopper.page.locator("main")).to_have_attribute("aria-busy", "true")
    expect(shopper.page.locator("section")).to_be_visible()
    shopper.page.evaluate("() => shop.walk({ rev: 2, consent: [] })")
    expect(shopper.page.get_by_text("Bestsellers")).to_be_visible()
    expect(shopper.page.locator("section")).to_be_visible()
    assert shopper.faults() == []


def test_following_a_card_is_told(edge: Running, shop: Site, shopper: Visit) -> None:
    """Item and shelf, with the token for the event; what lies beside the link tells nothing."""
    first, _ = products(edge, shop)
    shopper.page.evaluate("(first) => shop.mount(first)", first)
    expect(shopper.page.locator("section")).to_be_visible()
    shopper.page.evaluate("() => addEventListener('click', (event) => event.preventDefault())")
    shopper.page.locator("section h2").click()
    assert shopper.page.evaluate("() => shop.selected") == []
    shopper.page.locator("section li a span").nth(1).click()
    (slot,) = (one for one in edge.shelves("pdp", product_id=first)["slots"] if one["id"] == "similar")
    assert shopper.page.evaluate("() => shop.selected") == [[slot["items"][1]["id"], "similar"]]
