"""Arrangement: from scored candidates to shelves in order, with enough in reserve for the live rules.

In: candidates, their scores, what the request is made from. Out: a `Shelf` each: products' ids, scores and reasons;
prices and stock come after the cache. A shelf that was not scored keeps the order its candidates were found in.
"""

from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.catalogue import Catalogue
from edge.core.diversity import kinds_of, worth_beside
from edge.core.products import Product
from edge.core.retrieval import PART_OF, SCORED_SLOTS, Candidates, elsewhere
from edge.core.similar import is_similar
from edge.ranking import Evidence, Scores
from edge.reasons import reasons
from edge.scoring import Model
from edge.shelves import Pick, Shelf, listed, passes
from edge.slots import SLOTS, SlotSpec
from edge.wire import Filter

_NO_FILTER = Filter()
_NEW = 8  # newcomers in reserve for the live rules
_LEAST_SHARE = 0.02  # of the best candidate's worth, for a newcomer to take a place from a known product


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
