"""Newcomers of a live catalogue: found off the request path, a few at a time, the urgent first."""

from pathlib import Path

import msgspec
import pytest

from edge.catalogue import Catalogue
from edge.core.index import Index
from edge.core.newcomers import NO_NEWCOMERS
from edge.core.products import Change, Product
from edge.core.snapshot import write_snapshot
from edge.listings import Listings
from tests.edge.handmade import EIGHT, catalogue_of

WHITE = Product("white", "White Tea", 5.0, category="Drinks > Hot")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """The eight products, at 5.00."""
    return catalogue_of(tmp_path)


def listed(catalogue: Catalogue, *products: Product) -> None:
    """List products as a change from the store does."""
    for product in products:
        catalogue.apply(Change(product.id, 1.0, product=product))


def test_a_listing_is_a_newcomer_after_the_next_look(index: Index, catalogue: Catalogue) -> None:
    """Before it nobody knows; a look without a change changes nothing, and says so."""
    listings = Listings(catalogue)
    listings.refresh(index)
    assert listings.of(index).ids == ()
    revision = listings.revision
    listed(catalogue, WHITE)
    assert listings.refresh(index)
    assert listings.of(index).ids == ("white",)
    assert listings.revision > revision
    assert not listings.refresh(index)
    assert listings.revision == revision + 1


def test_price_and_stock_of_known_products_are_not_looked_at(index: Index, catalogue: Catalogue) -> None:
    """What is cached stays good; a newcomer's stock is the live rules' business, its price changes who is like it."""
    listings = Listings(catalogue)
    listed(catalogue, WHITE)
    listings.refresh(index)
    revision = listings.revision
    catalogue.apply(Change("tea", 2.0, price=9.0))
    catalogue.apply(Change("white", 2.0, available=False))
    assert not listings.refresh(index)
    assert listings.revision == revision
    catalogue.apply(Change("white", 3.0, price=9.0))
    assert listings.refresh(index)


def test_another_index_has_other_newcomers(index: Index, catalogue: Catalogue) -> None:
    """Those of the one that served before are not used beside the new one, not even for a moment."""
    listings = Listings(catalogue)
    listed(catalogue, WHITE)
    listings.refresh(index)
    swapped = Index(**vars(index))
    assert listings.of(swapped) is NO_NEWCOMERS
    listings.refresh(swapped)
    assert listings.of(swapped).ids == ("white",)
    assert listings.of(index) is NO_NEWCOMERS


def test_a_new_snapshot_brings_and_takes_newcomers(index: Index, catalogue: Catalogue, tmp_path: Path) -> None:
    """What an import lists is new, what it no longer has is gone, what is as it was is not worked out again."""
    listings = Listings(catalogue)
    listed(catalogue, WHITE, msgspec.structs.replace(WHITE, id="oolong"))
    listings.refresh(index)
    assert listings.of(index).ids == ("oolong", "white")
    red = msgspec.structs.replace(WHITE, id="red", title="Red Tea")
    write_snapshot(tmp_path / "demo.cat", [*EIGHT, red, WHITE], as_of=10)
    catalogue.reload()
    listings.refresh(index)
    assert set(listings.of(index).ids) == {"white", "red"}
    write_snapshot(tmp_path / "demo.cat", EIGHT, as_of=20)
    catalogue.reload()
    revision = listings.revision
    listings.refresh(index)
    assert listings.of(index).ids == ()
    assert listings.revision > revision, "shelves that showed them must be worked out again"


def test_many_are_worked_through_in_turns_and_a_listing_jumps_the_queue(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two at once and seven waiting, the one listed now is among the first two; in the end all are there."""
    monkeypatch.setattr("edge.listings._AT_ONCE", 2)
    old = [msgspec.structs.replace(WHITE, id=f"old{n}", listed=n) for n in range(7)]
    catalogue = catalogue_of(tmp_path, [*EIGHT, *old])
    listings = Listings(catalogue)
    listings.refresh(index)
    assert set(listings.of(index).ids) == {"old6", "old5"}, "the newest listed first"
    listed(catalogue, WHITE)
    listings.refresh(index)
    assert "white" in listings.of(index).ids
    for _ in range(4):
        listings.refresh(index)
    assert set(listings.of(index).ids) == {"white", *(one.id for one in old)}


def test_only_so_many_are_kept(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a catalogue full of what never sold, the newest listed; a later listing takes the oldest's place."""
    monkeypatch.setattr("edge.listings._MOST", 3)
    old = [msgspec.structs.replace(WHITE, id=f"old{n}", listed=n) for n in range(7)]
    catalogue = catalogue_of(tmp_path, [*EIGHT, *old])
    listings = Listings(catalogue)
    listings.refresh(index)
    assert set(listings.of(index).ids) == {"old4", "old5", "old6"}
    listed(catalogue, WHITE)
    listings.refresh(index)
    assert set(listings.of(index).ids) == {"white", "old5", "old6"}


def test_rows_do_not_depend_on_who_came_first(index: Index, catalogue: Catalogue, tmp_path: Path) -> None:
    """Two processes that heard of the same listings in another order lay them out alike."""
    other = catalogue_of(tmp_path / "other")
    red, first, second = msgspec.structs.replace(WHITE, id="red"), Listings(catalogue), Listings(other)
    for listings, into, products in ((first, catalogue, (WHITE, red)), (second, other, (red, WHITE))):
        for product in products:
            listed(into, product)
            listings.refresh(index)
    assert first.of(index).ids == second.of(index).ids == ("red", "white")
