"""What is remembered of a shopper: the profile (long), the session (this visit), and how events change them.

In: events. Out: records of bounded size and their bytes: a version byte, then zlib over msgpack columns. `apply` and
`observe` are the only ways these records change, in serving, in the nightly replay and for every training row.
"""

import math
import zlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from edge.core.errors import CodecError
from edge.core.events import Event

PROFILE_VERSION = 1
SESSION_VERSION = 1
PROFILE_MAX_BYTES = 1_200  # with key and the store's own overhead a shopper stays below 1.5 KB
SESSION_MAX_BYTES = 4_096
BOUGHT_CAP = 200
RECENT_ORDERS = 24  # how many of the last orders are remembered product by product
VIEWED_CAP = 40
SESSION_CAP = 50
_DAY_S = 86_400
_HALF_LIFE_DAYS = 60.0  # of a purchase's weight when room must be made: after two months without, one counts half
_RECENT_MASK = (1 << RECENT_ORDERS) - 1
_INFLATED_MAX = 65_536  # a stored value that inflates past this is an attack, not a profile

StoredId = int | str  # canonical decimal ids are stored as integers: a third of the bytes


class Bought(msgspec.Struct, array_like=True, gc=False):
    """One product's purchases by one shopper; days are unix days.

    `recent` says which of the shopper's last RECENT_ORDERS orders held it: bit 0 is the last one heard of.
    """

    count: int
    first_day: int
    last_day: int
    recent: int = 0


class Profile(msgspec.Struct):
    """A shopper across visits. `bought` and `viewed` map product id to what happened, `viewed` newest last."""

    shop: str
    shopper: str
    revision: int = 0
    updated: int = 0  # unix seconds of the newest event
    orders: int = 0
    first_order_day: int = 0
    last_order_day: int = 0
    bought: dict[str, Bought] = msgspec.field(default_factory=dict)
    viewed: dict[str, int] = msgspec.field(default_factory=dict)  # product id -> unix day


class Session(msgspec.Struct):
    """One visit. `viewed` newest last, each product once; `cart` maps product id to quantity."""

    shop: str
    shopper: str
    revision: int = 0
    updated: int = 0
    viewed: list[str] = msgspec.field(default_factory=list)
    cart: dict[str, int] = msgspec.field(default_factory=dict)
    bought: list[str] = msgspec.field(default_factory=list)


