"""What a shopper's decision does: nothing without it, shelves that follow with it, nothing left once it is undone."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edge.core.events import Event
from tests.web.chromium import Open
from tests.web.shelves import answers, shelves, slots, wait
from tests.web.shop import DemoShop
from tests.web.visit import DESK, PHONE, VIEWPORTS, Visit

Until = Callable[..., None]
BOTH = ("personalization", "analytics")
VIEWED = ("p004", "p016", "p028")
OWN_COOKIES = {"household", "consent", "cart", "order"}  # the shop's, which hold no id of a shopper


def visitor_of(shopper: Visit) -> str | None:
    """The visitor id that the browser keeps."""
    found: str | None = shopper.page.evaluate("() => localStorage.getItem('endcap.visitor')")
    return found


def events_of(shop: DemoShop, visitor: str | None) -> list[Event]:
    """What the stream holds of a visitor."""
    assert visitor
    name = shop.name("visitor", visitor)
    return [event for event in shop.events() if event.visitor_id == name]


def sent_since(shop: DemoShop, mark: int) -> str:
    """All that browsers sent to the app since: lines, headers without the shop's own cookies, bodies."""
    sent = [one for one in shop.front.sent[mark:] if "/apps/endcap/" in one.target]
    for one in sent:
        one.headers.pop("cookie", None)
    return "\n".join(one.text for one in sent)


def walk(shopper: Visit, shop: DemoShop) -> None:
    """A visit: home, a click on a shelf, a product into the cart from a shelf, the cart."""
    shopper.open(shop.url)
    shopper.page.locator("#shelf-for_you").scroll_into_view_if_needed()
    wait(shopper)
    shopper.page.wait_for_timeout(1_300)  # long enough in sight to count as seen
    shopper.page.locator("#shelf-for_you [part=link]").first.click()
    shopper.page.wait_for_selector("h1")
    shopper.page.wait_for_load_state("networkidle")
    shopper.scroll()
    wait(shopper)
    shopper.page.locator("endcap-shelf[data-state=ready] [part=button]").first.click()
    shopper.page.wait_for_function("() => document.querySelector('#cart-count').textContent === '1'")
    shopper.open(f"{shop.url}/cart")
    wait(shopper)


# --- without consent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "answered"), [("phone", False), ("desk", True)], ids=["unasked", "refused"])
def test_without_consent_nothing_personal_is_asked_stored_or_sent(
    enter: Open, demo_shop: DemoShop, size: str, answered: bool
) -> None:
    """A whole visit, by somebody logged in even: no id, no storage, no event, and shelves that everybody sees."""
    shopper = enter(VIEWPORTS[size])
    demo_shop.log_in(shopper, demo_shop.household())
    if answered:
        demo_shop.allow(shopper)
    mark, events = len(demo_shop.front.sent), len(demo_shop.events())
    walk(shopper, demo_shop)
    sent = sent_since(demo_shop, mark)
    assert "/v1/recommendations/" in sent
    for personal in ("visitor_id", "customer_id", "consent=", "rev=", "session=", "/v1/events", "/v1/consent"):
        assert personal not in sent
    stored = shopper.stored()
    assert set(stored.pop("cookies")) <= OWN_COOKIES
    assert stored == {}
    assert len(demo_shop.events()) == events
    assert {slot["served_by"] for answer in answers(shopper) for slot in answer["slots"]} <= {"popular", "context"}
    assert shopper.faults() == []


def test_a_refusal_on_the_page_sends_nothing(enter: Open, demo_shop: DemoShop) -> None:
    """Nothing was kept, so there is nothing to withdraw."""
    shopper = enter()
    shopper.open(demo_shop.url)
    wait(shopper)
    mark = len(demo_shop.front.sent)
    shopper.page.locator("#consent-no").click()
    shopper.page.wait_for_selector("#consent-ask", state="hidden")
    shopper.settle()
    assert sent_since(demo_shop, mark) == ""
    assert set(shopper.stored()) <= {"cookies"}


# --- with consent ----------------------------------------------------------------------------------------------------


