"""The live rules one by one, over shelves and a catalogue made by hand; see the `index` fixture for the products."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.catalogue import Catalogue
from edge.core.index import Index
from edge.core.products import Change, Product
from edge.live_cards import passes
from edge.page import Page, encode
from edge.picks import Shelf, listed
from edge.scoring import Model
from edge.shelves import Ranking, shelve
from edge.wire import Filter, Query
from tests.edge.handmade import EIGHT, Pick, catalogue_of, model_of, picks_of, told_picks


@pytest.fixture
def model(index: Index) -> Model:
    """The model of the eight products."""
    return model_of(index)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """All eight, at 5.00, in stock."""
    return catalogue_of(tmp_path)


def shelf(slot: str, *ids: str, score: float = 0.5) -> Shelf:
    """A shelf of these products, all scored alike."""
    return Shelf(slot, "context", picks_of(*(Pick(id_, score, "suggested") for id_ in ids)))


def shown(answer: Page) -> dict[str, list[str]]:
    """The products on each shelf."""
    return {slot.id: [item.id for item in slot.items] for slot in answer.slots}


def token(answer: Page) -> str:
    """The first shelf's attribution token."""
    return answer.slots[0].attribution_token


def test_the_first_shelf_that_shows_a_product_keeps_it(model: Model, catalogue: Catalogue) -> None:
    """What did not fit on the first shelf is not lost to the second; a shelf left with nothing is left out."""
    shelves = (
        shelf("bought_together", "tea", "cake", "soap"),
        shelf("similar", "tea", "soap", "cake"),
        shelf("complete_the_look", "cake", "tea"),
    )
    answer = shelve(Query("pdp", product_id="odd", limit=2), Ranking(model, shelves), catalogue)
    assert shown(answer) == {"bought_together": ["tea", "cake"], "similar": ["soap"]}


@pytest.mark.parametrize(
    ("query", "cart"),
    [
        (Query("cart", product_ids=("tea",)), ()),
        (msgspec.convert({"surface": "cart", "lines": [{"product_id": "tea", "quantity": 2}]}, Query), ()),
        (Query("cart"), ("tea",)),
        (Query("cart", exclude=("tea",)), ()),
        (Query("cart", product_id="tea"), ()),
    ],
    ids=["cart ids", "cart lines", "stored cart", "excluded", "page"],
)
def test_what_a_shopper_has_or_does_not_want_is_not_shown(
    model: Model, catalogue: Catalogue, query: Query, cart: tuple[str, ...]
) -> None:
    """Wherever it is known from: the cart sent, its lines, the stored cart of the ranking, exclude, the page."""
    ranking = Ranking(model, (shelf("cart_complements", "tea", "cake"),), cart=cart)
    assert shown(shelve(query, ranking, catalogue)) == {"cart_complements": ["cake"]}


def test_what_is_gone_or_unknown_is_not_shown(model: Model, tmp_path: Path) -> None:
    """Sold out in the snapshot, sold out since, or not in the catalogue: the next one moves up."""
    stock = [msgspec.structs.replace(one, available=one.id != "tea") for one in EIGHT if one.id != "cola"]
    catalogue = catalogue_of(tmp_path, stock)
    ranking = Ranking(model, (shelf("for_you", "tea", "cola", "never heard of", "coffee", "cake"),))
    assert shown(shelve(Query("home", limit=1), ranking, catalogue)) == {"for_you": ["coffee"]}
    catalogue.apply(Change("coffee", time=1, available=False))
    assert shown(shelve(Query("home", limit=1), ranking, catalogue)) == {"for_you": ["cake"]}


def test_min_score_is_met_by_an_equal_score(model: Model, catalogue: Catalogue) -> None:
    """And a shelf whose items all score lower is treated as empty."""
    shelves = (Shelf("buy_again", "personal", picks_of(Pick("tea", 0.6, "viewed"), Pick("cake", 0.59, "viewed"))),)
    assert shown(shelve(Query("home", min_score=0.6), Ranking(model, shelves), catalogue)) == {"buy_again": ["tea"]}
    assert shown(shelve(Query("home", min_score=0.61), Ranking(model, shelves), catalogue)) == {}


def test_prices_and_price_filters_are_those_of_this_moment(model: Model, catalogue: Catalogue) -> None:
    """The ranking is the same; a price cut lets a product through a filter and stands on its card."""
    ranking = Ranking(model, (shelf("similar", "tea", "cake"),))
    query = Query("pdp", product_id="odd", filter=Filter(price_max=4), fallback="none")
    assert shelve(query, ranking, catalogue).slots == []
    catalogue.apply(Change("cake", time=1, price=3.5, compare_at_price=5))
    (item,) = shelve(query, ranking, catalogue).slots[0].items
    card: dict[str, Any] = json.loads(bytes(item.product))
    assert (item.id, card["price"]["amount"], card["compare_at_price"]["amount"]) == ("cake", "3.50", "5.00")


