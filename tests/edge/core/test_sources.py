"""What each source of candidates says, over the eight products of the `arrays` fixture, and over shops of many orders.

The kernels add sources up; what one of them says is read from the evidence of the shelf that asks it.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from edge.core import sources
from edge.core.context import Context, History
from edge.core.index import Index
from edge.core.profile import Bought, Profile
from edge.core.retrieval import candidates
from tests.edge.core.shops import TODAY, arrays_of

KERNELS = Path(sources.__file__).with_name("compiled")


def asked(
    index: Index, *anchors: str, recent: tuple[str, ...] = (), counts: dict[str, int] | None = None, **bought: int
) -> Context:
    """A page or cart, a visit, and products bought so many times yesterday."""
    profile = Profile(shop="demo", shopper="s", orders=3, last_order_day=TODAY - 1)
    profile.bought = {id_: Bought(count, TODAY - 1, TODAY - 1) for id_, count in (counts or bought).items()}
    return Context(index.positions(anchors), index.positions(recent), History.of(index, profile), TODAY)


def said(index: Index, slot: str, source: int, context: Context) -> dict[str, float]:
    """What one source says of each candidate of a shelf, where it says anything."""
    found = candidates(index, slot, context, 1_000)
    values = zip(found.items.tolist(), found.evidence[source].tolist(), strict=True)
    return {index.ids[item]: value for item, value in values if value}


def test_there_is_a_name_for_every_source() -> None:
    """Names are unique and in the order of the codes."""
    assert len(set(sources.SOURCES)) == len(sources.SOURCES)
    assert sources.SOURCES[sources.PAIR] == "pair"
    assert sources.SOURCES[sources.POPULAR] == "popular"


def test_kernels_number_the_sources_alike() -> None:
    """The list in the kernels is that of SOURCES, and ends with how many there are."""
    text = (KERNELS / "found.pxd").read_text()
    listed = re.search(r"cdef enum Source:.*?\n((?: +[A-Z_]+\n)+)", text)
    assert listed is not None
    assert [name.strip().lower() for name in listed[1].splitlines()] == [*sources.SOURCES, "sources"]


def test_pairs_say_score_lift_and_hits(index: Index) -> None:
    """Tea's two companions, as the index has them."""
    context = asked(index, "tea")
    assert said(index, "cart_complements", sources.PAIR, context) == pytest.approx({"cake": 0.5, "green": 0.2})
    assert said(index, "cart_complements", sources.LIFT, context) == pytest.approx({"cake": 1.0, "green": 0.7})
    assert said(index, "cart_complements", sources.HITS, context) == {"cake": 1, "green": 1}


def test_pairs_of_several_anchors_add_up(index: Index) -> None:
    """Cake goes with tea and with coffee."""
    context = asked(index, "tea", "coffee")
    assert said(index, "cart_complements", sources.HITS, context)["cake"] == 2
    assert said(index, "cart_complements", sources.PAIR, context)["cake"] == pytest.approx(0.8)
    assert said(index, "cart_complements", sources.LIFT, context)["cake"] == pytest.approx(1.4)


def test_kinds_follow_the_anchors_kinds(index: Index) -> None:
    """Hot drinks go with cakes (0.8), bread (0.2) and hot drinks (1); nothing else, and what has no kind never."""
    context = asked(index, "tea", cake=1, bread=1, coffee=1, soap=1, odd=1)
    kinds = said(index, "cart_complements", sources.KIND, context)
    assert kinds == pytest.approx({"cake": 0.8, "bread": 0.2, "coffee": 1})


def test_kinds_of_several_anchors_add_up(index: Index) -> None:
    """Tea and cake both speak for hot drinks: 1 and 0.8."""
    kinds = said(index, "cart_complements", sources.KIND, asked(index, "tea", "cake", coffee=1))
    assert kinds == pytest.approx({"coffee": 1.8})


def test_an_anchor_without_a_kind_says_nothing(index: Index) -> None:
    """Neither does no anchor at all, nor what an earlier page asked."""
    assert said(index, "cart_complements", sources.KIND, asked(index, "tea", coffee=1))
    assert not said(index, "cart_complements", sources.KIND, asked(index, "odd", coffee=1))
    assert not said(index, "cart_complements", sources.KIND, asked(index, coffee=1))


