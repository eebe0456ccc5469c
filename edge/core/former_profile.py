"""Profiles as version 2 wrote them: msgpack columns of numbers. They are read for as long as a profile lives, 400 days.

In: stored bytes. Out: a `Profile`. Nothing writes this version any more.
"""

from itertools import accumulate
from operator import sub

import msgspec

from edge.core.errors import CodecError
from edge.core.events import EVENT_TYPES
from edge.core.packing import Number, unpack
from edge.core.profile import Bought, Profile

_VERSION = 2
VERSION = bytes((_VERSION,))

StoredId = int | str  # canonical decimal ids are stored as integers: a third of the bytes


class _Columns(msgspec.Struct, array_like=True):
    shop: str
    shopper: str
    revision: int
    updated: int
    orders: int
    first_order_day: Number
    last_order_day: Number
    ids: list[StoredId]
    counts: list[Number]
    first_days: list[Number]  # after the first order
    idle_days: list[Number]  # last purchase, counted back from the last order
    viewed_ids: list[StoredId]
    viewed_ago: list[int]  # seconds before `updated`
    recent: list[Number]
    order_minutes: list[int]  # the first as it is, each other counted back from the one before
    tally: list[int]  # by EVENT_TYPES, without the zeros at the end
    parts: int = 0


_decoder = msgspec.msgpack.Decoder(_Columns)


def decode_former(data: bytes) -> Profile:
    """Read a profile of version 2. Raises CodecError for anything else; never returns half a profile."""
    columns = unpack("profile", _VERSION, data, _decoder.decode)
    rows = (columns.ids, columns.counts, columns.first_days, columns.idle_days, columns.recent)
    if len({len(row) for row in rows}) > 1 or len(columns.viewed_ids) != len(columns.viewed_ago):
        raise CodecError("profile columns differ in length")
    first, last = columns.first_order_day, columns.last_order_day
    items = zip(*rows, strict=True)
    looks = zip(columns.viewed_ids, columns.viewed_ago, strict=True)
    return Profile(
        shop=columns.shop,
        shopper=columns.shopper,
        revision=columns.revision,
        updated=columns.updated,
        orders=columns.orders,
        first_order_day=first,
        last_order_day=last,
        bought={str(id_): Bought(count, first + since, last - idle, held) for id_, count, since, idle, held in items},
        viewed={str(id_): columns.updated - ago for id_, ago in looks},
        order_minutes=list(accumulate(columns.order_minutes, sub)),
        tally=tally_of(columns.tally),
        parts=columns.parts,
    )


def tally_of(counts: list[int]) -> dict[str, int]:
    """Event types counted, by EVENT_TYPES. Raises CodecError where there are more than this program knows."""
    if len(counts) > len(EVENT_TYPES):
        raise CodecError(f"the profile counts {len(counts)} event types, this program knows {len(EVENT_TYPES)}")
    return {type_: count for type_, count in zip(EVENT_TYPES, counts, strict=False) if count}


def stored_id(product_id: str) -> StoredId:
    """An id as a number, where it comes back letter for letter from one of 64 bits: no leading zero, no sign."""
    digits = product_id.isdigit() and product_id.isascii() and len(product_id) <= 18
    return int(product_id) if digits and (product_id[0] != "0" or product_id == "0") else product_id