def test_with_consent_the_next_page_moves_with_what_was_viewed(enter: Open, demo_shop: DemoShop) -> None:
    """A yes on the page, three products looked at: home shows them, newest first, and recommends something else."""
    shopper = enter()
    shopper.open(demo_shop.url)
    wait(shopper)
    before = slots(shopper)
    assert before["for_you"]["served_by"] == "popular"
    shopper.page.locator("#consent-yes").click()
    shopper.page.wait_for_selector("#consent-ask", state="hidden")
    for product in VIEWED:
        shopper.open(demo_shop.product_url(product))
    shopper.open(demo_shop.url)
    shopper.scroll()
    wait(shopper)
    after, shown = slots(shopper), shelves(shopper.page)
    titles = [demo_shop.catalogue[product].title for product in reversed(VIEWED)]
    assert [card.title for card in shown["recently_viewed"].cards] == titles
    assert after["for_you"]["served_by"] in {"personal", "session"}
    assert after["for_you"]["items"] != before["for_you"]["items"]
    assert shopper.faults() == []
    assert shopper.shifts() == []


@pytest.mark.parametrize("size", VIEWPORTS)
def test_impression_click_and_add_to_cart_reach_the_store_with_the_answers_token(
    enter: Open, demo_shop: DemoShop, until: Until, size: str
) -> None:
    """So that what a shelf brought can be counted: each event names its slot and the answer it came from."""
    shopper = enter(VIEWPORTS[size])
    demo_shop.allow(shopper, *BOTH)
    walk(shopper, demo_shop)
    visitor = visitor_of(shopper)
    wanted = {"recommendation-impression", "recommendation-click", "add-to-cart", "home-page-view", "detail-page-view",
              "shopping-cart-page-view"}  # fmt: skip
    until(lambda: {event.type for event in events_of(demo_shop, visitor)} >= wanted)
    events = events_of(demo_shop, visitor)
    tokens = {slot["attribution_token"]: slot["id"] for answer in answers(shopper) for slot in answer["slots"]}
    for event in events:
        assert set(event.consent) == set(BOTH)
        if event.type in {"recommendation-impression", "recommendation-click", "add-to-cart"}:
            assert event.attribution_token is not None
            assert tokens[event.attribution_token] == event.slot
            assert event.products
    (click,) = [event for event in events if event.type == "recommendation-click"]
    (viewed,) = [event for event in events if event.type == "detail-page-view"]
    assert click.slot == "for_you"
    assert click.products[0].product_id == viewed.products[0].product_id
    assert len({event.id for event in events}) == len(events)


def test_analytics_alone_reports_and_personalizes_nothing(enter: Open, demo_shop: DemoShop, until: Until) -> None:
    """The purposes are apart: events with a pseudonym, shelves that everybody sees, no profile, no session."""
    shopper = enter()
    demo_shop.allow(shopper, "analytics")
    walk(shopper, demo_shop)
    visitor = visitor_of(shopper)
    until(lambda: events_of(demo_shop, visitor))
    assert {slot["served_by"] for answer in answers(shopper) for slot in answer["slots"]} <= {"popular", "context"}
    assert visitor
    assert demo_shop.keys_of("visitor", visitor).isdisjoint({"p", "s"})


def test_what_is_sold_through_the_shop_is_reported_once(enter: Open, demo_shop: DemoShop, until: Until) -> None:
    """A checkout: one purchase, also when the page that says thank you is loaded again."""
    shopper = enter()
    demo_shop.allow(shopper, *BOTH)
    shopper.open(demo_shop.product_url("p004"))
    shopper.page.locator("#add-button").click()
    shopper.page.wait_for_function("() => document.querySelector('#cart-count').textContent === '1'")
    shopper.open(f"{demo_shop.url}/cart")
    shopper.page.locator("#checkout").click()
    shopper.page.wait_for_selector("[data-order]")
    shopper.page.wait_for_load_state("networkidle")
    shopper.open(shopper.page.url)
    visitor = visitor_of(shopper)
    until(lambda: any(event.type == "purchase-complete" for event in events_of(demo_shop, visitor)))
    (order,) = [event for event in events_of(demo_shop, visitor) if event.type == "purchase-complete"]
    assert [line.product_id for line in order.products] == ["p004"]


