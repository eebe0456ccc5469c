"""What `<endcap-shelf>` tells of what a shopper does, and how it adds to carts, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.web.chromium import Open
from tests.web.element.conftest import ALL, PDP
from tests.web.element.site import BASE, Site

Until = Callable[..., None]
PAGE = f"<main>{PDP}</main>"
SHOWN = "() => document.querySelector('endcap-shelf').dataset.state === 'ready'"
SHOPIFY = (
    "window.Shopify = { routes: { root: '/' }, customerPrivacy: { preferencesProcessingAllowed: () => true,"
    " analyticsProcessingAllowed: () => true, marketingAllowed: () => false } };"
)


@pytest.mark.parametrize(
    ("body", "type_", "products"),
    [
        (PDP, "detail-page-view", ["p004"]),
        ('<endcap-shelf surface="home" slot="for_you"></endcap-shelf>', "home-page-view", []),
        (
            '<endcap-shelf surface="cart" product-ids="p004, p016"></endcap-shelf>',
            "shopping-cart-page-view",
            ["p004", "p016"],
        ),
        (f'<endcap-shelf surface="cart" product-ids="p016"></endcap-shelf>{PDP}', "detail-page-view", ["p004"]),
    ],
)
def test_a_page_is_told_once(visit: Open, shop: Site, until: Until, body: str, type_: str, products: list[str]) -> None:
    """By what its shelves say of it, also when no shelf is near; soon, and in one request with what else there is."""
    shop.config = ALL
    shopper = visit()
    shopper.open(shop.page("/", f'<div class="far"></div>{body}'))
    until(lambda: shop.events())
    (event,) = shop.events()
    assert event["type"] == type_
    assert [line["product_id"] for line in event["products"]] == products
    assert (event["source"], event["consent"]) == ("web", ["analytics", "personalization"])
    shopper.page.goto("about:blank")
    shopper.page.wait_for_timeout(200)
    assert len(shop.events()) == 1


def test_pages_are_not_told_where_the_shop_tells_them(visit: Open, shop: Site, until: Until) -> None:
    """`pageViews: false`; impressions still are."""
    shop.config = ALL + "endcap.pageViews = false"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    until(lambda: shop.events("recommendation-impression"))
    assert {event["type"] for event in shop.events()} == {"recommendation-impression"}


def test_a_storefront_that_never_loads_tells_each_page(visit: Open, shop: Site, until: Until) -> None:
    """A changed product is a new page; the same product set again is not."""
    shop.config = ALL
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    for product in ("p016", "p016", "p004"):
        shopper.page.evaluate("(id) => document.querySelector('endcap-shelf').setAttribute('product-id', id)", product)
        shopper.page.wait_for_timeout(50)
    until(lambda: len(shop.events("detail-page-view")) == 3)
    told = [event["products"][0]["product_id"] for event in shop.events("detail-page-view")]
    assert told == ["p004", "p016", "p004"]


def test_cards_seen_for_a_second_are_impressions(visit: Open, shop: Site, until: Until) -> None:
    """Those that are seen, once each, with slot and token; the others when they are scrolled to."""
    shop.config = ALL
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    until(lambda: shop.events("recommendation-impression"))
    shopper.page.wait_for_timeout(1_500)
    (event,) = shop.events("recommendation-impression")
    assert event["slot"] == "similar"
    assert event["attribution_token"]
    assert 4 <= len(event["products"]) < 8
    shopper.page.get_by_role("button", name="Next: Similar products").click()
    until(lambda: len(shop.events("recommendation-impression")) == 2)
    lines = [line["product_id"] for event in shop.events("recommendation-impression") for line in event["products"]]
    assert len(lines) == len(set(lines)) == 8


def test_cards_that_are_passed_by_are_no_impressions(visit: Open, shop: Site) -> None:
    """Less than a second, or less than half."""
    shop.config = ALL + "endcap.pageViews = false"
    shopper = visit()
    shopper.open(shop.page("/", f'<div class="far"></div>{PDP}<div class="far"></div>'))
    shopper.page.evaluate("() => document.querySelector('endcap-shelf').scrollIntoView({ block: 'center' })")
    shopper.page.wait_for_function(SHOWN)
    shopper.page.wait_for_timeout(300)
    shopper.page.evaluate("() => scrollTo(0, 0)")
    shopper.page.wait_for_timeout(1_500)
    shopper.page.goto("about:blank")
    shopper.page.wait_for_timeout(200)
    assert shop.events() == []


def test_a_click_is_told_before_the_page_is_gone(visit: Open, shop: Site, until: Until) -> None:
    """With product, slot and token, and everything else that waited to be told."""
    shop.config = ALL
    shop.page("/products/", "")
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shopper.page.wait_for_function(SHOWN)
    link = shopper.page.locator("endcap-shelf [part=link]").first
    product = str(link.get_attribute("href")).rpartition("/")[2]
    shop.page(f"/products/{product}", "<p>Product</p>")
    link.click()
    shopper.page.wait_for_url("**/products/*")
    until(lambda: shop.events("recommendation-click"))
    (event,) = shop.events("recommendation-click")
    assert event["products"][0]["product_id"] == product
    assert event["slot"] == "similar"
    assert event["attribution_token"]
    assert shop.events("detail-page-view")


def test_what_waits_is_told_when_the_page_goes(visit: Open, shop: Site, until: Until) -> None:
    """By beacon on pagehide; the server takes it."""
    shop.config = ALL
    shopper = visit()
    shopper.page.goto(shop.page("/", PAGE), wait_until="load")
    shopper.page.wait_for_function("() => localStorage.getItem('endcap.visitor')")
    shopper.page.goto("about:blank")
    until(lambda: shop.events("detail-page-view"))


def test_events_are_kept_while_they_cannot_be_sent(visit: Open, shop: Site, until: Until) -> None:
    """A browser that takes no beacon and a server that is ill: said again later, once."""
    shop.config = ALL + "navigator.sendBeacon = () => false"
    shop.weather = lambda asked: 503 if "/v1/events" in asked.path else 0.0
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    until(lambda: shop.to("/v1/events"))
    shopper.page.wait_for_timeout(300)
    shop.weather = lambda _: 0.0
    until(lambda: len(shop.to("/v1/events")) >= 2)
    first, second = shop.to("/v1/events")[:2]
    assert first.json["events"][0] in second.json["events"]


def test_a_page_that_is_only_prepared_is_neither_asked_for_nor_told(visit: Open, shop: Site, until: Until) -> None:
    """Browsers run pages that nobody may ever see; they say when somebody does."""
    shop.config = ALL + "Object.defineProperty(document, 'prerendering', { get: () => !window.seen })"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shopper.page.wait_for_timeout(1_300)
    assert not shop.questions()
    assert not shop.events()
    shopper.page.evaluate("() => { window.seen = true; document.dispatchEvent(new Event('prerenderingchange')) }")
    shopper.page.wait_for_function(SHOWN)
    until(lambda: shop.events("detail-page-view"))


def test_without_a_way_to_add_there_is_no_button(visit: Open, shop: Site) -> None:
    """Neither `onAdd` nor Shopify."""
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shopper.page.wait_for_function(SHOWN)
    expect(shopper.page.get_by_role("button", name="Add to cart")).to_have_count(0)


def test_the_shops_own_way_to_add(visit: Open, shop: Site, until: Until) -> None:
    """`onAdd` gets product, variant and token; the event follows; it is said to those who do not see it."""
    shop.config = (
        ALL + "endcap.onAdd = async (detail) => { window.added = detail }; endcap.labels = { add: 'In den Korb' }"
    )
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    button = shopper.page.get_by_role("button", name="In den Korb").first
    button.click()
    until(lambda: shop.events("add-to-cart"))
    added = shopper.page.evaluate("window.added")
    (event,) = shop.events("add-to-cart")
    assert added["product"]["id"] == event["products"][0]["product_id"]
    assert added["variant"] == event["products"][0]["variant_id"]
    assert added["token"] == event["attribution_token"]
    assert event["products"][0]["price"] == float(added["product"]["price"]["amount"])
    assert event["currency"] == "USD"
    expect(shopper.page.get_by_role("status")).to_contain_text("Added to cart")


def test_a_way_to_add_that_fails_is_said_and_not_told(visit: Open, shop: Site) -> None:
    """No event; the button works again."""
    shop.config = ALL + "endcap.onAdd = () => { window.tries = (window.tries ?? 0) + 1; throw new Error('sold out') }"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    button = shopper.page.get_by_role("button", name="Add to cart").first
    button.click()
    expect(shopper.page.get_by_role("status")).to_have_text("Could not be added")
    button.click()
    assert shopper.page.evaluate("window.tries") == 2
    shopper.page.wait_for_timeout(1_300)
    assert shop.events("add-to-cart") == []
    assert shopper.faults() == []


def test_a_shop_that_adds_itself_prevents_the_rest(visit: Open, shop: Site, until: Until) -> None:
    """`endcap:add` is cancelable; it still counts as added."""
    shop.config = (
        ALL + "endcap.onAdd = () => { window.tried = true };"
        "document.addEventListener('endcap:add', (event) => {"
        " event.preventDefault(); window.heard = event.detail.variant })"
    )
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shopper.page.get_by_role("button", name="Add to cart").first.click()
    until(lambda: shop.events("add-to-cart"))
    assert shopper.page.evaluate("[window.heard.startsWith('gid://'), window.tried]") == [True, None]


def test_on_shopify_products_go_into_shopifys_cart_and_the_order_finds_the_visit(
    visit: Open, shop: Site, until: Until
) -> None:
    """`cart/add.js` with the variant's number, then the cart attribute that orders bring back."""
    shop.config = SHOPIFY
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shopper.page.get_by_role("button", name="Add to cart").first.click()
    until(lambda: shop.to("/cart/update.js"))
    (added,) = shop.to("/cart/add.js")
    assert added.json["items"][0]["quantity"] == 1
    assert str(added.json["items"][0]["id"]).isdigit()
    (noted,) = shop.to("/cart/update.js")
    visitor = shopper.page.evaluate("() => localStorage.getItem('endcap.visitor')")
    assert noted.json == {"attributes": {"_recs_sid": visitor}}
    shopper.page.get_by_role("button", name="Add to cart").first.click()
    until(lambda: len(shop.events("add-to-cart")) == 2)
    assert len(shop.to("/cart/update.js")) == 1


