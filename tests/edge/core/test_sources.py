"""Sources of candidates one by one, over the eight products of the `arrays` fixture."""

import numpy as np
import pytest

from edge.core import sources
from edge.core.context import Context, History
from edge.core.index import Index
from edge.core.profile import Bought, Profile

TODAY = 20_000


def asked(index: Index, *anchors: str, recent: tuple[str, ...] = (), **bought: int) -> Context:
    """A page or cart, a visit, and products bought so many times yesterday."""
    profile = Profile(shop="demo", shopper="s", orders=3, last_order_day=TODAY - 1)
    profile.bought = {id_: Bought(count, TODAY - 1, TODAY - 1) for id_, count in bought.items()}
    return Context(index.positions(anchors), index.positions(recent), History.of(index, profile), TODAY)


def found(index: Index, chunks: list[sources.Chunk], source: int) -> dict[str, float]:
    """What one source said of each product; weights of one product in several chunks add up."""
    out: dict[str, float] = {}
    for kind, items, weights in chunks:
        for item, weight in zip(items.tolist(), weights.tolist(), strict=True):
            if kind == source:
                out[index.ids[item]] = out.get(index.ids[item], 0.0) + weight
    return out


def test_there_is_a_name_for_every_source() -> None:
    """Names are unique and in the order of the codes."""
    assert len(set(sources.SOURCES)) == len(sources.SOURCES)
    assert sources.SOURCES[sources.PAIR] == "pair"
    assert sources.SOURCES[sources.POPULAR] == "popular"


def test_pairs_say_score_lift_and_hits(index: Index) -> None:
    """Tea's two companions, as the index has them."""
    chunks = sources.pairs(index, index.positions(["tea"]))
    assert found(index, chunks, sources.PAIR) == pytest.approx({"cake": 0.5, "green": 0.2})
    assert found(index, chunks, sources.LIFT) == pytest.approx({"cake": 1.0, "green": 0.7})
    assert found(index, chunks, sources.HITS) == {"cake": 1, "green": 1}


def test_pairs_of_several_anchors_add_up(index: Index) -> None:
    """Cake goes with tea and with coffee."""
    chunks = sources.pairs(index, index.positions(["tea", "coffee"]))
    assert found(index, chunks, sources.HITS)["cake"] == 2
    assert found(index, chunks, sources.PAIR)["cake"] == pytest.approx(0.8)


def test_kinds_follow_the_anchors_kinds(index: Index) -> None:
    """Hot drinks go with cakes (0.8), bread (0.2) and hot drinks (1); nothing else, and code -1 never."""
    code = index.category_code
    lift = sources.kinds(index, index.positions(["tea"]))
    assert lift[[code["Bakery > Cakes"], code["Bakery > Bread"], code["Drinks > Hot"]]] == pytest.approx([0.8, 0.2, 1])
    assert lift[[code["Home"], -1]].tolist() == [0, 0]


def test_kinds_of_several_anchors_add_up(index: Index) -> None:
    """Tea and cake both speak for cakes: 0.8 and 1."""
    lift = sources.kinds(index, index.positions(["tea", "cake"]))
    assert lift[index.category_code["Bakery > Cakes"]] == pytest.approx(1.8)


def test_an_anchor_without_a_kind_says_nothing(index: Index) -> None:
    """Neither does no anchor at all."""
    assert not sources.kinds(index, index.positions(["odd"])).any()
    assert not sources.kinds(index, index.positions([])).any()


def test_neighbours_weigh_orders_by_rarity_and_size(index: Index) -> None:
    """Coffee was in one order, with bread: the rarity of coffee over the root of two."""
    chunks = sources.neighbours(index, index.positions(["coffee"]))
    each = 1 / np.log2(2 + 50) / np.sqrt(2)
    assert found(index, chunks, sources.NEIGHBOURS) == pytest.approx({"coffee": each, "bread": each})


