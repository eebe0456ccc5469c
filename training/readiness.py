"""Readiness: for every shelf one sentence on how much data there was, and whether it will answer or fall back.

In: the facts and the index that ships. Out: slot -> sentence. The rules count evidence, so they hold for three orders
as for three million.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import engine as engines
from training.facts import Facts


def of(facts: Facts, arrays: Mapping[str, NDArray[Any]], shelves: int, enough_shelves: int) -> dict[str, str]:
    """One sentence per slot and one for the ranker; `shelves` is how many labelled ones it learned from."""
    learned = "a learned forest orders the shelves"
    ranker = f"{enough_shelves} are needed, so shelves keep the order they are found in"
    ranks = {"ranker": _say(f"{shelves:,} labelled shelves", shelves >= enough_shelves, learned, ranker)}
    return _beside_products(arrays) | _at_home(facts, arrays) | ranks


def _beside_products(arrays: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """The shelves of product page and cart."""
    orders, products, sessions = int(arrays["orders"][0]), len(arrays["ids"]), len(arrays["session_ptr"]) - 1
    pairs = np.diff(arrays["pair_ptr"])
    linked, apart = int((pairs > 0).sum()), _apart(arrays)
    filed = int((arrays["category_of"] >= 0).any(axis=1).sum())
    met = f"{orders:,} orders, {int(pairs.sum()):,} pairs beyond chance around {linked:,} of {products:,} products"
    carts = f"{met}, {sessions:,} recent orders and visits of 2 products or more"
    there, join = "answers on those products", f"{apart:,} of the pairs join two categories"
    no_category = "falls back to popular; give products a category"
    return {
        "bought_together": _say(met, linked > 0, there, "left out until products meet in 3 orders"),
        "similar": _say(f"{filed:,} of {products:,} products have a category", filed > 0, there, no_category),
        "complete_the_look": _say(join, apart > 0, there, "left out"),
        "cart_complements": _say(carts, linked > 0 or sessions > 0, "answers", "falls back to popular"),
    }


def _at_home(facts: Facts, arrays: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """The shelves of the homepage."""
    orders, rising = int(arrays["orders"][0]), len(arrays["trending"])
    regulars, repeats = _regulars(facts)
    return {
        "for_you": _say(
            f"{regulars:,} of {facts.shoppers:,} shoppers came back to buy",
            facts.shoppers > 0 and orders > 0,
            "answers personally whoever bought or looked at something, popular for strangers",
            "falls back to popular until there are orders",
        ),
        "buy_again": _say(
            f"{repeats:,} products were bought again by the same shopper",
            orders > 0,
            "answers whoever bought before" + ("" if repeats else ", though nobody bought again yet"),
            "left out until there are orders",
        ),
        "trending": _say(
            f"{rising:,} products rise", rising > 0, "answers", "left out until there are two months of data"
        ),
    }


def _say(data: str, enough: bool, answers: str, falls_back: str) -> str:
    return f"{data}: {answers if enough else falls_back}"


def _apart(arrays: Mapping[str, NDArray[Any]]) -> int:
    second = arrays["category_of"][:, :2].max(axis=1)
    left = np.repeat(second, np.diff(arrays["pair_ptr"]))
    right = second[arrays["pair_items"]]
    return int(((left != right) & (right >= 0)).sum())


def _regulars(facts: Facts) -> tuple[int, int]:
    """Shoppers with two orders or more, and products bought in two orders or more by one shopper."""
    bought = facts.lines.filter(facts.lines.purchase)
    by_shopper = bought.group_by("shopper").aggregate(orders=bought.order.nunique())
    by_product = bought.group_by("shopper", "item").aggregate(orders=bought.order.nunique())
    again = by_product.filter(by_product.orders >= 2)
    regulars = engines.scalar(facts.engine, by_shopper.filter(by_shopper.orders >= 2).count())
    return int(str(regulars)), int(str(engines.scalar(facts.engine, again.item.nunique())))
