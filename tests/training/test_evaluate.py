"""Evaluation and baselines, on lists short enough to work the numbers out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.codec import encode_profile
from edge.core.context import Context, History
from edge.core.index import Index
from edge.core.profile import Bought, Profile
from training.baselines import Baselines
from training.evaluate import BOUGHT, NOVEL, REPEAT, evaluate
from training.examples import Past, Query
from training.metrics import ALS, BASELINES, COSINE, OWN, POPULARITY, RANKER, RATES, RETRIEVAL, TIFU
from training.moments import Moment
from training.pairs import Meetings
from training.purchases import Purchases

TODAY = 20_000


def positions(*values: int) -> NDArray[np.int32]:
    """A list of products."""
    return np.array(values, np.int32)


def bought(*people: list[list[int]]) -> Purchases:
    """Each shopper's orders, oldest first, as products of the shop of eight."""
    rows = [
        (who, 10 * who + at, item)
        for who, orders in enumerate(people)
        for at, order in enumerate(orders)
        for item in order
    ]
    shopper, order, item = np.array(rows, np.int32).reshape(-1, 3).T
    return Purchases({f"s{who}": who for who in range(len(people))}, shopper, order, item, 8)


@pytest.fixture
def baselines(index: Index) -> Baselines:
    """Tea (0) met coffee (1) 20 times and cake (4) 10 times; bread (3) met coffee 5 times."""
    left, right = positions(0, 0, 1), positions(1, 4, 3)
    meetings = Meetings(left, right, np.array([20, 10, 5], np.float32), index.sold, 0.001)
    return Baselines.of(index, meetings, bought([[1], [1, 3]], [[0, 4]], [[3], [3]]))


Owned = dict[str, tuple[int, int]]


def query(index: Index, slot: str, *anchors: int, owned: Owned | None = None) -> Query:
    """A question about these anchors from somebody who owns product -> (orders, last day)."""
    context = Context(positions(*anchors), positions(), History.of(index, None), TODAY)
    return Query(slot, context, positions(5), Past(index, asked(Profile(shop="d", shopper="s"), owned=owned)))


def asked(profile: Profile, *basket: str, owned: Owned | None = None, shopper: str = "s0") -> Moment:
    """The moment before an order of this shopper, who owns what is said or what the profile holds."""
    owned = owned or {id_: (item.count, item.last_day) for id_, item in profile.bought.items()}
    # One product an order, each as many orders as it was bought in, ending on its last day.
    past = sorted((last - back, (id_,)) for id_, (count, last) in owned.items() for back in range(count))
    return Moment("o", shopper, TODAY, encode_profile(profile), (), tuple(past), basket)


def ranked(baselines: Baselines, question: Query, shopper: str = "stranger") -> dict[str, NDArray[np.int32]]:
    """Every baseline's list for one query."""
    (lists,) = baselines.rank(shopper, [question])
    return lists


def test_popularity_is_recent_sales_without_anchors(index: Index, baselines: Baselines) -> None:
    """Bread, coffee, tea, cola, cake, soap, green, odd; the page's product is left out."""
    assert ranked(baselines, query(index, "bought_together", 1))[POPULARITY].tolist() == [3, 0, 2, 4, 5, 7, 6]


def test_own_frequency_counts_then_recency_then_fills_up(index: Index, baselines: Baselines) -> None:
    """Soap three times, cola and cake twice (cake later), then the popular rest."""
    owned = {"cola": (2, TODAY - 9), "cake": (2, TODAY - 1), "soap": (3, TODAY - 50)}
    assert ranked(baselines, query(index, "for_you", owned=owned))[OWN].tolist() == [5, 4, 2, 3, 1, 0, 7, 6]


def test_cosine_sums_over_the_anchors(index: Index, baselines: Baselines) -> None:
    """Beside coffee: tea 20 / sqrt(50 * 40), bread 5 / sqrt(50 * 60); the rest is filled up by popularity."""
    assert ranked(baselines, query(index, "cart_complements", 1))[COSINE].tolist() == [0, 3, 2, 4, 5, 7, 6]
    assert baselines.cosine[1, 0] == pytest.approx(20 / np.sqrt(2000))
    assert baselines.cosine[1, 1] == 1


def test_cosine_beside_a_page_hears_the_history_too(index: Index, baselines: Baselines) -> None:
    """Beside coffee stand tea and bread; of somebody who always buys soap, soap comes first."""
    owned = {"soap": (5, TODAY)}
    assert ranked(baselines, query(index, "bought_together", 1, owned=owned))[COSINE].tolist()[:3] == [5, 0, 3]


