"""The shop's pages: whole without a script and without the app, and safe whatever the catalogue says."""

import re
from pathlib import Path

import pytest

from edge.errors import EndcapError
from edge.storefront.app import create_app
from edge.storefront.pages import PER_PAGE
from edge.storefront.settings import Settings
from tests.edge.storefront.conftest import DOMAIN, SECRET, Shop, hand_made, product, running, settings_of

HOSTILE = "\"><script>alert(1)</script>'{{ 7 * 7 }}"
PAGES = ("/", "/departments/dairy", "/search?q=tea", "/cart", "/account", "/search")


def shelves(page: str) -> list[str]:
    """The slots of a page's shelves, in order."""
    return re.findall(r'<endcap-shelf[^>]* slot="(\w+)"', page)


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_landmarks_and_run_nobodys_script(shop: Shop, path: str) -> None:
    """One main, one h1, a skip link; no script, style or handler in the page itself, and a policy that says so."""
    answer = shop.client.get(path)
    page = answer.text
    assert page.count("<main") == 1
    assert page.count("<h1") == 1
    assert 'href="#main"' in page
    assert not re.search(r"<style|\son\w+=|\sstyle=|javascript:", page)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", page))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("path", PAGES)
def test_pictures_say_their_size(shop: Shop, path: str) -> None:
    """So that nothing moves when they come."""
    pictures = re.findall(r"<img[^>]*>", shop.page(path))
    assert all('width="' in one and 'height="' in one and " alt=" in one for one in pictures)


def test_pages_load_nothing_from_elsewhere(shop: Shop) -> None:
    """Everything is the shop's own, the theme script through its app proxy."""
    page = shop.page("/")
    loaded = re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="([^"]+)"', page)
    assert all(one.startswith("/") and not one.startswith("//") for one in loaded)
    assert "/apps/endcap/endcap.js" in loaded
    for one in {one for one in loaded if one.startswith(("/static", "/tiles"))}:
        assert shop.client.get(one).status_code == 200, one


def test_settings_come_before_the_theme_script_and_the_panel_listens_first(shop: Shop) -> None:
    """Modules run in the order of the page."""
    names = [one.split("?")[0].rpartition("/")[2] for one in re.findall(r'<script[^>]*src="([^"]+)"', shop.page("/"))]
    assert names == ["settings.js", "panel.js", "endcap.js", "shop.js"]


def test_home_has_shelves_with_popular_products_in_them(shop: Shop) -> None:
    """Buying again is for those who are known; the fallback of a shelf is links."""
    assert shelves(shop.page("/")) == ["for_you", "trending", "recently_viewed"]
    page = shop.page("/", household="7")
    assert shelves(page) == ["for_you", "buy_again", "trending", "recently_viewed"]
    fallback = page.partition('slot="for_you"')[2].partition("</endcap-shelf>")[0]
    assert fallback.count('href="/products/') == 8


def test_departments_lead_to_their_aisles_and_pages(shop: Shop) -> None:
    """Every product of a department is on one of its pages, once."""
    department = shop.goods.departments["household"]
    page = shop.page("/departments/household")
    assert all(f'href="/departments/household/{slug}"' in page for slug in department.aisles)
    assert len(re.findall('data-product="', page)) == min(PER_PAGE, len(department.products))
    aisle = shop.page("/departments/household/paper")
    assert aisle.count('aria-current="page"') >= 2


def test_a_long_department_has_pages() -> None:
    """From the first to the last; numbers beyond either end lead to it, nonsense to the first."""
    goods = hand_made(*(product(f"p{number:03}") for number in range(PER_PAGE * 2 + 1)))
    with running(Settings(shopify_secrets=SECRET, shopify_domain=DOMAIN), goods) as shop:
        seen: list[str] = []
        for number in (1, 2, 3):
            seen += re.findall(r'data-product="(\w+)"', shop.page(f"/departments/drinks?page={number}"))
        assert seen == [one.id for one in goods.products]
        first, last = (shop.page(f"/departments/drinks?page={number}") for number in (1, 3))
        assert ('rel="next"' in first, 'rel="prev"' in first) == (True, False)
        assert ('rel="next"' in last, 'rel="prev"' in last) == (False, True)
        for wanted, shown in (("0", 1), ("-4", 1), ("x", 1), ("99999999999", 3), ("4", 3)):
            assert f"Page {shown} of 3" in shop.page(f"/departments/drinks?page={wanted}")


def test_a_product_page_says_what_it_is_and_asks_for_its_shelves(shop: Shop) -> None:
    """Title, price, brand, a button; and the product's id in every shelf."""
    one = shop.goods.products[0]
    page = shop.page(f"/products/{one.handle}")
    assert f"<title>{one.title} · Tansy Street</title>" in page
    assert f"${one.price:.2f}" in page
    assert 'id="add-button"' in page
    assert shelves(page) == ["bought_together", "similar", "complete_the_look"]
    assert page.count(f'product-id="{one.id}"') == 3


def test_what_is_sold_out_cannot_be_bought(shop: Shop) -> None:
    """Its page says so."""
    gone = next(one for one in shop.goods.by_id.values() if not one.available)
    page = shop.page(f"/products/{gone.handle}")
    assert 'id="sold-out"' in page
    assert "add-button" not in page


def test_links_by_id_lead_to_the_products_own_address(shop: Shop) -> None:
    """One product, one address."""
    one = shop.goods.products[0]
    answer = shop.client.get(f"/products/{one.id}")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/products/{one.handle}")


