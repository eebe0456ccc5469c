"""Candidates over eight products whose every answer can be worked out by hand; see the `arrays` fixture."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.index import Index
from edge.core.profile import Bought, Profile
from edge.core.retrieval import PART_OF, RANKED_SLOTS, SCORED_SLOTS, Candidates, Context, History, candidates
from edge.core.sources import FAVOURITE, HISTORY_PAIR, HITS, KIND, NEIGHBOURS, OWN, PAIR, SOURCES, VISIT_PAIR

TODAY = 20_000


def context(
    index: Index, *anchors: str, recent: tuple[str, ...] = (), profile: Profile | None = None, day: float = TODAY
) -> Context:
    """What a page with these products asks."""
    return Context(index.positions(anchors), index.positions(recent), History.of(index, profile), day)


def shopper(**bought: tuple[int, int]) -> Profile:
    """A profile that bought each product (times, days ago)."""
    return Profile(
        shop="demo",
        shopper="s",
        orders=4,
        first_order_day=TODAY - 100,
        last_order_day=TODAY - 1,
        bought={id_: Bought(count, TODAY - ago, TODAY - ago) for id_, (count, ago) in bought.items()},
    )


def names(index: Index, found: Candidates) -> list[str]:
    """The ids found, best first."""
    return [index.ids[at] for at in found.items.tolist()]


def test_bought_together_holds_what_met_beyond_chance(index: Index) -> None:
    """Tea's list is cake (0.5) and green tea (0.2); bread shared an order with tea but not beyond chance."""
    found = candidates(index, "bought_together", context(index, "tea"))
    assert names(index, found) == ["cake", "green"]
    assert found.evidence[PAIR] == pytest.approx([0.5, 0.2])
    assert found.evidence[HITS].tolist() == [1, 1]


def test_neighbouring_orders_add_evidence(index: Index) -> None:
    """Cake shares two orders with tea, newest of sizes 3 and 2: each counts its likeness over the root of its size."""
    found = candidates(index, "bought_together", context(index, "tea"))
    rarity = 1 / np.log2(2 + 40)
    assert found.evidence[NEIGHBOURS] == pytest.approx([rarity / np.sqrt(3) + rarity / np.sqrt(2), 0])


def test_own_purchases_join_by_kind(index: Index) -> None:
    """Bread has no pair with tea, but Bakery > Bread goes with Drinks > Hot, so who buys bread sees it; soap not."""
    found = candidates(index, "bought_together", context(index, "tea", profile=shopper(bread=(3, 2), soap=(9, 2))))
    assert set(names(index, found)) == {"cake", "green", "bread"}
    bread = names(index, found).index("bread")
    assert found.evidence[KIND, bread] == pytest.approx(0.2)
    assert found.evidence[HITS, bread] == 0


def test_an_own_purchase_is_found_through_its_own_list(index: Index) -> None:
    """Coffee's list names cake, which this shopper bought: it comes first, with one meeting as evidence."""
    found = candidates(index, "bought_together", context(index, "coffee", profile=shopper(cake=(1, 5))))
    assert names(index, found)[0] == "cake"
    assert found.evidence[HITS, 0] == 1


def test_own_pairs_are_not_counted_twice(index: Index) -> None:
    """Cake stands in tea's list and tea in cake's: to a shopper who bought cake this is still one meeting."""
    found = candidates(index, "bought_together", context(index, "tea", profile=shopper(cake=(1, 5))))
    assert found.evidence[HITS, names(index, found).index("cake")] == 1


def test_an_own_list_counts_where_the_anchors_does_not_name_it(arrays: dict[str, NDArray[Any]]) -> None:
    """Nobody listed beside soap; a shopper whose purchase lists it would find that purchase on soap's page."""
    lists = {"pair_ptr": np.array([0, 2, 3, 4, 4, 6, 6, 6, 7], np.int32)}
    ptr, items = lists["pair_ptr"], np.array([4, 7, 4, 5, 0, 1, 0], np.int32)
    values = np.full(7, 0.4, np.float32)
    pairs = {"pair_ptr": ptr, "pair_items": items, "pair_score": values, "pair_lift": values}
    changed = Index.from_arrays(arrays | pairs)
    found = candidates(changed, "bought_together", context(changed, "soap", profile=shopper(cola=(2, 3))))
    assert names(changed, found) == ["cola"]


