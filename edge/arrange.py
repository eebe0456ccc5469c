"""Arrangement: from scored candidates to shelves in order, with enough in reserve for the live rules.

In: candidates, their scores, what the request is made from. Out: a `Shelf` each: positions, scores and reasons of
products; prices and stock come after the cache. A shelf that was not scored keeps the order its candidates came in.
"""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from edge.catalogue import Catalogue
from edge.core.compiled.shelf import arranged
from edge.core.index import Floats, Ints
from edge.core.products import Product
from edge.core.retrieval import PART_OF, Candidates
from edge.core.similar import is_similar
from edge.picks import NO_PICKS, SCALE, Picks, Shelf, by_place, listed, scaled
from edge.ranking import Evidence, Scores, find_similar
from edge.reasons import told
from edge.scoring import Model
from edge.slots import SLOTS, SlotSpec
from edge.wire import Filter

_NO_FILTER = Filter()
_NEW = 8  # newcomers in reserve for the live rules
_OVERHEAD = 500  # bytes of the objects around kept picks, roughly
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
    spec, most = SLOTS[slot], 2 * evidence.query.limit + 16
    if slot == "recently_viewed":
        return Shelf(slot, evidence.served_by, _viewed(spec, evidence, most))
    if slot == "trending":
        return Shelf(slot, "popular", listed(model, "trending"))
    if slot == "similar":
        return _similar(model, spec, evidence, catalogue, most)
    pool = PART_OF.get(slot, slot)
    some = found.get(pool)
    if some is None or not len(some.items):
        return Shelf(slot, "popular", NO_PICKS)
    values = scores.get(pool)
    newcomers = _newcomers(some, values, slot, evidence, catalogue) if spec.welcomes else NO_PICKS
    picks = _picks(model, spec, some, values, evidence, catalogue, diversity, most)
    return Shelf(slot, evidence.served_by, picks, newcomers)


def _similar(model: Model, spec: SlotSpec, evidence: Evidence, catalogue: Catalogue, most: int) -> Shelf:
    """The shelf that looks at the page alone: the same for everybody who narrows nothing down, so it is kept."""
    query, memo = evidence.query, model.index.memo
    own = bool(query.exclude or evidence.stands_in or query.filter != _NO_FILTER)
    key = ("picks", spec.id, most, evidence.context.anchors.tobytes())
    picks = None if own else memo.get(key, Picks)
    if picks is not None and not evidence.newcomers.ids:
        return Shelf(spec.id, "context" if len(picks) else "popular", picks)
    some = find_similar(model, evidence)
    if not len(some.items):
        return Shelf(spec.id, "popular", NO_PICKS)
    if picks is None:
        picks = _picks(model, spec, some, None, evidence, catalogue, 0.0, most)
        if not own:
            memo.keep(key, picks, 20 * most + _OVERHEAD)
    return Shelf(spec.id, "context", picks, _newcomers(some, None, spec.id, evidence, catalogue))


def _picks(
    model: Model,
    spec: SlotSpec,
    some: Candidates,
    scores: NDArray[np.float32] | None,
    evidence: Evidence,
    catalogue: Catalogue,
    diversity: float,
    most: int,
) -> Picks:
    """The candidates that may stand on a shelf, in its order."""
    ranked = scores is not None
    positions, worth, said = arranged(
        model.index.compiled,
        some.items,
        scores if scores is not None else some.scores,
        ranked,
        some.evidence,
        _allowed(some.items, spec.id, model, evidence, catalogue),
        evidence.context.anchors if spec.id in PART_OF else None,
        told(spec, some, evidence.context.history, stands_in=evidence.stands_in is not None),
        diversity if spec.diverse else 0.0,
        most,
        SCALE,
    )
    return Picks(worth, said, positions)


def _allowed(
    items: Ints, slot: str, model: Model, evidence: Evidence, catalogue: Catalogue
) -> NDArray[np.bool_] | None:
    """Which products may be shown, None for all: a narrow filter must reach past the reserve, so all are looked at."""
    query, index = evidence.query, model.index
    # What this visit has seen stands under "recently viewed"; beside it, recommend something else.
    hidden = evidence.context.recent if slot == "for_you" else np.empty(0, np.int32)
    if query.exclude:
        hidden = np.concatenate([hidden, index.positions(query.exclude)])
    allowed = None if not len(hidden) else ~(items[:, None] == hidden).any(axis=1)
    if query.filter != _NO_FILTER:
        live = catalogue.live
        passing = live.passing(live.rows_of(index)[items], query.filter)
        allowed = passing if allowed is None else allowed & passing
    return allowed


def _newcomers(
    found: Candidates, scores: NDArray[np.float32] | None, slot: str, evidence: Evidence, catalogue: Catalogue
) -> Picks:
    """The newcomers that inherit most from a shelf's candidates and, on `similar`, from the page's product itself."""
    newcomers, query = evidence.newcomers, evidence.query
    if not newcomers.ids:
        return NO_PICKS
    items, worth = found.items, _worth(found, scores)
    page = None
    if slot == "similar":
        page = catalogue.get(query.product_id or "")
        anchors = evidence.context.anchors
        others = ~np.isin(items, anchors)
        items = np.concatenate([anchors, items[others]])
        worth = np.concatenate([np.ones(len(anchors), np.float32), worth[others]])
    hidden = {*query.exclude, *(evidence.visit if slot == "for_you" else ())}
    rows, inherited = newcomers.inherit(items, worth)
    enough = inherited >= _LEAST_SHARE * worth.max(initial=0)
    best = zip([newcomers.ids[row] for row in rows[enough].tolist()], inherited[enough].tolist(), strict=True)
    may = ((id_, value) for id_, value in best if id_ not in hidden and _may_join(id_, page, catalogue))
    joining = list(islice(may, _NEW))
    return Picks.named([id_ for id_, _ in joining], scaled(np.array([value for _, value in joining])), "new")


def _worth(found: Candidates, scores: Floats | None) -> Floats:
    """A value in 0..1 for each candidate."""
    if scores is not None:
        return np.asarray(1 / (1 + np.exp(-scores)), np.float32)
    return np.asarray((found.scores / max(float(found.scores.max()), 1e-9)).clip(0, 1), np.float32)


def _may_join(id_: str, page: Product | None, catalogue: Catalogue) -> bool:
    """Whether a newcomer keeps the promise of the `similar` of this page; other shelves have no page to keep it to."""
    if page is None:
        return True
    product = catalogue.get(id_)
    return product is not None and is_similar(page, product)


def _viewed(spec: SlotSpec, evidence: Evidence, most: int) -> Picks:
    """Newest first, exactly as viewed: this visit's before those of earlier ones."""
    session, profile = evidence.known.session, evidence.known.profile
    ids = dict.fromkeys(reversed(evidence.query.session))
    ids |= dict.fromkeys(reversed(session.viewed if session else ()))
    ids |= dict.fromkeys(reversed(list(profile.viewed) if profile else ()))
    newest = list(ids)[:most]
    return Picks.named(newest, by_place(len(newest)), spec.reason)
