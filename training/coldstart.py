"""Cold starts, measured apart: products nobody bought yet, shoppers nothing is known of, visits of one product.

In: weeks nothing was learned from (`training.unseen`). Out: case -> method -> metrics, all methods over the same
queries, with the lead over each baseline. Candidates, features, forest and stand-ins are those that serve.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.core.codec import decode_profile
from edge.core.context import Context, History
from edge.core.features import build
from edge.core.index import Index, Ints
from edge.core.newcomers import Newcomers, find_stand_ins
from edge.core.profile import Profile
from edge.core.retrieval import candidates
from training.metrics import RATES, measure
from training.moments import Moment
from training.unseen import Unseen, lead_by_shopper

Lists = dict[str, Ints]
Table = dict[str, dict[str, dict[str, float]]]

OURS, POPULARITY, CATEGORY, ALL_TIME = "endcap", "popularity", "category_popularity", "all_time_popularity"
HELD_OUT, FIRST_SOLD = "held out", "first sold"
_SHARE_HELD_OUT = 0.1
_LISTED = 40
_SHELF = 8  # products a shelf usually shows
_STAND_INS = 3  # as edge.ranking looks at for a newcomer's page
_NONE = np.empty(0, np.int32)


@dataclass
class _Seen:
    """The figures of one case, query by query."""

    shoppers: list[str] = field(default_factory=list)
    values: dict[str, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, shopper: str, lists: Lists, wanted: Ints) -> None:
        self.shoppers.append(shopper)
        for method, ranked in lists.items():
            self.values[method].append(dict(zip(RATES, measure(ranked, wanted).tolist(), strict=True)))


def cold_starts(unseen: Unseen, progress: Callable[[int], None], seed: int = 3) -> Table:
    """Every case's table. `progress` is told the moments done, of four times as many as there are."""
    seen: dict[str, _Seen] = defaultdict(_Seen)
    known = unseen.index()
    done = 0
    for shopper, case, lists, wanted in _shoppers(known, unseen):
        if not case:
            done += 1
            progress(done)
        else:
            seen[case].add(shopper, lists, wanted)
    sold = np.flatnonzero(known.sold > 0)
    held = np.sort(np.random.default_rng(seed).choice(sold, int(len(sold) * _SHARE_HELD_OUT), replace=False))
    first = _first_sold(known, unseen)
    for name, index, new in ((HELD_OUT, unseen.index(held.tolist()), held), (FIRST_SOLD, known, first)):
        if not len(new):
            continue
        shelf = NewShelf.of(index, new.astype(np.int32), unseen)
        for moment in unseen.moments:
            for slot, lists, wanted in shelf.asked(moment):
                seen[f"products {name}: {slot}"].add(moment.shopper, lists, wanted)
            done += 1
            progress(done)
    return {case: _means(one) for case, one in seen.items()}


def _means(seen: _Seen) -> dict[str, dict[str, float]]:
    out = {}
    for method, values in seen.values.items():
        out[method] = {name: float(np.mean([value[name] for value in values])) for name in values[0]}
        out[method]["queries"] = float(len(values))
        if method != OURS:
            ours, theirs = ([value["ndcg@10"] for value in seen.values[one]] for one in (OURS, method))
            names = ("lead", "lead_low", "lead_high")
            out[method] |= dict(zip(names, lead_by_shopper(ours, theirs, seen.shoppers), strict=True))
    return out


def _first_sold(index: Index, unseen: Unseen) -> Ints:
    """Products whose first sale is in these weeks: known to the catalogue, not sold before."""
    lines = unseen.facts.lines
    these = lines.filter(lines.purchase & (lines.day >= unseen.start) & (lines.day < unseen.end))
    items = these.select("item").distinct().to_pyarrow()["item"].to_numpy()
    return np.sort(items[index.sold[items] == 0]).astype(np.int32)


