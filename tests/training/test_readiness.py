"""Readiness: sentences that follow from the numbers, for shops of every size."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training import readiness
from training.facts import Facts
from training.readiness import of

Arrays = dict[str, NDArray[Any]]


def said(facts: Facts, arrays: Arrays, shelves: int = 500) -> dict[str, str]:
    """The sentences for the eight products' arrays, with the sample shop's shoppers."""
    return of(facts, arrays, shelves, 100)


def test_pairs_make_bought_together_answer(facts: Facts, arrays: Arrays) -> None:
    """Six directed pairs around four of eight products."""
    assert said(facts, arrays)["bought_together"] == (
        "100 orders, 6 pairs beyond chance around 4 of 8 products: answers on those products"
    )


def test_without_pairs_bought_together_is_left_out(facts: Facts, arrays: Arrays) -> None:
    """No pair: the sentence says what it takes."""
    arrays["pair_ptr"] = np.zeros(9, np.int32)
    arrays["pair_items"] = arrays["pair_items"][:0]
    ready = said(facts, arrays)
    assert ready["bought_together"].endswith("left out until products meet in 3 orders")
    assert ready["complete_the_look"] == "0 of the pairs join two categories: left out"
    assert ready["cart_complements"].endswith(": answers")


def test_without_pairs_and_sessions_the_cart_falls_back(facts: Facts, arrays: Arrays) -> None:
    """Neither pairs nor orders of two products: nothing goes with a cart but what is popular."""
    arrays |= {"pair_ptr": np.zeros(9, np.int32), "pair_items": arrays["pair_items"][:0]}
    arrays["session_ptr"] = np.zeros(1, np.int32)
    assert said(facts, arrays)["cart_complements"].endswith("falls back to popular")


def test_pairs_across_categories_are_counted_both_ways(facts: Facts, arrays: Arrays) -> None:
    """Tea and cake, coffee and cake, and back: four of six; tea and green tea share a category."""
    assert said(facts, arrays)["complete_the_look"].startswith("4 of the pairs join two categories")


def test_similar_needs_categories(facts: Facts, arrays: Arrays) -> None:
    """Seven of eight have one; with none the sentence says what to do."""
    assert said(facts, arrays)["similar"] == "7 of 8 products have a category: answers on those products"
    arrays["category_of"] = np.full((8, 3), -1, np.int32)
    assert said(facts, arrays)["similar"].endswith("falls back to popular; give products a category")


def test_trending_needs_something_that_rises(facts: Facts, arrays: Arrays) -> None:
    """Two products rise; with none there was no time to compare with."""
    assert said(facts, arrays)["trending"] == "2 products rise: answers"
    arrays["trending"] = arrays["trending"][:0]
    assert said(facts, arrays)["trending"].endswith("left out until there are two months of data")


@pytest.mark.parametrize(("shelves", "ending"), [(100, "orders the shelves"), (99, "the order they are found in")])
def test_the_ranker_needs_labelled_shelves(facts: Facts, arrays: Arrays, shelves: int, ending: str) -> None:
    """At the least number it learns, below it keeps the order."""
    assert said(facts, arrays, shelves)["ranker"].endswith(ending)


def test_regulars_are_counted_from_orders(facts: Facts, arrays: Arrays) -> None:
    """The sample shop's staples are bought again, and its shoppers come back."""
    regulars, repeats = readiness._regulars(facts)
    assert 100 < regulars <= facts.shoppers
    assert repeats > 50
    assert said(facts, arrays)["for_you"].startswith(f"{regulars:,} of {facts.shoppers:,} shoppers came back to buy")
    assert said(facts, arrays)["buy_again"].endswith("answers whoever bought before")
