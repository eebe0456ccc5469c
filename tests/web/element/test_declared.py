"""What endcap.d.ts says of the element, its events and its settings, held against the element in a browser."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.collect import ConsentUpdate, Result
from edge.core.events import Event, Line
from edge.wire import CartLine, Filter, Query
from tests.web.chromium import Open
from tests.web.conftest import Node
from tests.web.element.conftest import PDP
from tests.web.element.site import Site

pytestmark = pytest.mark.store
ROOT = Path(__file__).parents[3]
LISTEN = """
window.endcap = { onAdd: (detail) => { window.added = detail } };
document.addEventListener("endcap:answer", ({ detail }) => { window.answered = detail });
document.addEventListener("endcap:add", ({ detail }) => { window.asked = detail });
"""
Names = dict[str, list[str]]


@pytest.fixture(scope="module")
def declared(node: Node) -> Names:
    """The members of each interface."""
    done = node.run(Path(__file__).parents[1] / "declared.mjs")
    assert done.returncode == 0, done.stdout
    names: Names = json.loads(done.stdout)
    return names


@pytest.fixture
def keys(visit: Open, shop: Site) -> Callable[[str], list[str]]:
    """The names of an object of a page with one shelf, whose first product was put into the cart."""
    shop.config = LISTEN
    shopper = visit()
    shopper.open(shop.page("/", f"<main><h1>Shop</h1>{PDP}</main>"))
    shopper.page.locator("endcap-shelf").get_by_role("button", name="Add to cart").first.click()
    shopper.page.wait_for_function("() => window.added && window.answered")

    def of(expression: str) -> list[str]:
        found: list[str] = shopper.page.evaluate(f"() => Object.keys({expression}).sort()")
        return found

    return of


def test_events_carry_what_is_declared(declared: Names, keys: Any) -> None:
    """Answers with cards, the panel's headers, what is put into the cart."""
    answer = keys("answered.answer")
    assert answer == declared["Answer"]
    assert keys("answered.answer.slots[0]") == declared["Slot"]
    assert keys("answered.answer.slots[0].items[0]") == declared["Item"]
    assert keys("answered.answer.slots[0].items[0].product") == declared["Product"]
    assert keys("answered.answer.slots[0].items[0].product.price") == declared["Money"]
    assert set(keys("answered")) | {"error"} == set(declared["AnswerDetail"])
    assert keys("answered.headers") == declared["AnswerHeaders"]
    assert keys("added") == keys("asked") == declared["AddDetail"]


def test_the_element_has_the_attributes_declared(declared: Names, keys: Any) -> None:
    """All that it observes, and `slot`, which it reads when it asks."""
    observed = keys("Object.fromEntries(customElements.get('endcap-shelf').observedAttributes.map((one) => [one, 1]))")
    assert sorted(observed) == declared["ShelfAttributes"]


def test_the_page_may_set_what_is_declared(declared: Names, keys: Any) -> None:
    """What the manual names; the module installs `setConsent`."""
    assert "setConsent" in keys("window.endcap")
    manual = (ROOT / "docs" / "theme-script.md").read_text().partition("**Configuration**")[2]
    table = manual.partition("|---|")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted({*documented, "setConsent"}) == declared["Configuration"]


def test_questions_and_events_have_the_names_of_the_wire(declared: Names) -> None:
    """The same as the server's."""
    server_only: dict[str, set[str]] = {"Filter": {"in_stock"}, "ShopEvent": {"former"}}
    server_only["Query"] = {"surface", "key", "shopper_token"}
    server_only["Decision"] = {"key", "shopper_token"}
    named: dict[str, Any] = {"Query": Query, "Filter": Filter, "CartLine": CartLine, "ShopEvent": Event, "Line": Line}
    named |= {"Result": Result, "Decision": ConsentUpdate}
    for name, struct in named.items():
        assert set(declared[name]) == set(struct.__struct_fields__) - server_only.get(name, set()), name
