"""Bytes of profiles as an attacker, a broken disk or another program would leave them: refused, never half read."""

import zlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core import packing
from edge.core.codec import PROFILE_MAX_BYTES, PROFILE_VERSION, decode_columns, decode_profile, encode_profile
from edge.core.errors import CodecError
from edge.core.profile import BOUGHT_CAP, Bought, Profile

BYTES = bytes((PROFILE_VERSION,))


def full(most: int = BOUGHT_CAP) -> Profile:
    """A shopper with a long history, as real ones are: ids of seven digits, days of a year, recent orders."""
    rng = np.random.default_rng(3)
    profile = Profile("demo", "e204.C6Nq2YprrBFqBH11KT0oBA", 160, 1_794_781_188, 160, 20_416, 20_772)
    for _ in range(most):
        first, last = sorted(rng.integers(20_416, 20_773, 2).tolist())
        recent = int(rng.integers(0, 2**24) & rng.integers(0, 2**24) & rng.integers(0, 2**24))
        profile.bought[str(rng.integers(800_000, 1_200_000))] = Bought(int(rng.integers(1, 12)), first, last, recent)
    profile.viewed = {"1029743": 1_794_781_000, "SKU-1": 1_794_781_100}
    profile.order_minutes = (29_913_019 - rng.integers(1, 9_000, 24).cumsum()).tolist()
    return profile


GOOD = encode_profile(full())


def read(data: bytes) -> Profile | None:
    """What both readers make of it, which is the same: the profile, or a refusal."""
    try:
        columns = decode_columns(data)
    except CodecError:
        with pytest.raises(CodecError):
            decode_profile(data)
        return None
    profile = decode_profile(data)
    assert (columns.shopper, columns.revision, columns.orders) == (profile.shopper, profile.revision, profile.orders)
    return profile


def test_a_full_profile_takes_no_more_than_it_says() -> None:
    """The cap holds, and within it a long history keeps at least 100 of 200 products of random days."""
    assert len(GOOD) <= PROFILE_MAX_BYTES
    kept = decode_profile(GOOD)
    assert 100 <= len(kept.bought) <= BOUGHT_CAP
    assert kept.bought.items() <= full().bought.items()
    assert (kept.viewed, kept.order_minutes) == (full().viewed, full().order_minutes)


