"""Every reason an answer gives, held against the index arrays: over real requests to the small shop's trained model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge.arrange import arrange
from edge.core.columns import ProfileColumns
from edge.core.context import History
from edge.core.index import Index
from edge.core.products import Change, Product
from edge.core.profile import Bought, Profile
from edge.core.session import Session
from edge.listings import Listings
from edge.picks import LEAST_TREND
from edge.profiles import Known
from edge.ranking import find, gather_evidence, try_score
from edge.scoring import load_model
from edge.shelves import Ranking, shelve
from edge.slots import slots_of
from edge.wire import Item, Query
from tests.edge.handmade import catalogue_of
from training.dataset import Dataset
from training.pipeline import Outcome

NEW = Product("new", "Alder Classic Cheese", 5.0, category="Dairy > Cheese", brand="Alder")
TODAY = 20_750


@dataclass(frozen=True)
class Case:
    """One item shown, and what it was shown for."""

    index: Index
    query: Query
    known: Known
    slot: str
    item: Item
    stand_ins: tuple[str, ...]

    def met(self, anchors: tuple[str, ...]) -> bool:
        """Whether the index lists the item beside one of these, in either's list, as bought together beyond chance."""
        at = self.index.position[self.item.id]
        rows = self.index.positions(anchors).tolist()
        listed = {int(one) for row in rows for one in self._beside(row)}
        return at in listed or bool(set(rows) & {int(one) for one in self._beside(at)})

    def _beside(self, row: int) -> list[int]:
        pairs: list[int] = self.index.pair_items[self.index.pair_ptr[row] : self.index.pair_ptr[row + 1]].tolist()
        return pairs

    @property
    def bought(self) -> tuple[str, ...]:
        """The shopper's purchases."""
        return tuple(self.known.profile.bought) if self.known.profile else ()

    @property
    def viewed(self) -> tuple[str, ...]:
        """What the shopper looked at, in this visit or before."""
        session, profile = self.known.session, self.known.profile
        seen = (*(session.viewed if session else ()), *(session.cart if session else ()))
        return (*self.query.session, *seen, *(profile.viewed if profile else ()))

    @property
    def page(self) -> tuple[str, ...]:
        """The page's product or the cart."""
        return (self.query.product_id,) if self.query.product_id else self.query.cart


def in_an_order_with(case: Case) -> bool:
    """Whether some order of the index holds the item and a product of the page."""
    index, wanted = case.index, set(case.index.positions(case.page).tolist())
    at = case.index.position[case.item.id]
    for order in range(len(index.session_ptr) - 1):
        held = set(index.session_items[index.session_ptr[order] : index.session_ptr[order + 1]].tolist())
        if at in held and wanted & held:
            return True
    return False


def narrow(case: Case, *ids: str) -> set[int]:
    """The narrow categories of products."""
    return {int(code) for code in case.index.category_of[case.index.positions(ids)].max(axis=1)}


def of_a_level_with_the_page(case: Case) -> bool:
    """Whether item and page share a category of any level."""
    pages = case.index.positions(case.stand_ins or case.page)
    own = {int(code) for code in case.index.category_of[pages].ravel() if code >= 0}
    return bool(own & {int(code) for code in case.index.category_of[case.index.position[case.item.id]]})


CLAIMS: dict[str, Callable[[Case], bool]] = {
    "bought_together": lambda case: case.met(case.page),
    "goes_with_this": lambda case: case.met(case.page),
    "bought_with_similar": lambda case: case.met(case.stand_ins),
    "goes_with_similar": lambda case: case.met(case.stand_ins),
    "bought_before": lambda case: case.item.id in case.bought,
    "goes_with_cart": in_an_order_with,
    "goes_with_viewed": lambda case: case.met(case.viewed),
    "viewed_next": lambda case: bool(case.viewed),  # held to past visits in test_next_clicks.py
    "goes_with_bought": lambda case: case.met(case.bought),
    "favourite_category": lambda case: narrow(case, case.item.id) <= narrow(case, *case.bought),
    "viewed": lambda case: case.item.id in case.viewed,
    "similar": of_a_level_with_the_page,
    "popular": lambda case: case.index.sold_recently[case.index.position[case.item.id]] > 0,
    "popular_in_category": of_a_level_with_the_page,
    "trending": lambda case: case.index.trend[case.index.position[case.item.id]] >= LEAST_TREND,
    "new": lambda case: case.item.id not in case.index.position,
    "for_you": lambda case: bool(case.bought or case.viewed),
    "suggested": bool,  # claims nothing but that the model thought of it
}


