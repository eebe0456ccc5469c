"""Examples: shelves as they would have been asked for just before an order, with what was bought from them.

In: moments and an index that knows nothing of them. Out: `Query`s, and the rows a ranker learns from; candidates and
features come from the very functions that serve.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge.core.codec import decode_profile
from edge.core.features import FEATURE_NAMES, build
from edge.core.index import Index, Ints
from edge.core.retrieval import Candidates, Context, History, candidates
from training.moments import Moment

MEASURED_SLOTS = ("bought_together", "cart_complements", "for_you", "buy_again")
STRANGERS = 4  # each so many-th moment is learned from as a stranger's, too; docs/quality.md has the figures
_EMPTY = np.empty(0, np.int32)


@dataclass(frozen=True, eq=False)
class Past:
    """All orders before a query, as the index knows their products; worked out when asked for: few learners do."""

    index: Index
    moment: Moment

    @cached_property
    def owned(self) -> Ints:
        """Every product bought before, once, by position."""
        return np.sort(self.index.positions({id_ for _, products in self.moment.past for id_ in products}))

    @property
    def items(self) -> Ints:
        """A row per product and order, oldest first; `orders` says which order, 0 is the oldest."""
        return np.asarray(self._rows[0], np.int32)

    @property
    def orders(self) -> Ints:
        """The order of each of `items`."""
        return np.asarray(self._rows[1], np.int32)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Of each of `owned`, the orders that held it."""
        return self._totals[0]

    @property
    def days(self) -> NDArray[np.int64]:
        """Of each of `owned`, the unix day of its last purchase."""
        return self._totals[1]

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        position = self.index.position
        rows = [
            (position[id_], number, day)
            for number, (day, products) in enumerate(self.moment.past)
            for id_ in products
            if id_ in position
        ]
        return np.array(rows, np.int64).reshape(-1, 3).T

    @cached_property
    def _totals(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        items, _, days = self._rows
        # Read backwards, the first time a product is met is its last purchase.
        _, last, counts = np.unique(items[::-1], return_index=True, return_counts=True)
        return counts, days[::-1][last]


@dataclass(frozen=True, eq=False)
class Query:
    """One shelf asked for at one moment. `wanted` is what was bought: of any product, bought before or not."""

    slot: str
    context: Context
    wanted: Ints
    past: Past


@dataclass(frozen=True, eq=False)
class Rows:
    """What a ranker learns from: float32 features, 0/1 labels, and how many rows belong to each query in turn."""

    features: NDArray[np.float32]
    labels: NDArray[np.int32]
    groups: NDArray[np.int32]


def queries(index: Index, moment: Moment, seed: int = 0) -> list[Query]:
    """The shelves of one moment: a product of the order as the page, some of it as the cart, and the homepage's two."""
    rng = np.random.default_rng([seed, *moment.order.encode()])
    basket = index.positions(moment.basket)
    history = History.of(index, decode_profile(moment.profile))
    past = Past(index, moment)
    # A visit is met at any point of it, not only at its end where everything bought has been looked at.
    visit = moment.visit[: int(rng.integers(len(moment.visit) + 1))]
    recent = index.positions(reversed(dict.fromkeys(id_ for id_, _ in reversed(visit))))
    carted = index.positions({id_ for id_, added in visit if added})
    shuffled = rng.permutation(basket)
    cut = int(rng.integers(1, len(basket))) if len(basket) > 1 else 0

    def query(slot: str, anchors: Ints, wanted: Ints) -> Query:
        others = recent[~np.isin(recent, anchors)]
        context = Context(anchors, others, history, moment.day)
        return Query(slot, context, wanted, past)

    open_ = basket[~np.isin(basket, carted)]  # what is in the cart already needs no homepage
    asked = [query("for_you", _EMPTY, open_), query("buy_again", _EMPTY, open_[np.isin(open_, past.owned)])]
    asked += [query("bought_together", shuffled[:1], shuffled[1:])] if cut else []
    asked += [query("cart_complements", shuffled[:cut], shuffled[cut:])] if cut else []
    return [one for one in asked if len(one.wanted)]


def labelled(index: Index, query: Query, limit: int = 100) -> tuple[Candidates, NDArray[np.float32], NDArray[np.int32]]:
    """Candidates, their feature rows, and 1 for each that was bought."""
    found = candidates(index, query.slot, query.context, limit)
    return found, build(index, query.slot, query.context, found), np.isin(found.items, query.wanted).astype(np.int32)


def rows(index: Index, moments: Sequence[Moment], negatives: int = 40, seed: int = 0) -> Iterator[Rows]:
    """The rows of each moment: every candidate that was bought and at most `negatives` others per shelf.

    Every STRANGERS-th moment is asked as by a stranger, too: else the forest only ever saw shoppers with a history.
    """
    rng = np.random.default_rng(seed)
    nobody = History.of(index, None)
    for at, moment in enumerate(moments):
        asked = queries(index, moment, seed)
        asked += strangers(asked, nobody) if at % STRANGERS == 0 else []
        parts = [_thinned(*labelled(index, query)[1:], negatives, rng) for query in asked]
        yield stack([part for part in parts if part is not None])


def strangers(asked: Sequence[Query], nobody: History) -> list[Query]:
    """The same page and cart as somebody nothing is known of would ask, and the homepage after seeing that page."""
    out = []
    for query in asked:
        anchors, day = query.context.anchors, query.context.day
        if query.slot in ("bought_together", "cart_complements"):
            out.append(replace(query, context=Context(anchors, query.context.recent, nobody, day)))
        if query.slot == "bought_together":
            out.append(replace(query, slot="for_you", context=Context(_EMPTY, anchors, nobody, day)))
    return out


def _thinned(
    features: NDArray[np.float32], labels: NDArray[np.int32], negatives: int, rng: np.random.Generator
) -> Rows | None:
    """Nothing where no candidate was bought, or all were: there is no order to learn."""
    others = np.flatnonzero(labels == 0)
    if not labels.any() or not len(others):
        return None
    if len(others) > negatives:
        others = rng.choice(others, negatives, replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(labels), others]))
    return Rows(features[kept], labels[kept], np.array([len(kept)], np.int32))


def stack(parts: Sequence[Rows]) -> Rows:
    """Several sets of rows as one."""
    if not parts:
        return Rows(np.empty((0, len(FEATURE_NAMES)), np.float32), np.empty(0, np.int32), np.empty(0, np.int32))
    return Rows(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.groups for part in parts]),
    )
