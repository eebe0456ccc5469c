"""What `<endcap-shelf>` keeps, asks and tells under each consent, in a real browser against a running edge."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from edge.core.keys import profile_key, session_key
from tests.web.chromium import Open
from tests.web.element.conftest import PDP
from tests.web.element.site import Site

Until = Callable[..., None]
PAGE = f"<main>{PDP}</main>"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
SHOWN = "() => document.querySelector('endcap-shelf').dataset.state === 'ready'"

# Shopify's Customer Privacy API as documented: loaded on demand, `*Allowed()` that combine region, settings and choice.
PRIVACY = """
window.choice = {choice};
window.Shopify = {
  routes: { root: '/' },
  loadFeatures(features, callback) {
    window.features = features;
    setTimeout(() => {
      if (window.choice === null) return callback(new Error('not available'));
      window.Shopify.customerPrivacy = {
        preferencesProcessingAllowed: () => window.choice.preferences,
        analyticsProcessingAllowed: () => window.choice.analytics,
        marketingAllowed: () => window.choice.marketing,
        saleOfDataAllowed: () => false,
        setTrackingConsent(choice, done) {
          window.choice = choice;
          const { preferences: preferencesAllowed, analytics: analyticsAllowed, marketing: marketingAllowed } = choice;
          const detail = { preferencesAllowed, analyticsAllowed, marketingAllowed };
          document.dispatchEvent(new CustomEvent('visitorConsentCollected', { detail }));
          done?.();
        },
      };
      callback();
    }, 50);
  },
};
window.endcap = { consent: 'personalization,analytics' };  // of no weight beside the platform's API
"""


def shown(page: Page) -> None:
    """Wait until the shelf shows products."""
    page.wait_for_function(SHOWN)


def choice(**allowed: bool) -> str:
    """What a shopper chose in the platform's banner."""
    return PRIVACY.replace(
        "{choice}", json.dumps({"preferences": False, "analytics": False, "marketing": False} | allowed)
    )


def visitor(page: Page) -> str | None:
    """The visitor id that is stored."""
    id_: str | None = page.evaluate("() => localStorage.getItem('endcap.visitor')")
    return id_


@pytest.mark.parametrize(
    ("config", "purposes"),
    [
        ("", []),
        ("window.endcap = {}", []),
        ("window.endcap = { consent: '' }", []),
        ("window.endcap = { consent: ['marketing'] }", ["marketing"]),
        ("window.endcap = { consent: 'nonsense' }", []),
        ("window.endcap = { consent: 'analytics' }", ["analytics"]),
        ("window.endcap = { consent: ['personalization'] }", ["personalization"]),
        ("window.endcap = { consent: 'personalization, analytics' }", ["analytics", "personalization"]),
        (choice(), []),
        (choice(marketing=True), ["marketing"]),
        (choice(analytics=True), ["analytics"]),
        (choice(preferences=True), ["personalization"]),
        (choice(preferences=True, analytics=True, marketing=True), ["analytics", "marketing", "personalization"]),
        (PRIVACY.replace("{choice}", "null"), []),
    ],
)
def test_no_more_is_asked_told_or_kept_than_is_allowed(
    visit: Open, shop: Site, until: Until, config: str, purposes: list[str]
) -> None:
    """Nothing by default. Personalization: who asks. Either: events and a visitor id. Neither: nothing at all."""
    shop.config = config
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    personal, known = "personalization" in purposes, bool({"personalization", "analytics"} & set(purposes))
    (asked,) = shop.questions()
    assert asked.query.get("consent", "") == ",".join(purposes)
    assert set(asked.query) >= ({"visitor_id", "session", "rev"} if personal else {"product_id"})
    assert personal or not set(asked.query) & {"visitor_id", "customer_id", "session", "rev"}
    if known:
        until(lambda: shop.events("detail-page-view") and shop.events("recommendation-impression"))
        assert all(event["consent"] == purposes and event["visitor_id"] for event in shop.events())
    else:
        shopper.page.wait_for_timeout(2_300)
        assert shop.events() == []
    stored = shopper.stored().get("local", {})
    assert set(stored) == ({"endcap.visitor", "endcap.visit"} if known else set())
    if known:
        assert set(json.loads(stored["endcap.visit"])) >= {"born"}
        assert ("session" in json.loads(stored["endcap.visit"])) is personal
    assert shop.to("/v1/consent") == []
    assert shopper.faults() == []


