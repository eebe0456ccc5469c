"""The bytes of profiles and sessions: at most so many each, versioned, and read into columns or into objects.

In: records. Out: bytes as stored, and back. What is foreign, damaged or too large is refused, never half read. Profiles
of the former version are read, too, and written as the present one when their shopper does something next.
"""

from itertools import accumulate, pairwise
from operator import sub

import msgspec
import numpy as np

from edge.core.columns import ProfileColumns, numbers_of
from edge.core.errors import CodecError
from edge.core.events import EVENT_TYPES
from edge.core.former_profile import VERSION as FORMER_VERSION
from edge.core.former_profile import StoredId, decode_former, stored_id, tally_of
from edge.core.ids import key_of
from edge.core.packing import Count, Number, pack, planes, purchases, unpack, unplanes
from edge.core.profile import Bought, Profile, strongest
from edge.core.session import SESSION_CAP, Session

PROFILE_VERSION = 3
SESSION_VERSION = 1
PROFILE_MAX_BYTES = 1_200  # with key and the store's own overhead a shopper stays below 1.5 KB
SESSION_MAX_BYTES = 4_096
_NO_DAY = -(2**31)
_TEXT = -1  # stands for an id that is no number, and for the next of `texts`


class _StoredProfile(msgspec.Struct, array_like=True):
    """How a profile lies in the store: n products bought, m viewed, numbers in `planes` with their widths."""

    shop: str
    shopper: str
    revision: int
    updated: int
    orders: int
    first_order_day: Number
    last_order_day: Number
    parts: int
    bought: Count  # n
    viewed: Count  # m, newest last
    id_widths: bytes
    ids: bytes  # [1, n + m] int64
    widths: bytes
    numbers: bytes  # [4, n] int32: count, first day after the first order's, days from it to the last, recent orders
    ago_widths: bytes
    viewed_ago: bytes  # [1, m] int64 seconds before `updated`
    order_minutes: list[int]  # the first as it is, each other counted back from the one before
    tally: list[int]  # by EVENT_TYPES, without the zeros at the end
    texts: list[str]


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


class _StoredColumns(_StoredProfile, array_like=True):
    """The same, where only the columns are read."""

    order_minutes: msgspec.Raw  # type: ignore[assignment]  # because it stays as it is
    tally: msgspec.Raw  # type: ignore[assignment]  # because it stays as it is
    texts: list[str]


_profile_decoder = msgspec.msgpack.Decoder(_StoredProfile)
_columns_decoder = msgspec.msgpack.Decoder(_StoredColumns)
_session_decoder = msgspec.msgpack.Decoder(_SessionColumns)


