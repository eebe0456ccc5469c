"""Which orders a run looks at: fairly by shopper, or evenly by order."""

from collections import Counter

import numpy as np

from training.dataset import Dataset
from training.draws import even_orders, fair_orders, in_turns
from training.facts import PURCHASE
from training.pipeline import Windows


def test_every_shopper_has_a_turn_before_anybody_has_two() -> None:
    """Three orders of one shopper, one each of two others: three firsts as they come, then the second, the third."""
    owner = np.array([0, 0, 0, 1, 2])
    assert in_turns(owner, np.array([2, 4, 0, 1, 3])).tolist() == [2, 4, 3, 0, 1]
    assert in_turns(owner[:0], owner[:0]).tolist() == []


def owners(shop: Dataset, windows: Windows) -> dict[str, str]:
    """Order -> shopper, of the measured weeks."""
    lines = shop.lines()
    some = lines.filter((lines.type == PURCHASE) & (lines.day >= windows.test) & (lines.day < windows.end))
    table = some.select("event_id", "shopper").distinct().to_pyarrow()
    return dict(zip(table["event_id"].to_pylist(), table["shopper"].to_pylist(), strict=True))


def test_fair_orders_take_every_shopper_first(shop_dir: Dataset, windows: Windows) -> None:
    """As many orders as shoppers: each has one. The same each time."""
    of = owners(shop_dir, windows)
    shoppers = len(set(of.values()))
    drawn = fair_orders(shop_dir, windows.test, windows.end, shoppers)
    assert len({of[order] for order in drawn}) == shoppers
    assert drawn == fair_orders(shop_dir, windows.test, windows.end, shoppers)


def test_even_orders_take_frequent_shoppers_more_often(shop_dir: Dataset, windows: Windows) -> None:
    """As many orders as shoppers: some have several. All there are, where more are asked for; each once."""
    of = owners(shop_dir, windows)
    drawn = even_orders(shop_dir, windows.test, windows.end, len(set(of.values())))
    assert max(Counter(of[order] for order in drawn).values()) > 1
    assert sorted(even_orders(shop_dir, windows.test, windows.end, 10_000)) == sorted(of)


def test_an_empty_window_has_no_orders(shop_dir: Dataset, windows: Windows) -> None:
    """After the end of the data, or from a day to the same day."""
    assert fair_orders(shop_dir, windows.end, windows.end + 7, 10) == []
    assert even_orders(shop_dir, windows.test, windows.test, 10) == []