def test_the_next_page_is_asked_for_as_the_same_shopper(visit: Open, shop: Site) -> None:
    """The same visitor, what was viewed, and a count that grows, so that no cache hides it."""
    shop.config = "window.endcap = { consent: 'personalization' }"
    shopper = visit()
    shopper.open(shop.page("/1", PAGE))
    shown(shopper.page)
    shopper.open(shop.page("/2", PAGE.replace("p004", "p016")))
    shown(shopper.page)
    first, second = shop.questions()
    assert first.query["visitor_id"] == second.query["visitor_id"] == visitor(shopper.page)
    assert (first.query["session"], second.query["session"]) == ("p004", "p004,p016")
    assert int(second.query["rev"]) > int(first.query["rev"])


def test_a_consent_that_is_given_counts_from_that_moment(visit: Open, shop: Site, until: Until) -> None:
    """The decision reaches the server, shelves are asked for again, and the page counts as viewed."""
    shop.config = "window.endcap = { consent: [] }"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    assert visitor(shopper.page) is None
    shopper.page.evaluate("() => endcap.setConsent(['personalization', 'analytics'])")
    until(lambda: len(shop.questions()) == 2 and shop.events("detail-page-view"))
    (told,) = shop.to("/v1/consent")
    id_ = visitor(shopper.page)
    assert told.json["visitor_id"] == id_ == shop.questions()[1].query["visitor_id"]
    assert told.json["consent"] == ["analytics", "personalization"]
    assert told.json["id"]


WITHDRAWN: dict[str, tuple[str, str]] = {
    "endcap": ("window.endcap = { consent: 'personalization,analytics' }", "() => endcap.setConsent([])"),
    "shopify": (
        choice(preferences=True, analytics=True),
        "() => Shopify.customerPrivacy.setTrackingConsent({ preferences: false, analytics: false, marketing: false })",
    ),
}


@pytest.mark.parametrize("way", WITHDRAWN)
def test_withdrawal_deletes_here_and_on_the_server(
    visit: Open, shop: Site, running: Any, redis: Any, until: Until, way: str
) -> None:
    """Id and storage are gone, the server is told once and forgets, shelves come back without a name."""
    shop.config, withdraw = WITHDRAWN[way]
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    until(lambda: shop.events("detail-page-view"))
    id_ = visitor(shopper.page)
    name = running.edge.identifier.caller(id_, None, []).visitor
    assert name
    until(lambda: redis.exists(session_key("demo", name)))
    shopper.page.evaluate(withdraw)
    until(lambda: len(shop.questions()) == 2 and shop.to("/v1/consent"))
    shopper.settle()
    (told,) = shop.to("/v1/consent")
    assert (told.json["visitor_id"], told.json["consent"]) == (id_, [])
    until(lambda: not redis.exists(session_key("demo", name), profile_key("demo", name)))
    assert "visitor_id" not in shop.questions()[1].query
    assert "consent" not in shop.questions()[1].query
    assert "local" not in shopper.stored()
    sent = len(shop.events())
    shopper.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    shopper.page.wait_for_timeout(1_500)
    assert len(shop.events()) == sent
    assert shopper.faults() == []


def test_withdrawing_personalization_only_leaves_a_nameless_count(visit: Open, shop: Site, until: Until) -> None:
    """The old name goes; analytics go on under a new one that nothing links to it."""
    shop.config = "window.endcap = { consent: 'personalization,analytics' }"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    until(lambda: shop.events("detail-page-view"))
    old = visitor(shopper.page)
    shopper.page.evaluate("() => endcap.setConsent('analytics')")
    until(lambda: shop.to("/v1/consent"))
    shopper.open(shop.page("/2", PAGE))
    until(lambda: len(shop.events("detail-page-view")) == 2)
    assert shop.to("/v1/consent")[0].json["visitor_id"] == old
    assert shop.to("/v1/consent")[0].json["consent"] == ["analytics"]
    assert visitor(shopper.page) not in (None, old)


def test_withdrawing_analytics_only_keeps_the_shopper(visit: Open, shop: Site, until: Until) -> None:
    """The server hears of it and cleans its log; the name stays, since personalization does."""
    shop.config = "window.endcap = { consent: 'personalization,analytics' }"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    old = visitor(shopper.page)
    shopper.page.evaluate("() => endcap.setConsent('personalization')")
    until(lambda: shop.to("/v1/consent"))
    assert shop.to("/v1/consent")[0].json["consent"] == ["personalization"]
    assert visitor(shopper.page) == old


