"""Every page of the demo shop, on a phone and on a desk: real products, nothing moves, nothing is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser

from tests.web.axe import findings
from tests.web.chromium import Open
from tests.web.conftest import Node
from tests.web.shelves import Shelf, answers, shelves, wait
from tests.web.shop import DemoShop, be_patient
from tests.web.visit import DESK, PHONE, VIEWPORTS, begin

PRODUCT, CART = "p004", ("p016", "p028")
# page -> the slots whose products must be there for a household with a history that allows everything
PAGES: dict[str, tuple[str, ...]] = {
    "home": ("for_you", "buy_again", "trending"),
    "product": ("similar",),
    "cart": ("cart_complements",),
    "department": (),
    "search": (),
    "account": (),
    "missing": (),
}
SHELVED = [page for page, slots in PAGES.items() if slots]
EVERYWHERE = [(size, page) for size in VIEWPORTS for page in PAGES]
ON_SHELVED = [(size, page) for size in VIEWPORTS for page in SHELVED]


@dataclass(frozen=True)
class Seen:
    """One page, loaded afresh and scrolled to its end."""

    url: str
    shelves: dict[str, Shelf]
    answers: list[dict[str, Any]]
    asked: list[str]
    shifts: list[dict[str, Any]]
    faults: list[str]
    hosts: set[str]
    findings: list[str]
    overflow: int


See = Callable[[str, str], Seen]


@pytest.fixture(scope="module")
def see(chromium: Browser, demo_shop: DemoShop, node: Node) -> See:
    """`see(size, page)`: what is there to see; each page is opened once for all tests."""
    kept: dict[tuple[str, str], Seen] = {}

    def look(size: str, page: str) -> Seen:
        if (size, page) not in kept:
            kept[size, page] = _look(chromium, demo_shop, node, VIEWPORTS[size], _path(demo_shop, page))
        return kept[size, page]

    return look


def _path(shop: DemoShop, page: str) -> str:
    department = shop.catalogue[PRODUCT].category.partition(" > ")[0].lower()
    return {
        "home": "/",
        "product": shop.catalogue[PRODUCT].url,
        "department": f"/departments/{department}",
        "search": "/search?q=tea",
        "missing": "/nowhere",
    }.get(page, f"/{page}")


def _look(chromium: Browser, shop: DemoShop, node: Node, viewport: tuple[int, int], path: str) -> Seen:
    shopper = begin(chromium, viewport)
    be_patient(shopper)
    shop.log_in(shopper, shop.household())
    shop.allow(shopper, "personalization", "analytics")
    shop.put_in_cart(shopper, *CART)
    shopper.open(shop.url + path)
    shopper.scroll()
    wait(shopper)
    seen = Seen(
        url=shop.url + path,
        shelves=shelves(shopper.page),
        answers=answers(shopper),
        asked=shopper.asked("/v1/recommendations"),
        shifts=shopper.shifts(),
        faults=[fault for fault in shopper.faults() if path != "/nowhere" or "404" not in fault],
        hosts=shopper.hosts(),
        findings=findings(shopper.page, node),
        overflow=shopper.page.evaluate("() => document.documentElement.scrollWidth") - viewport[0],
    )
    shopper.context.close()
    return seen


@pytest.mark.parametrize(("size", "page"), ON_SHELVED)
def test_shelves_show_real_products(see: See, demo_shop: DemoShop, size: str, page: str) -> None:
    """Titles and prices are the catalogue's, links lead to its pages, pictures come."""
    seen = see(size, page)
    by_url = {product.url: product for product in demo_shop.catalogue.values()}
    assert {slot for slot, shelf in seen.shelves.items() if shelf.state == "ready"} >= set(PAGES[page])
    for shelf in seen.shelves.values():
        for card in shelf.cards:
            product = by_url[urlsplit(card.href).path]
            assert product.available
            assert card.title == product.title
            assert card.price == f"${product.price:,.2f}"
            before = product.compare_at_price
            assert card.compare == (f"${before:,.2f}" if before else "")
    shown = [card.href for shelf in seen.shelves.values() for card in shelf.cards]
    assert len(shown) == len(set(shown)), "a product stands on the page twice"
    assert any(card.drawn for shelf in seen.shelves.values() for card in shelf.cards)


