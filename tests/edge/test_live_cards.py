"""Live cards: rows of a snapshot with changes laid over them, as the live rules ask for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import live_cards
from edge.core.cards import family_key
from edge.core.index import Index
from edge.core.products import Product
from edge.core.snapshot import Snapshot
from edge.live_cards import LiveCards, passes
from edge.wire import Filter
from tests.edge.handmade import EIGHT

PATHS = ("", "Food", "Food > Drinks", "Food > Drinks > Hot", "Drinks", "Hot > Food")
PRODUCTS = st.builds(
    Product,
    id=st.sampled_from([str(number) for number in range(12)]),
    title=st.just("x"),
    price=st.sampled_from([0.0, 1.0, 2.5, 9.0]),
    category=st.sampled_from(PATHS),
    brand=st.sampled_from(["", "Alder", "Birch"]),
)
FILTERS = st.builds(
    Filter,
    category=st.none() | st.sampled_from(["Food", "Drinks", "Food > Drinks", "Hot", ""]),
    brand=st.none() | st.sampled_from(["", "Alder"]),
    price_min=st.none() | st.sampled_from([0.0, 1.0, 2.0]),
    price_max=st.none() | st.sampled_from([1.0, 3.0]),
)


def cards(*products: Product) -> LiveCards:
    """Of these products, or of the eight."""
    return LiveCards(Snapshot.of(products or EIGHT))


@settings(max_examples=200, deadline=None)
@given(st.lists(PRODUCTS, max_size=6), st.lists(PRODUCTS, max_size=6), FILTERS)
def test_a_filter_over_rows_is_the_filter_over_products(
    read: list[Product], laid: list[Product], wanted: Filter
) -> None:
    """By columns where the snapshot is as it was, by product where a change was laid; row -1 never passes."""
    live = cards(*read) if read else LiveCards(Snapshot.of([]))
    for product in laid:
        live.lay(product)
    now = {product.id: product for product in (*read, *laid)}
    rows = [live.row(id_) for id_ in now]
    assert None not in rows
    assert live.passing(np.array([*rows, -1], np.int32), wanted).tolist() == [
        *(passes(wanted, product) for product in now.values()),
        False,
    ]
    assert {id_: live.product(row) for id_, row in zip(now, rows, strict=True) if row is not None} == now
    assert live.ids() == set(now)


def test_what_may_be_shown_is_its_family_and_what_may_not_is_nothing() -> None:
    """Sold out and back again; the row of no product is never shown."""
    tea = EIGHT[0]
    live = cards()
    row = live.row("tea")
    assert row is not None
    assert live.shown[row] == family_key(tea)
    live.lay(Product(tea.id, tea.title, 5.0, category=tea.category, available=False))
    assert live.shown[row] == 0
    live.lay(tea)
    assert live.shown[row] == family_key(tea)
    assert live.shown[-1] == 0


def test_positions_lead_to_rows_also_of_products_listed_since(index: Index) -> None:
    """Whether the product came before or after the index was first asked for."""
    live = cards(*EIGHT[3:])
    live.lay(EIGHT[0])
    rows = live.rows_of(index)
    assert rows is live.rows_of(index)
    live.lay(EIGHT[1])
    live.lay(Product("never heard of", "x", 1.0))
    for position, id_ in enumerate(index.ids):
        expected = live.row(id_)
        assert rows[position] == (-1 if expected is None else expected), id_
    assert rows[index.position["cola"]] == -1
    assert live.shown[rows[index.position["tea"]]] != 0


def test_more_may_be_listed_than_there_was_room_for(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows grow; those known keep theirs, and the last one still stands for nothing."""
    monkeypatch.setattr(live_cards, "_SPARE", 2)
    live = cards(EIGHT[0])
    rows = live.rows_of(index)
    for number in range(50):
        live.lay(Product(f"new-{number}", "x", 1.0))
    live.lay(EIGHT[1])
    assert len(live.ids()) == 52
    assert [live.row(id_) for id_ in ("tea", "new-0", "new-49", "coffee")] == [0, 1, 50, 51]
    assert rows[index.position["coffee"]] == 51
    assert np.count_nonzero(live.shown) == 52
    assert live.shown[-1] == 0
    assert live.as_read(51) is None


def test_an_index_that_serves_no_more_is_forgotten_at_the_second_look(index: Index) -> None:
    """Not at the first: one that is just being loaded is not in service yet."""
    live, other = cards(), Index(**vars(index))
    live.rows_of(other)
    live.keep([index])
    assert set(live.indexes) == {index, other}
    live.keep([index])
    assert live.indexes == [index]
    live.rows_of(other)
    live.keep([index])
    live.keep([index, other])
    live.keep([index])
    assert set(live.indexes) == {index, other}, "it served in between"


def test_memory_of_what_is_shown_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fragments and rows asked for are made again when too many were kept."""
    monkeypatch.setattr(live_cards, "_KEPT", 3)
    live = cards()
    for row in range(8):
        live.fragment(row)
        live.row(EIGHT[row].id)
        assert len(live._fragments) <= 3
        assert len(live._asked) <= 3
    assert live.fragment(0)[0] == b"tea"
    assert live.row("tea") == 0


def test_rows_unknown_to_an_index(index: Index) -> None:
    """Those of the snapshot that no position leads to."""
    live = cards(*EIGHT, Product("new", "x", 1.0))
    live.lay(Product("newer", "x", 1.0))
    assert live.unknown_to(index).tolist() == [8]
    assert list(live.changed.values()) == [Product("newer", "x", 1.0)]
