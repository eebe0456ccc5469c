"""Cold starts on the small shop: who may know what, and that what is measured is what serves."""

import dataclasses

import numpy as np
import pytest

from edge.core.codec import decode_profile
from edge.core.index import Index
from training.coldstart import ALL_TIME, CATEGORY, OURS, POPULARITY, NewShelf, cold_starts
from training.dataset import Dataset
from training.pipeline import Outcome
from training.settings import Settings
from training.unseen import Unseen, open_unseen


@pytest.fixture(scope="module")
def unseen(shop_dir: Dataset, outcome: Outcome) -> Unseen:
    """Every order of the small shop's last weeks."""
    settings = Settings(data_dir=outcome.directory.parents[2], shop="demo")
    return open_unseen(shop_dir, settings, None, 120, lambda _: None)


@pytest.fixture(scope="module")
def held(unseen: Unseen) -> Index:
    """The index of a shop that never sold the twelve first products: one of every shelf."""
    return unseen.index(range(12))


@pytest.fixture(scope="module")
def shelf(held: Index, unseen: Unseen) -> NewShelf:
    """Those twelve as newcomers."""
    return NewShelf.of(held, np.arange(12, dtype=np.int32), unseen)


def test_every_case_is_measured_against_popularity(unseen: Unseen) -> None:
    """With queries, metrics within 0..1, and a lead with its interval for each that is not ours."""
    heard: list[int] = []
    table = cold_starts(unseen, heard.append)
    assert heard == sorted(heard)
    assert {case.partition(":")[0] for case in table} >= {
        "no history", "one click, no history", "one click, known shopper", "nothing known at all", "products held out",
    }  # fmt: skip
    for case, methods in table.items():
        assert next(iter(methods)) == OURS
        assert set(methods) - {OURS} <= {POPULARITY, CATEGORY, ALL_TIME}
        assert len(methods) > 1
        for method, values in methods.items():
            assert values["queries"] == methods[OURS]["queries"] > 0, case
            assert all(0 <= values[name] <= 1 for name in ("hit_rate@10", "recall@10", "ndcg@10", "mrr@20"))
            if method != OURS:
                assert values["lead"] == pytest.approx(methods[OURS]["ndcg@10"] - values["ndcg@10"])
                assert values["lead_low"] <= values["lead"] <= values["lead_high"]


def test_a_small_shops_newcomers_are_found_by_their_kind(unseen: Unseen) -> None:
    """The sample shop has tastes on purpose: content beats what knows none of them."""
    table = cold_starts(unseen, lambda _: None)
    methods = table["products held out: cart_complements"]
    assert methods[OURS]["ndcg@10"] > methods[POPULARITY]["ndcg@10"]


def test_nobody_knows_what_was_not_there(shelf: NewShelf, unseen: Unseen) -> None:
    """Held-out products are in no profile, among nobody's stand-ins, and all that is wanted."""
    for moment in unseen.moments:
        profile = shelf._without_new(decode_profile(moment.profile))
        assert not set(profile.bought) & set(shelf.newcomers.ids)
        assert not set(profile.viewed) & set(shelf.newcomers.ids)
        for case, lists, wanted in shelf.asked(moment):
            if case.startswith("its own page"):
                assert not np.isin(wanted, shelf.new).any()
                assert len(lists[OURS])
            else:
                assert np.isin(wanted, shelf.new).all()
                for ranked in lists.values():
                    assert np.isin(ranked, shelf.new).all()
    assert not np.isin(shelf.newcomers.items, shelf.new).any()


def test_popularity_has_nothing_to_say_of_them(shelf: NewShelf) -> None:
    """All tie at zero, the order of their ids decides; by category the best selling department comes first."""
    assert shelf.popular[POPULARITY].tolist() == list(range(12))
    narrow = shelf.index.category_of.max(axis=1)
    sales = [shelf.index.sold_recently[narrow == narrow[at]].sum() for at in shelf.popular[CATEGORY]]
    assert sales == sorted(sales, reverse=True)


def test_a_moment_without_a_newcomer_asks_nothing(shelf: NewShelf, unseen: Unseen) -> None:
    """There is nothing to find; an order of newcomers alone has no cart to go by."""
    moment = next(one for one in unseen.moments if len(one.basket) > 1)
    new, old = shelf.newcomers.ids[0], "p100"
    assert list(shelf.asked(dataclasses.replace(moment, basket=(old,)))) == []
    assert [case for case, *_ in shelf.asked(dataclasses.replace(moment, basket=(new,)))] == ["for_you"]
    cases = [case for case, *_ in shelf.asked(dataclasses.replace(moment, basket=(new, old)))]
    assert cases == ["for_you", "cart_complements", "its own page, bought_together"]


def test_the_same_weeks_give_the_same_table(unseen: Unseen) -> None:
    """Seeds are fixed."""
    assert cold_starts(unseen, lambda _: None) == cold_starts(unseen, lambda _: None)