def apply(profile: Profile, event: Event, now: float) -> None:
    """Change the profile by one event, in place. `now` (unix seconds) bounds the event's own clock."""
    at = min(event.time.timestamp(), now)
    day = int(at // _DAY_S)
    profile.revision += 1
    profile.updated = max(profile.updated, int(at))
    match event.type:
        case "purchase-complete":
            _buy(profile, event, day)
        case "return":
            _give_back(profile, event)
        case "detail-page-view" | "add-to-cart" | "wishlist-add":
            for line in event.products:
                _append_newest(profile.viewed, line.product_id, day, VIEWED_CAP)


def _buy(profile: Profile, event: Event, day: int) -> None:
    profile.first_order_day = min(profile.first_order_day or day, day)
    profile.last_order_day = max(profile.last_order_day, day)
    profile.orders += 1
    bought = profile.bought
    for item in bought.values():
        item.recent = item.recent << 1 & _RECENT_MASK
    for line in event.products:
        known = bought.get(line.product_id)
        if known is None:
            bought[line.product_id] = Bought(1, day, day, 1)
        else:
            known.count += 1
            known.recent |= 1
            known.first_day = min(known.first_day, day)
            known.last_day = max(known.last_day, day)
    if len(bought) > BOUGHT_CAP:
        # Some slack, so that a full profile is not sorted again at each basket.
        profile.bought = _strongest(bought, profile.last_order_day, BOUGHT_CAP * 9 // 10)


def _give_back(profile: Profile, event: Event) -> None:
    for line in event.products:
        known = profile.bought.get(line.product_id)
        if known is not None:
            known.count -= 1
            if known.count <= 0:
                del profile.bought[line.product_id]


def _strongest(bought: dict[str, Bought], today: int, keep: int) -> dict[str, Bought]:
    """The purchases most likely to matter again: many, and not long ago."""

    def weight(item: tuple[str, Bought]) -> float:
        return item[1].count * math.exp2((item[1].last_day - today) / _HALF_LIFE_DAYS)

    return dict(sorted(bought.items(), key=weight, reverse=True)[:keep])


def _append_newest(newest_last: dict[str, int], product_id: str, value: int, cap: int) -> None:
    newest_last.pop(product_id, None)
    newest_last[product_id] = value
    while len(newest_last) > cap:
        del newest_last[next(iter(newest_last))]


def observe(session: Session, event: Event, now: float) -> None:
    """Change the visit by one event, in place."""
    session.revision += 1
    session.updated = max(session.updated, int(min(event.time.timestamp(), now)))
    for line in event.products:
        product_id = line.product_id
        match event.type:
            case "detail-page-view" | "wishlist-add":
                if product_id in session.viewed:
                    session.viewed.remove(product_id)
                session.viewed.append(product_id)
            case "add-to-cart":
                session.cart[product_id] = min(session.cart.get(product_id, 0) + line.quantity, 10_000)
            case "remove-from-cart":
                left = session.cart.get(product_id, 0) - line.quantity
                if left > 0:
                    session.cart[product_id] = left
                else:
                    session.cart.pop(product_id, None)
            case "purchase-complete":
                session.cart.pop(product_id, None)
                if product_id not in session.bought:
                    session.bought.append(product_id)
    del session.viewed[:-SESSION_CAP], session.bought[:-SESSION_CAP]
    for product_id in list(session.cart)[:-SESSION_CAP]:
        del session.cart[product_id]


# --- bytes -----------------------------------------------------------------------------------------------------------


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
    viewed_days: list[int]
    recent: list[int] = msgspec.field(default_factory=list)  # absent in what was stored before there was such a column


class _SessionColumns(msgspec.Struct, array_like=True):
    shop: str
    shopper: str
    revision: int
    updated: int
    viewed: list[StoredId]
    cart_ids: list[StoredId]
    cart_quantities: list[int]
    bought: list[StoredId]


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
            bought = _strongest(bought, profile.last_order_day, len(bought) * 9 // 10)
        else:
            viewed = dict(list(viewed.items())[-(len(viewed) * 9 // 10) or len(viewed) :])


def _profile_columns(profile: Profile, bought: dict[str, Bought], viewed: dict[str, int]) -> _ProfileColumns:
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
        viewed_days=list(viewed.values()),
        recent=[item.recent for item in bought.values()],
    )


def decode_profile(data: bytes) -> Profile:
    """Read what `encode_profile` wrote. Raises CodecError for anything else; never returns half a profile."""
    columns = _unpack("profile", PROFILE_VERSION, data, _profile_decoder.decode)
    recent = columns.recent or [0] * len(columns.ids)
    lengths = {len(columns.ids), len(columns.counts), len(columns.first_days), len(columns.idle_days), len(recent)}
    if len(lengths) > 1:
        raise CodecError("profile columns differ in length")
    first, last = columns.first_order_day, columns.last_order_day
    rows = zip(columns.ids, columns.counts, columns.first_days, columns.idle_days, recent, strict=True)
    return Profile(
        shop=columns.shop,
        shopper=columns.shopper,
        revision=columns.revision,
        updated=columns.updated,
        orders=columns.orders,
        first_order_day=first,
        last_order_day=last,
        bought={str(id_): Bought(count, first + since, last - idle, held) for id_, count, since, idle, held in rows},
        viewed=dict(zip(map(str, columns.viewed_ids), columns.viewed_days, strict=False)),
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
    )


def _stored(product_id: str) -> StoredId:
    # Only ids that come back letter for letter: no leading zero or sign, ASCII digits, at most 64 bits.
    if product_id.isascii() and product_id.isdigit() and len(product_id) <= 18 and str(int(product_id)) == product_id:
        return int(product_id)
    return product_id


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