@pytest.mark.parametrize(("size", "page"), ON_SHELVED)
def test_every_shelf_of_a_page_comes_with_one_request(see: See, size: str, page: str) -> None:
    """However many shelves, and however far down the shopper goes."""
    seen = see(size, page)
    assert len(seen.asked) == 1
    assert seen.answers[0]["degraded"] == []


@pytest.mark.parametrize(("size", "page"), EVERYWHERE)
def test_nothing_moves(see: See, size: str, page: str) -> None:
    """The layout shift of the whole way down is zero: not small, none."""
    assert see(size, page).shifts == []


@pytest.mark.parametrize(("size", "page"), EVERYWHERE)
def test_nothing_is_said_on_the_console_and_nothing_forbidden_is_tried(see: See, size: str, page: str) -> None:
    """No warning, no error, no break of the content security policy."""
    assert see(size, page).faults == []


@pytest.mark.parametrize(("size", "page"), EVERYWHERE)
def test_nothing_is_asked_of_another_host(see: See, size: str, page: str) -> None:
    """No font, script, picture or count goes elsewhere."""
    assert see(size, page).hosts == {urlsplit(see(size, page).url).netloc}


@pytest.mark.parametrize(("size", "page"), EVERYWHERE)
def test_axe_finds_nothing(see: See, size: str, page: str) -> None:
    """No finding of any weight, with the shelves on the page."""
    assert see(size, page).findings == []


@pytest.mark.parametrize(("size", "page"), EVERYWHERE)
def test_a_page_is_as_wide_as_its_window(see: See, size: str, page: str) -> None:
    """Shelves scroll by themselves; the page does not scroll sideways."""
    assert see(size, page).overflow == 0


def test_every_page_has_a_policy_that_lets_scripts_come_from_the_shop_only(see: See, demo_shop: DemoShop) -> None:
    """So that the test of it means something."""
    policy = httpx.get(demo_shop.url).headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "default-src 'self'" in policy or "default-src 'none'" in policy


def test_a_link_of_a_shelf_leads_to_its_product(enter: Open, demo_shop: DemoShop) -> None:
    """A click on a card opens the page with that name."""
    shopper = enter()
    shopper.open(demo_shop.url)
    wait(shopper)
    card = shelves(shopper.page)["for_you"].cards[0]
    shopper.page.locator("#shelf-for_you [part=link]").first.click()
    shopper.page.wait_for_url(card.href)
    assert shopper.page.locator("h1").inner_text() == card.title


@pytest.mark.parametrize("size", VIEWPORTS)
def test_the_question_of_consent_moves_nothing_and_has_no_findings(
    enter: Open, demo_shop: DemoShop, node: Node, size: str
) -> None:
    """A stranger's first page, with the question on it, and after it was answered."""
    shopper = enter(VIEWPORTS[size])
    shopper.open(demo_shop.url)
    shopper.scroll()
    wait(shopper)
    assert shopper.page.locator("#consent-ask").is_visible()
    assert findings(shopper.page, node) == []
    assert shopper.shifts() == []
    assert shopper.faults() == []


def test_the_panel_says_how_the_shelves_were_made(enter: Open, demo_shop: DemoShop, node: Node) -> None:
    """Model version, who served it, reasons and timings; and it has no findings either."""
    shopper = enter(DESK)
    shopper.open(demo_shop.url)
    wait(shopper)
    shopper.page.locator("#panel-toggle").click()
    panel = shopper.page.locator("#panel")
    text = panel.inner_text()
    (answer,) = answers(shopper)
    assert answer["model_version"] in text
    for slot in answer["slots"]:
        assert slot["served_by"] in text
    assert "ms" in text
    assert findings(shopper.page, node) == []
    shopper.page.locator("#panel-close").click()
    assert not panel.is_visible()


@pytest.mark.parametrize("size", VIEWPORTS)
def test_the_headless_page_shows_products_and_has_no_findings(
    enter: Open, demo_shop: DemoShop, node: Node, size: str
) -> None:
    """It asks the edge itself, from the shop's origin, and nobody else."""
    shopper = enter(VIEWPORTS[size])
    shopper.open(f"{demo_shop.url}/headless")
    shopper.page.wait_for_selector("main li a")
    shopper.scroll()
    assert findings(shopper.page, node) == []
    assert shopper.shifts() == []
    assert shopper.faults() == []
    assert shopper.hosts() == {f"127.0.0.1:{line.port}" for line in (demo_shop.front, demo_shop.back)}


