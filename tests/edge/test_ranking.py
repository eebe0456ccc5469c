"""From what is known to shelves in order, over the eight products of the `index` fixture."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.arrange import arrange
from edge.catalogue import Catalogue
from edge.core.columns import ProfileColumns
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index
from edge.core.newcomers import Newcomers
from edge.core.products import Change, Product
from edge.core.profile import Bought, Profile
from edge.core.retrieval import History
from edge.core.session import Session
from edge.core.sources import HITS
from edge.profiles import NOTHING_KNOWN, Known
from edge.ranking import Evidence, Scores, find, gather_evidence, page_products, try_score
from edge.scoring import Model, load_model
from edge.wire import Filter, Query
from tests.edge.handmade import Told, catalogue_of, linear_ranker, model_of, told
from training.dataset import Dataset
from training.pipeline import Outcome

TODAY = 20_000


@pytest.fixture
def model(index: Index) -> Model:
    """Its ranker finds the dear products best."""
    return model_of(index)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """All eight products."""
    return catalogue_of(tmp_path)


def known(
    *bought: str, viewed: tuple[str, ...] = (), session: tuple[str, ...] = (), cart: tuple[str, ...] = ()
) -> Known:
    """A shopper who bought and viewed these, newest last, and what this visit holds."""
    purchases = {id_: Bought(2, TODAY - 20, TODAY - 10) for id_ in bought}
    views = dict.fromkeys(viewed, TODAY - 9)
    profile = Profile("demo", "s", orders=2, last_order_day=TODAY - 10, bought=purchases, viewed=views)
    visit = Session("demo", "s", viewed=list(session), cart=dict.fromkeys(cart, 1))
    return Known(ProfileColumns.of(profile), visit, frozenset(), None, None)


def evidence_of(model: Model, query: Query, who: Known = NOTHING_KNOWN) -> Evidence:
    """The evidence of a request."""
    return gather_evidence(model, query, who, History.of(model.index, who.profile))


def arranged(
    model: Model, slot: str, query: Query, catalogue: Catalogue, who: Known = NOTHING_KNOWN, failed: bool = False
) -> Told:
    """One shelf, ranked, or in the order its candidates were found in when the ranker failed."""
    evidence = evidence_of(model, query, who)
    found = find(model, [slot], evidence)
    scores: Scores = {} if failed else try_score(model, found, evidence.context, [])
    return told(arrange(model, slot, found, scores, evidence, catalogue), model.index)


def ids(shelf: Told) -> list[str]:
    """The products picked, best first."""
    return [pick.id for pick in shelf.picks]


def test_viewed_products_stand_newest_first_each_once(model: Model, catalogue: Catalogue) -> None:
    """The request's before the stored visit's before those of earlier visits, whatever the ranker thinks of them."""
    who = known(viewed=("soap", "tea", "cola"), session=("bread", "tea", "cake"))
    shelf = arranged(model, "recently_viewed", Query("home", session=("coffee", "cake")), catalogue, who)
    assert ids(shelf) == ["cake", "coffee", "tea", "bread", "cola", "soap"]
    assert {pick.reason for pick in shelf.picks} == {"viewed"}
    scores = [pick.score for pick in shelf.picks]
    assert scores == sorted(set(scores), reverse=True)
    assert (scores[0], scores[-1] > 0) == (1, True)


@pytest.mark.parametrize(
    ("session", "who", "served_by"),
    [
        ((), NOTHING_KNOWN, "context"),
        (("tea",), NOTHING_KNOWN, "session"),
        (("tea",), known(), "session"),
        ((), known("tea"), "personal"),
        ((), known(viewed=("tea",)), "personal"),
        ((), known(session=("tea",)), "personal"),
        (("cake",), known(cart=("tea",)), "personal"),
        ((), known("not in the index"), "context"),
    ],
)
def test_what_shaped_a_shelf_is_said(model: Model, session: tuple[str, ...], who: Known, served_by: str) -> None:
    """Stored knowledge of any kind is personal; the request's own session is not; an empty record is nothing."""
    assert evidence_of(model, Query("home", session=session), who).served_by == served_by


def test_a_page_is_about_its_product_or_the_cart_as_sent_or_stored() -> None:
    """A cart that is sent counts before the one that was last seen; the homepage is about nothing."""
    who = known(cart=("cake", "tea"))
    assert page_products(Query("pdp", product_id="tea", product_ids=("soap",)), who) == ("tea",)
    assert page_products(Query("cart", product_ids=("soap",)), who) == ("soap",)
    assert page_products(Query("cart"), who) == ("cake", "tea")
    assert page_products(Query("cart"), NOTHING_KNOWN) == page_products(Query("home", product_id="tea"), who) == ()


