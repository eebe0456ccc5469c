"""What `<endcap-shelf>` shows, in a real browser against a running edge: markup, prices, keyboard, styles, safety."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from edge.core.products import Product
from tests.web.axe import findings
from tests.web.chromium import Open
from tests.web.conftest import Node
from tests.web.element.conftest import ALL, PDP, with_pictures
from tests.web.element.site import Site, site
from tests.web.visit import PHONE

PAGE = f"<main><h1>Shop</h1>{PDP}</main>"
FOCUSED = "() => document.activeElement.shadowRoot?.activeElement?.textContent.trim() ?? document.activeElement.tagName"


def ready(page: Page) -> Locator:
    """The page's first shelf, once it shows products."""
    shelf = page.locator("endcap-shelf").first
    expect(shelf).to_have_attribute("data-state", "ready")
    return shelf


def test_a_shelf_is_a_named_section_with_a_list_of_linked_products(visit: Open, shop: Site, node: Node) -> None:
    """Heading, list, cards with picture, title and price; quiet, and nothing kept."""
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shelf = ready(shopper.page)
    region = shelf.get_by_role("region", name="Similar products")
    expect(region.get_by_role("heading", level=2, name="Similar products")).to_be_visible()
    rows = region.get_by_role("list").get_by_role("listitem")
    expect(rows).to_have_count(8)
    link = rows.first.get_by_role("link")
    assert re.fullmatch(r"/products/p\d+", str(link.evaluate("node => new URL(node.href).pathname")))
    picture = rows.first.locator("img").evaluate("node => [node.alt, node.complete, node.naturalWidth > 0]")
    assert picture == ["", True, True]
    assert re.search(r"\$\d+\.\d\d", rows.first.inner_text())
    assert findings(shopper.page, node) == []
    assert shopper.faults() == []
    assert shopper.stored() == {}


def test_heading_limit_and_level_are_the_themes_to_say(visit: Open, shop: Site) -> None:
    """By attributes; nonsense in them is as good as nothing."""
    shelf = PDP.replace("slot=", 'heading="You may like" heading-level="3" limit="3" slot=')
    odd = PDP.replace("slot=", 'heading-level="h2" limit="lots" slot=')
    shopper = visit()
    shopper.open(shop.page("/", f"<main><h1>Shop</h1><h2>More</h2>{shelf}{odd}</main>"))
    ready(shopper.page)
    expect(shopper.page.get_by_role("heading", level=3, name="You may like")).to_be_visible()
    expect(shopper.page.locator("endcap-shelf").first.get_by_role("listitem")).to_have_count(3)
    expect(shopper.page.locator("endcap-shelf").last.get_by_role("listitem")).to_have_count(8)


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ('locale="de-DE"', r"^\d+,\d\d\u00a0\$"),
        ('locale="no such locale"', r"^\$\d+\.\d\d"),
        ("", r"^\$\d+\.\d\d"),
    ],
)
def test_prices_are_written_as_the_locale_does(visit: Open, shop: Site, attributes: str, wanted: str) -> None:
    """The attribute's, else the page's; a former price is struck out and says so to those who hear it."""
    shopper = visit()
    shopper.open(shop.page("/", PAGE.replace("slot=", f"{attributes} slot=")))
    shelf = ready(shopper.page)
    assert re.match(wanted, shelf.locator("[part=price]").first.text_content() or "")
    former = shelf.locator("s[part=compare]").first
    assert re.match("was .", former.text_content() or "")
    assert former.locator("span").evaluate("node => node.getBoundingClientRect().width") <= 1


