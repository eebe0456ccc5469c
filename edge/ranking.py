"""Ranking: from what is known about a request to shelves in order, through the model of the live bundle.

In: a model, a query, what the store knows. Out: a `Ranking`. Only products' ids, scores and reasons: prices and stock
come after the cache. If the ranker fails or there is no time for it, the order the candidates were found in serves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.catalogue import Catalogue
from edge.core import clock
from edge.core.diversity import kinds_of, worth_beside
from edge.core.features import build
from edge.core.newcomers import NO_NEWCOMERS, Newcomers
from edge.core.products import Product
from edge.core.retrieval import PART_OF, SCORED_SLOTS, Candidates, Context, History, candidates, elsewhere
from edge.core.similar import is_similar
from edge.core.sources import SOURCES
from edge.metrics import RANKED
from edge.next_clicks import Foreseen, foresee
from edge.profiles import Known
from edge.reasons import reasons
from edge.scoring import Model, RankerError
from edge.shelves import Pick, ServedBy, Shelf, listed, passes
from edge.slots import SLOTS, SlotSpec
from edge.wire import Filter, Query

Scores = dict[str, NDArray[np.float32]]  # shelf -> the ranker's raw score for each of its candidates

_UNSCORED = frozenset({"recently_viewed", "trending"})  # their order is given, not ranked
_NO_FILTER = Filter()
_STAND_INS = 3  # of a page's newcomer, whose companions are looked up in place of its own
_NEW = 8  # newcomers in reserve for the live rules
_LEAST_SHARE = 0.02  # of the best candidate's worth, for a newcomer to take a place from a known product


@dataclass(frozen=True)
class Evidence:
    """What the shelves of one request are made from. `visit` holds this visit's products, newest last.

    `stands_in`: the page's product is a newcomer, and the context's anchors are the known products most like it.
    """

    query: Query
    known: Known
    visit: tuple[str, ...]
    context: Context
    newcomers: Newcomers = NO_NEWCOMERS
    stands_in: str | None = None

    @property
    def served_by(self) -> ServedBy:
        """What shapes a ranked shelf: stored knowledge of the shopper, the request's session, or only the page."""
        session = self.known.session
        history = self.context.history
        if len(history.items) or len(history.viewed) or (session and (session.viewed or session.cart)):
            return "personal"
        return "session" if self.query.session else "context"


def page_products(query: Query, known: Known) -> tuple[str, ...]:
    """The products a page is about: the product shown, or the cart, as sent or as last seen."""
    if query.surface == "pdp":
        return (query.product_id,) if query.product_id else ()
    if query.surface == "cart":
        return query.cart or tuple(known.session.cart if known.session else ())
    return ()


def gather_evidence(
    model: Model, query: Query, known: Known, history: History, newcomers: Newcomers = NO_NEWCOMERS
) -> Evidence:
    """Align page and visit to the model's index, as `history` is already."""
    page = page_products(query, known)
    stored = (*known.session.cart, *known.session.viewed) if known.session else ()
    newest_first = dict.fromkeys(reversed((*stored, *query.session)))
    visit = tuple(product for product in reversed(newest_first) if product not in page)
    anchors = model.index.positions(id_ for id_ in page if id_ not in newcomers.row)
    stands_in = None
    if not len(anchors):
        # Nothing was ever bought with it: what is bought with the products most like it has to do.
        stands_in = next((id_ for id_ in reversed(page) if id_ in newcomers.row), None)
        anchors = newcomers.stand_ins(stands_in)[0][:_STAND_INS] if stands_in else anchors
    context = Context(
        anchors=anchors,
        recent=model.index.positions(visit),
        history=history,
        # To the hour, so that for the hour the same state gives the same answer, in every process.
        day=clock.now() // 3_600 / 24,
    )
    return Evidence(query, known, visit, context, newcomers, stands_in)


