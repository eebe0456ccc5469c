"""Which orders are looked at, where a window holds more than a run has time for: drawn with a seed.

In: a data set and days. Out: ids of orders. In turns, every shopper's first comes before anybody's second, since all
shoppers count alike in the figures; evenly, every order has the same chance, whatever the length of the window.
"""

import numpy as np
from numpy.typing import NDArray

from training import engine as engines
from training.dataset import Dataset
from training.facts import PURCHASE


def fair_orders(dataset: Dataset, start: int, end: int, most: int) -> list[str]:
    """At most `most` orders of the unix days [start, end), one of every shopper before a second of any."""
    ids, shopper = _orders(dataset, start, end)
    chosen = in_turns(shopper, np.random.default_rng(start).permutation(len(shopper)))[:most]
    return [ids[at] for at in chosen.tolist()]


def even_orders(dataset: Dataset, start: int, end: int, most: int) -> list[str]:
    """At most `most` orders of the unix days [start, end), each as likely as any other."""
    ids, _ = _orders(dataset, start, end)
    return [ids[at] for at in np.random.default_rng(start).permutation(len(ids))[:most].tolist()]


def in_turns(owner: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places in this order, but every owner's first before anybody's second, and so on."""
    grouped = np.argsort(owner[order], kind="stable")
    owners = owner[order][grouped]
    turn = np.empty(len(order), np.int64)
    turn[grouped] = np.arange(len(order)) - np.searchsorted(owners, owners)
    return order[np.argsort(turn, kind="stable")]


def _orders(dataset: Dataset, start: int, end: int) -> tuple[list[str], NDArray[np.int64]]:
    lines = dataset.lines()
    orders = lines.filter((lines.type == PURCHASE) & (lines.day >= start) & (lines.day < end))
    found = orders.select("event_id", "shopper").distinct().order_by("event_id", "shopper")
    table = engines.arrow(dataset.engine, found)
    _, shopper = np.unique(table["shopper"].to_pylist(), return_inverse=True)
    return table["event_id"].to_pylist(), shopper.astype(np.int64)
