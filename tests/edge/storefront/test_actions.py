"""What the shop's forms do, for pages and for scripts, and whom they refuse."""

import pytest

from edge.storefront.visitor import MOST_OF_ONE
from tests.edge.storefront.conftest import Shop


def ids(shop: Shop, count: int = 2) -> list[str]:
    """Products to buy."""
    return [one.id for one in shop.goods.products[:count]]


def test_a_cart_fills_changes_and_empties(shop: Shop) -> None:
    """By forms alone, as without scripts."""
    tea, cake = ids(shop)
    answer = shop.post("/cart/lines", product=tea, quantity="2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
    shop.post("/cart/lines", product=cake)
    shop.post("/cart/lines", product=tea, quantity="1")
    page = shop.client.get("/cart").text
    assert 'data-quantity="3"' in page
    assert 'data-count="4"' in page
    subtotal = 3 * shop.goods.by_id[tea].price + shop.goods.by_id[cake].price
    assert f'id="subtotal">${subtotal:.2f}<' in page
    assert f'product-ids="{tea},{cake}"' in page
    shop.post("/cart/lines", product=tea, mode="set", quantity="1")
    assert 'data-count="2"' in shop.client.get("/cart").text
    shop.post("/cart/lines", product=tea, mode="set", quantity="0")
    shop.post("/cart/lines", product=cake, mode="set", quantity="0")
    assert 'id="cart-empty"' in shop.client.get("/cart").text


def test_scripts_hear_how_full_the_cart_is(shop: Shop) -> None:
    """As JSON, with the title to say."""
    tea, _ = ids(shop)
    told = shop.asks("/cart/lines", product=tea, quantity="2")
    assert told == {"pieces": 2, "product": tea, "title": shop.goods.by_id[tea].title}
    assert shop.asks("/cart/lines", product=tea, quantity="9999")["pieces"] == MOST_OF_ONE


@pytest.mark.parametrize("quantity", ["-1", "two", "1.5", "", "٣"])
def test_quantities_are_whole_numbers(shop: Shop, quantity: str) -> None:
    """400 otherwise, and the cart stays as it was."""
    assert shop.post("/cart/lines", product=ids(shop)[0], quantity=quantity).status_code == 400
    assert "cart" not in shop.client.cookies


def test_what_is_not_sold_cannot_be_put_in(shop: Shop) -> None:
    """404."""
    assert shop.post("/cart/lines", product="nothing").status_code == 404
    assert shop.post("/cart/lines").status_code == 404


def test_checking_out_makes_an_order_and_empties_the_cart(shop: Shop) -> None:
    """The thank-you page has what the event needs; each order has its own id; only this browser sees it."""
    tea, cake = ids(shop)
    shop.asks("/cart/lines", product=tea, quantity="2")
    shop.asks("/cart/lines", product=cake, quantity="1")
    answer = shop.post("/checkout")
    where = answer.headers["location"]
    assert answer.status_code == 303
    page = shop.client.get(where).text
    assert f'data-order="{where.removeprefix("/orders/")}"' in page
    assert f'data-product="{tea}" data-quantity="2"' in page
    assert 'data-count="0"' in page
    shop.asks("/cart/lines", product=tea)
    assert shop.post("/checkout").headers["location"] != where
    assert shop.client.get(where).status_code == 404


def test_an_empty_cart_makes_no_order(shop: Shop) -> None:
    """Back to the cart, which says that it is empty."""
    assert shop.post("/checkout").headers["location"] == "/cart"
    assert shop.asks("/checkout") == {"order": None}


def test_logging_in_and_out(shop: Shop) -> None:
    """As a household that there is, back to the page one came from."""
    answer = shop.post("/login", household=" 7 ", next="/products/x?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/products/x?page=2")
    assert 'data-household="7"' in shop.client.get("/").text
    shop.post("/login", household="")
    assert "household" not in shop.client.cookies


@pytest.mark.parametrize("household", ["8", "7\x00", "x" * 200])
def test_a_household_that_there_is_not_cannot_be_had(shop: Shop, household: str) -> None:
    """The picker says so, and nobody is logged in."""
    answer = shop.post("/login", household=household)
    assert answer.headers["location"] == "/account?unknown=1"
    assert "household" not in shop.client.cookies
    assert 'role="alert"' in shop.client.get("/account?unknown=1").text


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "evil", "/a\r\nX: y", ""]
)
def test_forms_lead_back_to_this_shop_only(shop: Shop, target: str) -> None:
    """Whatever a form says of where to go."""
    assert shop.post("/login", household="7", next=target).headers["location"] == "/"


def test_consent_is_kept_as_it_was_given(shop: Shop) -> None:
    """Switches that are off are not sent by forms: what is missing is denied."""
    shop.post("/consent", personalization="on", analytics="on", marketing="on", next="/cart")
    assert 'data-consent="personalization,analytics"' in shop.client.get("/").text
    shop.post("/consent", analytics="on")
    assert 'data-consent="analytics"' in shop.client.get("/").text
    shop.post("/consent")
    page = shop.client.get("/").text
    assert 'data-consent=""' in page
    assert "consent-ask" not in page


@pytest.mark.parametrize("path", ["/cart/lines", "/checkout", "/login", "/consent"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_other_sites_cannot_post(shop: Shop, path: str, origin: str) -> None:
    """403, whatever they ask for; a client without an origin is no browser page of another site."""
    answer = shop.client.post(path, data={"household": "7"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert not shop.client.cookies


def test_forms_that_cannot_be_read_are_refused(shop: Shop) -> None:
    """400; and large ones at once."""
    assert shop.client.post("/login", content=b"household=\xff\xfe").status_code == 400
    assert shop.client.post("/login", content=b"&".join(b"a=1" for _ in range(50))).status_code == 400
    assert shop.client.post("/login", content=b"a" * 300_000).status_code == 413