def find(model: Model, slots: Iterable[str], evidence: Evidence) -> dict[str, Candidates]:
    """The candidates of these shelves. Left out: shelves whose order is given, and those nothing is known for.

    A shelf that is a part of another one's candidates is found under the other's name.
    """
    context = evidence.context
    wanted = dict.fromkeys(PART_OF.get(slot, slot) for slot in slots if slot not in _UNSCORED)
    if not (len(context.history.items) or len(context.recent)):
        wanted.pop("for_you", None)  # a stranger gets the popular list under its own name
    return {slot: _candidates(model, slot, evidence) for slot in wanted}


def _candidates(model: Model, slot: str, evidence: Evidence) -> Candidates:
    if slot == "similar" and evidence.stands_in:
        return _like_newcomer(evidence.newcomers, evidence.stands_in)
    if slot == "for_you" and (foreseen := foresee(model, evidence.context)):
        return foreseen
    return candidates(model.index, slot, evidence.context)


def _like_newcomer(newcomers: Newcomers, newcomer: str) -> Candidates:
    """What is similar to a newcomer: its stand-ins, which keep the same promise as the shelf."""
    items, _ = newcomers.stand_ins(newcomer)
    by_place = (1 - np.arange(len(items)) / max(len(items), 1)).astype(np.float32)
    alike = np.zeros((len(SOURCES), len(items)), np.float32)
    alike[SOURCES.index("alike")] = by_place
    return Candidates(items, by_place, alike)


def score(model: Model, found: dict[str, Candidates], context: Context) -> Scores:
    """The raw scores by slot, the shop's shelves in one run of its ranker. Raises RankerError."""
    scores: Scores = {}
    scored = {}
    for slot, some in found.items():
        if isinstance(some, Foreseen):
            scores[slot] = some.score()
        elif slot in SCORED_SLOTS and len(some.items):
            scored[slot] = some
    if not scored:
        return scores
    rows = np.concatenate([build(model.index, slot, context, some) for slot, some in scored.items()])
    RANKED.observe(len(rows))
    ends = np.cumsum([len(some.items) for some in scored.values()])
    return scores | dict(zip(scored, np.split(model.ranker.scores(rows), ends[:-1]), strict=True))


def try_score(model: Model, found: dict[str, Candidates], context: Context, failed: list[str]) -> Scores:
    """`score`, or nothing when the ranker fails: `failed` then names it."""
    try:
        return score(model, found, context)
    except RankerError:
        failed.append("ranker")
        return {}


def arrange(
    model: Model,
    slot: str,
    found: dict[str, Candidates],
    scores: Scores,
    evidence: Evidence,
    catalogue: Catalogue,
    diversity: float = 0.0,
) -> Shelf:
    """One shelf, best first, with enough in reserve for the live rules to take from."""
    spec, query, most = SLOTS[slot], evidence.query, 2 * evidence.query.limit + 16
    if slot == "recently_viewed":
        return Shelf(slot, evidence.served_by, _viewed(spec, evidence, most))
    if slot == "trending":
        return Shelf(slot, "popular", listed(model, "trending"))
    pool = PART_OF.get(slot, slot)
    some = found.get(pool)
    if some is None or not len(some.items):
        return Shelf(slot, "popular", ())
    order, values = _order(some, scores.get(pool))
    if slot in PART_OF:
        order = order[elsewhere(model.index, evidence.context, some)[order]]
    ids = model.index.ids
    # What this visit has seen stands under "recently viewed"; beside it, recommend something else.
    hidden = {*query.exclude, *(evidence.visit if slot == "for_you" else ())}
    if hidden or query.filter != _NO_FILTER:
        order = _sieved(order, [ids[at] for at in some.items[order].tolist()], query.filter, hidden, catalogue)
    worth: NDArray[np.floating[Any]] = values[order]
    if spec.diverse and diversity > 0:
        worth = worth_beside(worth, kinds_of(model.index, some.items[order]), diversity)
        spread = np.argsort(-worth, kind="stable")
        order, worth = order[spread], worth[spread]
    order = order[:most]
    said = reasons(spec, some, order, evidence.context.history, stands_in=evidence.stands_in is not None)
    picks = zip(some.items[order].tolist(), worth[:most].round(4).tolist(), said, strict=True)
    served_by = evidence.served_by if pool in SCORED_SLOTS else "context"  # the others look at the page alone
    newcomers = _newcomers(some, values, slot, evidence, hidden, catalogue) if spec.welcomes else ()
    return Shelf(slot, served_by, tuple(Pick(ids[at], value, reason) for at, value, reason in picks), newcomers)