@settings(max_examples=300)
@given(st.integers(0, 8 * len(GOOD) - 1))
def test_no_flipped_bit_goes_unnoticed(bit: int) -> None:
    """Of a record with a flipped bit nothing is believed, unless it only filled up deflate's last byte."""
    data = bytearray(GOOD)
    data[bit // 8] ^= 1 << bit % 8
    assert read(bytes(data)) is None or decode_profile(bytes(data)) == decode_profile(GOOD)


@pytest.mark.parametrize("length", [*range(8), *range(8, len(GOOD), 97), len(GOOD) - 1])
def test_a_truncated_record_is_refused(length: int) -> None:
    """At any length."""
    assert read(GOOD[:length]) is None


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    """As they are, after the right version, deflated after the right version, and of the former version."""
    for version in (b"", BYTES, b"\x02"):
        assert read(version + data) is None
        assert read(version + zlib.compress(data)) is None


def test_what_inflates_without_end_is_refused() -> None:
    """Ten megabytes of zeros in ten kilobytes."""
    assert read(BYTES + zlib.compress(b"\0" * 10_000_000, 9)) is None


def body(**changed: Any) -> bytes:
    """A small profile's bytes, some of its fields changed."""
    fields = {
        "shop": "demo",
        "shopper": "s",
        "revision": 1,
        "updated": 100,
        "orders": 1,
        "first_order_day": 20_000,
        "last_order_day": 20_000,
        "parts": 0,
        "bought": 2,
        "viewed": 1,
        "id_widths": b"\x01",
        "ids": b"\x05\x06\x07",
        "widths": b"\x01\x00\x00\x00",
        "numbers": b"\x01\x02",
        "ago_widths": b"\x01",
        "viewed_ago": b"\x09",
        "order_minutes": [30],
        "tally": [1],
        "texts": [],
    } | changed
    return BYTES + zlib.compress(msgspec.msgpack.encode(list(fields.values())))


def test_the_small_profile_itself_is_read() -> None:
    """So that what the next tests change is what is refused."""
    profile = read(body())
    assert profile is not None
    assert profile.bought == {"5": Bought(1, 20_000, 20_000, 0), "6": Bought(2, 20_000, 20_000, 0)}
    assert profile.viewed == {"7": 91}


@pytest.mark.parametrize(
    "changed",
    [
        {"bought": 3},
        {"bought": -1, "viewed": 4},
        {"viewed": -1},
        {"viewed": 2},
        {"bought": 2**62, "viewed": 0, "id_widths": b"\0", "ids": b"", "widths": b"\0\0\0\0", "numbers": b""},
        {"bought": 2**63},
        {"id_widths": b""},
        {"id_widths": b"\x01\x00"},
        {"id_widths": b"\x03"},
        {"id_widths": b"\x09", "ids": bytes(27)},
        {"ids": b"\x05\x06"},
        {"widths": b"\x01\x00\x00"},
        {"widths": b"\x01\x00\x00\x00\x00"},
        {"widths": b"\x05\x00\x00\x00", "numbers": bytes(10)},
        {"numbers": b"\x01\x02\x03"},
        {"ago_widths": b""},
        {"viewed_ago": b""},
        {"first_order_day": 2**40},
        {"first_order_day": -(2**31)},
        {"tally": [0] * 99},
        {"texts": ["a"]},
        {"texts": "a"},
        {"shopper": 5},
        {"shopper": b"\xff"},
        {"orders": "1"},
        {"orders": None},
    ],
)
def test_columns_that_do_not_fit_are_refused(changed: dict[str, Any]) -> None:
    """Numbers of columns, of products, of bytes, of texts; kinds; and columns of nothing without end."""
    data = body(**changed)
    for decode in (decode_columns, decode_profile):
        if changed in ({"viewed_ago": b""}, {"tally": [0] * 99}) and decode is decode_columns:
            continue  # the request path reads neither
        with pytest.raises(CodecError):
            decode(data)


fields = st.fixed_dictionaries(
    {},
    optional={
        "bought": st.integers(-(2**63), 2**64 - 1) | st.integers(-2, 9),
        "viewed": st.integers(-2, 9),
        "id_widths": st.binary(max_size=2),
        "ids": st.binary(max_size=40),
        "widths": st.binary(min_size=3, max_size=5) | st.lists(st.integers(0, 4), min_size=4, max_size=4).map(bytes),
        "numbers": st.binary(max_size=40),
        "ago_widths": st.binary(max_size=2),
        "viewed_ago": st.binary(max_size=20),
        "first_order_day": st.integers(-(2**63), 2**64 - 1),
        "order_minutes": st.lists(st.integers(-(2**63), 2**63), max_size=4),
        "texts": st.lists(st.text(max_size=5), max_size=3),
        "tally": st.lists(st.integers(-5, 5), max_size=30),
    },
)


@settings(max_examples=400)
@given(fields)
def test_a_record_that_somebody_made_up_does_no_harm(changed: dict[str, Any]) -> None:
    """Well-formed msgpack with any numbers: read or refused, and what is read has columns of one length."""
    data = body(**changed)
    for decode in (decode_columns, decode_profile):
        try:
            decode(data)
        except CodecError:
            continue
    try:
        columns = decode_columns(data)
    except CodecError:
        return
    assert len(columns.keys) == columns.numbers.shape[1] + len(columns.viewed)
    assert int((columns.keys < 0).sum()) >= len(columns.texts)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@given(data=st.data())
def test_planes_come_back_as_they_went(kind: type[Any], data: st.DataObject) -> None:
    """Any numbers, in any number of rows and columns."""
    limits = np.iinfo(kind)
    n = data.draw(st.integers(0, 6))
    row = st.lists(st.integers(limits.min, limits.max) | st.integers(0, 300), min_size=n, max_size=n)
    rows = np.array(data.draw(st.lists(row, min_size=1, max_size=4)), kind)
    used, packed = packing.planes(rows)
    np.testing.assert_array_equal(packing.unplanes(used, packed, n, kind), rows)
    assert len(packed) == n * sum(used)