PRODUCT = Product("x", "X", 5.0, category="Food > Drinks > Hot", brand="Alder")


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Filter(), True),
        (Filter(category="Food"), True),
        (Filter(category="Drinks"), True),
        (Filter(category="Hot"), True),
        (Filter(category="Food > Drinks"), True),
        (Filter(category="Food > Drinks > Hot"), True),
        (Filter(category="Food > Dri"), False),
        (Filter(category="Drink"), False),
        (Filter(category="Food > Hot"), False),
        (Filter(category="Food > Drinks > Hot > Tea"), False),
        (Filter(category=""), False),
        (Filter(brand="Alder"), True),
        (Filter(brand="alder"), False),
        (Filter(price_min=5, price_max=5), True),
        (Filter(price_min=5.01), False),
        (Filter(price_max=4.99), False),
        (Filter(category="Hot", brand="Birch"), False),
    ],
)
def test_every_condition_of_a_filter_must_hold(wanted: Filter, fits: bool) -> None:
    """Category at any level or as the start of the path, brand to the letter, prices with their bounds."""
    assert passes(wanted, PRODUCT) is fits


def test_an_empty_shelf_shows_what_is_popular_near_the_page_and_then_in_the_shop(
    model: Model, catalogue: Catalogue
) -> None:
    """The title, the reason and served_by say which of the two it is."""
    ranking = Ranking(model, (shelf("similar"),))
    (near,) = shelve(Query("pdp", product_id="tea"), ranking, catalogue).slots
    assert (near.title, near.served_by, [item.id for item in near.items]) == (
        "Popular in Hot", "context", ["coffee", "green"],
    )  # fmt: skip
    assert {item.reason for item in near.items} == {"popular_in_category"}
    hot = Query("pdp", product_id="tea", exclude=("coffee", "green"), limit=3)
    for query in (hot, Query("pdp", product_id="never heard of", exclude=("coffee",), limit=3)):
        (wide,) = shelve(query, ranking, catalogue).slots
        assert (wide.title, wide.served_by) == ("Popular right now", "popular")
        assert {item.reason for item in wide.items} == {"popular"}
    odd = shelve(Query("pdp", product_id="odd", limit=2), ranking, catalogue)
    assert shown(odd) == {"similar": ["bread", "coffee"]}, "a page without category"


def test_only_a_shelf_that_may_falls_back_and_only_with_a_model(model: Model, catalogue: Catalogue) -> None:
    """Not those that hold what somebody did, not when the page wants none."""
    shelves = (shelf("buy_again"), shelf("recently_viewed"), shelf("trending"), shelf("for_you"))
    assert list(shown(shelve(Query("home"), Ranking(model, shelves), catalogue))) == ["for_you"]
    assert shelve(Query("home", fallback="none"), Ranking(model, shelves), catalogue).slots == []
    bare = shelve(Query("home"), Ranking(None, shelves, ("model",)), catalogue)
    assert encode(bare) == b'{"surface":"home","model_version":null,"degraded":["model"],"slots":[]}'


def test_ready_made_lists_score_by_place(model: Model) -> None:
    """Falling, within 0..1, in the order of the list, and made once per model."""
    made = listed(model, "popular")
    picks = told_picks(made, model.index)
    assert [pick.id for pick in picks] == ["bread", "coffee", "tea", "cola", "cake", "soap", "green"]
    scores = [pick.score for pick in picks]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] == 1
    assert listed(model, "popular") is made
    assert [pick.id for pick in told_picks(listed(model, "trending"), model.index)] == ["cake", "coffee"]


def test_a_token_names_the_shelf_the_model_and_what_was_shown(model: Model, catalogue: Catalogue) -> None:
    """Scores and prices may change under it; products, their order, shelf, surface and model may not."""
    query, first = Query("pdp", product_id="odd"), Ranking(model, (shelf("similar", "tea", "cake"),))
    known = token(shelve(query, first, catalogue))
    assert known.startswith("similar.v1.")
    rescored = Ranking(model, (shelf("similar", "tea", "cake", score=0.1),), ("ranker",))
    catalogue.apply(Change("tea", time=1, price=1.0))
    assert token(shelve(query, rescored, catalogue)) == known
    others = (
        Ranking(model, (shelf("similar", "cake", "tea"),)),
        Ranking(model, (shelf("similar", "tea"),)),
        Ranking(model, (shelf("bought_together", "tea", "cake"),)),
        Ranking(model, (Shelf("similar", "personal", first.shelves[0].picks),)),
        Ranking(model_of(model.index, model.ranker, "v2"), first.shelves),
    )
    elsewhere = shelve(Query("home", product_id="odd"), first, catalogue)
    tokens = {known, token(elsewhere), *(token(shelve(query, other, catalogue)) for other in others)}
    assert len(tokens) == 2 + len(others)


def test_a_mark_is_laid_over_a_ranking_that_others_share(model: Model) -> None:
    """What failed for one request stands first, and the ranking that is kept does not change."""
    kept = Ranking(model, (), ("unknown_product",))
    assert kept.marked("profile").degraded == ("profile", "unknown_product")
    assert kept.degraded == ("unknown_product",)
    assert kept.marked() is kept


