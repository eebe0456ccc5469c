"""How records are cut to their bytes: which products go, and that the rest come back unchanged."""

import random

import pytest

from edge.core.codec import (
    PROFILE_MAX_BYTES,
    SESSION_MAX_BYTES,
    decode_profile,
    decode_session,
    encode_profile,
    encode_session,
)
from edge.core.profile import BOUGHT_CAP, VIEWED_CAP, Bought, Profile
from edge.core.session import SESSION_CAP, Session

TODAY = 20_000


def long_ids(count: int, length: int = 100, seed: int = 7) -> list[str]:
    """Ids that do not compress: as long as URLs, nothing in common."""
    rng = random.Random(seed)
    return [rng.randbytes(length // 2).hex() for _ in range(count)]


def profile(bought: list[str], viewed: list[str]) -> Profile:
    """A shopper with these products, the first bought ones most often."""
    purchases = {id_: Bought(len(bought) - place, TODAY - 50, TODAY) for place, id_ in enumerate(bought)}
    views = {id_: TODAY - len(viewed) + place for place, id_ in enumerate(viewed)}
    return Profile("demo", "k1.someone", 9, 1, 5, TODAY - 50, TODAY, purchases, views)


def test_a_long_list_of_views_is_cut_from_its_oldest() -> None:
    """Nothing bought: the newest views stay, in their order, and the count of orders is untouched."""
    whole = profile([], long_ids(VIEWED_CAP))
    data = encode_profile(whole)
    assert len(data) <= PROFILE_MAX_BYTES
    kept = decode_profile(data)
    assert 0 < len(kept.viewed) < VIEWED_CAP
    assert list(kept.viewed.items()) == list(whole.viewed.items())[-len(kept.viewed) :]
    assert (kept.orders, kept.revision, kept.bought) == (5, 9, {})


def test_the_longer_of_the_two_lists_is_cut_first() -> None:
    """A few purchases outlive many views, and the other way round."""
    few, many = long_ids(3, seed=1), long_ids(VIEWED_CAP, seed=2)
    kept = decode_profile(encode_profile(profile(few, many)))
    assert list(kept.bought) == few
    assert list(kept.viewed) == many[-len(kept.viewed) :] != many
    kept = decode_profile(encode_profile(profile(many, few)))
    assert list(kept.viewed) == few
    assert list(kept.bought) == many[: len(kept.bought)] != many


def test_encoding_does_not_change_the_profile() -> None:
    """What is cut is cut from the bytes; the record in hand stays whole."""
    whole = profile(long_ids(BOUGHT_CAP, seed=3), long_ids(VIEWED_CAP, seed=4))
    encode_profile(whole)
    assert (len(whole.bought), len(whole.viewed)) == (BOUGHT_CAP, VIEWED_CAP)


def test_what_was_cut_once_fits_as_it_is() -> None:
    """Reading and writing again loses nothing more."""
    once = decode_profile(encode_profile(profile(long_ids(50), long_ids(40, seed=5))))
    assert decode_profile(encode_profile(once)) == once


@pytest.mark.parametrize("length", [1_100, 4_000])
def test_ids_longer_than_the_record_leave_an_empty_profile(length: int) -> None:
    """Even one such product fits nowhere: the shopper is still known, with the number of orders."""
    kept = decode_profile(encode_profile(profile(long_ids(1, 4 * length), long_ids(2, 4 * length, seed=8))))
    assert (kept.bought, kept.viewed, kept.orders) == ({}, {}, 5)


def test_a_visit_of_long_ids_keeps_the_newest_of_every_list() -> None:
    """Views, cart and purchases are cut alike, from the oldest."""
    viewed, cart, bought = (long_ids(SESSION_CAP, seed=seed) for seed in (1, 2, 3))
    data = encode_session(Session("demo", "k1.someone", 3, 4, viewed, dict.fromkeys(cart, 2), bought))
    assert len(data) <= SESSION_MAX_BYTES
    kept = decode_session(data)
    count = len(kept.viewed)
    assert 1 < count < SESSION_CAP
    assert (kept.viewed, list(kept.cart), kept.bought) == (viewed[-count:], cart[-count:], bought[-count:])
    assert set(kept.cart.values()) == {2}