def test_cosine_sums_over_the_history_by_count(index: Index, baselines: Baselines) -> None:
    """Who bought cake three times and bread once: cake itself 3, bread 1, then tea 3 * 0.35, which beats bread."""
    question = query(index, "for_you", owned={"cake": (3, TODAY), "bread": (1, TODAY)})
    assert ranked(baselines, question)[COSINE][:3].tolist() == [4, 0, 3]


def test_tifu_knn_puts_recent_frequency_first(index: Index, baselines: Baselines) -> None:
    """Twice lately beats twice long ago; what the neighbours bought follows."""
    owned = {"soap": (2, TODAY), "cola": (2, TODAY - 60)}
    assert ranked(baselines, query(index, "for_you", owned=owned))[TIFU].tolist()[:2] == [5, 2]


def test_models_score_a_known_shopper(index: Index, baselines: Baselines) -> None:
    """The shopper who bought only coffee and bread gets these first from ALS; nobody's list is empty."""
    owned = {"coffee": (2, TODAY), "bread": (1, TODAY)}
    lists = ranked(baselines, query(index, "for_you", owned=owned), shopper="s0")
    assert set(lists[ALS][:2].tolist()) == {1, 3}
    assert {len(items) for items in lists.values()} == {8}


@pytest.mark.parametrize("shopper", ["s0", "stranger"])
def test_buy_again_baselines_hold_only_own_products(index: Index, baselines: Baselines, shopper: str) -> None:
    """Every baseline is asked the same question: only what was bought before counts."""
    owned = {"soap": (1, TODAY), "tea": (4, TODAY), "bread": (1, TODAY - 3)}
    for items in ranked(baselines, query(index, "buy_again", owned=owned), shopper).values():
        assert set(items.tolist()) == {5, 0, 3}


@pytest.mark.parametrize("shopper", ["s0", "stranger"])
def test_no_baseline_repeats_a_product_or_shows_the_page(index: Index, baselines: Baselines, shopper: str) -> None:
    """Filling up never adds what is there; every product but the page's is reached."""
    owned = {"tea": (2, TODAY), "coffee": (1, TODAY)}
    for items in ranked(baselines, query(index, "for_you", 2, owned=owned), shopper).values():
        assert sorted(items.tolist()) == [0, 1, 3, 4, 5, 6, 7]


def test_a_stranger_gets_popularity_from_every_baseline(index: Index, baselines: Baselines) -> None:
    """Without history, page or factors nothing is known but what sells; TIFU-KNN asks the other shoppers."""
    lists = ranked(baselines, query(index, "for_you"))
    for name in (OWN, COSINE, ALS):
        assert lists[name].tolist() == lists[POPULARITY].tolist()
    assert set(lists[TIFU][:4].tolist()) == {0, 1, 3, 4}


def test_no_query_has_no_lists(baselines: Baselines) -> None:
    """An order nobody can be asked about is answered with nothing."""
    assert baselines.rank("s0", []) == []


def test_all_methods_answer_the_same_queries(index: Index, baselines: Baselines) -> None:
    """Each slot has the ranker, its retrieval order and every baseline, over equally many queries."""
    profile = Profile(shop="d", shopper="s", orders=2, last_order_day=TODAY - 1)
    profile.bought = {"tea": Bought(2, TODAY - 9, TODAY - 1)}
    got = evaluate(index, baselines, [asked(profile, "tea", "cake", "soap")], lambda rows: rows[:, 0])
    assert set(got) == {"bought_together", "cart_complements", "for_you", "buy_again", REPEAT, NOVEL}
    for methods in got.values():
        assert set(methods) == {RANKER, RETRIEVAL, *BASELINES, BOUGHT}
        assert {values["queries"] for values in methods.values()} == {1}


def test_a_constant_score_keeps_the_retrieval_order(index: Index, baselines: Baselines) -> None:
    """The ranker only reorders: with nothing to say it equals the order the candidates came in."""
    profile = Profile(shop="d", shopper="s", orders=1, last_order_day=TODAY, bought={"tea": Bought(1, TODAY, TODAY)})
    got = evaluate(index, baselines, [asked(profile, "tea", "cake")], lambda rows: np.zeros(len(rows), np.float32))
    for methods in got.values():
        assert {name: methods[RANKER][name] for name in methods[RETRIEVAL]} == methods[RETRIEVAL]


def test_a_perfect_score_beats_every_baseline(index: Index, baselines: Baselines) -> None:
    """A score that knows soap is wanted puts it first, whatever the retrieval thought."""
    profile = Profile(shop="d", shopper="s", orders=3, last_order_day=TODAY)
    profile.bought = {"tea": Bought(3, TODAY - 9, TODAY), "soap": Bought(1, TODAY - 9, TODAY - 9)}
    got = evaluate(index, baselines, [asked(profile, "soap")], lambda rows: -rows[:, 2] * 0 + (rows[:, 8] < 1.0))
    assert got["buy_again"][RANKER]["mrr@20"] == 1
    assert got["buy_again"][OWN]["mrr@20"] == 0.5