def test_on_shopifys_cart_page_the_visit_is_noted_and_withdrawn_with_consent(
    visit: Open, shop: Site, until: Until
) -> None:
    """Only where a cart surely exists; never without consent."""
    shop.config = SHOPIFY + "window.allowed = true; for (const name of ['preferencesProcessingAllowed',"
    shop.config += " 'analyticsProcessingAllowed']) Shopify.customerPrivacy[name] = () => window.allowed;"
    cart = '<endcap-shelf surface="cart" product-ids="p004"></endcap-shelf>'
    shopper = visit()
    shopper.open(shop.page("/cart", cart))
    until(lambda: shop.to("/cart/update.js"))
    shopper.settle()
    shopper.page.evaluate(
        "() => { window.allowed = false; document.dispatchEvent(new CustomEvent('visitorConsentCollected')) }"
    )
    until(lambda: len(shop.to("/cart/update.js")) == 2)
    assert shop.to("/cart/update.js")[1].json == {"attributes": {"_recs_sid": ""}}
    shop.asked.clear()
    stranger = visit()
    shop.config = shop.config.replace("window.allowed = true", "window.allowed = false")
    stranger.open(shop.page("/cart", cart))
    stranger.page.wait_for_function(SHOWN)
    assert shop.to("/cart/update.js") == []


def test_on_shopify_a_card_without_a_variant_has_no_button(visit: Open, shop: Site) -> None:
    """It links to the product instead; the cards stay equally tall."""
    shop.config = SHOPIFY
    shopper = visit()
    shopper.page.goto(shop.page("/", PAGE), wait_until="load")
    strip = """async (url) => {
      const answer = await (await fetch(url)).json();
      answer.slots[0].items[0].product.variant_id = null;
      document.querySelector('endcap-shelf').show(answer.slots[0]);
    }"""
    shopper.page.wait_for_function(SHOWN)
    shopper.page.evaluate(strip, f"{BASE}/v1/recommendations/pdp?product_id=p004&slots=similar")
    expect(shopper.page.get_by_role("button", name="Add to cart")).to_have_count(7)
