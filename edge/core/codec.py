"""The bytes of profiles and sessions: a version byte, then zlib over msgpack columns, at most so many bytes each.

In: records. Out: bytes as stored, and back. What is foreign, damaged or too large is refused, never half read.
"""

import zlib
from collections.abc import Callable
from itertools import accumulate, pairwise
from operator import sub
from typing import TypeVar

import msgspec

from edge.core.errors import CodecError
from edge.core.events import EVENT_TYPES
from edge.core.profile import Bought, Profile, strongest
from edge.core.session import SESSION_CAP, Session

PROFILE_VERSION = 2
SESSION_VERSION = 1
PROFILE_MAX_BYTES = 1_200  # with key and the store's own overhead a shopper stays below 1.5 KB
SESSION_MAX_BYTES = 4_096
_INFLATED_MAX = 65_536  # a stored value that inflates past this is an attack, not a profile

StoredId = int | str  # canonical decimal ids are stored as integers: a third of the bytes


class _ProfileColumns(msgspec.Struct, array_like=True):
    """How a profile lies in the store: columns compress better than rows, days count from the first one."""

    shop: str
    shopper: str
    revision: int
    updated: int
    orders: int
    first_order_day: int
    last_order_day: int
    ids: list[StoredId]
    counts: list[int]
    first_days: list[int]
    idle_days: list[int]  # last purchase, counted back from the last order
    viewed_ids: list[StoredId]
    viewed_ago: list[int]  # seconds before `updated`
    recent: list[int]
    order_minutes: list[int]  # the first as it is, each other counted back from the one before
    tally: list[int]  # by EVENT_TYPES, without the zeros at the end
    parts: int = 0


class _SessionColumns(msgspec.Struct, array_like=True):
    shop: str
    shopper: str
    revision: int
    updated: int
    viewed: list[StoredId]
    cart_ids: list[StoredId]
    cart_quantities: list[int]
    bought: list[StoredId]
    customer: str = ""
    after: str = ""


_Columns = TypeVar("_Columns")
_encoder = msgspec.msgpack.Encoder()
_profile_decoder = msgspec.msgpack.Decoder(_ProfileColumns)
_session_decoder = msgspec.msgpack.Decoder(_SessionColumns)


def encode_profile(profile: Profile) -> bytes:
    """The profile as stored, at most PROFILE_MAX_BYTES: the weakest purchases go first where it would be more."""
    bought, viewed = profile.bought, profile.viewed
    while True:
        data = _pack(PROFILE_VERSION, _profile_columns(profile, bought, viewed))
        if len(data) <= PROFILE_MAX_BYTES:
            return data
        # Long ids (SKUs, URLs) fill the space with few products; a tenth less each round ends quickly.
        if len(bought) >= len(viewed):
            bought = strongest(bought, profile.last_order_day, len(bought) * 9 // 10)
        else:
            viewed = dict(list(viewed.items())[-(len(viewed) * 9 // 10) or len(viewed) :])


def _profile_columns(profile: Profile, bought: dict[str, Bought], viewed: dict[str, int]) -> _ProfileColumns:
    minutes = profile.order_minutes
    return _ProfileColumns(
        shop=profile.shop,
        shopper=profile.shopper,
        revision=profile.revision,
        updated=profile.updated,
        orders=profile.orders,
        first_order_day=profile.first_order_day,
        last_order_day=profile.last_order_day,
        ids=[_stored(product_id) for product_id in bought],
        counts=[item.count for item in bought.values()],
        first_days=[item.first_day - profile.first_order_day for item in bought.values()],
        idle_days=[profile.last_order_day - item.last_day for item in bought.values()],
        viewed_ids=[_stored(product_id) for product_id in viewed],
        viewed_ago=[profile.updated - at for at in viewed.values()],
        recent=[item.recent for item in bought.values()],
        order_minutes=minutes[:1] + [newer - older for newer, older in pairwise(minutes)],
        tally=_tally(profile.tally),
        parts=profile.parts,
    )


def decode_profile(data: bytes) -> Profile:
    """Read what `encode_profile` wrote. Raises CodecError for anything else; never returns half a profile."""
    columns = _unpack("profile", PROFILE_VERSION, data, _profile_decoder.decode)
    rows = (columns.ids, columns.counts, columns.first_days, columns.idle_days, columns.recent)
    if len({len(row) for row in rows}) > 1 or len(columns.viewed_ids) != len(columns.viewed_ago):
        raise CodecError("profile columns differ in length")
    if len(columns.tally) > len(EVENT_TYPES):
        raise CodecError(f"the profile counts {len(columns.tally)} event types, this program knows {len(EVENT_TYPES)}")
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
        tally={type_: count for type_, count in zip(EVENT_TYPES, columns.tally, strict=False) if count},
        parts=columns.parts,
    )


def encode_session(session: Session) -> bytes:
    """The session as stored, at most SESSION_MAX_BYTES: the oldest views go first where it would be more."""
    keep = SESSION_CAP
    while True:
        cart = list(session.cart.items())[-keep:]
        columns = _SessionColumns(
            shop=session.shop,
            shopper=session.shopper,
            revision=session.revision,
            updated=session.updated,
            viewed=[_stored(product_id) for product_id in session.viewed[-keep:]],
            cart_ids=[_stored(product_id) for product_id, _ in cart],
            cart_quantities=[quantity for _, quantity in cart],
            bought=[_stored(product_id) for product_id in session.bought[-keep:]],
            customer=session.customer,
            after=session.after,
        )
        data = _pack(SESSION_VERSION, columns)
        if len(data) <= SESSION_MAX_BYTES or keep == 1:
            return data
        keep = max(1, keep * 3 // 4)


def decode_session(data: bytes) -> Session:
    """Read what `encode_session` wrote. Raises CodecError for anything else."""
    columns = _unpack("session", SESSION_VERSION, data, _session_decoder.decode)
    return Session(
        shop=columns.shop,
        shopper=columns.shopper,
        revision=columns.revision,
        updated=columns.updated,
        viewed=[str(id_) for id_ in columns.viewed],
        cart=dict(zip(map(str, columns.cart_ids), columns.cart_quantities, strict=False)),
        bought=[str(id_) for id_ in columns.bought],
        customer=columns.customer,
        after=columns.after,
    )


def _tally(tally: dict[str, int]) -> list[int]:
    counts = [tally.get(type_, 0) for type_ in EVENT_TYPES]
    while counts and not counts[-1]:
        counts.pop()
    return counts


def _stored(product_id: str) -> StoredId:
    # Only ids that come back letter for letter: no leading zero or sign, ASCII digits, at most 64 bits.
    digits = product_id.isdigit() and product_id.isascii() and len(product_id) <= 18
    return int(product_id) if digits and (product_id[0] != "0" or product_id == "0") else product_id


def _pack(version: int, columns: object) -> bytes:
    return bytes((version,)) + zlib.compress(_encoder.encode(columns), 6)


def _unpack(what: str, version: int, data: bytes, decode: Callable[[bytes], _Columns]) -> _Columns:
    if not data or data[0] != version:
        found = data[0] if data else "nothing"
        raise CodecError(f"stored {what} has version {found}, this program reads {version}")
    try:
        inflater = zlib.decompressobj()
        body = inflater.decompress(data[1:], _INFLATED_MAX)
        if not inflater.eof:
            raise CodecError(f"stored {what} of {len(data)} bytes is truncated or inflates past {_INFLATED_MAX} bytes")
        return decode(body)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CodecError(f"stored {what} of {len(data)} bytes is unreadable: {error}") from error
