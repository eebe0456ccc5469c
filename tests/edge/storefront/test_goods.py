"""The range: what stands where, what comes first, what is found."""

from pathlib import Path

import pytest

from edge.core.errors import BundleError
from edge.core.snapshot import write_snapshot
from edge.storefront.goods import read_goods, slug
from tests.edge.storefront.conftest import hand_made, product


def test_best_sellers_stand_first_everywhere() -> None:
    """In the shop, in the department, in the aisle; what never sold comes last, by id."""
    goods = hand_made(product("b"), product("a"), product("c"), c=5.0)
    ids = [one.id for one in goods.products]
    assert ids == ["c", "a", "b"]
    department = goods.departments["drinks"]
    assert [one.id for one in department.products] == ids
    assert [one.id for one in department.aisles["tea"].products] == ids


def test_what_is_sold_out_is_listed_nowhere_and_still_has_a_page() -> None:
    """Links from elsewhere lead to it."""
    goods = hand_made(product("tea"), product("gone", available=False))
    assert [one.id for one in goods.products] == ["tea"]
    assert goods.by_handle["gone"].id == "gone"
    assert goods.search("gone") == []


def test_a_product_without_category_stands_under_more_and_more_comes_last() -> None:
    """Every product stands somewhere."""
    goods = hand_made(product("odd", category=""), product("z", category="Zebras"), product("a", category="Ants > Red"))
    assert [one.name for one in goods.departments.values()] == ["Ants", "Zebras", "More"]
    found = goods.department_of(goods.by_id["odd"])
    assert found is not None
    assert found.slug == "more"
    assert not found.aisles


def test_popular_products_differ_in_kind() -> None:
    """One of each narrow category, so that a shelf is not six kinds of milk; none that is on the page already."""
    goods = hand_made(
        product("green"), product("black"),
        product("cola", category="Drinks > Cola"), product("bread", category="Bakery"),
        green=9.0, black=8.0, cola=1.0,
    )  # fmt: skip
    assert [one.id for one in goods.popular(5)] == ["green", "cola", "bread"]
    assert [one.id for one in goods.popular(1)] == ["green"]
    drinks = goods.departments["drinks"]
    assert [one.id for one in goods.popular(5, department=drinks, but=["green"])] == ["black", "cola"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("green", ["g"]),
        ("TEA gre", ["g"]),
        ("alder", ["g"]),
        ("drinks", ["g", "c"]),
        ("reen", []),
        ("green cola", []),
        ("", []),
        ("  ! ", []),
        ("(", []),
        ("thé", ["t"]),
    ],
)
def test_search_takes_words_by_their_beginnings(text: str, found: list[str]) -> None:
    """All of them must be there: in title, brand or category."""
    goods = hand_made(
        product("g", "Green Tea", brand="Alder"),
        product("c", "Cola", category="Drinks > Cola"),
        product("t", "Thé noir", category="Other"),
        g=3.0, c=2.0,
    )  # fmt: skip
    assert [one.id for one in goods.search(text)] == found


def test_of_two_products_with_one_handle_the_better_seller_has_it() -> None:
    """The other is reached by its id."""
    goods = hand_made(product("old", handle="tea"), product("new", handle="tea"), new=4.0)
    assert goods.by_handle["tea"].id == "new"
    assert goods.by_id["old"].id == "old"


def test_sales_come_from_the_live_bundle(data_dir: Path) -> None:
    """The first of all products is the one sold most of late."""
    with_sales = read_goods(data_dir, "demo")
    (data_dir / "bundles" / "demo" / "live.json").unlink()
    without = read_goods(data_dir, "demo")
    assert {one.id for one in with_sales.products} == {one.id for one in without.products}
    assert [one.id for one in with_sales.products] != [one.id for one in without.products]
    assert [one.id for one in without.products] == sorted(one.id for one in without.products)


def test_a_shop_without_catalogue_says_what_to_do(tmp_path: Path) -> None:
    """At the start, not at the first page."""
    with pytest.raises(BundleError, match="import a catalogue first"):
        read_goods(tmp_path, "demo")


def test_an_empty_catalogue_is_a_shop(tmp_path: Path) -> None:
    """With empty shelves."""
    write_snapshot(tmp_path / "catalogue" / "demo.cat", [])
    goods = read_goods(tmp_path, "demo")
    assert not goods.products
    assert goods.popular(8) == []


@pytest.mark.parametrize(("text", "expected"), [("Beer & Wine", "beer-wine"), ("  Café 7 ", "caf-7"), ("&", "more")])
def test_names_become_addresses(text: str, expected: str) -> None:
    """Of letters, digits and hyphens."""
    assert slug(text) == expected
