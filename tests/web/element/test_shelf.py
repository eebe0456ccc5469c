"""`<endcap-shelf>` in a real browser, against a running edge: what it shows, asks and leaves alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.chromium import Open
from tests.web.element.conftest import ALL, PDP
from tests.web.element.site import Site


def test_a_shelf_shows_products(visit: Open, shop: Site) -> None:
    """Heading, list, cards with link, picture, title and price."""
    shopper = visit()
    shopper.open(shop.page("/", f"<main><h1>Shop</h1>{PDP}</main>"))
    shelf = shopper.page.locator("endcap-shelf")
    expect(shelf.get_by_role("heading", level=2)).to_have_text("Similar products")
    shopper.page.screenshot(path="/tmp/w/script-shot.png")
    assert shopper.faults() == []
    assert shopper.shifts() == []
    assert shopper.stored() == {}