# --- products nobody bought yet --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class NewShelf:
    """The newcomers of an index that knows no sale of them, ranked for a query beside each other only."""

    index: Index
    new: Ints  # positions of the newcomers, which the index has as products without sales
    newcomers: Newcomers
    popular: Lists
    score: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    best: Ints  # the known products, by popularity

    @classmethod
    def of(cls, index: Index, new: Ints, unseen: Unseen) -> "NewShelf":
        """Find the stand-ins as the edge does when a product is listed."""
        cards = {product.id: product for product in unseen.dataset.catalogue()}
        found = find_stand_ins(index, [cards[index.ids[at]] for at in new], cards.get)
        narrow = index.category_of.max(axis=1)
        there = narrow >= 0
        sales = np.bincount(narrow[there], index.sold_recently[there], len(index.category_paths))
        by_category = np.where(narrow[new] >= 0, sales[narrow[new]], 0)
        popular = {
            # Popularity knows nothing of any of them: all tie, and the order of their ids decides.
            POPULARITY: new[np.argsort(-index.sold_recently[new], kind="stable")],
            CATEGORY: new[np.argsort(-by_category, kind="stable")],
        }
        best = np.argsort(-index.sold_recently, kind="stable")[:_LISTED].astype(np.int32)
        return cls(index, new, Newcomers.of(found, len(index.ids)), popular, unseen.score, best)

    def asked(self, moment: Moment) -> Iterator[tuple[str, Lists, Ints]]:
        """Home and cart, where the newcomers of the order are to be found, and the page of one of them."""
        index = self.index
        basket = index.positions(moment.basket)
        is_new = np.isin(basket, self.new)
        wanted, rest = basket[is_new], basket[~is_new]
        if not len(wanted):
            return
        rng = np.random.default_rng([0, *moment.order.encode()])
        history = History.of(index, self._without_new(decode_profile(moment.profile)))
        lists = {name: ranked[:_LISTED] for name, ranked in self.popular.items()}
        for slot, anchors in (("for_you", _NONE), ("cart_complements", rng.permutation(rest)[: (len(rest) + 1) // 2])):
            if slot == "for_you" or len(anchors):
                context = Context(anchors, _NONE, history, moment.day)
                yield slot, {OURS: self._newcomers(slot, context)} | lists, wanted
        if len(rest):
            page = index.ids[int(rng.choice(wanted))]
            anchors = self.newcomers.stand_ins(page)[0][:_STAND_INS]
            context = Context(anchors, _NONE, history, moment.day)
            best = self.best[self.best != index.position[page]]
            yield (
                "its own page, bought_together",
                {OURS: _ranked(index, "bought_together", context, self.score)} | {POPULARITY: best},
                rest,
            )

    def _newcomers(self, slot: str, context: Context) -> Ints:
        found = candidates(self.index, slot, context)
        if not len(found.items):
            return _NONE
        raw = self.score(build(self.index, slot, context, found)).astype(np.float64)
        rows, _ = self.newcomers.inherit(found.items, (1 / (1 + np.exp(-raw))).astype(np.float32))
        return self.index.positions(self.newcomers.ids[row] for row in rows[:_LISTED].tolist())

    def _without_new(self, profile: Profile) -> Profile:
        """Nobody can have bought or seen what was not there."""
        for id_ in self.newcomers.ids:
            profile.bought.pop(id_, None)
            profile.viewed.pop(id_, None)
        return profile


# --- shoppers nothing is known of ------------------------------------------------------------------------------------


def _shoppers(index: Index, unseen: Unseen) -> Iterator[tuple[str, str, Lists, Ints]]:
    """Shopper, case, lists and what is wanted; an empty case after each moment."""
    stranger = History.of(index, None)
    popular = np.argsort(-index.sold_recently, kind="stable")[: 2 * _LISTED].astype(np.int32)
    all_time = np.argsort(-index.sold, kind="stable")[:_LISTED].astype(np.int32)
    for moment in unseen.moments:
        basket = index.positions(moment.basket)
        if len(basket) > 1:
            rng = np.random.default_rng([0, *moment.order.encode()])
            known = History.of(index, decode_profile(moment.profile))
            shuffled = rng.permutation(basket)
            cut = int(rng.integers(1, len(basket)))
            page, cart, first = shuffled[:1], shuffled[:cut], basket[:1]
            for case, slot, history, anchors, recent in (
                ("no history: bought_together", "bought_together", stranger, page, _NONE),
                ("no history: cart_complements", "cart_complements", stranger, cart, _NONE),
                ("no history: for_you, one product seen", "for_you", stranger, _NONE, page),
                ("one click, no history: for_you", "for_you", stranger, _NONE, first),
                ("one click, known shopper: for_you", "for_you", known, _NONE, first),
            ):
                given = np.concatenate([anchors, recent])
                ranked = _ranked(index, slot, Context(anchors, recent, history, moment.day), unseen.score)
                lists = {OURS: ranked[~np.isin(ranked, given)], POPULARITY: popular[~np.isin(popular, given)]}
                wanted = basket[~np.isin(basket, given)]
                yield moment.shopper, case, lists, wanted
                if slot == "bought_together" and len(ranked) >= _SHELF:
                    yield moment.shopper, f"{case}, {_SHELF} or more found", lists, wanted
        if len(basket):
            # What is served then is the bundle's list of what sells lately.
            yield (
                moment.shopper,
                "nothing known at all: home",
                {OURS: index.popular[:_LISTED], ALL_TIME: all_time},
                basket,
            )
        yield moment.shopper, "", {}, _NONE


def _ranked(
    index: Index, slot: str, context: Context, score: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> Ints:
    found = candidates(index, slot, context)
    if not len(found.items):
        return _NONE
    return found.items[np.argsort(-score(build(index, slot, context, found)), kind="stable")]