def test_a_visit_holds_each_product_once_at_its_newest_place_without_the_page(model: Model) -> None:
    """Cart, views, then the request's own session; what the page is about is no part of it."""
    who = known(session=("bread", "tea"), cart=("soap", "cake"))
    evidence = evidence_of(model, Query("pdp", product_id="tea", session=("cake", "unknown")), who)
    assert evidence.visit == ("soap", "bread", "cake", "unknown")
    assert evidence.context.recent.tolist() == model.index.positions(("soap", "bread", "cake")).tolist()


def test_for_you_says_the_strongest_reason(model: Model, catalogue: Catalogue) -> None:
    """Bought before, then the visit, then purchases, then the favourite category; popular is left for the rest."""
    picks = arranged(model, "for_you", Query("home"), catalogue, known("tea")).picks
    assert {pick.id: pick.reason for pick in picks} == {
        "tea": "bought_before",
        "cake": "goes_with_bought",
        "green": "goes_with_bought",
        "coffee": "favourite_category",
        **dict.fromkeys(("bread", "cola", "soap"), "popular"),
    }
    picks = arranged(model, "for_you", Query("home", session=("coffee",)), catalogue, known("tea")).picks
    reasons = {pick.id: pick.reason for pick in picks}
    assert (reasons["cake"], reasons["tea"]) == ("goes_with_viewed", "bought_before")
    assert "coffee" not in reasons, "it stands under recently viewed"


def test_page_and_cart_say_the_strongest_reason(model: Model, catalogue: Catalogue) -> None:
    """Bought together with the page counts before bought before, and that before the shelf's own reason."""
    picks = arranged(model, "bought_together", Query("pdp", product_id="tea"), catalogue, known("bread", "cake")).picks
    assert {pick.id: pick.reason for pick in picks} == {
        "cake": "bought_together",
        "green": "bought_together",
        "bread": "bought_before",
    }
    cart = Query("cart", product_ids=("coffee",))
    picks = arranged(model, "cart_complements", cart, catalogue, known("soap")).picks
    assert {pick.id: pick.reason for pick in picks} == {
        "cake": "bought_together",
        "soap": "bought_before",
        "bread": "goes_with_cart",
    }


def test_the_ranker_orders_and_one_run_serves_all_shelves(model: Model, catalogue: Catalogue) -> None:
    """Each shelf gets the scores of its own rows: here the price. Similar keeps the order it was found in."""
    evidence = evidence_of(model, Query("pdp", product_id="tea"), known("bread", "cola"))
    found = find(model, ["bought_together", "similar", "for_you", "complete_the_look"], evidence)
    assert list(found) == ["bought_together", "for_you"], "a part is found under the other's name"
    failed: list[str] = []
    scores = try_score(model, found, evidence.context, failed)
    assert (failed, list(scores)) == ([], ["bought_together", "for_you"])
    for slot, values in scores.items():
        assert values.tolist() == model.index.price[found[slot].items].tolist()
    shelf = told(arrange(model, "bought_together", found, scores, evidence, catalogue), model.index)
    assert ids(shelf) == ["cake", "green", "bread"]
    assert shelf.picks[0].score == round(float(1 / (1 + np.exp(-6.0))), 4)
    assert (shelf.served_by, arrange(model, "similar", found, scores, evidence, catalogue).served_by) == (
        "personal", "context",
    )  # fmt: skip


def test_a_failing_ranker_is_named_once_and_the_order_found_serves(index: Index, catalogue: Catalogue) -> None:
    """With scores within 0..1, best first."""
    model = model_of(index, linear_ranker(columns=len(FEATURE_NAMES) + 1))
    evidence = evidence_of(model, Query("pdp", product_id="tea"), known("bread"))
    found = find(model, ["bought_together"], evidence)
    failed = ["deadline"]
    assert try_score(model, found, evidence.context, failed) == {}
    assert failed == ["deadline", "ranker"]
    shelf = told(arrange(model, "bought_together", found, {}, evidence, catalogue), model.index)
    assert ids(shelf) == [index.ids[at] for at in found["bought_together"].items]
    assert [pick.score for pick in shelf.picks] == sorted((pick.score for pick in shelf.picks), reverse=True)
    assert shelf.picks[0].score == 1


def test_without_candidates_the_ranker_is_not_asked(index: Index, catalogue: Catalogue) -> None:
    """A stranger's homepage: no failure even of a ranker that cannot run, and nothing on the ranked shelves."""
    model = model_of(index, linear_ranker(columns=1))
    evidence, failed = evidence_of(model, Query("home")), list[str]()
    found = find(model, ["for_you", "buy_again", "recently_viewed", "trending"], evidence)
    assert "for_you" not in found
    assert (try_score(model, found, evidence.context, failed), failed) == ({}, [])
    for slot in ("for_you", "buy_again"):
        assert told(arrange(model, slot, found, {}, evidence, catalogue), model.index) == (slot, "popular", [], [])
    trending = told(arrange(model, "trending", found, {}, evidence, catalogue), model.index)
    assert (trending.served_by, ids(trending)) == ("popular", ["cake", "coffee"])


