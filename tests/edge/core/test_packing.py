"""What stored records may say: numbers beyond it make a record damaged, before any array is made of them."""

import msgspec
import pytest

from edge.core.codec import decode_columns, decode_profile, encode_profile
from edge.core.errors import CodecError
from edge.core.packing import pack, unpack
from edge.core.profile import Bought, Profile

FIELDS = {"first_order_day": 5, "last_order_day": 6, "bought": 8, "viewed": 9}
GOOD = Profile("demo", "k1.a", orders=1, first_order_day=9, last_order_day=9, bought={"1": Bought(1, 9, 9)})


def changed(field: str, value: object) -> bytes:
    """A stored profile with another value in one place."""
    columns = unpack("profile", encode_profile(GOOD)[0], encode_profile(GOOD), msgspec.msgpack.decode)
    assert isinstance(columns, list)
    columns[FIELDS[field]] = value
    return pack(encode_profile(GOOD)[0], columns)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**63 - 1, -(2**63), float("nan"), float("inf"), "9", None])
@pytest.mark.parametrize("field", ["first_order_day", "last_order_day"])
def test_days_beyond_all_bounds_are_damage(field: str, value: object) -> None:
    """Said as such, to the request path and to the backend."""
    for decode in (decode_columns, decode_profile):
        with pytest.raises(CodecError, match="unreadable"):
            decode(changed(field, value))


@pytest.mark.parametrize("field", ["bought", "viewed"])
def test_no_memory_is_taken_for_a_number_of_products(field: str) -> None:
    """A record of no bytes that claims a million million products is refused before anything is made of it."""
    for value in (-1, 65_537, 2**40):
        with pytest.raises(CodecError):
            decode_columns(changed(field, value))


def test_what_lies_within_is_read() -> None:
    """The bounds concern damage alone."""
    assert decode_profile(encode_profile(GOOD)) == GOOD
    assert decode_columns(changed("first_order_day", 2**31 - 1)).first_order_day == 2**31 - 1
