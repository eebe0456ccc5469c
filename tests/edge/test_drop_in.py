"""Shopify's own endpoint with our products: its names, its shape, its errors."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.products import Product
from edge.core.snapshot import write_snapshot
from edge.drop_in import DropInError, read_locale, read_query, shopify_answer
from edge.errors import InputError
from edge.page import Page
from edge.wire import Answer, Item, Query, Slot
from tests.edge.doors import SETTINGS, Knocker

PATH = "/recommendations/products.json"
# What scripts written for Shopify's endpoint read, from its reference and from products of live themes.
FIELDS = {
    "id", "title", "handle", "description", "published_at", "created_at", "vendor", "type", "tags",
    "price", "price_min", "price_max", "available", "price_varies", "compare_at_price", "compare_at_price_min",
    "compare_at_price_max", "compare_at_price_varies", "variants", "images", "featured_image", "options", "url",
}  # fmt: skip


def shown(product: Product, locale: str | None = None, limit: int = 10) -> dict[str, Any]:
    """A product as the endpoint would show it on a page of product 17."""
    answer = Answer(
        "pdp", "v1", [], [Slot("similar", "", "context", "tok.en", [Item(product.id, 1, "", msgspec.Raw(b"{}"))])]
    )
    catalogue: Any = SimpleNamespace(get={product.id: product}.get)
    page = Page(msgspec.json.encode(answer), "v1", (), (("similar", "context"),))
    made = shopify_answer(page, Query("pdp", "17", limit=limit), "related", catalogue, locale)
    body: dict[str, Any] = json.loads(msgspec.json.encode(made))
    assert list(body) == ["intent", "products"]
    return body["products"][0]  # type: ignore[no-any-return]  # because JSON has no types


# --- asked of a running edge -----------------------------------------------------------------------------------------


def test_related_is_what_is_similar(edge: Any) -> None:
    """The shelf `similar`, in its order, in Shopify's shape and with the shelf's cache rules."""
    answer = edge.client.get(PATH, params={"product_id": "p004", "limit": "4"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["intent"] == "related"
    shelf = edge.shelves("pdp", product_id="p004", slots="similar", limit=4)["slots"][0]
    assert [product["id"] for product in body["products"]] == [item["id"] for item in shelf["items"]]
    assert len(body["products"]) == 4
    for product in body["products"]:
        assert set(product) == FIELDS
        assert isinstance(product["price"], int)
    assert answer.headers["cache-control"].startswith("public")
    assert answer.headers["x-endcap-scope"] == "shared"
    tag = answer.headers["etag"]
    assert edge.client.get(answer.url, headers={"If-None-Match": tag}).status_code == 304


def test_complementary_is_what_is_bought_together_then_what_goes_with_it(edge: Any) -> None:
    """Two shelves as one list, nothing twice, no more than asked for."""
    body = edge.client.get(PATH, params={"product_id": "p004", "intent": "complementary", "limit": "6"}).json()
    shelves = edge.shelves("pdp", product_id="p004", slots="bought_together,complete_the_look", limit=6)["slots"]
    expected = [item["id"] for slot in shelves for item in slot["items"]][:6]
    assert [product["id"] for product in body["products"]] == expected
    assert body["intent"] == "complementary"


def test_the_page_itself_is_not_on_its_shelf_and_ten_is_the_most(edge: Any) -> None:
    """And the usual number."""
    for limit in ({}, {"limit": "10"}, {"limit": "99"}, {"limit": "many"}):
        products = edge.client.get(PATH, params={"product_id": "p004", **limit}).json()["products"]
        assert len(products) == 10
        assert "p004" not in [product["id"] for product in products]
    assert len(edge.client.get(PATH, params={"product_id": "p004", "limit": "0"}).json()["products"]) == 1


@pytest.mark.parametrize(
    ("query", "description"),
    [
        ("", "A product_id value is missing"),
        ("product_id=", "A product_id value is missing"),
        ("product_id=1&intent=bogus", "The intent parameter must be one of related, complementary"),
    ],
)
def test_errors_are_shopifys_and_ours(edge: Any, query: str, description: str) -> None:
    """422 with the words that Shopify documents, in a problem as everywhere else."""
    answer = edge.client.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["message"], body["description"]) == (422, "Invalid parameter error", description)
    assert (body["title"], body["detail"]) == ("Unprocessable Entity", description)


def test_a_product_nobody_knows_is_no_error(edge: Any) -> None:
    """Shopify says 404, which leaves scripts without `products`; here they get popular ones, or none as they wish."""
    popular = edge.client.get(PATH, params={"product_id": "999"})
    assert popular.status_code == 200
    assert len(popular.json()["products"]) == 10
    for more in ({"fallback": "none"}, {"intent": "complementary"}):
        body = edge.client.get(PATH, params={"product_id": "999", **more}).json()
        assert body["products"] == []


def test_what_it_does_not_know_is_ignored(edge: Any) -> None:
    """As Shopify does; our own names work beside Shopify's and are checked."""
    answer = edge.client.get(PATH, params={"product_id": "p004", "section_id": "x", "slots": "for_you", "v": "1"})
    assert answer.status_code == 200
    excluded = answer.json()["products"][0]["id"]
    other = edge.client.get(PATH, params={"product_id": "p004", "exclude": excluded}).json()
    assert excluded not in [product["id"] for product in other["products"]]
    assert edge.client.get(PATH, params={"product_id": "p004", "consent": "all"}).status_code == 400