@pytest.mark.parametrize("failed", [False, True])
def test_complete_the_look_is_a_part_of_bought_together(model: Model, catalogue: Catalogue, failed: bool) -> None:
    """The companions of other categories, in the same order and with the same scores, under the shelf's own reason."""
    query, who = Query("pdp", product_id="coffee"), known("bread", "tea")
    evidence = evidence_of(model, query, who)
    found = find(model, ["bought_together"], evidence)["bought_together"]
    second = model.index.category_of[:, 1]
    others = {
        model.index.ids[at]
        for at, hits in zip(found.items.tolist(), found.evidence[HITS].tolist(), strict=True)
        if hits and second[at] >= 0 and second[at] not in second[evidence.context.anchors]
    }
    whole = arranged(model, "bought_together", query, catalogue, who, failed)
    part = arranged(model, "complete_the_look", query, catalogue, who, failed)
    assert {"cake"} == others < set(ids(whole))
    assert [pick[:2] for pick in part.picks] == [pick[:2] for pick in whole.picks if pick.id in others]
    assert {pick.reason for pick in part.picks} == {"goes_with_this"}
    assert part.served_by == whole.served_by == "personal"


def test_unknown_products_are_sieved_only_where_a_filter_asks(model: Model, tmp_path: Path) -> None:
    """Without one the live rules take out what the catalogue does not have; with one it is done here."""
    catalogue = catalogue_of(tmp_path, [])
    query = Query("pdp", product_id="tea")
    assert ids(arranged(model, "bought_together", query, catalogue)) == ["cake", "green"]
    dear = msgspec.structs.replace(query, filter=Filter(price_min=0))
    assert ids(arranged(model, "bought_together", dear, catalogue)) == []
    excluding = msgspec.structs.replace(query, exclude=("cake", "soap"))
    assert ids(arranged(model, "bought_together", excluding, catalogue)) == ["green"]


def test_a_narrow_filter_reaches_past_the_reserve(outcome: Outcome, shop_dir: Dataset, tmp_path: Path) -> None:
    """The one product it wants is the last of a hundred candidates; without it the shelf holds only the best."""
    model, query = load_model(outcome.directory), Query("home", session=("p004", "p016", "p028"), limit=1)
    products = list(shop_dir.catalogue())
    catalogue = catalogue_of(tmp_path, products)
    every = ids(arranged(model, "for_you", msgspec.structs.replace(query, limit=50), catalogue))
    best = ids(arranged(model, "for_you", query, catalogue))
    assert best == every[:18], "two for each shown, and sixteen"
    assert len(every) > len(best)
    marked = [msgspec.structs.replace(one, brand="Rare") if one.id == every[-1] else one for one in products]
    rare = msgspec.structs.replace(query, filter=Filter(brand="Rare"))
    assert ids(arranged(model, "for_you", rare, catalogue_of(tmp_path / "marked", marked))) == every[-1:]
    excluding = msgspec.structs.replace(query, exclude=tuple(best))
    assert ids(arranged(model, "for_you", excluding, catalogue)) == every[18:36]


# --- newcomers and diversity -----------------------------------------------------------------------------------------


def newcomers(index: Index) -> Newcomers:
    """`white` stands for tea and green tea, `kite` for soap; `odd` is known to the index, and was never bought."""
    found = {"white": ([0, 7], [0.9, 0.6]), "kite": ([5], [0.5]), "odd": ([0, 1], [0.5, 0.5])}
    pairs = {
        id_: (np.array(items, np.int32), np.array(likeness, np.float32)) for id_, (items, likeness) in found.items()
    }
    return Newcomers.of(pairs, len(index.ids))


def shown_for(
    model: Model, slot: str, query: Query, catalogue: Catalogue, who: Known = NOTHING_KNOWN, diversity: float = 0.0
) -> Told:
    """One shelf beside the newcomers above."""
    evidence = gather_evidence(model, query, who, History.of(model.index, who.profile), newcomers(model.index))
    found = find(model, [slot], evidence)
    scores = try_score(model, found, evidence.context, [])
    return told(arrange(model, slot, found, scores, evidence, catalogue, diversity), model.index)


