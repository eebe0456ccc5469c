"""Evaluation and baselines, on lists short enough to work the numbers out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.context import Context, History
from edge.core.index import Index
from edge.core.profile import Bought, Profile, encode_profile
from training.baselines import BASELINES, COSINE, OWN, POPULARITY, Baselines
from training.evaluate import NOVEL, RANKER, REPEAT, RETRIEVAL, evaluate, lead, measure
from training.examples import Query
from training.moments import Moment
from training.pairs import Meetings

TODAY = 20_000


def positions(*values: int) -> NDArray[np.int32]:
    """A list of products."""
    return np.array(values, np.int32)


@pytest.fixture
def baselines(index: Index) -> Baselines:
    """Tea (0) met coffee (1) 20 times and cake (4) 10 times; bread (3) met coffee 5 times."""
    left, right = positions(0, 0, 1), positions(1, 4, 3)
    return Baselines.of(index, Meetings(left, right, np.array([20, 10, 5], np.float32), index.sold, 0.001))


def query(index: Index, slot: str, *anchors: int, owned: dict[int, tuple[int, int]] | None = None) -> Query:
    """A question about these anchors from somebody who owns product -> (orders, last day)."""
    bought = owned or {}
    context = Context(positions(*anchors), positions(), History.of(index, None), TODAY)
    counts, days = (np.array([pair[at] for pair in bought.values()], np.int64) for at in (0, 1))
    return Query(slot, context, positions(5), positions(*bought), counts, days)


def test_measure_of_a_perfect_list() -> None:
    """Everything wanted stands first."""
    assert measure(positions(1, 2, 3), positions(1, 2, 3)) == {
        "hit_rate@10": 1,
        "recall@10": 1,
        "ndcg@10": 1,
        "mrr@20": 1,
    }


def test_measure_by_hand() -> None:
    """Wanted on places 2 and 4, a third one nowhere: discounts 1/log2(3) + 1/log2(5) over the best of three."""
    got = measure(positions(9, 1, 8, 2), positions(1, 2, 3))
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert got["hit_rate@10"] == 1
    assert got["recall@10"] == pytest.approx(2 / 3)
    assert got["ndcg@10"] == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / ideal)
    assert got["mrr@20"] == 0.5


def test_places_after_the_tenth_count_for_mrr_only() -> None:
    """Found on place 15: no hit among ten, but a reciprocal rank; on place 21: nothing at all."""
    far = measure(np.arange(100, 130, dtype=np.int32), positions(114))
    assert far == {"hit_rate@10": 0, "recall@10": 0, "ndcg@10": 0, "mrr@20": pytest.approx(1 / 15)}
    assert measure(np.arange(100, 130, dtype=np.int32), positions(120))["mrr@20"] == 0


def test_an_empty_list_finds_nothing() -> None:
    """A method without an answer scores zero, it is not left out of the mean."""
    assert set(measure(positions(), positions(1)).values()) == {0}


def test_popularity_is_recent_sales_without_anchors(index: Index, baselines: Baselines) -> None:
    """Bread, coffee, tea, cola, cake, soap, green, odd; the page's product is left out."""
    assert baselines.rank(query(index, "bought_together", 1))[POPULARITY].tolist() == [3, 0, 2, 4, 5, 7, 6]


def test_own_frequency_counts_then_recency_then_fills_up(index: Index, baselines: Baselines) -> None:
    """Soap three times, cola and cake twice (cake later), then the popular rest."""
    owned = {2: (2, TODAY - 9), 4: (2, TODAY - 1), 5: (3, TODAY - 50)}
    ranked = baselines.rank(query(index, "for_you", owned=owned))[OWN]
    assert ranked.tolist() == [5, 4, 2, 3, 1, 0, 7, 6]