def test_neighbours_weigh_orders_by_rarity_and_size(index: Index) -> None:
    """Coffee was in one order, with bread: the rarity of coffee over the root of two."""
    each = 1 / np.log2(2 + 50) / np.sqrt(2)
    page, visit = asked(index, "coffee"), asked(index, recent=("coffee",))
    for context, holds in ((page, {"bread"}), (visit, {"coffee", "bread"})):
        near = said(index, "cart_complements", sources.NEIGHBOURS, context)
        assert near == pytest.approx(dict.fromkeys(holds, each))


def test_neighbours_of_a_cart_prefer_orders_like_it(index: Index) -> None:
    """The order with bread, cake and tea holds both of a cart of bread and cake; the others hold one."""
    both = 1 / np.log2(2 + 60) + 1 / np.log2(2 + 20)
    cake = 1 / np.log2(2 + 20)
    near = said(index, "cart_complements", sources.NEIGHBOURS, asked(index, "bread", "cake"))
    assert near["tea"] == pytest.approx(both / np.sqrt(3) + cake / np.sqrt(2))


def test_neighbours_of_a_visit(index: Index) -> None:
    """On the homepage this visit's products stand in; without a visit, or with one nobody ordered, nothing is alike."""
    for slot in ("for_you", "cart_complements"):
        assert set(said(index, slot, sources.NEIGHBOURS, asked(index, recent=("coffee",)))) == {"coffee", "bread"}
        assert not said(index, slot, sources.NEIGHBOURS, asked(index))
        assert not said(index, slot, sources.NEIGHBOURS, asked(index, recent=("soap",)))


def test_of_orders_equally_alike_the_newest_forty_are_read() -> None:
    """Of fifty orders of one product, each with another one, the ten oldest say nothing."""
    index = Index.from_arrays(arrays_of(51, baskets=[(0, other) for other in range(1, 51)]))
    near = said(index, "cart_complements", sources.NEIGHBOURS, asked(index, "p0"))
    assert near == pytest.approx({f"p{other}": 2**-0.5 for other in range(11, 51)})


def test_only_the_most_alike_orders_are_read() -> None:
    """The oldest order holds both products of the cart, so it is read before the oldest of those that hold one."""
    baskets = [(0, 1, 2), *((0, other) for other in range(3, 53))]
    index = Index.from_arrays(arrays_of(53, baskets=baskets))
    near = said(index, "cart_complements", sources.NEIGHBOURS, asked(index, "p0", "p1"))
    assert near["p2"] == pytest.approx(2 / 3**0.5)
    assert set(near) == {"p2", *(f"p{other}" for other in range(14, 53))}


@pytest.mark.parametrize(("newer", "near"), [(59, 2 / 3**0.5), (60, 0)])
def test_of_a_product_sixty_orders_are_looked_at(newer: int, near: float) -> None:
    """An order like the cart, but before the last sixty of one of its products, is like it by the other one only.

    So it is as much like it as sixty newer ones, of which forty are read.
    """
    baskets = [(0, 1, 2), *((0, other) for other in range(3, 3 + newer))]
    index = Index.from_arrays(arrays_of(63, baskets=baskets))
    found = said(index, "cart_complements", sources.NEIGHBOURS, asked(index, "p0", "p1"))
    assert found.get("p2", 0) == pytest.approx(near)


def test_the_newest_thirty_lines_of_a_cart_speak() -> None:
    """Of thirty-two lines the two oldest say nothing; they are no candidates all the same."""
    pairs = {line: [40 + line, 0] for line in range(32)}
    index = Index.from_arrays(arrays_of(80, pairs=pairs))
    hits = said(index, "cart_complements", sources.HITS, asked(index, *(f"p{line}" for line in range(32))))
    assert hits == {f"p{40 + line}": 1 for line in range(2, 32)}


def test_own_weighs_by_count(index: Index) -> None:
    """Bought on the day of the last order, counts are not decayed."""
    context = asked(index, tea=3, soap=1)
    for slot in ("buy_again", "for_you", "cart_complements"):
        assert said(index, slot, sources.OWN, context) == {"tea": 3, "soap": 1}


def test_history_pairs_take_the_root_of_the_weight(index: Index) -> None:
    """Four times tea counts twice for tea's companions."""
    pairs = said(index, "for_you", sources.HISTORY_PAIR, asked(index, tea=4))
    assert pairs == pytest.approx({"cake": 1.0, "green": 0.4})