def _newcomers(
    found: Candidates,
    values: NDArray[np.float64],
    slot: str,
    evidence: Evidence,
    hidden: set[str],
    catalogue: Catalogue,
) -> tuple[Pick, ...]:
    """The newcomers that inherit most from a shelf's candidates and, on `similar`, from the page's product itself."""
    newcomers = evidence.newcomers
    if not newcomers.ids:
        return ()
    items, worth = found.items, values.astype(np.float32)
    page = None
    if slot == "similar":
        page = catalogue.get(evidence.query.product_id or "")
        anchors = evidence.context.anchors
        others = ~np.isin(items, anchors)
        items = np.concatenate([anchors, items[others]])
        worth = np.concatenate([np.ones(len(anchors), np.float32), worth[others]])
    rows, inherited = newcomers.inherit(items, worth)
    enough = inherited >= _LEAST_SHARE * worth.max(initial=0)
    best = zip(rows[enough].tolist(), inherited[enough].astype(np.float64).round(4).tolist(), strict=True)
    picks = (Pick(newcomers.ids[row], value, "new") for row, value in best if newcomers.ids[row] not in hidden)
    return tuple(islice((pick for pick in picks if _may_join(pick.id, page, catalogue)), _NEW))


def _may_join(id_: str, page: Product | None, catalogue: Catalogue) -> bool:
    """Whether a newcomer keeps the promise of the `similar` of this page; other shelves have no page to keep it to."""
    if page is None:
        return True
    product = catalogue.get(id_)
    return product is not None and is_similar(page, product)


def _order(found: Candidates, scores: NDArray[np.float32] | None) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Places best first, and a value in 0..1 for each candidate."""
    if scores is None:
        values = found.scores.astype(np.float64) / max(float(found.scores.max()), 1e-9)
        return np.arange(len(values)), values.clip(0, 1)
    values = 1 / (1 + np.exp(-scores.astype(np.float64)))
    return np.argsort(-scores, kind="stable"), values


def _viewed(spec: SlotSpec, evidence: Evidence, most: int) -> tuple[Pick, ...]:
    """Newest first, exactly as viewed: this visit's before those of earlier ones."""
    session, profile = evidence.known.session, evidence.known.profile
    ids = dict.fromkeys(reversed(evidence.query.session))
    ids |= dict.fromkeys(reversed(session.viewed if session else ()))
    ids |= dict.fromkeys(reversed(list(profile.viewed) if profile else ()))
    newest = list(ids)[:most]
    return tuple(Pick(id_, round(1 - place / (len(newest) + 1), 4), spec.reason) for place, id_ in enumerate(newest))


def _sieved(
    order: NDArray[np.intp], names: list[str], wanted: Filter, hidden: set[str], catalogue: Catalogue
) -> NDArray[np.intp]:
    """The places whose products may be shown: a narrow filter must reach past the reserve, so all are looked at."""
    return order[np.array([_may_show(id_, wanted, hidden, catalogue) for id_ in names], np.bool_)]


def _may_show(id_: str, wanted: Filter, hidden: set[str], catalogue: Catalogue) -> bool:
    product = catalogue.get(id_)
    return id_ not in hidden and product is not None and passes(wanted, product)
