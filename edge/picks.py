"""Picks: products that may stand on a shelf, in columns, and the bytes that their scores and reasons are in an answer.

In: positions in a model's index, or ids of products that it may not have; scores in 0..1; reasons. Out: `Picks` and
`Shelf`, which a ranking keeps, and the model's ready-made lists.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.index import Ints
from edge.live_cards import LiveCards
from edge.reasons import CODE, REASONS
from edge.scoring import Model

_BYTES_EACH = 12  # of a pick that is kept
SCALE = 10_000  # of scores, which are kept as whole numbers: four digits is what an answer says
# By reason: what stands in an item after its score.
SAID: tuple[bytes, ...] = tuple(b',"reason":%b,"product":' % msgspec.json.encode(reason) for reason in REASONS)

# Recent over earlier daily orders, as a log, after five orders of doubt on both sides: a quarter more at the least, and
# for a product that hardly sold before at least two orders' worth of interest in four weeks.
LEAST_TREND = 0.25

ServedBy = Literal["personal", "session", "context", "popular"]


class Picks(msgspec.Struct, frozen=True, eq=False):
    """Products best first: `positions` in the model's index or, where that is None, `ids`; scores times SCALE."""

    scores: Ints
    reasons: Ints  # places in REASONS
    positions: Ints | None = None
    ids: tuple[str, ...] = ()

    @classmethod
    def named(cls, ids: Iterable[str], scores: Ints, reason: str) -> "Picks":
        """Products by id, all for one reason."""
        ids = tuple(ids)
        return cls(scores, _alike(reason, len(ids)), None, ids)

    def __len__(self) -> int:
        return len(self.scores)

    def rows(self, live: LiveCards) -> Ints:
        """Where each of `ids` lies among the live cards; -1 for what the shop does not have."""
        return np.array([-1 if (row := live.row(id_)) is None else row for id_ in self.ids], np.int32)


_NONE = np.empty(0, np.int32)
NO_PICKS = Picks(_NONE, _NONE)


class Shelf(msgspec.Struct, frozen=True, eq=False):
    """A shelf before the live rules: more picks than will be shown, best first, and newcomers that may join them."""

    slot: str
    served_by: ServedBy
    picks: Picks
    newcomers: Picks = NO_PICKS


def listed(model: Model, which: Literal["popular", "trending"]) -> Picks:
    """One of the model's ready-made lists. Kept with its index: a table of our own would keep models that have left."""
    index, key = model.index, ("listed", which)
    kept = index.memo.get(key, Picks)
    if kept is None:
        best = index.popular if which == "popular" else index.trending[index.trend[index.trending] >= LEAST_TREND]
        kept = positioned(best, which)
        index.memo.keep(key, kept, _BYTES_EACH * len(best))
    return kept


def positioned(positions: Ints, reason: str) -> Picks:
    """Picks in the order given; their score falls with their place, since nothing else compares them."""
    return Picks(by_place(len(positions)), _alike(reason, len(positions)), positions)


def _alike(reason: str, count: int) -> Ints:
    return np.full(count, CODE[reason], np.int32)


def by_place(count: int) -> Ints:
    """Scores of so many picks that nothing but their place compares."""
    return np.array([round(round(1 - place / (count + 1), 4) * SCALE) for place in range(count)], np.int32)


def scaled(values: NDArray[np.float64]) -> Ints:
    """Scores in 0..1 as whole numbers."""
    return np.rint(values * SCALE).astype(np.int32)