# --- keyboard and motion ---------------------------------------------------------------------------------------------


def _focused(page: Any) -> str:
    """What has the focus, through shadow roots: its part or id, and its name."""
    found: str = page.evaluate("""() => {
      let node = document.activeElement;
      while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
      return `${node.getAttribute('part') || node.id || node.tagName.toLowerCase()}`;
    }""")
    return found


def test_tab_goes_through_a_shelf_in_the_order_of_the_eye(enter: Open, demo_shop: DemoShop) -> None:
    """Buttons of the shelf, then card by card; focus is always visible, nothing hidden takes it."""
    shopper = enter(DESK, reduced_motion="reduce")
    shopper.open(demo_shop.url)
    wait(shopper)
    page = shopper.page
    page.locator("#shelf-for_you [part=next]").focus()
    seen = []
    for _ in range(4):
        page.keyboard.press("Tab")
        seen.append(_focused(page))
        outline = page.evaluate("""() => {
          let node = document.activeElement;
          while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
          const style = getComputedStyle(node);
          return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && node.checkVisibility();
        }""")
        assert outline, f"{seen[-1]} shows no focus"
    assert seen == ["link", "button", "link", "button"] or seen == ["link"] * 4


def test_arrow_keys_walk_along_a_shelf(enter: Open, demo_shop: DemoShop) -> None:
    """Right, End, Left and Home move from card to card, and what has the focus is in sight."""
    shopper = enter(PHONE, reduced_motion="reduce")
    shopper.open(demo_shop.url)
    wait(shopper)
    page = shopper.page
    links = page.locator("#shelf-for_you [part=link]")
    links.first.focus()
    count = links.count()
    for key, expected in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("End", count - 1),
        ("ArrowLeft", count - 2),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        at = links.evaluate_all("(all) => all.findIndex((one) => one.getRootNode().activeElement === one)")
        assert at == expected, key
        page.wait_for_function(
            "(card) => card.getBoundingClientRect().right > 16 && card.getBoundingClientRect().left < innerWidth - 16",
            arg=links.nth(at).element_handle(),
        )


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_buttons_of_a_shelf_move_it_as_calmly_as_asked(enter: Open, demo_shop: DemoShop, motion: str) -> None:
    """With reduced motion it jumps; without, it glides. Either way the cards further on come into sight."""
    shopper = enter(PHONE, reduced_motion=motion)
    shopper.open(demo_shop.url)
    wait(shopper)
    page = shopper.page
    rows = page.locator("#shelf-for_you [part=list]")
    behaviour = rows.evaluate("(rows) => getComputedStyle(rows).scrollBehavior")
    assert behaviour == ("auto" if motion == "reduce" else "smooth")
    page.locator("#shelf-for_you [part=next]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('#shelf-for_you').shadowRoot.querySelector('ul').scrollLeft > 100"
    )
    animations = page.evaluate("() => document.getAnimations({ subtree: true }).length")
    assert animations == 0 or motion != "reduce"


def test_every_button_and_link_has_a_name_of_its_own(enter: Open, demo_shop: DemoShop) -> None:
    """A screen reader tells one `add to cart` from the next, and one shelf's buttons from another's."""
    shopper = enter(DESK)
    shopper.open(demo_shop.url)
    shopper.scroll()
    wait(shopper)
    for kind in ("button", "link"):
        names = (
            shopper.page.locator("endcap-shelf[data-state=ready]")
            .get_by_role(kind)
            .evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label') || one.textContent.trim())")
        )
        assert names
        assert all(names)
        assert len(names) == len(set(names))


def test_add_to_cart_by_keyboard_is_announced(enter: Open, demo_shop: DemoShop, until: Callable[..., None]) -> None:
    """Enter on a card's button: the cart has one more, and a screen reader hears so."""
    shopper = enter(DESK)
    shopper.open(demo_shop.url)
    wait(shopper)
    page = shopper.page
    button = page.locator("#shelf-for_you [part=button]").first
    title = page.locator("#shelf-for_you [part=title]").first.inner_text()
    button.focus()
    page.keyboard.press("Enter")
    until(lambda: page.locator("#cart-count").inner_text() == "1")
    said = page.locator("[role=status]").all_inner_texts()
    assert any(title in text for text in said), said
    shopper.open(f"{demo_shop.url}/cart")
    assert title in page.locator("#cart-lines").inner_text()
