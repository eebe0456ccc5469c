"""The body of an answer, put together from fragments: byte for byte what msgspec makes of the typed answer."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.cards import card_of
from edge.core.index import Index
from edge.core.products import Change, Product
from edge.core.snapshot import Snapshot
from edge.live_cards import LiveCards
from edge.page import Shown, encode, page_of
from edge.picks import SAID, SCALE, ServedBy, Shelf
from edge.reasons import REASONS
from edge.shelves import Ranking, shelve
from edge.slots import SLOTS
from edge.wire import Answer, Item, Query, Slot
from tests.edge.handmade import EIGHT, Pick, catalogue_of, model_of, picks_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
PRICES = st.floats(0, 1e6, allow_nan=False)
PRODUCTS = st.builds(
    Product,
    id=IDS,
    title=TEXT.filter(bool),
    price=PRICES,
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    compare_at_price=st.none() | PRICES,
    available=st.booleans(),
    handle=TEXT,
    url=TEXT,
    image=st.none() | TEXT,
    variant_id=st.none() | IDS,
)
SERVED: tuple[ServedBy, ...] = ("personal", "session", "context", "popular")


def typed(
    surface: str, version: str | None, degraded: tuple[str, ...], shelves: list[Shown], products: list[Product]
) -> Answer:
    """The answer as structs, from the products themselves."""
    slots = []
    for slot, title, served_by, items in map(msgspec.structs.astuple, shelves):
        made = [
            Item(products[row].id, score / SCALE, REASONS[reason], msgspec.Raw(card_of(products[row])))
            for row, score, reason in items
        ]
        shown = "\0".join((surface, served_by, *(item.id for item in made)))
        token = f"{slot}.{version or 'none'}.{hashlib.blake2s(shown.encode(), digest_size=6).hexdigest()}"
        slots.append(Slot(slot, title, served_by, token, made))
    return Answer(surface, version, list(degraded), slots)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_bytes_are_what_msgspec_makes(data: st.DataObject) -> None:
    """Whatever stands in texts and ids: field order, escapes, floats; as read, changed since, or listed since."""
    products = data.draw(st.lists(PRODUCTS, min_size=1, max_size=6, unique_by=lambda product: product.id))
    read = data.draw(st.integers(0, len(products)))
    live = LiveCards(Snapshot.of(products[:read]))
    for product in products[read:]:
        live.lay(product)
    for at in data.draw(st.sets(st.sampled_from(range(len(products))))):
        products[at] = msgspec.structs.replace(products[at], price=data.draw(PRICES))
        live.lay(products[at])
    items = st.tuples(
        st.sampled_from(range(len(products))),
        st.integers(0, SCALE),
        st.sampled_from(range(len(REASONS))),
    )
    shelves = data.draw(
        st.lists(
            st.builds(
                Shown, st.sampled_from(sorted(SLOTS)), TEXT, st.sampled_from(SERVED), st.lists(items, min_size=1)
            ),
            max_size=3,
        )
    )
    surface = data.draw(st.sampled_from(["pdp", "cart", "home"]))
    version = data.draw(st.none() | TEXT)
    degraded = tuple(data.draw(st.lists(TEXT, max_size=2)))
    page = page_of(surface, version, degraded, shelves, live)
    expected = typed(surface, version, degraded, shelves, products)
    assert encode(page) == msgspec.json.encode(expected)
    assert page.slots == expected.slots
    assert (page.model_version, page.degraded) == (version, degraded)
    assert page.shelves == [(slot.id, slot.served_by) for slot in expected.slots]


@given(PRODUCTS)
def test_a_fragment_is_the_products_card_and_id(product: Product) -> None:
    """From the snapshot and from a change alike; the card is what its product says."""
    read, laid = LiveCards(Snapshot.of([product])), LiveCards(Snapshot.of([]))
    laid.lay(product)
    assert read.fragment(0) == laid.fragment(0) == (
        product.id.encode(),
        b',{"id":' + msgspec.json.encode(product.id) + b',"score":',
        card_of(product) + b"}",
    )  # fmt: skip
    card = json.loads(card_of(product))
    assert (card["title"], card["available"], card["url"]) == (product.title, product.available, product.url)


def test_every_score_looks_as_floats_do() -> None:
    """Up to four digits, as a rounded float is written."""
    live = LiveCards(Snapshot.of(EIGHT))
    items = [(0, score, 0) for score in range(SCALE + 1)]
    body = page_of("home", None, (), [Shown("for_you", "all", "popular", items)], live).body
    written = [part.partition(b",")[0] for part in body.split(b'"score":')[1:]]
    assert written == [msgspec.json.encode(round(score / SCALE, 4)) for score in range(SCALE + 1)]


@pytest.mark.parametrize("score", [-1, SCALE + 1])
def test_what_is_no_score_is_refused(score: int) -> None:
    """It can come from nowhere but a fault of ours."""
    live = LiveCards(Snapshot.of(EIGHT))
    with pytest.raises(ValueError, match=str(score)):
        page_of("home", None, (), [Shown("for_you", "one", "popular", [(0, score, 0)])], live)


def test_a_row_or_a_reason_that_is_none_is_refused() -> None:
    """Nothing is read that is not there."""
    live = LiveCards(Snapshot.of(EIGHT))
    for item in ((len(live.shown), 1, 0), (-1, 1, 0), (0, 1, len(REASONS))):
        with pytest.raises(IndexError):
            page_of("home", None, (), [Shown("for_you", "one", "popular", [item])], live)


def test_every_reason_has_its_bytes() -> None:
    """In one place, each once."""
    assert len(set(REASONS)) == len(REASONS) == len(SAID)
    assert {spec.reason for spec in SLOTS.values()} <= set(REASONS)


def test_a_page_of_nothing() -> None:
    """No shelves, no model."""
    assert encode(page_of("home", None, ("model",), [], LiveCards(Snapshot.of([])))) == (
        b'{"surface":"home","model_version":null,"degraded":["model"],"slots":[]}'
    )


def test_a_real_page_decodes_to_what_was_shown(index: Index, tmp_path: Path) -> None:
    """Through the live rules, with a change laid over a card: valid JSON that encodes to the same bytes again."""
    catalogue = catalogue_of(tmp_path, EIGHT)
    catalogue.apply(Change("cake", 1.0, price=2.5, compare_at_price=3.0))
    picks = picks_of(Pick("tea", 0.9123, "bought_before"), Pick("cake", 0.5, "popular"), Pick("soap", 0.1, "viewed"))
    ranking = Ranking(model_of(index), (Shelf("for_you", "personal", picks),), ("profile",))
    page = shelve(Query("home"), ranking, catalogue)
    assert msgspec.json.encode(page.answer) == page.body
    (slot,) = page.slots
    assert [(item.id, item.score, item.reason) for item in slot.items] == [
        ("tea", 0.9123, "bought_before"),
        ("cake", 0.5, "popular"),
        ("soap", 0.1, "viewed"),
    ]
    assert json.loads(bytes(slot.items[1].product))["price"] == {"amount": "2.50", "currency_code": "USD"}