def test_neighbours_of_a_cart_prefer_orders_like_it(index: Index) -> None:
    """The order with bread, cake and tea holds both of a cart of bread and cake; the others hold one."""
    both = 1 / np.log2(2 + 60) + 1 / np.log2(2 + 20)
    cake = 1 / np.log2(2 + 20)
    chunks = sources.neighbours(index, index.positions(["bread", "cake"]))
    assert found(index, chunks, sources.NEIGHBOURS)["tea"] == pytest.approx(both / np.sqrt(3) + cake / np.sqrt(2))


def test_neighbours_of_a_visit(index: Index) -> None:
    """On the homepage this visit's products stand in; without a visit, or with one nobody ordered, nothing is alike."""
    assert found(index, sources.visit_neighbours(index, asked(index, recent=("coffee",))), sources.NEIGHBOURS)
    assert sources.visit_neighbours(index, asked(index)) == []
    assert sources.neighbours(index, index.positions(["soap"])) == []


def test_of_orders_equally_alike_the_newest_are_read(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tea was ordered twice: with room for one order it is the newer, with bread and cake."""
    monkeypatch.setattr(sources, "_NEIGHBOURS", 1)
    chunks = sources.neighbours(index, index.positions(["tea"]))
    assert set(found(index, chunks, sources.NEIGHBOURS)) == {"tea", "bread", "cake"}


def test_only_the_most_alike_orders_are_read(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one order, the one that shares both products is it."""
    monkeypatch.setattr(sources, "_NEIGHBOURS", 1)
    chunks = sources.neighbours(index, index.positions(["bread", "cake"]))
    assert set(found(index, chunks, sources.NEIGHBOURS)) == {"tea", "bread", "cake"}


def test_own_weighs_by_count(index: Index) -> None:
    """Bought on the day of the last order, counts are not decayed."""
    assert found(index, sources.own(index, asked(index, tea=3, soap=1)), sources.OWN) == {"tea": 3, "soap": 1}


def test_history_pairs_take_the_root_of_the_weight(index: Index) -> None:
    """Four times tea counts twice for tea's companions."""
    chunks = sources.history_pairs(index, asked(index, tea=4))
    assert found(index, chunks, sources.HISTORY_PAIR) == pytest.approx({"cake": 1.0, "green": 0.4})


def test_visit_pairs_hold_the_products_and_their_companions(index: Index) -> None:
    """Tea looked at just now: itself at 1, cake at 0.5, green at 0.2."""
    chunks = sources.visit_pairs(index, asked(index, recent=("tea",)))
    assert found(index, chunks, sources.VISIT_PAIR) == pytest.approx({"tea": 1, "cake": 0.5, "green": 0.2})


def test_favourites_are_the_best_of_the_kinds_bought(index: Index) -> None:
    """Three parts hot drinks: coffee first at 0.75, tea half of that, green a third; one part soap."""
    chunks = sources.favourites(index, asked(index, tea=3, soap=1))
    assert found(index, chunks, sources.FAVOURITE) == pytest.approx(
        {"coffee": 0.75, "tea": 0.375, "green": 0.25, "soap": 0.25}
    )


def test_liked_is_near_in_taste(index: Index) -> None:
    """Who bought tea likes tea and green tea fully, coffee at 0.6, cake not at all; a stranger likes nothing."""
    chunks = sources.liked(index, asked(index, tea=1))
    assert found(index, chunks, sources.LIKED) == pytest.approx({"tea": 1, "green": 1, "coffee": 0.6}, abs=1e-3)
    assert sources.liked(index, asked(index)) == []


def test_popular_needs_somebody_known(index: Index) -> None:
    """A stranger without a visit gets none; others get the list, the first at 1, the second at a half."""
    assert sources.popular(index, asked(index)) == []
    assert found(index, sources.popular(index, asked(index, tea=1)), sources.POPULAR)["coffee"] == 0.5
    assert found(index, sources.popular(index, asked(index, recent=("tea",))), sources.POPULAR)["bread"] == 1
