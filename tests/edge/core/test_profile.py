"""Profiles and sessions: how events change them, and their bytes."""

import zlib
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.codec import (
    PROFILE_MAX_BYTES,
    SESSION_MAX_BYTES,
    decode_profile,
    decode_session,
    encode_profile,
    encode_session,
)
from edge.core.errors import CodecError
from edge.core.events import EVENT_TYPES, Event, EventType, Line
from edge.core.profile import BOUGHT_CAP, RECENT_ORDERS, VIEWED_CAP, Bought, Profile, apply, merge
from edge.core.session import SESSION_CAP, Session, observe

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY0 = int(START.timestamp() // 86_400)
LATER = (START + timedelta(days=400)).timestamp()


def event(type_: EventType, *products: str, day: int = 0, minute: int = 0, quantity: int = 1) -> Event:
    """An event on the given day and minute after START."""
    lines = tuple(Line(product, quantity=quantity) for product in products)
    return Event("e", type_, START + timedelta(days=day, minutes=minute), visitor_id="v", products=lines)


def profile() -> Profile:
    """An empty profile."""
    return Profile("demo", "k1.someone")


def session() -> Session:
    """An empty session."""
    return Session("demo", "k1.someone")


def test_a_purchase_counts_orders_and_products() -> None:
    """Two orders: the repeated product counts twice, with first and last day, and which orders held it."""
    shopper = profile()
    apply(shopper, event("purchase-complete", "milk", "eggs"), LATER)
    apply(shopper, event("purchase-complete", "milk", day=9), LATER)
    assert shopper.orders == 2
    assert shopper.bought == {"milk": Bought(2, DAY0, DAY0 + 9, 0b11), "eggs": Bought(1, DAY0, DAY0, 0b10)}
    assert (shopper.first_order_day, shopper.last_order_day) == (DAY0, DAY0 + 9)
    assert shopper.revision == 2
    assert shopper.updated == int((START + timedelta(days=9)).timestamp())


def test_recent_orders_are_remembered_one_by_one() -> None:
    """Milk in the last order and the third from last: bits 0 and 2; twice in one order is one order."""
    shopper = profile()
    for minute, products in enumerate((("milk", "milk"), ("eggs",), ("milk",))):
        apply(shopper, event("purchase-complete", *products, minute=minute), LATER)
    assert (shopper.bought["milk"].recent, shopper.bought["eggs"].recent) == (0b101, 0b010)
    assert decode_profile(encode_profile(shopper)) == shopper


def test_orders_of_long_ago_are_only_counted() -> None:
    """What the last RECENT_ORDERS orders did not hold has no bit left, but its count and days."""
    shopper = profile()
    apply(shopper, event("purchase-complete", "lamp"), LATER)
    for day in range(RECENT_ORDERS):
        apply(shopper, event("purchase-complete", "milk", day=day, minute=1), LATER)
    assert shopper.bought["lamp"] == Bought(1, DAY0, DAY0, 0)
    assert shopper.bought["milk"].recent == 2**RECENT_ORDERS - 1


def test_orders_out_of_order_leave_the_same_profile() -> None:
    """Platforms deliver late: days are the least and the greatest seen, not the last heard."""
    forth, back = profile(), profile()
    orders = [event("purchase-complete", "milk", day=day) for day in (0, 3, 9)]
    for item in orders:
        apply(forth, item, LATER)
    for item in reversed(orders):
        apply(back, item, LATER)
    assert forth == back


def test_a_return_takes_a_purchase_back() -> None:
    """One purchase less; a product returned for the last time counts nothing, one never bought is owed."""
    shopper = profile()
    for _ in range(2):
        apply(shopper, event("purchase-complete", "shoes"), LATER)
    apply(shopper, event("return", "shoes"), LATER)
    assert shopper.bought["shoes"].count == 1
    apply(shopper, event("return", "shoes", "never-bought"), LATER)
    assert shopper.bought["shoes"].count == 0
    assert shopper.bought["never-bought"] == Bought(-1, 0, 0)


@pytest.mark.parametrize("type_", ["detail-page-view", "add-to-cart", "wishlist-add"])
def test_looking_is_remembered_newest_last(type_: EventType) -> None:
    """A second look moves a product to the end."""
    shopper = profile()
    for minute, product in enumerate(("a", "b", "a")):
        apply(shopper, event(type_, product, minute=minute), LATER)
    assert list(shopper.viewed) == ["b", "a"]


def test_other_events_only_touch_the_time() -> None:
    """A homepage view says when, not what."""
    shopper = profile()
    apply(shopper, event("home-page-view"), LATER)
    assert shopper.bought == {}
    assert shopper.viewed == {}
    assert shopper.updated > 0


def test_a_clock_from_the_future_is_bounded_by_now() -> None:
    """A phone whose clock is a year ahead does not make its owner a shopper of next year."""
    shopper = profile()
    apply(shopper, event("purchase-complete", "milk", day=365), START.timestamp())
    assert shopper.last_order_day == DAY0


def test_a_full_profile_keeps_what_is_bought_often_and_lately() -> None:
    """Old single purchases make room; the weekly milk and the newest product stay."""
    shopper = profile()
    for day in range(BOUGHT_CAP + 50):
        apply(shopper, event("purchase-complete", "milk", f"once-{day}", day=day), LATER)
    assert len(shopper.bought) <= BOUGHT_CAP
    assert shopper.bought["milk"].count == BOUGHT_CAP + 50
    assert f"once-{BOUGHT_CAP + 49}" in shopper.bought
    assert "once-0" not in shopper.bought


def test_views_are_capped() -> None:
    """The oldest go first."""
    shopper = profile()
    for number in range(VIEWED_CAP + 5):
        apply(shopper, event("detail-page-view", str(number), minute=number), LATER)
    assert next(iter(shopper.viewed)) == "5"
    assert len(shopper.viewed) == VIEWED_CAP


def test_a_visit_follows_views_cart_and_purchase() -> None:
    """View, put two in the cart, take one out, buy the rest."""
    visit = session()
    observe(visit, event("detail-page-view", "a"), LATER)
    observe(visit, event("detail-page-view", "b"), LATER)
    observe(visit, event("add-to-cart", "a", quantity=2), LATER)
    observe(visit, event("remove-from-cart", "a"), LATER)
    assert visit.viewed == ["a", "b"]
    assert visit.cart == {"a": 1}
    observe(visit, event("detail-page-view", "a"), LATER)
    assert visit.viewed == ["b", "a"]
    observe(visit, event("purchase-complete", "a"), LATER)
    assert visit.cart == {}
    assert visit.bought == ["a"]
    assert visit.revision == 6


def test_removing_more_than_there_is_empties_the_line() -> None:
    """A cart never holds a negative quantity, nor a product that was never put in."""
    visit = session()
    observe(visit, event("add-to-cart", "a"), LATER)
    observe(visit, event("remove-from-cart", "a", "b", quantity=5), LATER)
    assert visit.cart == {}


def test_a_visit_is_capped() -> None:
    """However long somebody clicks."""
    visit = session()
    for number in range(SESSION_CAP + 10):
        observe(visit, event("detail-page-view", str(number)), LATER)
        observe(visit, event("add-to-cart", str(number)), LATER)
        observe(visit, event("purchase-complete", f"p{number}"), LATER)
    assert len(visit.viewed) == len(visit.cart) == len(visit.bought) == SESSION_CAP
    assert visit.viewed[-1] == str(SESSION_CAP + 9)


def test_numeric_ids_come_back_letter_for_letter() -> None:
    """Only canonical decimal ids are stored as numbers; leading zeros, signs and odd digits survive."""
    ids = ["1029743", "007", "0", "-5", "+5", "١٢", "9" * 30, "SKU-1", "1e5", " 1"]
    shopper, visit = profile(), session()
    apply(shopper, event("purchase-complete", *ids), LATER)
    apply(shopper, event("detail-page-view", *ids), LATER)
    observe(visit, event("detail-page-view", *ids), LATER)
    assert list(decode_profile(encode_profile(shopper)).bought) == ids
    assert set(decode_profile(encode_profile(shopper)).viewed) == set(ids)
    assert decode_session(encode_session(visit)).viewed == ids


ids_ = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128)
types_ = st.sampled_from(
    ["purchase-complete", "detail-page-view", "add-to-cart", "remove-from-cart", "return", "search"]
)
events_ = st.builds(lambda t, p, d: event(t, *p, day=d), types_, st.lists(ids_, max_size=5), st.integers(0, 399))