def encode_profile(profile: Profile) -> bytes:
    """The profile as stored, at most PROFILE_MAX_BYTES: the weakest purchases go first where it would be more."""
    bought, viewed = profile.bought, profile.viewed
    while True:
        data = pack(PROFILE_VERSION, _stored_profile(profile, bought, viewed))
        if len(data) <= PROFILE_MAX_BYTES:
            return data
        # Long ids (SKUs, URLs) fill the space with few products; a tenth less each round ends quickly.
        if len(bought) >= len(viewed):
            bought = strongest(bought, profile.last_order_day, len(bought) * 9 // 10)
        else:
            viewed = dict(list(viewed.items())[-(len(viewed) * 9 // 10) or len(viewed) :])


def _stored_profile(profile: Profile, bought: dict[str, Bought], viewed: dict[str, int]) -> _StoredProfile:
    ids = (*bought, *viewed)
    keys = np.fromiter(map(key_of, ids), np.int64, len(ids))
    texts = [ids[at] for at in np.flatnonzero(keys < 0).tolist()]
    numbers = numbers_of(bought)
    numbers[2] -= numbers[1]
    numbers[1] -= profile.first_order_day
    minutes = profile.order_minutes
    id_widths, packed_ids = planes(np.maximum(keys, _TEXT)[None])
    widths, packed_numbers = planes(numbers)
    ago_widths, ago = planes(np.array([[profile.updated - at for at in viewed.values()]], np.int64))
    return _StoredProfile(
        shop=profile.shop,
        shopper=profile.shopper,
        revision=profile.revision,
        updated=profile.updated,
        orders=profile.orders,
        first_order_day=profile.first_order_day,
        last_order_day=profile.last_order_day,
        parts=profile.parts,
        bought=len(bought),
        viewed=len(viewed),
        id_widths=id_widths,
        ids=packed_ids,
        widths=widths,
        numbers=packed_numbers,
        ago_widths=ago_widths,
        viewed_ago=ago,
        order_minutes=minutes[:1] + [newer - older for newer, older in pairwise(minutes)],
        tally=_tally(profile.tally),
        texts=texts,
    )


def decode_columns(data: bytes) -> ProfileColumns:
    """The columns of a stored profile, for reading. Raises CodecError for anything else; never half a profile."""
    if data[:1] == FORMER_VERSION:
        return ProfileColumns.of(decode_former(data))
    return _columns(unpack("profile", PROFILE_VERSION, data, _columns_decoder.decode))


def _columns(stored: _StoredProfile) -> ProfileColumns:
    bought = stored.bought
    if len(stored.id_widths) != 1 or len(stored.widths) != 4 or len(stored.ago_widths) != 1:
        columns = (len(stored.id_widths), len(stored.widths), len(stored.ago_widths))
        raise CodecError(f"a stored profile has {columns} columns")
    if stored.first_order_day == _NO_DAY:
        raise CodecError(f"a stored profile has days from {_NO_DAY} on")
    if bought < 0 or stored.viewed < 0:
        raise CodecError(f"a stored profile has {bought} products and {stored.viewed} views")
    keys = unplanes(stored.id_widths, stored.ids, bought + stored.viewed, np.int64)[0]
    numbers = purchases(stored.widths, stored.numbers, bought, stored.first_order_day)
    if stored.texts:
        at = np.flatnonzero(keys < 0)
        if len(at) != len(stored.texts):
            raise CodecError(f"a stored profile names {len(stored.texts)} ids that are no numbers, and holds {len(at)}")
        keys[at] = [key_of(text) for text in stored.texts]
    return ProfileColumns(
        shop=stored.shop,
        shopper=stored.shopper,
        revision=stored.revision,
        updated=stored.updated,
        orders=stored.orders,
        first_order_day=stored.first_order_day,
        last_order_day=stored.last_order_day,
        parts=stored.parts,
        keys=keys,
        numbers=numbers,
        texts=tuple(stored.texts),
    )


def decode_profile(data: bytes) -> Profile:
    """The profile that `encode_profile` was given, to be changed. Raises CodecError for anything else."""
    if data[:1] == FORMER_VERSION:
        return decode_former(data)
    stored = unpack("profile", PROFILE_VERSION, data, _profile_decoder.decode)
    columns = _columns(stored)
    ago = unplanes(stored.ago_widths, stored.viewed_ago, stored.viewed, np.int64)[0].tolist()
    ids, bought = columns.ids(), stored.bought
    return Profile(
        shop=stored.shop,
        shopper=stored.shopper,
        revision=stored.revision,
        updated=stored.updated,
        orders=stored.orders,
        first_order_day=stored.first_order_day,
        last_order_day=stored.last_order_day,
        bought=dict(zip(ids[:bought], map(Bought, *columns.numbers.tolist()), strict=True)),
        viewed={id_: stored.updated - seconds for id_, seconds in zip(ids[bought:], ago, strict=True)},
        order_minutes=list(accumulate(stored.order_minutes, sub)),
        tally=tally_of(stored.tally),
        parts=stored.parts,
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
            viewed=[stored_id(product_id) for product_id in session.viewed[-keep:]],
            cart_ids=[stored_id(product_id) for product_id, _ in cart],
            cart_quantities=[quantity for _, quantity in cart],
            bought=[stored_id(product_id) for product_id in session.bought[-keep:]],
            customer=session.customer,
            after=session.after,
        )
        data = pack(SESSION_VERSION, columns)
        if len(data) <= SESSION_MAX_BYTES or keep == 1:
            return data
        keep = max(1, keep * 3 // 4)


def decode_session(data: bytes) -> Session:
    """Read what `encode_session` wrote. Raises CodecError for anything else."""
    columns = unpack("session", SESSION_VERSION, data, _session_decoder.decode)
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