def test_a_newcomers_page_is_answered_through_its_stand_ins(model: Model, catalogue: Catalogue) -> None:
    """They are similar; what is bought with them is bought with something similar, and the reasons say no more."""
    page = Query("pdp", product_id="white")
    similar = shown_for(model, "similar", page, catalogue)
    assert ids(similar) == ["tea", "green"]
    assert (similar.served_by, {pick.reason for pick in similar.picks}) == ("context", {"similar"})
    assert [pick.score for pick in similar.picks] == [1, 0.5]
    together = shown_for(model, "bought_together", page, catalogue)
    assert [(pick.id, pick.reason) for pick in together.picks] == [("cake", "bought_with_similar")]
    look = shown_for(model, "complete_the_look", page, catalogue)
    assert [(pick.id, pick.reason) for pick in look.picks] == [("cake", "goes_with_similar")]
    assert together.newcomers == look.newcomers == [], "they say what was bought"


def test_a_page_the_index_knows_without_a_sale_is_a_newcomers_too(model: Model, catalogue: Catalogue) -> None:
    """Its row in the index says nothing; its stand-ins do."""
    assert ids(shown_for(model, "similar", Query("pdp", product_id="odd"), catalogue)) == ["tea", "coffee"]


@pytest.mark.parametrize(
    ("cart", "anchors", "stands_in"),
    [(("white", "soap"), ["soap"], None), (("kite", "white"), ["tea", "green"], "white"), (("unheard of",), [], None)],
)
def test_known_products_speak_for_a_cart(
    model: Model, cart: tuple[str, ...], anchors: list[str], stands_in: str | None
) -> None:
    """Only where there is none do the stand-ins of the newest newcomer."""
    evidence = gather_evidence(
        model, Query("cart", product_ids=cart), NOTHING_KNOWN, History.of(model.index, None), newcomers(model.index)
    )
    assert [model.index.ids[at] for at in evidence.context.anchors] == anchors
    assert evidence.stands_in == stands_in


def test_newcomers_join_through_what_was_found(model: Model, catalogue: Catalogue) -> None:
    """Best first, as `new`; what this visit has seen is not shown again, nor what nobody found stands in for."""
    shelf = shown_for(model, "for_you", Query("home"), catalogue, known("tea"))
    scores = {pick.id: pick.score for pick in shelf.picks}
    inherited = {pick.id: pick.score for pick in shelf.newcomers}
    assert {pick.reason for pick in shelf.newcomers} == {"new"}
    assert inherited["white"] == pytest.approx((0.9 * scores["tea"] + 0.6 * scores["green"]) / 1.5, abs=1e-3)
    assert list(inherited.values()) == sorted(inherited.values(), reverse=True)
    seen = shown_for(model, "for_you", Query("home", session=("white", "coffee")), catalogue, known("tea"))
    assert "white" not in {pick.id for pick in seen.newcomers}
    assert shown_for(model, "buy_again", Query("home"), catalogue, known("tea")).newcomers == []


def test_on_similar_the_pages_own_newcomers_come_first(model: Model, catalogue: Catalogue) -> None:
    """The page's product itself counts fully: who is most like it inherits most."""
    white = Product("white", "White Tea", 5.0, category="Drinks > Hot")
    catalogue.apply(Change("white", 1, product=white))
    shelf = shown_for(model, "similar", Query("pdp", product_id="tea"), catalogue)
    assert [pick.id for pick in shelf.newcomers] == ["white"], "not `odd`, which has no category"
    assert shelf.newcomers[0].score > 0.9
    catalogue.apply(Change("white", 2, price=10.5))
    assert shown_for(model, "similar", Query("pdp", product_id="tea"), catalogue).newcomers == [], "out of the band"


def test_diversity_moves_kinds_apart_and_scores_still_fall(model: Model, catalogue: Catalogue) -> None:
    """At full strength the first of every kind comes before a second of any; what is bought again stays as it is."""
    query, who = Query("home"), known("tea", "coffee", "cake", "bread")
    plain = shown_for(model, "for_you", query, catalogue, who)
    spread = shown_for(model, "for_you", query, catalogue, who, diversity=1.0)
    kinds = model.index.category_of.max(axis=1)
    firsts = [int(kinds[model.index.position[id_]]) for id_ in ids(spread)]
    different = len(set(firsts))
    assert len(set(firsts[:different])) == different
    assert ids(spread) != ids(plain)
    assert {(pick.id, pick.reason) for pick in plain.picks} == {(pick.id, pick.reason) for pick in spread.picks}
    scores = [pick.score for pick in spread.picks]
    assert scores == sorted(scores, reverse=True)
    assert all(score <= next(one.score for one in plain.picks if one.id == id_) for id_, score, _ in spread.picks)
    again = known("tea", "coffee", "green")
    assert ids(shown_for(model, "buy_again", query, catalogue, again, diversity=1.0)) == ids(
        shown_for(model, "buy_again", query, catalogue, again)
    ), "what is bought again keeps its order"


def test_the_model_knows_the_hour_not_the_second(model: Model) -> None:
    """So that two processes asked within an hour rank alike."""
    assert (evidence_of(model, Query("home")).context.day * 24) % 1 == pytest.approx(0, abs=1e-6)