# --- withdrawal ------------------------------------------------------------------------------------------------------


def test_withdrawal_forgets_the_shopper_here_and_there(enter: Open, demo_shop: DemoShop, until: Until) -> None:
    """One switch: the id goes from the browser, profile, session and events from the store; shelves are everybody's."""
    shopper = enter(PHONE)
    demo_shop.allow(shopper, *BOTH)
    walk(shopper, demo_shop)
    visitor = visitor_of(shopper)
    assert visitor
    until(lambda: demo_shop.keys_of("visitor", visitor) >= {"s", "t"})
    shopper.open(f"{demo_shop.url}/account")
    for switch in ("#consent-personalization", "#consent-analytics"):
        shopper.page.locator(switch).uncheck()
    until(lambda: demo_shop.keys_of("visitor", visitor) == {"c"})  # the denial outlives what it denied
    assert events_of(demo_shop, visitor) == []
    shopper.settle()
    assert set(shopper.stored()) <= {"cookies"}
    mark = len(demo_shop.front.sent)
    shopper.open(demo_shop.url)
    shopper.scroll()
    wait(shopper)
    assert visitor not in sent_since(demo_shop, mark)
    assert "recently_viewed" not in slots(shopper)
    assert set(shopper.stored()) <= {"cookies"}
    assert shopper.faults() == []


def test_withdrawal_takes_personal_shelves_off_the_open_page(enter: Open, demo_shop: DemoShop) -> None:
    """Not on the next page only: what stands there is asked for again, without an identity."""
    shopper = enter()
    demo_shop.log_in(shopper, demo_shop.household())
    demo_shop.allow(shopper, *BOTH)
    shopper.open(demo_shop.url)
    wait(shopper)
    assert slots(shopper)["for_you"]["served_by"] == "personal"
    shopper.page.locator("#account-open").click()
    shopper.page.locator("#account #consent-personalization").uncheck()
    shopper.page.wait_for_function(
        "() => document.querySelector('#shelf-for_you').shadowRoot.querySelector('[part=heading]').textContent"
        " === 'Popular right now'"
    )
    wait(shopper)
    assert shelves(shopper.page)["buy_again"].cards == ()
    assert slots(shopper)["for_you"]["served_by"] == "popular"


def test_a_withdrawal_in_one_tab_holds_in_the_other(enter: Open, demo_shop: DemoShop) -> None:
    """The other tab sends nothing more of the shopper."""
    shopper = enter()
    demo_shop.allow(shopper, *BOTH)
    shopper.open(demo_shop.url)
    wait(shopper)
    visitor = visitor_of(shopper)
    assert visitor
    second = shopper.context.new_page()
    second.goto(f"{demo_shop.url}/account", wait_until="networkidle")
    for switch in ("#consent-personalization", "#consent-analytics"):
        second.locator(switch).uncheck()
    second.wait_for_function("() => localStorage.length === 0")
    second.wait_for_load_state("networkidle")
    mark = len(demo_shop.front.sent)
    shopper.page.bring_to_front()
    shopper.page.wait_for_timeout(1_500)
    shopper.page.goto("about:blank")
    assert visitor not in sent_since(demo_shop, mark)


# --- who is who ------------------------------------------------------------------------------------------------------


def test_two_households_never_see_each_others_shelves(enter: Open, demo_shop: DemoShop) -> None:
    """By turns, through the same shop, and one after the other in one browser: each sees what itself bought."""
    first, second = demo_shop.household(), demo_shop.household()
    own = {household: demo_shop.bought(household) for household in (first, second)}
    shoppers = {first: enter(DESK), second: enter(PHONE)}
    for household, shopper in shoppers.items():
        demo_shop.log_in(shopper, household)
        demo_shop.allow(shopper, *BOTH)

    def look(shopper: Visit, household: str, other: str) -> None:
        shopper.open(demo_shop.url)
        wait(shopper)
        seen = {card.title for card in shelves(shopper.page)["buy_again"].cards}
        assert seen
        assert seen <= own[household]
        assert not seen <= own[other]

    for _ in range(2):
        look(shoppers[first], first, second)
        look(shoppers[second], second, first)
    demo_shop.log_in(shoppers[first], second)
    look(shoppers[first], second, first)


