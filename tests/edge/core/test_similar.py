"""The promise of `similar`, over the eight products of the `index` fixture and variations of them."""

from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.compiled.similar import alike
from edge.core.index import Index
from edge.core.products import Product
from edge.core.similar import ENOUGH, PRICE_BAND, is_similar, within_band
from edge.core.sources import ALIKE


def found(index: Index, page: str, enough: int = ENOUGH) -> dict[str, float]:
    """Product -> value, for a page, best first."""
    items, scores, evidence = alike(index.compiled, index.positions([page]), PRICE_BAND, enough, 100)
    values = evidence[:, ALIKE]
    assert scores == pytest.approx(values / max(values.max(initial=0), alone(index, page), 1e-9))
    assert not np.delete(evidence, ALIKE, axis=1).any(), "no other source speaks"
    return {index.ids[at]: value for at, value in zip(items.tolist(), values.tolist(), strict=True)}


def alone(index: Index, page: str) -> float:
    """What the page's product would be worth on its own shelf: it counts among those that scores are shares of."""
    at = index.position.get(page)
    if at is None or (index.category_of[at] < 0).all():
        return 0
    company = float(np.square(index.vectors[at].astype(np.float32)).sum())
    near = (1 if index.price[at] > 0 else 0.5) + 0.3 * float(index.brand_of[at] >= 0)
    return 2 + (near + company + 0.1 * float(np.log1p(index.sold_recently[at]))) / 10


@pytest.fixture
def shop(arrays: dict[str, NDArray[Any]]) -> Index:
    """The eight products, and twelve more hot drinks at 1.00 to 12.00."""
    count = 12
    per_item = ("category_of", "brand_of", "price", "sold", "sold_recently", "trend", "repeat_rate", "gap_days")
    more = {
        name: np.concatenate([arrays[name], np.repeat(arrays[name][[0]], count, axis=0)])
        for name in (*per_item, "vectors", "tastes")
    }
    more["price"][8:] = np.arange(1, count + 1)
    ids = np.concatenate([arrays["ids"], [f"hot{n:02}".encode() for n in range(1, count + 1)]])
    for name in ("pair_ptr", "item_session_ptr"):
        more[name] = np.concatenate([arrays[name], np.full(count, arrays[name][-1])]).astype(np.int32)
    hot = np.concatenate([arrays["category_items"][-3:], np.arange(8, 8 + count)]).astype(np.int32)
    items = np.concatenate([arrays["category_items"][:-3], hot]).astype(np.int32)
    ptr = arrays["category_ptr"].copy()
    ptr[-1] += count
    return Index.from_arrays(arrays | more | {"ids": ids, "category_items": items, "category_ptr": ptr})


def test_where_enough_keep_the_promise_nothing_else_is_shown(shop: Index) -> None:
    """Tea costs 4: hot drinks from 2 to 8, and nothing dearer, cheaper or colder."""
    like = found(shop, "tea", enough=8)
    assert set(like) == {"coffee", "green", *(f"hot{n:02}" for n in range(2, 9))}
    assert set(found(shop, "tea", enough=10)) > set(like), "more than ten are not known"


def test_where_few_keep_it_they_stand_first(shop: Index) -> None:
    """The drink at 1.00 has few like it: cola, near in price, comes next, then hot drinks of other prices."""
    names = list(found(shop, "hot01"))
    assert names[0] == "hot02"
    assert names[1] == "cola", "of the wider category, within the band"
    assert set(names[2:]) == {"tea", "coffee", "green", *(f"hot{n:02}" for n in range(3, 13))}


def test_a_page_whose_category_ends_early_likes_all_of_it(arrays: dict[str, NDArray[Any]]) -> None:
    """Soap stands alone in its department, and is not like itself; the odd product, put beside it, has no price."""
    assert found(Index.from_arrays(arrays), "soap") == {}
    codes, ptr = arrays["category_of"].copy(), arrays["category_ptr"].copy()
    items = np.insert(arrays["category_items"], 7, 6)
    codes[6, 0] = 2
    ptr[3:] += 1
    both = Index.from_arrays(arrays | {"category_of": codes, "category_items": items, "category_ptr": ptr})
    assert found(both, "soap") == pytest.approx({"odd": 2 + 0.5 / 10})


def test_a_page_without_category_has_nothing_similar(index: Index) -> None:
    """Nor has no page at all."""
    assert found(index, "odd") == {}
    assert found(index, "never heard of") == {}


@pytest.mark.parametrize(
    ("price", "within"), [(2, True), (8, True), (1.99, False), (8.01, False), (0, True), (4, True)]
)
def test_the_band_is_half_to_twice_with_its_ends(price: float, within: bool) -> None:
    """Around 4; what has no price cannot be outside."""
    assert within_band(4.0, np.array([price], np.float32)).tolist() == [within]
    assert within_band(0.0, np.array([price], np.float32)).tolist() == [True]


def test_the_band_of_a_product_is_around_its_usual_price(index: Index) -> None:
    """Tea at 4: coffee at 8 and cola at 2 are in, soap at 1 is not."""
    assert within_band(float(index.price[0]), index.price[index.positions(["coffee", "cola", "soap"])]).tolist() == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("changed", "similar"),
    [
        ({}, True),
        ({"price": 8.0}, True),
        ({"price": 8.1}, False),
        ({"category": "Drinks > Cold"}, False),
        ({"category": "Drinks"}, False),
        ({"title": "Anything", "brand": "Birch"}, True),
    ],
)
def test_cards_are_held_to_the_same_promise(changed: dict[str, object], similar: bool) -> None:
    """Category to the third level and price; a deeper level is not looked at."""
    page = Product("tea", "Tea", 4.0, category="Drinks > Hot")
    assert is_similar(page, msgspec.structs.replace(page, id="new", **changed)) is similar
    deep = msgspec.structs.replace(page, category="a > b > c > d")
    assert is_similar(deep, msgspec.structs.replace(deep, category="a > b > c > e"))
