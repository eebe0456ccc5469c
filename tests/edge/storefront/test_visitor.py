"""The shop's own cookies: what they say, and what they say when they are broken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from edge.storefront.visitor import (
    MOST_LINES,
    MOST_OF_ONE,
    Visitor,
    read_visitor,
    set_cart,
    set_consent,
    set_household,
    set_order,
)
from tests.edge.storefront.conftest import hand_made, product

ODD = "a.b:c!d é%2E;,"
GOODS = hand_made(product("tea"), product("cola"), product(ODD))


def kept(response: Response) -> dict[str, str]:
    """The cookies a browser would have after this response."""
    pairs = [
        value.decode().split(";")[0].partition("=") for name, value in response.raw_headers if name == b"set-cookie"
    ]
    return {name: value.strip('"') for name, _, value in pairs if value.strip('"')}


def after(response: Response) -> Visitor:
    """The shopper who comes back with these cookies."""
    return read_visitor(kept(response), GOODS)


def test_a_shopper_without_cookies_is_nobody_with_an_empty_cart() -> None:
    """And has not been asked yet."""
    visitor = read_visitor({}, GOODS)
    assert visitor == Visitor(household=None, consent=None, cart={}, order=None)
    assert (visitor.allowed, visitor.pieces) == ("", 0)


@pytest.mark.parametrize("cart", [{"tea": 1}, {"tea": 2, "cola": 99}, {ODD: 3, "tea": 1}, {}])
def test_a_cart_comes_back_as_it_was(cart: dict[str, int]) -> None:
    """Whatever characters ids have, in order."""
    response = Response()
    set_cart(response, cart)
    assert list(after(response).cart.items()) == list(cart.items())
    assert after(response).pieces == sum(cart.values())


def test_an_order_comes_back_with_its_id() -> None:
    """For the page that says thank you."""
    response = Response()
    set_order(response, "4f", {ODD: 1, "tea": 2})
    assert after(response).order == ("4f", {ODD: 1, "tea": 2})


def test_a_household_comes_back_and_goes() -> None:
    """An empty one logs out."""
    response = Response()
    set_household(response, ODD)
    assert after(response).household == ODD
    response = Response()
    set_household(response, None)
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert kept(response) == {}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["personalization"], ("personalization",)),
        (["analytics", "personalization"], ("personalization", "analytics")),
        ([], ()),
        (["marketing", "everything"], ()),
    ],
)
def test_consent_comes_back_and_no_is_an_answer(asked: list[str], expected: tuple[str, ...]) -> None:
    """Only purposes that the shop asks for."""
    response = Response()
    set_consent(response, asked)
    assert after(response).consent == expected


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites() -> None:
    """HttpOnly and SameSite, on every one."""
    response = Response()
    set_cart(response, {"tea": 1})
    set_household(response, "7")
    set_consent(response, [])
    for name, value in response.raw_headers:
        if name == b"set-cookie":
            assert b"HttpOnly" in value
            assert b"SameSite=lax" in value


def test_products_that_are_gone_leave_the_cart() -> None:
    """And quantities keep within bounds."""
    assert read_visitor({"cart": "tea:1.gone:2"}, GOODS).cart == {"tea": 1}
    assert read_visitor({"cart": f"tea:{MOST_OF_ONE + 900}"}, GOODS).cart == {"tea": MOST_OF_ONE}
    assert read_visitor({"cart": "tea:0.cola:-1"}, GOODS).cart == {}
    assert read_visitor({"cart": "tea:99999999999999999999"}, GOODS).cart == {"tea": MOST_OF_ONE}


def test_a_cart_has_an_end() -> None:
    """A cookie does, too."""
    many = hand_made(*(product(str(number)) for number in range(MOST_LINES + 5)))
    response = Response()
    set_cart(response, dict.fromkeys(many.by_id, 1))
    assert len(read_visitor(kept(response), many).cart) == MOST_LINES


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["cart", "order", "consent", "household"]), st.text(max_size=60)))
def test_no_cookie_breaks_a_page(cookies: dict[str, str]) -> None:
    """Anybody can send any."""
    visitor = read_visitor(cookies, GOODS)
    assert set(visitor.cart) <= set(GOODS.by_id)
    assert all(0 < quantity <= MOST_OF_ONE for quantity in visitor.cart.values())