def test_the_browser_never_sends_what_only_the_shop_may_say(enter: Open, demo_shop: DemoShop) -> None:
    """Signature, shop and login are the platform's; each request to the app carries them, from the shop."""
    shopper = enter()
    household = demo_shop.household()
    demo_shop.log_in(shopper, household)
    demo_shop.allow(shopper, *BOTH)
    front, back = len(demo_shop.front.sent), len(demo_shop.back.sent)
    walk(shopper, demo_shop)
    shopper.page.goto("about:blank")
    sent = sent_since(demo_shop, front)
    for word in ("signature", "logged_in_customer_id", "customer_id", "timestamp="):
        assert word not in sent
    forwarded = demo_shop.back.sent[back:]
    assert any("/v1/events" in one.target for one in forwarded)
    for one in forwarded:
        assert one.target.startswith("/proxy/")
        assert "signature=" in one.target
        assert f"logged_in_customer_id={household}" in one.target
        assert "cookie" not in one.headers


def test_the_app_cannot_be_talked_to_as_somebody_else(enter: Open, demo_shop: DemoShop) -> None:
    """A page that names a customer itself is refused: the query's, and the events'."""
    shopper = enter()
    demo_shop.allow(shopper, *BOTH)
    shopper.open(demo_shop.url)
    told: list[Any] = shopper.page.evaluate("""async () => {
      const asked = await fetch('/apps/endcap/v1/recommendations/home?consent=personalization&customer_id=1001');
      const event = {id: crypto.randomUUID(), type: 'home-page-view', time: new Date().toISOString(), products: [],
        customer_id: '1001', consent: ['personalization', 'analytics'], source: 'web'};
      const sent = await fetch('/apps/endcap/v1/events', {method: 'POST', body: JSON.stringify(event)});
      const home = '/apps/endcap/v1/recommendations/home';
      const faked = await fetch(`${home}?consent=personalization&logged_in_customer_id=1001`);
      return [asked.status, sent.status, await faked.text(), faked.status];
    }""")
    assert told[:2] == [400, 400]
    assert told[3] != 200 or "personal" not in {slot["served_by"] for slot in json.loads(told[2])["slots"]}


# --- back and forward ------------------------------------------------------------------------------------------------


def test_going_back_shows_whole_shelves_again(enter: Open, demo_shop: DemoShop) -> None:
    """Home, a product, back: the shelves stand there, and nothing is wrong."""
    shopper = enter()
    demo_shop.allow(shopper, *BOTH)
    shopper.open(demo_shop.url)
    wait(shopper)
    shopper.page.locator("#shelf-for_you [part=link]").first.click()
    shopper.page.wait_for_url("**/products/**")
    wait(shopper)
    shopper.page.go_back(wait_until="networkidle")
    wait(shopper)
    shown = shelves(shopper.page)
    assert shown["for_you"].cards
    assert shopper.faults() == []
    shopper.page.go_forward(wait_until="networkidle")
    wait(shopper)
    assert shopper.page.locator("h1").is_visible()
    assert shopper.faults() == []


def test_going_back_to_a_page_from_before_the_withdrawal_shows_nothing_personal(
    enter: Open, demo_shop: DemoShop
) -> None:
    """Whether the browser kept the page or loads it anew."""
    shopper = enter()
    demo_shop.log_in(shopper, demo_shop.household())
    demo_shop.allow(shopper, *BOTH)
    shopper.open(demo_shop.url)
    wait(shopper)
    assert shelves(shopper.page)["buy_again"].cards
    shopper.open(f"{demo_shop.url}/account")
    for switch in ("#consent-personalization", "#consent-analytics"):
        shopper.page.locator(switch).uncheck()
    shopper.page.wait_for_function("() => localStorage.length === 0")
    shopper.page.wait_for_load_state("networkidle")
    shopper.page.go_back(wait_until="networkidle")
    wait(shopper)
    assert shelves(shopper.page)["buy_again"].cards == ()
    assert slots(shopper)["for_you"]["served_by"] == "popular"
