"""Who stands in for a product nobody bought, and what it inherits; over the eight products of the `index` fixture."""

import msgspec
import numpy as np
import pytest

from edge.core.index import Index
from edge.core.newcomers import NEW_DAYS, NO_NEWCOMERS, STAND_INS, Newcomers, find_stand_ins, is_new
from edge.core.products import Product

# As the index has them: brand 0 is Alder, 1 Birch, 2 Cedar.
CARDS = {
    "tea": Product("tea", "Black Tea", 4, category="Drinks > Hot", brand="Alder"),
    "coffee": Product("coffee", "Ground Coffee", 8, category="Drinks > Hot", brand="Birch"),
    "cola": Product("cola", "Cola", 2, category="Drinks > Cold", brand="Birch"),
    "bread": Product("bread", "Rye Bread", 3, category="Bakery > Bread", brand="Cedar"),
    "cake": Product("cake", "Cheese Cake", 6, category="Bakery > Cakes", brand="Cedar"),
    "soap": Product("soap", "Soap", 1, category="Home"),
    "green": Product("green", "Green Tea", 4, category="Drinks > Hot", brand="Alder"),
}
WHITE = Product("white", "White Tea", 4, category="Drinks > Hot", brand="Alder")


def stand_ins(index: Index, product: Product) -> list[str]:
    """The known products that stand in, in order."""
    items, _ = find_stand_ins(index, [product], CARDS.get)[product.id]
    return [index.ids[at] for at in items]


def newcomers(index: Index, *products: Product) -> Newcomers:
    """These products and their stand-ins."""
    return Newcomers.of(find_stand_ins(index, products, CARDS.get), len(index.ids))


def test_stand_ins_are_of_the_same_kind_name_brand_and_price_first(index: Index) -> None:
    """White tea is like the teas of its brand and price, then like coffee; what is not hot comes last."""
    assert set(stand_ins(index, WHITE)[:2]) == {"tea", "green"}
    assert stand_ins(index, WHITE)[2:] == ["coffee", "cola"]


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        ({"title": "Coffee, ground", "brand": ""}, "coffee"),
        ({"title": "Green Tea Leaves"}, "green"),
        ({"title": "?", "brand": "Birch"}, "coffee"),
        ({"title": "?", "brand": "", "price": 8.0}, "coffee"),
    ],
)
def test_words_brand_and_price_each_count(index: Index, changed: dict[str, object], first: str) -> None:
    """Whichever of them differs leads to another stand-in."""
    assert stand_ins(index, msgspec.structs.replace(WHITE, **changed))[0] == first


def test_outside_the_price_band_comes_after_it(index: Index) -> None:
    """As on the shelf of similar products: teas at 4.00 are within the band of 8.00, and not of 8.10."""
    near = msgspec.structs.replace(WHITE, price=8.0, title="Green Tea")
    assert stand_ins(index, near)[0] == "green"
    assert stand_ins(index, msgspec.structs.replace(near, price=8.1))[0] == "coffee"


def test_a_new_kind_is_stood_in_for_by_the_department(index: Index) -> None:
    """Nobody knows iced drinks; drinks are known. Of a new department nothing is known, nor without a category."""
    iced = msgspec.structs.replace(WHITE, category="Drinks > Iced > Iced Tea")
    assert set(stand_ins(index, iced)) == {"tea", "green", "coffee", "cola"}
    assert stand_ins(index, msgspec.structs.replace(WHITE, category="Toys > Kites")) == []
    assert stand_ins(index, msgspec.structs.replace(WHITE, category="")) == []


def test_nobody_stands_in_for_itself_and_nobody_unsold_for_others(index: Index) -> None:
    """A product the index knows but never sold is a newcomer itself."""
    unsold = Index(
        **{
            **vars(index),
            "sold": index.sold * (np.arange(8) != 7),
            "sold_recently": index.sold_recently * (np.arange(8) != 7),
        }
    )
    assert "green" not in stand_ins(unsold, WHITE)
    assert stand_ins(unsold, CARDS["green"])[0] == "tea"


def test_a_newcomer_inherits_the_mean_of_its_stand_ins(index: Index) -> None:
    """By hand: likeness 0.8 and 0.2 to products found with 1.0 and 0.5 give 0.9; found with one alone, its share."""
    found = {"a": (np.array([0, 1], np.int32), np.array([0.8, 0.2], np.float32)),
             "b": (np.array([1, 5], np.int32), np.array([0.5, 0.5], np.float32))}  # fmt: skip
    made = Newcomers.of(found, len(index.ids))
    rows, worth = made.inherit(np.array([0, 1], np.int32), np.array([1.0, 0.5], np.float32))
    assert [made.ids[row] for row in rows] == ["a", "b"]
    assert worth.tolist() == pytest.approx([0.9, 0.25])
    rows, worth = made.inherit(np.array([5], np.int32), np.array([0.6], np.float32))
    assert ([made.ids[row] for row in rows], worth.tolist()) == (["b"], pytest.approx([0.3]))


def test_nothing_found_and_nobody_new_inherit_nothing(index: Index) -> None:
    """Empty lists, no error; also beside a newcomer nobody stands in for."""
    kite = msgspec.structs.replace(WHITE, id="kite", category="Toys")
    made = newcomers(index, kite, WHITE)
    none = np.empty(0, np.int32), np.empty(0, np.float32)
    for one, (items, values) in ((made, none), (NO_NEWCOMERS, (np.array([0], np.int32), np.ones(1, np.float32)))):
        rows, worth = one.inherit(items, values)
        assert (len(rows), len(worth)) == (0, 0)
    rows, worth = made.inherit(np.arange(8, dtype=np.int32), np.ones(8, np.float32))
    assert [made.ids[row] for row in rows] == ["white"]
    assert worth.tolist() == pytest.approx([1])
    assert len(made.stand_ins("kite")[0]) == 0


def test_ties_stand_in_the_order_of_their_rows(index: Index) -> None:
    """Two newcomers that differ in nothing: the first listed is the first, at every request."""
    twins = [msgspec.structs.replace(WHITE, id=id_) for id_ in ("z", "a")]
    rows, _ = newcomers(index, *twins).inherit(np.array([0], np.int32), np.ones(1, np.float32))
    assert rows.tolist() == [0, 1]


def test_new_is_what_the_index_has_not_or_has_without_a_sale_since_it_was_listed(index: Index) -> None:
    """An old product that never sold has had its chance."""
    listed = int(index.as_of) - NEW_DAYS
    assert is_new(index, WHITE)
    assert not is_new(index, CARDS["tea"])
    assert is_new(index, Product("odd", "Odd", 1, listed=listed))
    assert not is_new(index, Product("odd", "Odd", 1, listed=listed - 1))


def test_there_are_at_most_so_many_stand_ins(known: Index, shop_dir: object) -> None:
    """In a real index, too: at most STAND_INS, all sold, likeness within 0..1 and none of it above the first's tier."""
    new = Product("new", "Alder Classic Tea", 6.0, category="Coffee & Tea > Tea", brand="Alder")
    items, likeness = find_stand_ins(known, [new], lambda _id: None)["new"]
    assert 0 < len(items) <= STAND_INS
    assert (known.sold[items] > 0).all()
    assert ((likeness >= 0) & (likeness <= 1)).all()