def test_text_of_the_catalogue_is_never_markup_and_links_lead_to_the_web(
    visit: Open, open_shop: Callable[[Callable[[Product], Product]], Any]
) -> None:
    """Titles with tags are shown as they are; `javascript:` and `data:` addresses are dropped."""

    def hostile(product: Product) -> Product:
        urls = ("javascript:window.hacked=1", " java\nscript:window.hacked=2", "data:text/html,<script>1</script>")
        place = int(product.id[1:]) % 3
        title = f'<img src=x onerror="window.hacked=3">"\'><script>window.hacked=4</script> {product.id}'
        return msgspec.structs.replace(with_pictures(product), title=title, url=urls[place], image=urls[place])

    with site(open_shop(hostile).url) as shop:
        shopper = visit()
        shopper.open(shop.page("/", PAGE))
        shelf = ready(shopper.page)
        expect(shelf.locator("[part=title]").first).to_contain_text('<img src=x onerror="window.hacked=3">')
        assert shelf.locator("img, script").count() == 0
        assert shelf.locator("a[href]").count() == 0
        shelf.locator("[part=link]").first.click()
        assert shopper.page.evaluate("window.hacked") is None
        # Without links the browser lets the row itself have the focus: the keys then are the browser's own.
        press = (
            "node => node.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true, cancelable: true }))"
        )
        assert shelf.locator("[part=list]").evaluate(press)
        assert shopper.faults() == []


