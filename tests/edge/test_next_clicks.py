"""The homepage of a visitor without purchases, foreseen from the visit: eight products and six visits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.arrange import arrange
from edge.catalogue import Catalogue
from edge.core.columns import ProfileColumns
from edge.core.index import Index
from edge.core.profile import Bought, Profile
from edge.core.retrieval import History
from edge.core.sessions.features import FEATURE_NAMES
from edge.core.sessions.index import SessionIndex
from edge.next_clicks import REASON, Foreseen, foresee
from edge.profiles import NOTHING_KNOWN, Known
from edge.ranking import find, gather_evidence, try_score
from edge.scoring import Model, NextClicks
from edge.wire import Filter, Query
from tests.edge.handmade import Told, catalogue_of, linear_ranker, model_of, told
from training.sessions.clicks import Clicks
from training.sessions.encoder import Encoder
from training.sessions.index import build
from training.sessions.tuning import usual

TODAY = 20_000
VISITS = (
    ("soap", "odd"),
    ("tea", "cake", "green"),
    ("tea", "cake", "coffee"),
    ("cola", "bread"),
    ("tea", "coffee"),
    ("cola", "cake"),
)


def session_index(ids: list[str]) -> SessionIndex:
    """Of the six visits; its encoder knows nothing, so evidence alone decides."""
    items = np.array([ids.index(id_) for visit in VISITS for id_ in visit], np.int32)
    ptr = np.concatenate([[0], np.cumsum([len(visit) for visit in VISITS])]).astype(np.int64)
    nothing = Encoder(np.zeros((len(ids), 4), np.float32), np.zeros((8, 4), np.float32))
    return SessionIndex.from_arrays(build(Clicks(ids, items, ptr), nothing, usual(len(VISITS))))


@pytest.fixture
def model(index: Index) -> Model:
    """The shop's ranker finds the dear products best; the next-click ranker keeps the order found."""
    as_found = linear_ranker(names=FEATURE_NAMES, retrieval_rank=-1)
    return replace(model_of(index), next_clicks=NextClicks(session_index(list(index.ids)), as_found))


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """All eight products."""
    return catalogue_of(tmp_path)


def bought(*products: str) -> Known:
    """A shopper who bought these."""
    purchases = {id_: Bought(1, TODAY - 9, TODAY - 9) for id_ in products}
    profile = Profile("demo", "s", orders=1, last_order_day=TODAY - 9, bought=purchases)
    return Known(ProfileColumns.of(profile), None, frozenset(), None, None)


def shelf_of(model: Model, catalogue: Catalogue, query: Query, who: Known = NOTHING_KNOWN) -> Told:
    """`for_you` as it would be answered."""
    evidence = gather_evidence(model, query, who, History.of(model.index, who.profile))
    found = find(model, ["for_you"], evidence)
    return told(
        arrange(model, "for_you", found, try_score(model, found, evidence.context, []), evidence, catalogue),
        model.index,
    )


def ids(shelf: Told) -> list[str]:
    """The products picked, best first."""
    return [pick.id for pick in shelf.picks]


def test_a_visit_without_purchases_is_continued_as_others_continued_it(model: Model, catalogue: Catalogue) -> None:
    """After tea come cake, coffee and green, which follow it in other visits; soap, never seen with it, does not."""
    shelf = shelf_of(model, catalogue, Query("home", session=("tea",)))
    assert set(ids(shelf)) == {"cake", "coffee", "green"}
    assert {pick.reason for pick in shelf.picks} == {REASON}
    assert shelf.served_by == "session"
    assert all(0 <= pick.score <= 1 for pick in shelf.picks)


@pytest.mark.parametrize("seen", [("tea",), ("cola",), ("soap",), ("cake", "tea"), ("bread", "odd")])
def test_the_reason_is_true(model: Model, catalogue: Catalogue, seen: tuple[str, ...]) -> None:
    """Whatever is said to have been viewed next stands in a past visit beside something this visit looked at."""
    for pick in shelf_of(model, catalogue, Query("home", session=seen)).picks:
        assert pick.reason == REASON
        assert any(pick.id in visit and set(visit) & set(seen) for visit in VISITS)


def test_what_the_visit_has_seen_is_not_shown_again(model: Model, catalogue: Catalogue) -> None:
    """The visit's own products are candidates of the model, and stand under recently viewed instead."""
    assert not {"tea", "cake"} & set(ids(shelf_of(model, catalogue, Query("home", session=("tea", "cake")))))


def test_the_next_click_ranker_makes_the_order(model: Model, catalogue: Catalogue) -> None:
    """The shop's own ranker has no say: turning the next-click ranker round turns the shelf round."""
    assert model.next_clicks
    query = Query("home", session=("tea",))
    worst_first = NextClicks(model.next_clicks.index, linear_ranker(names=FEATURE_NAMES, retrieval_rank=1))
    turned = shelf_of(replace(model, next_clicks=worst_first), catalogue, query)
    assert ids(turned) == ids(shelf_of(model, catalogue, query))[::-1]


def test_a_shopper_with_purchases_keeps_the_shop_ranker(model: Model, catalogue: Catalogue) -> None:
    """Visits say nothing of what is due again."""
    shelf = shelf_of(model, catalogue, Query("home", session=("tea",)), bought("bread"))
    assert REASON not in {pick.reason for pick in shelf.picks}
    assert "bread" in ids(shelf)


def test_without_a_next_click_model_nothing_changes(index: Index, catalogue: Catalogue) -> None:
    """A shop whose visits are too few is answered by its own candidates."""
    shelf = shelf_of(model_of(index), catalogue, Query("home", session=("tea",)))
    assert shelf.picks
    assert REASON not in {pick.reason for pick in shelf.picks}


def test_nothing_is_foreseen_without_a_visit(model: Model, catalogue: Catalogue) -> None:
    """A stranger on the homepage gets the popular list under its own name."""
    evidence = gather_evidence(model, Query("home"), NOTHING_KNOWN, History.of(model.index, None))
    assert foresee(model, evidence.context) is None
    assert shelf_of(model, catalogue, Query("home")).picks == []


def test_a_filter_reaches_past_the_best(model: Model, catalogue: Catalogue) -> None:
    """Of what follows tea only cake is a cake."""
    query = Query("home", session=("tea",), filter=Filter(category="Cakes"))
    assert ids(shelf_of(model, catalogue, query)) == ["cake"]


def test_a_failing_next_click_ranker_leaves_the_order_found(model: Model, catalogue: Catalogue) -> None:
    """Its rows do not fit the ranker: the failure is named, and the shelf is served as found."""
    assert model.next_clicks
    broken = replace(model, next_clicks=NextClicks(model.next_clicks.index, linear_ranker()))
    evidence = gather_evidence(broken, Query("home", session=("tea",)), NOTHING_KNOWN, History.of(model.index, None))
    found = find(broken, ["for_you"], evidence)
    failed: list[str] = []
    scores = try_score(broken, found, evidence.context, failed)
    assert (failed, scores) == (["ranker"], {})
    shelf = told(arrange(broken, "for_you", found, scores, evidence, catalogue), model.index)
    assert isinstance(found["for_you"], Foreseen)
    order = [model.index.ids[at] for at in found["for_you"].items]
    assert ids(shelf) == [id_ for id_ in order if id_ != "tea"]