def test_similar_is_the_same_narrow_category_near_in_price_first(index: Index) -> None:
    """Green tea costs what tea costs, has its brand and its company; coffee costs double; cola only fills the shelf."""
    found = candidates(index, "similar", context(index, "tea"))
    assert names(index, found) == ["green", "coffee", "cola"]


def test_similar_is_worked_out_from_price_brand_company_and_sales(index: Index) -> None:
    """Green tea: equal price 1, brand 0.3, company 1, sales 0.1 ln 1.5; a tenth of it above the 2 of the promise."""
    found = candidates(index, "similar", context(index, "tea"))
    evidence = found.evidence[SOURCES.index("alike")]
    assert evidence[0] == pytest.approx(2 + (1 + 0.3 + 1 + 0.1 * np.log(1.5)) / 10, abs=1e-3)
    assert evidence[1] == pytest.approx(2 + (0.5 + 0 + 0.6 + 0.1 * np.log(6)) / 10, abs=1e-3)


def test_similar_needs_a_category(index: Index) -> None:
    """A product without category has nothing similar, and without a page there is nothing to be similar to."""
    assert candidates(index, "similar", context(index, "odd")).items.size == 0
    assert candidates(index, "similar", context(index)).items.size == 0


def test_complete_the_look_is_a_part_of_bought_together(index: Index) -> None:
    """Its candidates are those; which of them stand on it, `tests/edge/core/compiled/test_shelf.py` asks."""
    assert PART_OF == {"complete_the_look": "bought_together"}
    found = candidates(index, PART_OF["complete_the_look"], context(index, "tea", profile=shopper(bread=(3, 2))))
    assert set(names(index, found)) == {"cake", "green", "bread"}


def test_cart_complements_never_hold_the_cart(index: Index) -> None:
    """Cake goes with tea and coffee, and two products of the cart that agree say so."""
    found = candidates(index, "cart_complements", context(index, "tea", "coffee"))
    assert names(index, found)[0] == "cake"
    assert not {"tea", "coffee"} & set(names(index, found))
    assert found.evidence[PAIR, 0] == pytest.approx(0.8)
    assert found.evidence[HITS, 0] == 2


def test_buy_again_holds_only_what_was_bought(index: Index) -> None:
    """All of the past purchases and nothing else, the more often and the later the earlier."""
    found = candidates(index, "buy_again", context(index, profile=shopper(tea=(1, 1), soap=(5, 1), cola=(5, 90))))
    assert names(index, found) == ["soap", "cola", "tea"]
    assert found.evidence[OWN] == pytest.approx([5, 5 * 2 ** (-89 / 60), 1], rel=1e-5)


def test_buy_again_without_history_is_empty(index: Index) -> None:
    """A stranger has nothing to buy again."""
    found = candidates(index, "buy_again", context(index, recent=("tea",)))
    assert found.items.size == 0
    assert found.evidence.shape == (len(SOURCES), 0)


def test_for_you_mixes_own_and_new(index: Index) -> None:
    """Who bought tea sees tea, its companions, the best of its category, and popular products."""
    found = candidates(index, "for_you", context(index, profile=shopper(tea=(4, 1))))
    seen = names(index, found)
    assert seen[0] == "tea"
    assert set(seen) == {"tea", "coffee", "cola", "bread", "cake", "soap", "green"}
    assert found.evidence[HISTORY_PAIR, seen.index("cake")] == pytest.approx(0.5 * np.sqrt(4), rel=1e-5)
    assert found.evidence[FAVOURITE, seen.index("coffee")] == pytest.approx(1.0)


def test_for_you_follows_the_visit(index: Index) -> None:
    """The newest look weighs most: coffee before tea, and cake, the companion of both, gathers from both."""
    found = candidates(index, "for_you", context(index, recent=("tea", "coffee")))
    evidence = dict(zip(names(index, found), found.evidence[VISIT_PAIR].tolist(), strict=True))
    assert evidence["coffee"] == pytest.approx(1.0)
    assert evidence["tea"] == pytest.approx(0.5)
    assert evidence["cake"] == pytest.approx(0.3 / 1 + 0.5 / 2)


def test_old_views_stand_in_for_a_visit(index: Index) -> None:
    """Without a visit the last views of the profile are followed."""
    profile = Profile(shop="demo", shopper="s", viewed={"tea": TODAY - 3})
    assert "cake" in names(index, candidates(index, "for_you", context(index, profile=profile)))


