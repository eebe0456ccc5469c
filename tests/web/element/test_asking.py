"""When `<endcap-shelf>` asks, how often, and what stays when nothing comes: against a running edge."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.web.chromium import Open
from tests.web.element.conftest import ALL, PDP
from tests.web.element.site import BASE, Site

OWN = PDP.replace("></endcap-shelf>", '><ul><li><a href="/favourites">Our favourites</a></li></ul></endcap-shelf>')
STATES = "() => [...document.querySelectorAll('endcap-shelf')].map((one) => one.dataset.state)"


def states(page: Page, *wanted: str) -> None:
    """Wait until the shelves of the page are in these states."""
    page.wait_for_function(f"() => JSON.stringify(({STATES})()) === '{json.dumps(wanted, separators=(',', ':'))}'")


def shelf(surface: str, slot: str = "", **attributes: str) -> str:
    """One element."""
    said = {"surface": surface, "slot": slot} | {name.replace("_", "-"): value for name, value in attributes.items()}
    attributes_ = " ".join(f'{name}="{value}"' for name, value in said.items() if value)
    return f"<endcap-shelf {attributes_}></endcap-shelf>"


def test_shelves_of_one_surface_are_one_get(visit: Open, shop: Site) -> None:
    """With all their slots, and the largest limit; each shows its own, and no more than it wants."""
    shopper = visit()
    first = shelf("pdp", "similar", product_id="p004", limit="2")
    second = shelf("pdp", "bought_together", product_id="p004", limit="5")
    shopper.open(shop.page("/", first + second))
    states(shopper.page, "ready", "ready")
    (asked,) = shop.questions()
    assert (asked.method, asked.path) == ("GET", f"{BASE}/v1/recommendations/pdp")
    assert asked.query == {"product_id": "p004", "slots": "similar,bought_together", "limit": "5"}
    expect(shopper.page.locator("endcap-shelf").first.get_by_role("listitem")).to_have_count(2)


def test_shelves_of_several_surfaces_are_one_batch(visit: Open, shop: Site) -> None:
    """One member for each surface and product."""
    shopper = visit()
    cart = shelf("cart", "cart_complements", product_ids="p004,p016")
    shopper.open(shop.page("/", shelf("home", "for_you") + cart + PDP))
    states(shopper.page, "ready", "ready", "ready")
    (asked,) = shop.questions()
    assert asked.method == "POST"
    assert asked.json["requests"] == [
        {"surface": "home", "slots": ["for_you"], "limit": 8},
        {"surface": "cart", "product_ids": ["p004", "p016"], "slots": ["cart_complements"], "limit": 8},
        {"surface": "pdp", "product_id": "p004", "slots": ["similar"], "limit": 8},
    ]


def test_shelves_without_a_slot_get_the_answers_own_order(visit: Open, shop: Site) -> None:
    """The named one gets its own, the others what is left; one too many keeps its content."""
    shopper = visit()
    shopper.open(shop.page("/", shelf("home") + shelf("home", "for_you") + shelf("home") * 4))
    page = shopper.page
    page.wait_for_function(f"() => ({STATES})().every((state) => state !== 'loading')")
    (asked,) = shop.questions()
    assert "slots" not in asked.query
    headings = [page.locator("endcap-shelf").nth(place).get_by_role("heading").all_inner_texts() for place in range(6)]
    assert headings[:2] == [["Trending now"], ["Popular right now"]]
    assert headings[-1] == []
    assert page.evaluate(STATES)[-1] == "fallback"


def test_nothing_is_asked_until_a_shelf_comes_near(visit: Open, shop: Site) -> None:
    """400 px before it is seen; then for all shelves of the page."""
    shopper = visit()
    far = '<div class="far"></div>'
    shopper.open(shop.page("/", far + PDP + far + PDP))
    shopper.settle()
    assert shop.questions() == []
    shopper.page.evaluate("() => scrollTo(0, document.querySelector('endcap-shelf').offsetTop - innerHeight - 350)")
    states(shopper.page, "ready", "ready")
    assert len(shop.questions()) == 1
    shopper.scroll()
    assert len(shop.questions()) == 1
    assert shopper.shifts() == []


def test_a_shelf_added_later_asks_once_more(visit: Open, shop: Site) -> None:
    """Only for itself and those added with it."""
    shopper = visit()
    shopper.open(shop.page("/", PDP))
    states(shopper.page, "ready")
    more = shelf("home", "for_you") + shelf("home", "trending")
    shopper.page.evaluate("(more) => document.body.insertAdjacentHTML('beforeend', more)", more)
    states(shopper.page, "ready", "ready", "ready")
    assert [asked.query["slots"] for asked in shop.questions()] == ["similar", "for_you,trending"]


def test_a_changed_product_is_asked_for_and_old_answers_do_not_win(visit: Open, shop: Site) -> None:
    """A storefront that navigates without loading: the element stays, its attribute changes while an answer is due."""
    shop.weather = lambda asked: 0.6 if asked.query.get("product_id") == "p004" else 0.0
    shopper = visit()
    shopper.page.goto(shop.page("/", PDP), wait_until="load")
    shopper.page.wait_for_timeout(200)
    shopper.page.evaluate("() => document.querySelector('endcap-shelf').setAttribute('product-id', 'p016')")
    states(shopper.page, "ready")
    titles = shopper.page.locator("endcap-shelf [part=title]").all_inner_texts()
    shopper.page.wait_for_timeout(700)
    assert [asked.query["product_id"] for asked in shop.questions()] == ["p004", "p016"]
    assert shopper.page.locator("endcap-shelf [part=title]").all_inner_texts() == titles


def test_an_element_taken_out_and_put_back_works_on(visit: Open, shop: Site) -> None:
    """Without an error, also when it is away while its answer comes."""
    shop.weather = lambda asked: 0.3 if "/v1/" in asked.path else 0.0
    shopper = visit()
    shopper.page.goto(shop.page("/", PDP), wait_until="load")
    shopper.page.wait_for_timeout(100)
    shopper.page.evaluate("() => { window.kept = document.querySelector('endcap-shelf'); kept.remove(); }")
    shopper.page.wait_for_timeout(400)
    shopper.page.evaluate("() => document.body.append(window.kept)")
    states(shopper.page, "ready")
    assert shopper.faults() == []


def test_an_element_made_by_a_script_may_be_filled_before_it_is_put_in(visit: Open, shop: Site) -> None:
    """As frameworks do, over several tasks; until then it asks nothing."""
    shopper = visit()
    shopper.open(shop.page("/", "<p>Shop</p>"))
    shopper.page.evaluate("""async () => {
      const later = () => new Promise((done) => setTimeout(done, 50));
      const shelf = document.createElement('endcap-shelf');
      for (const [name, value] of [['surface', 'pdp'], ['product-id', 'p004'], ['slot', 'similar']]) {
        shelf.setAttribute(name, value);
        shelf.append(document.createElement('p'));
        await later();
      }
      document.body.append(shelf);
    }""")
    states(shopper.page, "ready")
    assert len(shop.questions()) == 1
    assert shopper.faults() == []


@pytest.mark.parametrize("ill", [500, 404, None])
def test_own_content_stays_when_the_server_fails(visit: Open, shop: Site, ill: int | None) -> None:
    """And can be used; the space stays as it was, and nothing moves."""
    shop.weather = lambda asked: ill if "/v1/" in asked.path else 0.0
    shopper = visit()
    shopper.open(shop.page("/", f"<main>{OWN}<p>Below</p></main>"))
    states(shopper.page, "fallback")
    expect(shopper.page.get_by_role("link", name="Our favourites")).to_be_visible()
    assert shopper.page.locator("endcap-shelf").get_by_role("heading").count() == 0
    assert shopper.shifts() == []
    assert shopper.watch.errors == []


def test_a_slow_server_is_given_up_after_a_second(visit: Open, shop: Site) -> None:
    """Own content is there all the time."""
    shop.weather = lambda asked: 2.5 if "/v1/" in asked.path else 0.0
    shopper = visit()
    shopper.page.goto(shop.page("/", OWN), wait_until="load")
    expect(shopper.page.get_by_role("link", name="Our favourites")).to_be_visible()
    states(shopper.page, "fallback")
    expect(shopper.page.get_by_role("link", name="Our favourites")).to_be_visible()
    assert shopper.faults() == []


def test_own_content_is_replaced_when_the_answer_comes(visit: Open, shop: Site) -> None:
    """It can neither be seen nor reached any more."""
    shopper = visit()
    shopper.open(shop.page("/", OWN))
    states(shopper.page, "ready")
    expect(shopper.page.get_by_role("link", name="Our favourites")).to_have_count(0)


def test_a_shelf_that_turns_out_empty_keeps_its_space_while_it_is_seen(visit: Open, shop: Site) -> None:
    """Below the fold the space goes at once, since nobody sees anything move."""
    empty = shelf("home", "buy_again")
    shopper = visit()
    shopper.page.goto(shop.page("/", f"<main>{empty}<p>Below</p></main>"), wait_until="load")
    states(shopper.page, "fallback")
    height = "() => document.querySelector('endcap-shelf').getBoundingClientRect().height"
    assert shopper.page.evaluate(height) > 200
    expect(shopper.page.get_by_role("listitem")).to_have_count(0)
    below = visit()
    page = f"<main><div style='height: 1100px'></div>{empty}<p>Below</p></main>"
    below.page.goto(shop.page("/below", page), wait_until="load")
    states(below.page, "fallback")
    below.page.wait_for_function(f"() => ({height})() === 0")
    below.scroll()
    assert below.shifts() == []


def test_a_shelf_that_does_not_say_enough_asks_nothing(visit: Open, shop: Site) -> None:
    """No product, no surface; what others ask is not spoilt by it."""
    shopper = visit()
    shopper.open(shop.page("/", shelf("pdp", "similar") + "<endcap-shelf></endcap-shelf>" + PDP))
    states(shopper.page, "fallback", "fallback", "ready")
    assert [asked.query["product_id"] for asked in shop.questions()] == ["p004"]


def test_the_module_may_be_loaded_twice(visit: Open, shop: Site) -> None:
    """Two addresses are two modules; the second leaves everything to the first."""
    shop.config = ALL
    more = f'<script type="module" src="{BASE}/endcap.js?again"></script>'
    shopper = visit()
    shopper.open(shop.page("/", PDP + more))
    states(shopper.page, "ready")
    shopper.page.wait_for_timeout(1_300)
    assert len(shop.questions()) == 1
    assert len(shop.events("detail-page-view")) == 1
    assert shopper.faults() == []


def test_what_the_page_learns_of_an_answer(visit: Open, shop: Site) -> None:
    """`endcap:answer` on the document: for the shop's own scripts, and for panels."""
    keep = "window.told = JSON.parse(JSON.stringify(detail))"
    shop.config = f"document.addEventListener('endcap:answer', ({{ detail }}) => {{ {keep} }})"
    shopper = visit()
    shopper.open(shop.page("/", PDP))
    states(shopper.page, "ready")
    told = shopper.page.evaluate("window.told")
    assert (told["surface"], told["failed"], told["query"]["product_id"]) == ("pdp", False, "p004")
    assert told["answer"]["slots"][0]["id"] == "similar"
    assert told["ms"] > 0
    assert told["headers"]["cache"].startswith("endcap;")
    assert told["headers"]["requestId"]


def test_the_endpoint_may_be_said_by_page_or_element(visit: Open, shop: Site) -> None:
    """Else it is where the module came from."""
    shop.config = f"window.endcap = {{ endpoint: '{shop.url}/nowhere' }}"
    shopper = visit()
    shopper.open(shop.page("/", PDP + PDP.replace("slot=", f'endpoint="{BASE}/" slot=')))
    states(shopper.page, "fallback", "ready")
    assert {asked.path for asked in shop.questions()} == {
        "/nowhere/v1/recommendations/pdp", f"{BASE}/v1/recommendations/pdp"
    }  # fmt: skip


def test_a_page_from_the_back_cache_is_asked_again(visit: Open, shop: Site) -> None:
    """The shopper went on and came back: what happened in between counts."""
    shop.config = ALL
    shopper = visit()
    shopper.open(shop.page("/", PDP))
    states(shopper.page, "ready")
    restored = "() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    before = len(shop.questions())
    shopper.page.evaluate(restored)
    shopper.page.wait_for_timeout(300)
    states(shopper.page, "ready")
    assert len(shop.questions()) == before + 1
    first, second = shop.questions()
    assert int(second.query["rev"]) > int(first.query["rev"])
