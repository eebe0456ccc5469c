"""The visits of a shop as sessions of clicks: what was looked at or put into a cart, in order.

In: the numbered lines of a dataset. Out: `Clicks`, oldest visit first, by the same products as the shop's index.
"""

import numpy as np

from edge.core.index import Ints
from training import engine as engines
from training.facts import Facts
from training.sessions.clicks import Clicks

# What is looked at changes: older clicks say little, and so many bound memory and time.
MOST_CLICKS = 2_000_000
MIN_VISITS = 5_000  # of two clicks or more; with fewer the forest was no better than the order of retrieval


def collect(facts: Facts, until: int) -> Clicks:
    """The visits before day `until`. Events are numbered by time, so their order within a visit is that of clicks."""
    lines = facts.lines.filter(~facts.lines.purchase & (facts.lines.day < until))
    wanted = lines.select("session", "order", "item").distinct().order_by("session", "order", "item")
    table = engines.arrow(facts.engine, wanted)
    sessions, items = (table[name].to_numpy().astype(np.int32) for name in ("session", "item"))
    starts = np.flatnonzero(np.concatenate([[True], sessions[1:] != sessions[:-1]]))[: len(sessions)]
    ptr = np.concatenate([starts, [len(sessions)]]).astype(np.int64)
    return newest(Clicks(facts.products["id"].to_pylist(), items, ptr), MOST_CLICKS)


def newest(clicks: Clicks, most: int) -> Clicks:
    """The newest whole sessions of at most so many clicks."""
    first = int(np.searchsorted(clicks.ptr, clicks.ptr[-1] - most))
    start = clicks.ptr[first]
    return Clicks(clicks.ids, clicks.items[start:], clicks.ptr[first:] - start)


def enough(clicks: Clicks) -> bool:
    """Whether a next-click model can be learned from them."""
    lengths: Ints = np.diff(clicks.ptr).astype(np.int32)
    return int((lengths > 1).sum()) >= MIN_VISITS