@given(st.lists(events_, max_size=40))
def test_any_history_survives_its_bytes(history: list[Event]) -> None:
    """Whatever happened, decoding gives the same record, unless it was too large to keep whole."""
    shopper, visit = profile(), session()
    for item in history:
        apply(shopper, item, LATER)
        observe(visit, item, LATER)
    stored = encode_profile(shopper)
    assert len(stored) <= PROFILE_MAX_BYTES
    back = decode_profile(stored)
    assert set(back.bought) <= set(shopper.bought)
    assert set(back.viewed) <= set(shopper.viewed)
    if len(back.bought) == len(shopper.bought) and len(back.viewed) == len(shopper.viewed):
        assert back == shopper
    assert decode_session(encode_session(visit)).revision == visit.revision


small_ = st.builds(
    lambda t, p, d, m: event(t, *p, day=d, minute=m),
    types_,
    st.lists(st.sampled_from("abcdef"), max_size=4),
    st.integers(0, 30),
    st.integers(0, 3),
)


@given(st.lists(small_, max_size=60), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_profile(history: list[Event], random: Random) -> None:
    """Purchases before and after their returns, views and orders late: what is remembered is the same."""
    shuffled = random.sample(history, len(history))
    forth, back = profile(), profile()
    for one, other in zip(history, shuffled, strict=True):
        apply(forth, one, LATER)
        apply(back, other, LATER)
    assert forth == back
    assert list(forth.viewed) == list(back.viewed)


@given(st.lists(st.tuples(small_, st.booleans()), max_size=60))
def test_merging_two_histories_is_as_if_there_had_been_one(history: list[tuple[Event, bool]]) -> None:
    """Whatever part of it happened on another device."""
    here, there, whole = profile(), profile(), profile()
    for item, elsewhere in history:
        apply(there if elsewhere else here, item, LATER)
        apply(whole, item, LATER)
    merge(here, there)
    assert here == whole


def test_merging_leaves_the_other_history_alone() -> None:
    """It is kept beside the merged one, to undo the merge."""
    here, there = profile(), profile()
    apply(there, event("purchase-complete", "milk"), LATER)
    kept = encode_profile(there)
    merge(here, there)
    apply(here, event("purchase-complete", "milk", minute=1), LATER)
    assert encode_profile(there) == kept


def test_every_event_type_changes_the_profile() -> None:
    """What is not a purchase, a return or a look is at least counted by its type, and comes back from the bytes."""
    for type_ in EVENT_TYPES:
        shopper = profile()
        apply(shopper, event(type_, "milk"), LATER)
        assert decode_profile(encode_profile(shopper)).tally == {type_: 1}


def test_long_ids_are_cut_to_the_byte_limit_weakest_first() -> None:
    """A shop with 100-letter SKUs keeps fewer purchases, the strong ones, and never more bytes."""
    shopper, visit = profile(), session()
    names = [f"{number:03}-" + "".join(chr(97 + (number * 7 + i * i) % 26) for i in range(96)) for number in range(150)]
    apply(shopper, event("purchase-complete", *names), LATER)
    for _ in range(5):
        apply(shopper, event("purchase-complete", names[140], day=1), LATER)
    for name in names:
        apply(shopper, event("detail-page-view", name), LATER)
        observe(visit, event("detail-page-view", name), LATER)
    stored = encode_profile(shopper)
    assert len(stored) <= PROFILE_MAX_BYTES
    assert names[140] in decode_profile(stored).bought
    assert len(encode_session(visit)) <= SESSION_MAX_BYTES
    assert decode_session(encode_session(visit)).viewed[-1] == names[149]


@pytest.mark.parametrize("damage", ["empty", "version", "truncated", "flipped", "random", "other record", "bomb"])
def test_bad_bytes_are_refused_never_half_read(damage: str) -> None:
    """Whatever lies in the store, decoding either gives the record or raises CodecError."""
    shopper = profile()
    apply(shopper, event("purchase-complete", *map(str, range(100))), LATER)
    good = encode_profile(shopper)
    middle = len(good) // 2
    bad = {
        "empty": b"",
        "version": b"\x63" + good[1:],
        "truncated": good[:middle],
        "flipped": good[:middle] + bytes([good[middle] ^ 0xFF]) + good[middle + 1 :],
        "random": bytes(range(256)),
        "other record": encode_session(session()),
        "bomb": b"\x01" + zlib.compress(b"\0" * 10_000_000),
    }[damage]
    with pytest.raises(CodecError):
        decode_profile(bad)


@given(st.binary(max_size=200))
def test_random_bytes_never_crash_the_decoders(data: bytes) -> None:
    """Only CodecError comes out, also for a right version byte."""
    for decode in (decode_profile, decode_session):
        for stored in (data, b"\x01" + data, b"\x01" + zlib.compress(data)):
            with pytest.raises(CodecError):
                decode(stored)


def test_columns_of_different_length_are_refused() -> None:
    """A profile whose columns do not fit together is no profile."""
    body = msgspec.msgpack.encode(["demo", "x", 1, 1, 1, 1, 1, [1, 2], [1], [1], [1], [], [], [1], [], []])
    with pytest.raises(CodecError, match="differ in length"):
        decode_profile(b"\x02" + zlib.compress(body))