def shopper(index: Index, rng: np.random.Generator) -> Known:
    """Somebody who bought, viewed and carted things of the shop, or did not."""

    def some(most: int) -> list[str]:
        return [index.ids[at] for at in rng.choice(len(index.ids), int(rng.integers(0, most)), replace=False)]

    bought = {id_: Bought(int(rng.integers(1, 9)), TODAY - 90, TODAY - int(rng.integers(1, 60))) for id_ in some(12)}
    views = dict.fromkeys(some(6), TODAY - 3)
    profile = Profile("demo", "s", orders=len(bought), last_order_day=TODAY - 1, bought=bought, viewed=views)
    return Known(ProfileColumns.of(profile), Session("demo", "s", viewed=some(3)), frozenset(), None, None)


def asked(index: Index, rng: np.random.Generator) -> Iterator[Query]:
    """Pages of all surfaces, of known products and of a new one, carts, visits."""
    one, two, three = (index.ids[at] for at in rng.choice(len(index.ids), 3, replace=False))
    yield Query("pdp", product_id=one)
    yield Query("pdp", product_id=NEW.id)
    yield Query("cart", product_ids=(one, two, three))
    yield Query("cart", product_ids=(NEW.id,))
    yield Query("cart", product_ids=(one, NEW.id))
    yield Query("home")
    yield Query("home", session=(two,))


@pytest.fixture(scope="module")
def cases(outcome: Outcome, shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Everything shown to sixty shoppers on seven pages each, ten to a shelf."""
    model, rng = load_model(outcome.directory), np.random.default_rng(5)
    catalogue = catalogue_of(tmp_path_factory.mktemp("reasons"), shop_dir.catalogue())
    catalogue.apply(Change(NEW.id, 1.0, product=NEW))
    listings = Listings(catalogue)
    listings.refresh(model.index)
    found = []
    for _ in range(60):
        known = shopper(model.index, rng)
        history = History.of(model.index, known.profile)
        for query in asked(model.index, rng):
            newcomers = listings.of(model.index)
            evidence = gather_evidence(model, query, known, history, newcomers)
            slots = slots_of(query.surface)
            some = find(model, slots, evidence)
            scores = try_score(model, some, evidence.context, [])
            shelves = tuple(arrange(model, slot, some, scores, evidence, catalogue, 0.1) for slot in slots)
            stand_ins = tuple(model.index.ids[at] for at in evidence.context.anchors) if evidence.stands_in else ()
            found += [
                Case(model.index, query, known, slot.id, item, stand_ins)
                for slot in shelve(query, Ranking(model, shelves), catalogue).slots
                for item in slot.items
            ]
    return found


def test_every_claim_holds(cases: list[Case]) -> None:
    """Of every product on every shelf, the reason is one of those documented, and the arrays bear it out."""
    wrong = [(case.slot, case.item.reason, case.item.id) for case in cases if not CLAIMS[case.item.reason](case)]
    assert wrong == []
    assert len(cases) > 2_000


def test_every_reason_occurs(cases: list[Case]) -> None:
    """So that the test above is about all of them; `viewed_next` is for shops with visits, `suggested` for the rest."""
    assert set(CLAIMS) - {case.item.reason for case in cases} <= {"suggested", "popular_in_category", "viewed_next"}


def test_a_shelf_claims_purchases_only_with_pairs(cases: list[Case]) -> None:
    """Nothing on `bought_together` and `complete_the_look` stands there for no reason."""
    for slot, reasons in {
        "bought_together": {"bought_together", "bought_before", "bought_with_similar"},
        "complete_the_look": {"goes_with_this", "goes_with_similar"},
    }.items():
        said = {case.item.reason for case in cases if case.slot == slot}
        assert said
        assert said <= reasons


def test_the_documented_reasons_are_those_there_are() -> None:
    """docs/shelves.md has a row for each, and for no other."""
    text = (Path(__file__).parents[2] / "docs" / "shelves.md").read_text()
    table = text.partition("## Reasons")[2].partition("\n## ")[0]
    rows = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert rows == set(CLAIMS)
