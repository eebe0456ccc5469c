"""The edge is slow, silent or dead: the shop's own content stays, nothing moves, nobody is told of an error."""

from collections.abc import Iterator

import pytest

from tests.web.axe import findings
from tests.web.chromium import Open
from tests.web.conftest import Node
from tests.web.shelves import answers, shelves, wait
from tests.web.shop import DemoShop
from tests.web.visit import VIEWPORTS, Visit

RECOMMENDATIONS = "/v1/recommendations"


@pytest.fixture
def shop(own_shop: DemoShop) -> Iterator[DemoShop]:
    """A shop to ill-treat; whole again for the next test."""
    yield own_shop
    for line in (own_shop.front, own_shop.back):
        line.flow()
    for program in (own_shop.edge, own_shop.storefront):
        if not program.running:
            program.start()


def shopper_of(visit: Open, shop: DemoShop, size: str = "desk") -> Visit:
    """Somebody who allows everything, so that there is something to lose."""
    shopper = visit(VIEWPORTS[size])
    shop.allow(shopper, "personalization", "analytics")
    return shopper


def whole(shopper: Visit, shop: DemoShop, *, ready: bool) -> None:
    """The page is all there: products in every place for them, links that work, nothing moved, nothing said."""
    shopper.scroll()
    wait(shopper)
    shown = shelves(shopper.page)
    for slot in ("for_you", "trending"):
        assert shown[slot].state == ("ready" if ready else "fallback")
        assert shown[slot].cards if ready else shown[slot].own
    assert shopper.shifts() == []
    assert shopper.faults() == []


@pytest.mark.parametrize("size", VIEWPORTS)
def test_a_dead_edge_leaves_the_shops_own_content_and_comes_back(
    enter: Open, shop: DemoShop, node: Node, size: str
) -> None:
    """Killed: own products stand there, the shop works, no error is heard of. Started again: shelves."""
    shopper = shopper_of(enter, shop, size)
    shopper.open(shop.url)
    whole(shopper, shop, ready=True)
    shop.edge.kill()
    shopper.open(shop.url)
    whole(shopper, shop, ready=False)
    assert findings(shopper.page, node) == []
    link = shopper.page.locator("#shelf-for_you a").first
    link.click()
    shopper.page.wait_for_url("**/products/**")
    shopper.page.locator("#add-button").click()
    shopper.page.wait_for_function("() => document.querySelector('#cart-count').textContent === '1'")
    shopper.open(f"{shop.url}/cart")
    shopper.page.wait_for_selector("#cart-lines")
    assert shopper.faults() == []
    shop.edge.start()
    shopper.open(shop.url)
    whole(shopper, shop, ready=True)


def test_an_edge_that_dies_under_an_open_page_takes_nothing_away(enter: Open, shop: DemoShop) -> None:
    """What stands on the page stays, goes on working and says nothing."""
    shopper = shopper_of(enter, shop)
    shopper.open(shop.url)
    wait(shopper)
    shop.edge.kill()
    page = shopper.page
    page.locator("#shelf-for_you [part=button]").first.click()
    page.wait_for_function("() => document.querySelector('#cart-count').textContent === '1'")
    page.wait_for_timeout(1_200)  # what is to be reported is sent by now
    assert shelves(page)["for_you"].cards
    assert shopper.faults() == []


def test_a_shop_started_without_its_app_has_whole_pages(enter: Open, shop: DemoShop) -> None:
    """Not even the theme script has ever come: the content is the shop's own, and the console is silent."""
    shop.edge.kill()
    shop.storefront.stop()
    shop.storefront.start()
    shopper = shopper_of(enter, shop)
    shopper.open(shop.url)
    shopper.scroll()
    shown = shelves(shopper.page)
    assert shown["for_you"].state == "undefined"
    assert shown["for_you"].own
    assert shopper.shifts() == []
    assert shopper.faults() == []


@pytest.mark.parametrize("where", ["edge", "shop"])
@pytest.mark.parametrize("size", VIEWPORTS)
def test_a_silent_server_is_waited_for_a_second(visit: Open, shop: DemoShop, size: str, where: str) -> None:
    """No answer, behind the shop or from it: own content within the time, and it stays where it was."""
    line = shop.back if where == "edge" else shop.front
    line.stall(RECOMMENDATIONS)
    shopper = shopper_of(visit, shop, size)
    shopper.page.goto(shop.url, wait_until="load")
    wait(shopper)
    (told,) = shopper.watch.answers
    assert told.failed
    assert 900 < told.ms < 3_000  # the limit is 1000; a busy machine hears of it late
    whole(shopper, shop, ready=False)
    line.flow()
    shopper.page.wait_for_timeout(300)  # a late answer changes nothing any more
    whole(shopper, shop, ready=False)


@pytest.mark.parametrize("size", VIEWPORTS)
def test_slow_answers_and_slow_pictures_move_nothing(enter: Open, shop: DemoShop, size: str) -> None:
    """Shelves half a second late, pictures a second late: all there in the end, in space that was kept for it."""
    shop.back.delay(0.5, RECOMMENDATIONS)
    shop.front.delay(1.0, "/tiles/")
    shopper = shopper_of(enter, shop, size)
    shopper.open(shop.url)
    whole(shopper, shop, ready=True)
    assert answers(shopper)[0]["degraded"] == []


def test_connections_that_break_in_mid_answer_are_nobodys_error(enter: Open, shop: DemoShop) -> None:
    """Cut while the shop waits for the edge: own content, a silent console."""
    shop.back.stall(RECOMMENDATIONS)
    shopper = shopper_of(enter, shop)
    seen = len(shop.back.to(RECOMMENDATIONS))
    shopper.page.goto(shop.url, wait_until="commit")
    while len(shop.back.to(RECOMMENDATIONS)) == seen:
        shopper.page.wait_for_timeout(20)
    shop.back.cut()
    whole(shopper, shop, ready=False)