def test_the_keyboard_walks_along_the_cards(visit: Open, shop: Site) -> None:
    """Arrows, Home and End; Tab leaves the list; what has the focus is seen and marked."""
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    page, shelf = shopper.page, ready(shopper.page)
    titles = [title.split("$")[0].strip() for title in shelf.locator("[part=title]").all_inner_texts()]
    shelf.locator("a").first.focus()
    right, left = "ArrowRight", "ArrowLeft"
    for key, place in ((right, 1), (right, 2), (left, 1), ("End", 7), (right, 7), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == titles[place], key
        page.wait_for_function(
            "() => { const { activeElement } = document.querySelector('endcap-shelf').shadowRoot;"
            " const box = activeElement.getBoundingClientRect(); return box.left >= -1 && box.right <= innerWidth + 1 }"
        )
    assert shelf.evaluate("node => getComputedStyle(node.shadowRoot.activeElement).outlineStyle") == "solid"


def test_buttons_move_the_row_and_say_when_there_is_no_more(visit: Open, shop: Site) -> None:
    """By name; at an end the button stays, so that the focus does, and says that it does nothing."""
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shelf = ready(shopper.page)
    forth = shelf.get_by_role("button", name="Next: Similar products")
    back = shelf.get_by_role("button", name="Previous: Similar products")
    expect(back).to_have_attribute("aria-disabled", "true")
    expect(forth).to_have_attribute("aria-disabled", "false")
    forth.click()
    expect(forth).to_have_attribute("aria-disabled", "true")
    expect(back).to_have_attribute("aria-disabled", "false")
    back.click()
    expect(back).to_have_attribute("aria-disabled", "true")


def test_in_a_page_from_right_to_left_everything_runs_that_way(visit: Open, shop: Site) -> None:
    """Scrolling, arrow keys and the signs on the buttons."""
    shopper = visit()
    shopper.open(shop.page("/", f'<main dir="rtl"><h1>Shop</h1>{PDP}</main>'))
    page, shelf = shopper.page, ready(shopper.page)
    rows = shelf.locator("[part=list]")
    forth = shelf.get_by_role("button", name="Next: Similar products")
    assert forth.inner_text() == "‹"
    forth.click()
    row = "document.querySelector('endcap-shelf').shadowRoot.querySelector('ul')"
    page.wait_for_function(f"() => {row}.scrollLeft < -10")
    rows.locator("a").first.focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(FOCUSED) == shelf.locator("[part=title]").nth(1).inner_text()


@pytest.mark.parametrize(("motion", "behaviour"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_nothing_glides_for_those_who_want_less_motion(visit: Open, shop: Site, motion: str, behaviour: str) -> None:
    """prefers-reduced-motion."""
    shopper = visit(reduced_motion=motion)
    shopper.open(shop.page("/", PAGE))
    rows = ready(shopper.page).locator("[part=list]")
    assert rows.evaluate("node => getComputedStyle(node).scrollBehavior") == behaviour


def test_a_strict_content_policy_is_kept(visit: Open, shop: Site) -> None:
    """No inline style or script, no address but the shop's own; the shelf looks the same."""
    shop.policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " require-trusted-types-for 'script'"
    )
    shop.config = ALL
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shelf = ready(shopper.page)
    assert shelf.locator("[part=list]").evaluate("node => getComputedStyle(node).display") == "grid"
    assert shopper.faults() == []


def test_the_themes_styles_reach_parts_and_properties(visit: Open, shop: Site) -> None:
    """`::part(...)` and `--endcap-*`."""
    shop.theme += """
endcap-shelf { --endcap-columns: 3; --endcap-gap: 10px; --endcap-image-ratio: 2; --endcap-radius: 3px }
endcap-shelf::part(title) { color: rgb(1, 2, 3) } endcap-shelf::part(heading) { font-size: 40px }
endcap-shelf.wide { --endcap-card-width: 321px }"""
    shopper = visit()
    shopper.open(shop.page("/", PAGE + PDP.replace("endcap-shelf ", 'endcap-shelf class="wide" ', 1)))
    shelf = ready(shopper.page)
    box = "node => { const box = node.getBoundingClientRect(); return [box.width, box.height] }"
    width, height = shelf.locator("[part=frame]").first.evaluate(box)
    list_width = shelf.locator("[part=list]").evaluate("node => node.clientWidth - 8")
    assert width == pytest.approx((list_width - 20) / 3, abs=1)
    assert height == pytest.approx(width / 2, abs=1)
    style = "node => [getComputedStyle(node).color, getComputedStyle(node).fontSize]"
    assert shelf.locator("[part=title]").first.evaluate(style)[0] == "rgb(1, 2, 3)"
    assert shelf.locator("[part=heading]").evaluate(style)[1] == "40px"
    wide = shopper.page.locator("endcap-shelf").last
    expect(wide).to_have_attribute("data-state", "ready")
    assert wide.locator("[part=card]").first.evaluate(box)[0] == 321


@pytest.mark.parametrize("viewport", [(1440, 900), PHONE])
def test_nothing_moves_while_shelves_and_pictures_come(visit: Open, shop: Site, viewport: tuple[int, int]) -> None:
    """Layout shift 0 with text below, slow answers, and own content of another height."""
    shop.weather = lambda asked: 0.3 if "/v1/" in asked.path else 0.0
    shop.config = "window.endcap = { onAdd() {} }"
    own = PDP.replace("></endcap-shelf>", "><p style='height: 3rem'>Our favourites</p></endcap-shelf>")
    tall = PDP.replace("></endcap-shelf>", "><p style='height: 40rem'>Our favourites</p></endcap-shelf>")
    shop.theme = shop.theme.replace("26rem", "42rem")
    for path, shelf in (("/bare", PDP), ("/own", own), ("/tall", tall)):
        shopper = visit(viewport)
        shopper.open(shop.page(path, f"<main><h1>Shop</h1>{shelf}<p id='below'>Below</p></main>"))
        ready(shopper.page)
        shopper.scroll()
        wide = shopper.page.evaluate("() => [document.documentElement.scrollWidth, visualViewport.width]")
        assert wide == [viewport[0], viewport[0]]  # nothing reaches out of the page, nor makes a phone zoom out
        assert shopper.shifts() == []


def test_without_any_styles_of_the_page_the_space_is_kept_from_the_start_of_the_module(visit: Open, shop: Site) -> None:
    """The placeholder is as tall as the shelf, to the pixel, with the theme's own styles for parts."""
    shop.theme = "endcap-shelf::part(title) { font-size: 31px } endcap-shelf::part(button) { padding: 1rem }"
    shop.config = "window.endcap = { onAdd() {} }"
    shop.weather = lambda asked: 0.5 if "/v1/" in asked.path else 0.0
    shopper = visit()
    shopper.page.goto(shop.page("/", PAGE), wait_until="load")
    shelf = shopper.page.locator("endcap-shelf")
    expect(shelf).to_have_attribute("data-state", "loading")
    height = "node => node.getBoundingClientRect().height"
    before = shelf.evaluate(height)
    ready(shopper.page)
    assert before == shelf.evaluate(height) > 300


def test_a_picture_that_does_not_come_leaves_its_place(visit: Open, shop: Site) -> None:
    """No broken image, the card as tall as before."""
    shopper = visit()
    shopper.page.route("**/tiles/*", lambda route: route.abort())
    shopper.page.goto(shop.page("/", PAGE), wait_until="load")
    shelf = ready(shopper.page)
    expect(shelf.locator("[part=frame]").first.locator("img")).to_have_count(0)
    assert shelf.locator("[part=frame]").first.evaluate("node => node.getBoundingClientRect().height") > 100
