"""Picks: products that may stand on a shelf, in columns, and the bytes that their scores and reasons are in an answer.

In: positions in a model's index, or ids of products that it may not have; scores in 0..1; reasons. Out: `Picks` and
`Shelf`, which a ranking keeps, and the model's ready-made lists.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.index import Ints
from edge.live_cards import LiveCards
from edge.reasons import CODE, REASONS
from edge.scoring import Model

_BYTES_EACH = 40  # of a pick that is kept, roughly
SCALE = 10_000  # of scores, which are kept as whole numbers: four digits is what an answer says
# By score and by reason: what stands in an item after its id. Made by what encodes the rest, so that it looks the same.
SCORES: tuple[bytes, ...] = tuple(msgspec.json.encode(score / SCALE) for score in range(SCALE + 1))
SAID: tuple[bytes, ...] = tuple(b',"reason":%b,"product":' % msgspec.json.encode(reason) for reason in REASONS)

# Recent over earlier daily orders, as a log, after five orders of doubt on both sides: a quarter more at the least, and
# for a product that hardly sold before at least two orders' worth of interest in four weeks.
LEAST_TREND = 0.25

ServedBy = Literal["personal", "session", "context", "popular"]


@dataclass(frozen=True, slots=True, eq=False)
class Picks:
    """Products best first: `positions` in the model's index or, where that is None, `ids`; scores times SCALE."""

    scores: Sequence[int]
    reasons: Sequence[int]  # places in REASONS
    positions: Ints | None = None
    ids: tuple[str, ...] = ()

    @classmethod
    def named(cls, ids: Iterable[str], scores: Sequence[int], reason: str) -> "Picks":
        """Products by id, all for one reason."""
        ids = tuple(ids)
        return cls(scores, [CODE[reason]] * len(ids), None, ids)

    def __len__(self) -> int:
        return len(self.scores)

    def block(self, start: int, end: int) -> "Picks":
        """Some of them, in order."""
        if start == 0 and end >= len(self.scores):
            return self
        positions = None if self.positions is None else self.positions[start:end]
        return Picks(self.scores[start:end], self.reasons[start:end], positions, self.ids[start:end])

    def rows(self, live: LiveCards, model: Model | None) -> Ints:
        """Where each lies among the live cards; -1 for what the shop does not have."""
        if self.positions is None or model is None:
            return np.array([-1 if (row := live.row(id_)) is None else row for id_ in self.ids], np.int32)
        return live.rows_of(model.index)[self.positions]


NO_PICKS = Picks((), ())


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
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
    return Picks(by_place(len(positions)), [CODE[reason]] * len(positions), positions)


def by_place(count: int) -> list[int]:
    """Scores of so many picks that nothing but their place compares."""
    return [round(round(1 - place / (count + 1), 4) * SCALE) for place in range(count)]


def scaled(values: NDArray[np.float64]) -> list[int]:
    """Scores in 0..1 as whole numbers."""
    whole: list[int] = np.rint(values * SCALE).astype(np.intp).tolist()
    return whole