def test_a_withdrawal_between_two_pages_is_acted_on_by_the_next(visit: Open, shop: Site, until: Until) -> None:
    """A page that says `consent: []` where something is stored; one that says nothing at all leaves it alone."""
    shop.config = "window.endcap = { consent: 'personalization' }"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    id_ = visitor(shopper.page)
    shop.config = ""
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    assert "visitor_id" not in shop.questions()[1].query
    assert visitor(shopper.page) == id_
    shop.config = "window.endcap = { consent: [] }"
    shopper.open(shop.page("/", PAGE))
    until(lambda: shop.to("/v1/consent"))
    assert shop.to("/v1/consent")[0].json["visitor_id"] == id_
    assert "local" not in shopper.stored()


def test_a_decision_that_the_server_did_not_hear_is_said_again(visit: Open, shop: Site, until: Until) -> None:
    """With the same id, when the page is left."""
    shop.config = "window.endcap = { consent: 'personalization' }"
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    shop.weather = lambda asked: 503 if "/v1/consent" in asked.path else 0.0
    shopper.page.evaluate("() => endcap.setConsent([])")
    until(lambda: shop.to("/v1/consent"))
    shopper.page.wait_for_timeout(200)
    shop.weather = lambda _: 0.0
    shopper.page.goto("about:blank")
    until(lambda: len(shop.to("/v1/consent")) == 2)
    first, second = shop.to("/v1/consent")
    assert first.json == second.json


def test_other_tabs_hear_of_a_withdrawal(visit: Open, shop: Site, until: Until) -> None:
    """They ask without a name from then on, tell nothing and store nothing."""
    shop.config = "window.endcap = { consent: 'personalization,analytics' }"
    shopper = visit()
    url = shop.page("/", PAGE)
    shopper.open(url)
    shown(shopper.page)
    other = shopper.context.new_page()
    other.goto(url)
    shown(other)
    until(lambda: len(shop.events("detail-page-view")) == 2)
    assert visitor(other) == visitor(shopper.page)
    asked = len(shop.questions())
    shopper.page.evaluate("() => endcap.setConsent([])")
    until(lambda: len(shop.questions()) == asked + 2)
    assert all("visitor_id" not in one.query for one in shop.questions()[asked:])
    told = len(shop.events())
    other.locator("endcap-shelf [part=link]").first.dispatch_event("click")
    other.wait_for_timeout(1_300)
    assert len(shop.events()) == told
    assert "local" not in shopper.stored()
    assert len(shop.to("/v1/consent")) == 1


def test_a_browser_that_stores_nothing_is_served_as_well(visit: Open, shop: Site, until: Until) -> None:
    """Storage that throws: the name lives as long as the page."""
    shop.config = """window.endcap = { consent: 'personalization' };
for (const name of ['getItem', 'setItem', 'removeItem']) {
  Storage.prototype[name] = () => { throw new Error('forbidden') };
}"""
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    until(lambda: shop.events("detail-page-view"))
    assert shop.questions()[0].query["visitor_id"] == shop.events("detail-page-view")[0]["visitor_id"]
    assert shopper.faults() == []


@pytest.mark.parametrize("junk", ["{", "null", '"text"', '{"born": "x", "session": {"a": 1}, "rev": "many"}', "[]"])
def test_what_others_wrote_into_storage_does_no_harm(visit: Open, shop: Site, junk: str) -> None:
    """Anything but our own record is as good as none."""
    shop.config = (
        "window.endcap = { consent: 'personalization' }; localStorage.setItem('endcap.visitor', 'v-old');"
        f"localStorage.setItem('endcap.visit', {json.dumps(junk)})"
    )
    shopper = visit()
    shopper.open(shop.page("/", PAGE))
    shown(shopper.page)
    assert shopper.faults() == []


def test_a_name_lives_thirteen_months_and_a_visit_half_an_hour(visit: Open, shop: Site) -> None:
    """Then there is a new name; what was viewed is forgotten sooner."""
    record = "{ born: Date.now() - %d * 864e5, at: Date.now() - %d * 60e3, rev: 7, session: ['p016'] }"
    store = (
        "window.endcap = { consent: 'personalization' }; localStorage['endcap.visitor'] ??= 'v-old';"
        "localStorage['endcap.visit'] ??= JSON.stringify(%s)"
    )
    for born, at, kept, session in ((394, 29, True, "p016,p004"), (394, 31, True, "p004"), (396, 1, False, "p004")):
        shop.config = store % (record % (born, at))
        shop.asked.clear()
        shopper = visit()
        shopper.open(shop.page("/", PAGE))
        shown(shopper.page)
        (asked,) = shop.questions()
        assert (asked.query["visitor_id"] == "v-old") is kept
        assert asked.query["session"] == session
        assert asked.query["rev"] == ("8" if kept else "1")