def test_cosine_sums_over_the_anchors(index: Index, baselines: Baselines) -> None:
    """Beside coffee: tea 20 / sqrt(50 * 40), bread 5 / sqrt(50 * 60); the rest is filled up by popularity."""
    ranked = baselines.rank(query(index, "cart_complements", 1))[COSINE]
    assert ranked.tolist() == [0, 3, 2, 4, 5, 7, 6]
    assert baselines.cosine[1, 0] == pytest.approx(20 / np.sqrt(2000))
    assert baselines.cosine[1, 1] == 1


def test_cosine_sums_over_the_history_by_count(index: Index, baselines: Baselines) -> None:
    """Who bought cake three times and bread once: cake itself 3, bread 1, then tea 3 * 0.35, which beats bread."""
    ranked = baselines.rank(query(index, "for_you", owned={4: (3, TODAY), 3: (1, TODAY)}))[COSINE]
    assert ranked[:3].tolist() == [4, 0, 3]


def test_buy_again_baselines_hold_only_own_products(index: Index, baselines: Baselines) -> None:
    """Every baseline is asked the same question: only what was bought before counts."""
    owned = {5: (1, TODAY), 0: (4, TODAY), 3: (1, TODAY - 3)}
    for ranked in baselines.rank(query(index, "buy_again", owned=owned)).values():
        assert set(ranked.tolist()) == set(owned)


def test_no_baseline_repeats_a_product(index: Index, baselines: Baselines) -> None:
    """Filling up never adds what is there."""
    for ranked in baselines.rank(query(index, "for_you", 2, owned={0: (2, TODAY), 1: (1, TODAY)})).values():
        assert len(set(ranked.tolist())) == len(ranked)
        assert 2 not in ranked


def asked(profile: Profile, *basket: str) -> Moment:
    """The moment before an order of this shopper."""
    owned = {id_: (item.count, item.last_day) for id_, item in profile.bought.items()}
    return Moment("o", "s", TODAY, encode_profile(profile), (), owned, basket)


def test_all_methods_answer_the_same_queries(index: Index, baselines: Baselines) -> None:
    """Each slot has the ranker, its retrieval order and every baseline, over equally many queries."""
    profile = Profile(shop="d", shopper="s", orders=2, last_order_day=TODAY - 1)
    profile.bought = {"tea": Bought(2, TODAY - 9, TODAY - 1)}
    got = evaluate(index, baselines, [asked(profile, "tea", "cake", "soap")], lambda rows: rows[:, 0])
    assert set(got) == {"bought_together", "cart_complements", "for_you", "buy_again", REPEAT, NOVEL}
    for methods in got.values():
        assert set(methods) == {RANKER, RETRIEVAL, *BASELINES}
        assert {values["queries"] for values in methods.values()} == {1}


def test_a_constant_score_keeps_the_retrieval_order(index: Index, baselines: Baselines) -> None:
    """The ranker only reorders: with nothing to say it equals the order the candidates came in."""
    profile = Profile(shop="d", shopper="s", orders=1, last_order_day=TODAY, bought={"tea": Bought(1, TODAY, TODAY)})
    got = evaluate(index, baselines, [asked(profile, "tea", "cake")], lambda rows: np.zeros(len(rows), np.float32))
    assert all(methods[RANKER].items() >= methods[RETRIEVAL].items() for methods in got.values())


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


def test_a_lead_comes_with_an_interval() -> None:
    """Always ahead by 0.1: the interval is that. Ahead in half of the queries: it spans the mean, every time alike."""
    theirs = np.linspace(0, 0.5, 50)
    sure = lead(theirs + 0.1, theirs)
    assert [sure[name] for name in ("lead", "lead_low", "lead_high")] == pytest.approx([0.1, 0.1, 0.1])
    half = lead(theirs + np.arange(50) % 2, theirs)
    assert half["lead"] == pytest.approx(0.5)
    assert 0.3 < half["lead_low"] < 0.5 < half["lead_high"] < 0.7
    assert lead(theirs + np.arange(50) % 2, theirs) == half