def test_strangers_get_nothing_personal(index: Index) -> None:
    """No profile and no visit: for_you is empty, popular products are for the app to give."""
    assert candidates(index, "for_you", context(index)).items.size == 0


@pytest.mark.parametrize("slot", RANKED_SLOTS)
def test_no_slot_fails_on_nothing(index: Index, slot: str) -> None:
    """No page, no visit, no profile: empty, never an error."""
    found = candidates(index, slot, context(index))
    assert found.items.dtype == np.int32
    assert found.scores.size == found.items.size == 0


@pytest.mark.parametrize("slot", RANKED_SLOTS)
def test_every_slot_is_sorted_unique_and_without_anchors(index: Index, slot: str) -> None:
    """Scores fall, nothing comes twice, nothing is an anchor, and evidence has a column per candidate."""
    asked = context(index, "tea", "bread", recent=("cola",), profile=shopper(tea=(2, 3), cake=(1, 9), soap=(3, 4)))
    found = candidates(index, slot, asked)
    assert (np.diff(found.scores) <= 0).all()
    assert len(set(found.items.tolist())) == len(found.items)
    assert not set(found.items.tolist()) & {0, 3}
    assert found.evidence.shape == (len(SOURCES), len(found.items))
    assert found.evidence.dtype == found.scores.dtype == np.float32


def test_a_limit_cuts_and_keeps_room_for_new_products(index: Index) -> None:
    """Of five places for who bought four products, two are for products never bought."""
    profile = shopper(tea=(9, 1), coffee=(9, 1), bread=(9, 1), cake=(9, 1))
    found = candidates(index, "for_you", context(index, profile=profile), limit=5)
    new = [name for name in names(index, found) if name not in profile.bought]
    assert len(found.items) == 5
    assert len(new) == 2


def test_an_unknown_slot_is_an_error(index: Index) -> None:
    """Shelves that are not ranked here are the caller's mistake."""
    with pytest.raises(KeyError):
        candidates(index, "trending", context(index))


def test_the_same_question_has_the_same_answer(index: Index) -> None:
    """Nothing random and nothing remembered: asked twice, the arrays are equal."""
    asked = context(index, "tea", profile=shopper(bread=(2, 2), cake=(1, 8)))
    first, second = (candidates(index, "cart_complements", asked) for _ in range(2))
    np.testing.assert_array_equal(first.items, second.items)
    np.testing.assert_array_equal(first.evidence, second.evidence)


def test_scored_slots_are_ranked_ones_without_similar() -> None:
    """Purchases hold no label for `similar`; everything else may be scored."""
    assert set(RANKED_SLOTS) - set(SCORED_SLOTS) == {"similar"}


def test_history_leaves_unknown_products_out(index: Index) -> None:
    """Products the index does not know are no part of the history; the rest is sorted by position."""
    history = History.of(index, shopper(soap=(1, 5), gone=(9, 1), tea=(2, 1)))
    assert history.items.tolist() == [0, 5]
    assert history.counts.tolist() == [2, 1]
    assert history.last_day.tolist() == [TODAY - 1, TODAY - 5]


def test_history_weights_decay_to_the_last_order(index: Index) -> None:
    """Sixty days before the last order a purchase counts half; ranks follow the weights."""
    history = History.of(index, shopper(tea=(2, 61), soap=(2, 1)))
    assert history.weight == pytest.approx([1, 2])
    assert history.rank.tolist() == [1, 0]


def test_favourites_are_the_categories_bought_most(index: Index) -> None:
    """Three quarters of the weight in Drinks, a quarter in Bakery."""
    history = History.of(index, shopper(tea=(3, 1), bread=(1, 1)))
    assert history.favourites.tolist() == [index.category_code["Drinks > Hot"], index.category_code["Bakery > Bread"]]


def test_history_taste_is_a_unit_vector_or_zero(index: Index) -> None:
    """Tea points one way, cake another; both once and equally recent point between. Soap points nowhere."""
    assert History.of(index, shopper(tea=(1, 1), cake=(1, 1))).taste == pytest.approx([0.5**0.5, 0.5**0.5])
    assert not History.of(index, shopper(soap=(1, 1))).taste.any()


def test_no_profile_is_an_empty_history(index: Index) -> None:
    """None and an empty profile are the same empty history."""
    for history in (History.of(index, None), History.of(index, Profile(shop="demo", shopper="s"))):
        assert history.items.size == history.viewed.size == history.orders == 0
        assert history.favourites.size == 0