def test_novel_hides_what_was_bought_before(index: Index, baselines: Baselines) -> None:
    """Asked for novel purchases, own frequency can only offer popularity: the two rows are equal."""
    profile = Profile(shop="d", shopper="s", orders=3, last_order_day=TODAY)
    profile.bought = {"tea": Bought(3, TODAY - 9, TODAY)}
    got = evaluate(index, baselines, [asked(profile, "cake")], lambda rows: rows[:, 1])
    assert got[NOVEL][OWN] == got[NOVEL][POPULARITY]
    assert REPEAT not in got
    # Popular without tea: bread, coffee, cola, cake.
    assert got[NOVEL][POPULARITY]["mrr@20"] == 0.25


def test_no_moments_measure_nothing(index: Index, baselines: Baselines) -> None:
    """A shop without an order in the last days has no figures, and no error."""
    assert evaluate(index, baselines, [], lambda rows: rows[:, 0]) == {}


def test_progress_counts_the_moments(index: Index, baselines: Baselines) -> None:
    """The bar is told each moment done."""
    told: list[int] = []
    moments = [asked(Profile(shop="d", shopper="s"), "tea")] * 3
    evaluate(index, baselines, moments, lambda rows: rows[:, 0], told.append)
    assert told == [1, 2, 3]


def test_shoppers_count_alike_whatever_they_order(index: Index, baselines: Baselines) -> None:
    """One asks three times and gets soap first each time, one asks once: half of the mean each, not 3/4 and 1/4."""
    profile = Profile(shop="d", shopper="s", orders=3, last_order_day=TODAY)
    profile.bought = {"soap": Bought(3, TODAY - 9, TODAY)}
    moments = [asked(profile, "soap", shopper="s0")] * 3 + [asked(profile, "cake", shopper="s1")]
    got = evaluate(index, baselines, moments, lambda rows: -rows[:, 2])["for_you"][OWN]
    assert (got["queries"], got["shoppers"]) == (4, 2)
    # Soap first; for cake popularity fills up: bread, coffee, tea, cola, cake on the sixth place.
    assert got["mrr@10"] == pytest.approx((1 + 1 / 6) / 2)
    assert got["mrr@10_low"] == pytest.approx(1 / 6)
    assert got["mrr@10_high"] == pytest.approx(1)


def test_one_shopper_has_no_interval(index: Index, baselines: Baselines) -> None:
    """Drawn with replacement, a single shopper is always the same: low, mean and high agree, for leads too."""
    profile = Profile(shop="d", shopper="s", orders=3, last_order_day=TODAY, bought={"tea": Bought(3, TODAY, TODAY)})
    for methods in evaluate(index, baselines, [asked(profile, "tea", "cake")], lambda rows: rows[:, 0]).values():
        for method in (RANKER, *BASELINES):
            for rate in RATES:
                values = methods[method]
                assert values[f"{rate}_low"] == pytest.approx(values[rate]) == values[f"{rate}_high"]
        assert methods[RANKER]["lead_low"] == pytest.approx(methods[RANKER]["lead"])


def test_the_lead_is_on_the_best_baseline(index: Index, baselines: Baselines) -> None:
    """Each rate's lead is the ranker's value less the largest baseline's; equal lists have none."""
    profile = Profile(shop="d", shopper="s", orders=3, last_order_day=TODAY)
    profile.bought = {"tea": Bought(3, TODAY - 9, TODAY), "soap": Bought(1, TODAY - 9, TODAY - 9)}
    moments = [asked(profile, "soap", "cake"), asked(profile, "tea", shopper="s1")]
    for methods in evaluate(index, baselines, moments, lambda rows: rows[:, 1]).values():
        for rate in RATES:
            best = max(methods[name][rate] for name in BASELINES)
            lead = methods[RANKER]["lead" if rate == "ndcg@10" else f"lead:{rate}"]
            assert lead == pytest.approx(methods[RANKER][rate] - best)


def test_exposure_of_each_method_and_of_what_was_bought(index: Index, baselines: Baselines) -> None:
    """A popular list of eight shows all eight products; bought was soap alone: 1/8, in 10 of 100 orders."""
    got = evaluate(index, baselines, [asked(Profile(shop="d", shopper="s"), "soap")], lambda rows: rows[:, 0])
    assert got["for_you"][POPULARITY]["coverage@10"] == 1
    assert got["for_you"][BOUGHT]["coverage@10"] == pytest.approx(1 / 8)
    assert got["for_you"][BOUGHT]["sold_share@10"] == pytest.approx(0.1)
    assert got["for_you"][RANKER]["coverage@10"] == 0
