"""What is remembered of a shopper across visits, and how events change it.

In: events, in any order. Out: a record of bounded size; its bytes are in `codec`. `apply` and `merge` are the only ways
it changes, in the live loop, in the refresh and for every training row. Both give the same whatever the order, as long
as nothing falls off a full profile: sums, least and greatest, and lists kept by the events' own time.
"""

import math

import msgspec

from edge.core.events import Event

BOUGHT_CAP = 200
RECENT_ORDERS = 24  # how many of the last orders are remembered product by product
VIEWED_CAP = 40
_DAY_S = 86_400
_HALF_LIFE_DAYS = 60.0  # of a purchase's weight when room must be made: after two months without, one counts half
_RECENT_MASK = (1 << RECENT_ORDERS) - 1


class Bought(msgspec.Struct, array_like=True, gc=False):
    """One product's purchases by one shopper, less what was returned; days are unix days, 0 while none is known.

    `count` is 0 when all was returned, and below when a return was heard of before its purchase. `recent` says which of
    the shopper's last RECENT_ORDERS orders held it: bit 0 is the newest.
    """

    count: int
    first_day: int
    last_day: int
    recent: int = 0


class Profile(msgspec.Struct):
    """A shopper across visits. `bought` and `viewed` map product id to what happened, `viewed` newest last.

    `parts` says how many histories of devices were merged into this one; they lie beside it, so that it can be undone.
    """

    shop: str
    shopper: str
    revision: int = 0
    updated: int = 0  # unix seconds of the newest event
    orders: int = 0
    first_order_day: int = 0
    last_order_day: int = 0
    bought: dict[str, Bought] = msgspec.field(default_factory=dict)
    viewed: dict[str, int] = msgspec.field(default_factory=dict)  # product id -> unix seconds of the newest look
    order_minutes: list[int] = msgspec.field(default_factory=list)  # unix minutes of the recent orders, newest first
    tally: dict[str, int] = msgspec.field(default_factory=dict)  # event type -> how many
    parts: int = 0


def apply(profile: Profile, event: Event, now: float) -> None:
    """Change the profile by one event, in place. `now` (unix seconds) bounds the event's own clock."""
    at = int(min(event.time.timestamp(), now))
    profile.revision += 1
    profile.updated = max(profile.updated, at)
    profile.tally[event.type] = profile.tally.get(event.type, 0) + 1
    match event.type:
        case "purchase-complete":
            _buy(profile, event, at)
        case "return":
            for line in event.products:
                profile.bought.setdefault(line.product_id, Bought(0, 0, 0)).count -= 1
            _make_room(profile)
        case "detail-page-view" | "add-to-cart" | "wishlist-add":
            for line in event.products:
                _look(profile, line.product_id, at)
            _forget_oldest(profile)


def _buy(profile: Profile, event: Event, at: int) -> None:
    day = at // _DAY_S
    profile.first_order_day = min(profile.first_order_day or day, day)
    profile.last_order_day = max(profile.last_order_day, day)
    profile.orders += 1
    bit = _recent_bit(profile, at // 60)
    for line in event.products:
        known = profile.bought.setdefault(line.product_id, Bought(0, day, day))
        known.count += 1
        known.recent |= bit
        known.first_day = min(known.first_day or day, day)
        known.last_day = max(known.last_day, day)
    _make_room(profile)


def _recent_bit(profile: Profile, minute: int) -> int:
    """Give an order of this minute its place among the recent ones; 0 when it is older than all of a full list.

    Orders of one minute share a place: nothing tells which was first.
    """
    minutes = profile.order_minutes
    place = next((i for i, other in enumerate(minutes) if other <= minute), len(minutes))
    if place < len(minutes) and minutes[place] == minute:
        return 1 << place
    if place >= RECENT_ORDERS:
        return 0
    minutes.insert(place, minute)
    del minutes[RECENT_ORDERS:]
    newer = (1 << place) - 1
    for item in profile.bought.values():
        item.recent = (item.recent & newer) | (item.recent & ~newer) << 1 & _RECENT_MASK
    return 1 << place


def _make_room(profile: Profile) -> None:
    if len(profile.bought) > BOUGHT_CAP:
        # Some slack, so that a full profile is not sorted again at each basket.
        profile.bought = strongest(profile.bought, profile.last_order_day, BOUGHT_CAP * 9 // 10)


def strongest(bought: dict[str, Bought], today: int, keep: int) -> dict[str, Bought]:
    """The purchases most likely to matter again: many, and not long ago."""

    def weight(item: tuple[str, Bought]) -> float:
        return item[1].count * math.exp2((item[1].last_day - today) / _HALF_LIFE_DAYS)

    return dict(sorted(bought.items(), key=weight, reverse=True)[:keep])


def _look(profile: Profile, product_id: str, at: int) -> None:
    viewed = profile.viewed
    if viewed.get(product_id, -1) >= at:
        return
    viewed.pop(product_id, None)
    newest = next(reversed(viewed.items()), None)
    viewed[product_id] = at
    if newest and (newest[1], newest[0]) > (at, product_id):
        profile.viewed = dict(sorted(viewed.items(), key=lambda item: (item[1], item[0])))


def _forget_oldest(profile: Profile) -> None:
    for product_id in list(profile.viewed)[:-VIEWED_CAP]:
        del profile.viewed[product_id]


def merge(profile: Profile, other: Profile) -> None:
    """Add another history of the same person, in place, as if its events had been applied here, too."""
    profile.revision += other.revision
    profile.updated = max(profile.updated, other.updated)
    profile.orders += other.orders
    first_days = [day for day in (profile.first_order_day, other.first_order_day) if day]
    profile.first_order_day = min(first_days, default=0)
    profile.last_order_day = max(profile.last_order_day, other.last_order_day)
    for type_, count in other.tally.items():
        profile.tally[type_] = profile.tally.get(type_, 0) + count
    _merge_bought(profile, other)
    for product_id, at in other.viewed.items():
        _look(profile, product_id, at)
    _forget_oldest(profile)


def _merge_bought(profile: Profile, other: Profile) -> None:
    for minute in other.order_minutes:
        _recent_bit(profile, minute)
    # Each insertion moved the places behind it, so they are looked up once all are in.
    bits = [_recent_bit(profile, minute) if minute in profile.order_minutes else 0 for minute in other.order_minutes]
    for product_id, theirs in other.bought.items():
        recent = sum(bit for place, bit in enumerate(bits) if theirs.recent >> place & 1)
        ours = profile.bought.get(product_id)
        if ours is None:
            profile.bought[product_id] = Bought(theirs.count, theirs.first_day, theirs.last_day, recent)
            continue
        ours.count += theirs.count
        ours.recent |= recent
        ours.first_day = min((day for day in (ours.first_day, theirs.first_day) if day), default=0)
        ours.last_day = max(ours.last_day, theirs.last_day)
    _make_room(profile)