FAMILY = (
    *(Product(f"milk-{n}", f"Milk, {n} oz", 5.0, category="Dairy", brand="Alder") for n in range(1, 5)),
    Product("skim", "Skim Milk, 1 oz", 5.0, category="Dairy", brand="Alder"),
    Product("other", "Milk, 1 oz", 5.0, category="Dairy", brand="Birch"),
)


def test_one_of_a_family_stands_on_a_shelf_the_best_that_may_be_shown(model: Model, tmp_path: Path) -> None:
    """The first sold out, the second shown, the rest of its sizes left out; on the next shelf the third may stand."""
    catalogue = catalogue_of(tmp_path, [*EIGHT, *FAMILY])
    catalogue.apply(Change("milk-1", time=1, available=False))
    shelves = (
        shelf("for_you", "milk-1", "milk-2", "milk-3", "skim", "other", "tea"),
        shelf("trending", "milk-2", "milk-4", "milk-3"),
    )
    assert shown(shelve(Query("home"), Ranking(model, shelves), catalogue)) == {
        "for_you": ["milk-2", "skim", "other", "tea"],
        "trending": ["milk-4"],
    }


@pytest.mark.parametrize("slot", ["buy_again", "recently_viewed"])
def test_what_somebody_did_is_not_collapsed(model: Model, tmp_path: Path, slot: str) -> None:
    """Both sizes were bought, both were viewed."""
    catalogue = catalogue_of(tmp_path, FAMILY)
    ranking = Ranking(model, (shelf(slot, "milk-1", "milk-2"),))
    assert shown(shelve(Query("home"), ranking, catalogue)) == {slot: ["milk-1", "milk-2"]}


def with_new(*ids: str, newcomers: tuple[str, ...]) -> Ranking:
    """A home shelf of these products and newcomers."""
    picks, new = (
        picks_of(*(Pick(id_, 0.5, reason) for id_ in some)) for some, reason in ((ids, "for_you"), (newcomers, "new"))
    )
    return Ranking(None, (Shelf("for_you", "personal", picks, new),))


@pytest.mark.parametrize(
    ("limit", "places", "expected"),
    [
        (8, 1, ["tea", "cake", "soap", "cola", "coffee", "bread", "odd", "milk-1"]),
        (8, 0, ["tea", "cake", "soap", "cola", "coffee", "bread", "odd", "green"]),
        (8, 5, ["tea", "cake", "soap", "cola", "coffee", "bread", "milk-1", "skim"]),
        (4, 5, ["tea", "cake", "soap", "milk-1"]),
        (3, 5, ["tea", "cake", "soap"]),
        (20, 1, ["tea", "cake", "soap", "cola", "coffee", "bread", "odd", "green", "milk-1"]),
    ],
)
def test_newcomers_take_the_last_places_and_at_most_a_quarter(
    tmp_path: Path, limit: int, places: int, expected: list[str]
) -> None:
    """Behind all that is known, and no more of them than the setting says."""
    catalogue = catalogue_of(tmp_path, [*EIGHT, *FAMILY])
    known = ("tea", "cake", "soap", "cola", "coffee", "bread", "odd", "green")
    ranking = with_new(*known, newcomers=("milk-1", "milk-2", "skim"))
    assert shown(shelve(Query("home", limit=limit), ranking, catalogue, places)) == {"for_you": expected}


def test_scores_fall_to_the_end_of_the_shelf(tmp_path: Path) -> None:
    """A newcomer that stands last scores no more than what stands before it, and keeps its score when that is less."""
    catalogue = catalogue_of(tmp_path, [*EIGHT, *FAMILY])
    for inherited, expected in ((0.9, 0.5), (0.2, 0.2)):
        new = picks_of(Pick("milk-1", inherited, "new"))
        known = picks_of(*(Pick(id_, 0.5, "for_you") for id_ in ("tea", "cake", "soap")))
        shelves = (Shelf("for_you", "personal", known, new),)
        (slot,) = shelve(Query("home", limit=4), Ranking(None, shelves), catalogue).slots
        assert [item.score for item in slot.items] == [0.5, 0.5, 0.5, expected]


def test_newcomers_obey_the_live_rules_and_leave_no_gap(tmp_path: Path) -> None:
    """Sold out, scored too low or shown already: a known product takes the place; alone they make no shelf."""
    catalogue = catalogue_of(tmp_path, [*EIGHT, *FAMILY])
    catalogue.apply(Change("milk-1", time=1, available=False))
    ranking = with_new("tea", "cake", "soap", "cola", "coffee", newcomers=("milk-1", "tea"))
    assert shown(shelve(Query("home", limit=4), ranking, catalogue)) == {"for_you": ["tea", "cake", "soap", "cola"]}
    assert shelve(Query("home", limit=4), with_new(newcomers=("milk-2",)), catalogue).slots == []
    strict = shelve(Query("home", limit=4, min_score=0.6), with_new("tea", newcomers=("milk-2",)), catalogue)
    assert strict.slots == []


def test_trending_needs_enough_of_a_rise(index: Index) -> None:
    """A list made by an older rule may hold less; what stands on the shelf keeps the promise."""
    less = Index(**{**vars(index), "trend": index.trend * 0.4})
    assert [pick.id for pick in told_picks(listed(model_of(less), "trending"), less)] == ["cake"]