def test_a_locale_may_stand_before_it(edge: Any) -> None:
    """As in Shopify's addresses, which the products' then have, too; what is no locale is not found."""
    body = edge.client.get(f"/en-ca{PATH}", params={"product_id": "p004"}).json()
    assert all(urlsplit(product["url"]).path.startswith("/en-ca/") for product in body["products"])
    for wrong in ("attic", "v1x", "e", "fr-", "xx_yy", "%2e%2e"):
        assert edge.client.get(f"/{wrong}{PATH}", params={"product_id": "p004"}).status_code == 404


@pytest.mark.parametrize("path", [PATH, f"/fr{PATH}"])
def test_under_proxy_it_is_signed_and_the_shoppers_own(
    serve: Callable[..., Any], path: str, event: Callable[..., dict[str, Any]]
) -> None:
    """With the logged-in customer's visit where they agreed; no customer may be named, nothing is kept on the way."""
    edge = serve(demo=False, **SETTINGS)
    shopper = Knocker(edge.client, "proxy", "", "7")
    query = {"product_id": "p004", "visitor_id": "v", "consent": "personalization"}
    assert edge.client.get(f"/proxy{path}?product_id=p004").status_code == 401
    assert edge.client.get(f"{path}?product_id=p004").status_code == 401
    answer = shopper.ask("GET", path, query)
    assert answer.status_code == 200
    assert answer.headers["x-endcap-scope"] == "personal"
    assert answer.headers["cache-control"] == "private, no-store"
    in_cart = answer.json()["products"][0]["id"]
    shopper.ask("POST", "/v1/events", json=event("add-to-cart", in_cart))
    assert in_cart not in [product["id"] for product in shopper.ask("GET", path, query).json()["products"]]
    assert shopper.ask("GET", path, query | {"customer_id": "8"}).status_code == 400


def test_numbers_of_a_real_shop(serve: Callable[..., Any], data_dir: Path, shop_dir: Any) -> None:
    """Products with Shopify's ids come with numbers for ids, as its own endpoint gives them."""
    products = [msgspec.structs.replace(one, variant_id="39888242344001") for one in shop_dir.catalogue()]
    write_snapshot(data_dir / "catalogue" / "demo.cat", products, as_of=0)
    (product, *_) = serve().client.get(PATH, params={"product_id": "p004"}).json()["products"]
    assert product["variants"][0]["id"] == 39888242344001


# --- the shape by itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "price", "hundredths"),
    [("USD", 19.99, 1999), ("USD", 0.29, 29), ("JPY", 1000.0, 100_000), ("KWD", 1.235, 124), ("EUR", 0.0, 0)],
)
def test_prices_are_hundredths_in_every_currency(currency: str, price: float, hundredths: int) -> None:
    """1000 yen is 100000 in Shopify's scripts, which divide by a hundred whatever the currency."""
    product = shown(Product("1", "x", price, currency, compare_at_price=price))
    assert product["price"] == product["price_min"] == product["price_max"] == product["variants"][0]["price"]
    assert product["price"] == product["compare_at_price"] == product["compare_at_price_max"] == hundredths