def test_companions_of_the_forty_strongest_purchases_are_looked_up() -> None:
    """Who bought forty-five products, the first ones most often, sees the companions of the first forty."""
    index = Index.from_arrays(arrays_of(100, pairs={item: [50 + item] for item in range(45)}))
    context = asked(index, counts={f"p{item}": 100 - item for item in range(45)})
    assert set(said(index, "for_you", sources.HISTORY_PAIR, context)) == {f"p{50 + item}" for item in range(40)}


def test_visit_pairs_hold_the_products_and_their_companions(index: Index) -> None:
    """Tea looked at just now: itself at 1, cake at 0.5, green at 0.2."""
    pairs = said(index, "for_you", sources.VISIT_PAIR, asked(index, recent=("tea",)))
    assert pairs == pytest.approx({"tea": 1, "cake": 0.5, "green": 0.2})


def test_the_newest_eight_of_a_visit_speak() -> None:
    """The newest at 1, the eighth at an eighth, those before not at all."""
    index = Index.from_arrays(arrays_of(12))
    pairs = said(index, "for_you", sources.VISIT_PAIR, asked(index, recent=tuple(f"p{at}" for at in range(10))))
    assert pairs == pytest.approx({f"p{at}": 1 / (10 - at) for at in range(2, 10)})


def test_favourites_are_the_best_of_the_kinds_bought(index: Index) -> None:
    """Three parts hot drinks: coffee first at 0.75, tea half of that, green a third; one part soap."""
    favourites = said(index, "for_you", sources.FAVOURITE, asked(index, tea=3, soap=1))
    assert favourites == pytest.approx({"coffee": 0.75, "tea": 0.375, "green": 0.25, "soap": 0.25})


def test_twelve_of_a_favourite_kind_are_found() -> None:
    """Its best, in order."""
    category_of = np.full((20, 3), -1, np.int32)
    category_of[:, 0] = 0
    members = {0: list(range(19, -1, -1))}
    index = Index.from_arrays(arrays_of(20, category_of=category_of, members=members))
    favourites = said(index, "for_you", sources.FAVOURITE, asked(index, p3=1))
    assert favourites == pytest.approx({f"p{19 - at}": 1 / (1 + at) for at in range(12)})


def test_liked_is_near_in_taste(index: Index) -> None:
    """Who bought tea likes tea and green tea fully, coffee at 0.6, cake not at all; a stranger likes nothing."""
    liked = said(index, "for_you", sources.LIKED, asked(index, tea=1))
    assert liked == pytest.approx({"tea": 1, "green": 1, "coffee": 0.6}, abs=1e-3)
    assert not said(index, "for_you", sources.LIKED, asked(index, soap=1))
    assert not said(index, "for_you", sources.LIKED, asked(index, recent=("tea",)))


def test_the_sixty_nearest_in_taste_are_liked() -> None:
    """Of a hundred popular products, further and further from the shopper's taste, the first sixty."""
    angles = np.linspace(0, 1.5, 100)
    tastes = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float16)
    popular = np.random.default_rng(1).permutation(100).astype(np.int32)
    index = Index.from_arrays(arrays_of(100, others={"tastes": tastes, "popular": popular}))
    liked = said(index, "for_you", sources.LIKED, asked(index, p0=1))
    assert set(liked) == {f"p{at}" for at in range(60)}


def test_popular_needs_somebody_known(index: Index) -> None:
    """A stranger without a visit gets none; others get the list, the first at 1, the second at a half."""
    assert not said(index, "for_you", sources.POPULAR, asked(index))
    for context in (asked(index, tea=1), asked(index, recent=("tea",))):
        popular = said(index, "for_you", sources.POPULAR, context)
        assert (popular["bread"], popular["coffee"]) == (1, 0.5)


def test_sixty_popular_products_fill_a_shelf() -> None:
    """Of any number."""
    index = Index.from_arrays(arrays_of(100, others={"popular": np.arange(100, dtype=np.int32)}))
    popular = said(index, "for_you", sources.POPULAR, asked(index, p99=1))
    assert popular == pytest.approx({f"p{at}": 1 / (1 + at) for at in range(60)})
