"""Ranking: from what is known about a request to scored candidates, through the model of the live bundle.

In: a model, a query, what the store knows. Out: candidates and raw scores by shelf; `arrange` puts them in order.
If the ranker fails or there is no time for it, the order the candidates were found in serves.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.core import clock
from edge.core.features import build_all
from edge.core.newcomers import NO_NEWCOMERS, Newcomers
from edge.core.retrieval import PART_OF, SCORED_SLOTS, Candidates, Context, History, candidates
from edge.core.session import Session
from edge.core.sources import SOURCES
from edge.metrics import RANKED
from edge.next_clicks import Foreseen, foresee
from edge.picks import ServedBy
from edge.profiles import Known
from edge.scoring import Model, RankerError
from edge.wire import Query

Scores = dict[str, NDArray[np.float32]]  # shelf -> the ranker's raw score for each of its candidates

_CANDIDATES = RANKED.of()
_STAND_INS = 3  # of a page's newcomer, whose companions are looked up in place of its own


class Evidence(NamedTuple):
    """What the shelves of one request are made from. `visit` holds this visit's products, newest last.

    `served_by`: what shapes a ranked shelf: stored knowledge of the shopper, the request's session, or only the page.
    `stands_in`: the page's product is a newcomer, and the context's anchors are the known products most like it.
    """

    query: Query
    known: Known
    visit: tuple[str, ...]
    context: Context
    served_by: ServedBy
    newcomers: Newcomers = NO_NEWCOMERS
    stands_in: str | None = None


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
    positions, session, page = model.index.positions, known.session, page_products(query, known)
    visit = _visit(query, session, page) if session or query.session else ()
    new = newcomers.row
    anchors = positions([id_ for id_ in page if id_ not in new] if new else page)
    stands_in = None
    if new and not len(anchors):
        # Nothing was ever bought with it: what is bought with the products most like it has to do.
        stands_in = next((id_ for id_ in reversed(page) if id_ in new), None)
        anchors = newcomers.stand_ins(stands_in)[0][:_STAND_INS] if stands_in else anchors
    # To the hour, so that for the hour the same state gives the same answer, in every process.
    context = Context(anchors, positions(visit), history, clock.now() // 3_600 / 24)
    if history.bought or len(history.viewed) or (session and (session.viewed or session.cart)):
        served_by: ServedBy = "personal"
    else:
        served_by = "session" if query.session else "context"
    return Evidence(query, known, visit, context, served_by, newcomers, stands_in)


def _visit(query: Query, session: Session | None, page: Sequence[str]) -> tuple[str, ...]:
    """This visit's products besides the page's, each where it came last."""
    stored = (*session.cart, *session.viewed) if session else ()
    newest_first = dict.fromkeys(reversed((*stored, *query.session)))
    return tuple([product for product in reversed(newest_first) if product not in page])


def find(model: Model, slots: Iterable[str], evidence: Evidence) -> dict[str, Candidates]:
    """The candidates of the scored ones of these shelves, but of those nothing is known for.

    A shelf that is a part of another one's candidates is found under the other's name.
    """
    context = evidence.context
    wanted = dict.fromkeys(pool for slot in slots if (pool := PART_OF.get(slot, slot)) in SCORED_SLOTS)
    if not (context.history.bought or len(context.recent)):
        wanted.pop("for_you", None)  # a stranger gets the popular list under its own name
    return {slot: _candidates(model, slot, evidence) for slot in wanted}


def find_similar(model: Model, evidence: Evidence) -> Candidates:
    """The candidates of the shelf that looks at the page alone."""
    if evidence.stands_in:
        return _like_newcomer(evidence.newcomers, evidence.stands_in)
    return candidates(model.index, "similar", evidence.context)


def _candidates(model: Model, slot: str, evidence: Evidence) -> Candidates:
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
        elif len(some.items):
            scored[slot] = some
    if not scored:
        return scores
    rows = build_all(model.index, context, scored)
    _CANDIDATES.add(len(rows))
    together, start = model.ranker.scores(rows), 0
    for slot, some in scored.items():
        scores[slot] = together[start : start + len(some.items)]
        start += len(some.items)
    return scores


def try_score(model: Model, found: dict[str, Candidates], context: Context, failed: list[str]) -> Scores:
    """`score`, or nothing when the ranker fails: `failed` then names it."""
    try:
        return score(model, found, context)
    except RankerError:
        failed.append("ranker")
        return {}