def test_without_a_former_price_there_is_none() -> None:
    """null for the product and its variant, 0 for the extremes, as Shopify has it."""
    product = shown(Product("1", "x", 5.0))
    assert product["compare_at_price"] is product["variants"][0]["compare_at_price"] is None
    assert (product["compare_at_price_min"], product["compare_at_price_max"]) == (0, 0)


@pytest.mark.parametrize(
    ("id_", "told"),
    [
        ("6792602320961", 6792602320961),
        (str(2**53), 2**53),
        (str(2**53 + 1), str(2**53 + 1)),
        ("820982911946154508", "820982911946154508"),
        ("007", "007"),
        ("p004", "p004"),
        ("-1", "-1"),
        ("٣", "٣"),
    ],
)
def test_an_id_is_a_number_where_that_says_the_same(id_: str, told: int | str) -> None:
    """Else the text: a number too large for JavaScript would be another product."""
    product = shown(Product(id_, "x", 1.0))
    assert product["id"] == told
    assert product["variants"][0]["id"] == told


@pytest.mark.parametrize(
    ("product", "locale", "start"),
    [
        (Product("1", "x", 1.0, handle="silk-coat"), None, "/products/silk-coat?pr_prod_strat=similar&"),
        (Product("1", "x", 1.0, handle="silk-coat"), "fr", "/fr/products/silk-coat?pr_"),
        (Product("1", "x", 1.0, url="/fr/products/a"), "fr", "/fr/products/a?pr_"),
        (Product("1", "x", 1.0, url="/products/a?variant=3#look"), None, "/products/a?variant=3&pr_"),
        (Product("1", "x", 1.0, url="https://shop.example/a"), "fr", "https://shop.example/a?pr_"),
        (Product("1", "x", 1.0, url="//shop.example/a"), "fr", "//shop.example/a?pr_"),
        (Product("1", "x", 1.0), None, "/products/1?pr_"),
    ],
)
def test_addresses_say_where_a_visit_came_from(product: Product, locale: str | None, start: str) -> None:
    """With Shopify's names; the attribution token stands where Shopify has its own."""
    url = shown(product, locale)["url"]
    assert url.startswith(start)
    said = parse_qs(urlsplit(url).query)
    assert said["pr_rec_id"] == ["tok.en"]
    assert (said["pr_rec_pid"], said["pr_ref_pid"], said["pr_seq"]) == ([product.id], ["17"], ["uniform"])
    assert urlsplit(url).fragment == urlsplit(product.url).fragment


def test_what_the_card_says_is_where_scripts_look_for_it() -> None:
    """Vendor, type, images; one variant, named as Shopify names it."""
    product = shown(
        Product("1", "Coat", 1.0, brand="Marge", category="Wear > Coats", image="//cdn/a.jpg", variant_id="9")
    )
    assert (product["vendor"], product["type"]) == ("Marge", "Coats")
    assert (product["images"], product["featured_image"]) == (["//cdn/a.jpg"], "//cdn/a.jpg")
    (variant,) = product["variants"]
    assert (variant["id"], variant["title"], variant["name"]) == (9, "Default Title", "Coat")
    assert shown(Product("1", "x", 1.0))["images"] == []


@pytest.mark.parametrize(
    ("path", "read"),
    [(None, (None, None)), ("fr", ("fr", None)), ("en-ca", ("en-CA", "CA")), ("pt-BR", ("pt-BR", "BR"))],
)
def test_a_paths_locale_is_language_and_market(path: str | None, read: tuple[str | None, str | None]) -> None:
    """The region of Shopify's addresses is a market."""
    assert read_locale(path) == read


def test_what_the_request_names_counts_more_than_the_path() -> None:
    """Locale and market."""
    query, _ = read_query(b"product_id=1&market=US&locale=de", "en-ca")
    assert (query.market, query.locale) == ("US", "de")
    query, _ = read_query(b"product_id=1", "en-ca")
    assert (query.market, query.locale) == ("CA", "en-CA")


@given(raw=st.binary(max_size=120))
def test_any_query_is_read_or_refused(raw: bytes) -> None:
    """With an error of ours, whatever stands in it."""
    for query in (raw, b"product_id=1&" + raw):
        try:
            read, intent = read_query(query)
        except (DropInError, InputError):
            continue
        assert read.product_id
        assert 1 <= read.limit <= 10
        assert intent in ("related", "complementary")