@pytest.mark.parametrize(
    "path",
    ["/products/nothing", "/departments/none", "/departments/dairy/none", "/orders/1", "/nowhere", "/products/%00"],
)
def test_what_is_not_there_has_a_page_that_helps(shop: Shop, path: str) -> None:
    """404, with something to go on with."""
    answer = shop.client.get(path)
    assert answer.status_code == 404
    assert 'id="missing"' in answer.text
    assert 'href="/products/' in answer.text


def test_search_finds_and_says_when_it_does_not(shop: Shop) -> None:
    """And repeats what was asked, as text."""
    assert '<p id="search-total">0 products</p>' not in shop.page("/search?q=tea")
    page = shop.page("/search?q=%22%3E%3Cscript%3E")
    assert '<p id="search-total">0 products</p>' in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_what_a_catalogue_says_stays_text() -> None:
    """Titles, brands, categories, handles: none becomes markup, an attribute or a template."""
    one = product(
        "evil", HOSTILE, category=f"{HOSTILE} > {HOSTILE}", brand=HOSTILE, handle='a"b<c', image='/x"onerror=1'
    )
    with running(Settings(shopify_secrets=SECRET, shopify_domain=DOMAIN), hand_made(one)) as shop:
        shop.asks("/cart/lines", product="evil", quantity="1")
        department = shop.goods.departments[next(iter(shop.goods.departments))].slug
        for path in ("/", "/products/a%22b%3Cc", f"/departments/{department}", "/search?q=script", "/cart"):
            answer = shop.client.get(path)
            assert answer.status_code == 200, path
            assert "<script>alert" not in answer.text, path
            assert "49" not in re.sub(r"[?#&]\S+", "", answer.text).replace(SECRET, ""), path
            assert not re.search(r'"onerror=|"b<c', answer.text), path


def test_the_picker_offers_households_and_says_what_they_buy(shop: Shop) -> None:
    """On the account page and in every page's dialog; who is logged in stands in the header."""
    for path in ("/account", "/"):
        page = shop.page(path)
        assert page.count('id="household-form"') == 1
        assert 'value="7" data-household="7"' in page
        assert "81 baskets · Coffee, Tea &amp; &lt;Cakes&gt;" in page
    assert 'id="log-out"' in shop.page("/account", household="7")
    assert 'data-household="7">' in shop.page("/", household="7")


def test_a_shop_without_that_file_lets_anybody_in(shop_data: Path, tmp_path: Path) -> None:
    """Its picker has a field and no suggestions; a damaged file is no file."""
    plain = tmp_path / "plain" / "demo"
    plain.mkdir(parents=True)
    (plain / "households.json").write_text("{")
    with running(settings_of(tmp_path), hand_made(product("tea"))) as shop:
        assert 'id="household-number"' in shop.page("/account")
        assert 'class="suggested"' not in shop.page("/account")
        assert shop.asks("/login", household="anybody") == {"household": "anybody"}


def test_the_question_of_consent_is_asked_until_it_is_answered(shop: Shop) -> None:
    """Any answer will do, and the page tells the theme script which it was."""
    assert 'id="consent-ask"' in shop.page("/")
    for said, told in (
        ("none", ""),
        ("personalization.analytics", "personalization,analytics"),
        ("analytics", "analytics"),
    ):
        page = shop.page("/", consent=said)
        assert 'id="consent-ask"' not in page
        assert f'data-consent="{told}"' in page
    boxes = re.findall(
        r'id="consent-(personalization|analytics)"[^>]*?( checked)?>', shop.page("/account", consent="analytics")
    )
    assert boxes == [("personalization", ""), ("analytics", " checked")]


def test_other_names_of_this_machine_are_refused(shop: Shop) -> None:
    """A foreign name that leads here must not make our pages its own."""
    assert shop.client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert shop.client.get("/", headers={"Host": "localhost:8002"}).status_code == 200


def test_the_headless_page_may_talk_to_the_edge_and_to_nobody_else(shop: Shop) -> None:
    """It names the edge that this shop has."""
    answer = shop.client.get("/headless")
    assert 'content="http://127.0.0.1:9"' in answer.text
    assert "connect-src http://127.0.0.1:9;" in answer.headers["content-security-policy"]


def test_the_shop_is_up(shop: Shop) -> None:
    """For scripts that wait for it."""
    assert shop.client.get("/healthz").text == "ok\n"


@pytest.mark.parametrize("missing", ["shopify_secrets", "shopify_domain"])
def test_a_shop_that_cannot_sign_does_not_start(missing: str) -> None:
    """And says what to set; a list of nothing is nothing."""
    given = {"shopify_secrets": SECRET, "shopify_domain": DOMAIN} | {missing: " "[:0]}
    with pytest.raises(EndcapError, match="ENDCAP_SHOPIFY_SECRETS"):
        create_app(Settings(**given), hand_made())  # type: ignore[arg-type]  # because the fields differ in type


@pytest.mark.parametrize(("currency", "shown"), [("EUR", "€2.50"), ("SEK", "2.50 SEK")])
def test_prices_are_in_the_products_currency(currency: str, shown: str) -> None:
    """With its sign, where there is one that everybody knows; and the price before, where there was one."""
    goods = hand_made(product("tea", currency=currency, compare_at_price=9.0))
    with running(Settings(shopify_secrets=SECRET, shopify_domain=DOMAIN), goods) as shop:
        page = shop.page("/products/tea")
        assert shown in page
        assert 'class="before"' in page
