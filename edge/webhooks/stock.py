"""Which products can be bought, from messages that each tell a part: products with variants, and levels by location.

In: listings and levels, in any order. Out: a `Change` for the catalogue. The hash `i:{shop}` keeps what was told last
of each product and each inventory item, so that the outcome depends on what was told and not on when it came.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from redis.asyncio import Redis

from edge.changes import BusyProductError, Field, write_change
from edge.core.errors import UNREADABLE
from edge.core.keys import stock_key
from edge.core.products import Change, Product

_ATTEMPTS = 50  # each failure means that somebody else changed this very product in between

Outcome = Literal["taken", "stale", "unknown"]


class Variant(msgspec.Struct, frozen=True, array_like=True):
    """One variant: its inventory item, how many there are (None: not told), and whether it sells without stock."""

    id: str
    item: str | None
    price: float
    compare_at_price: float | None
    quantity: int | None
    endless: bool


class Listing(msgspec.Struct, frozen=True, array_like=True):
    """A product as told at `time` (unix seconds). `card` is None, and `gone` true, once it is deleted."""

    id: str
    time: float
    card: Product | None
    variants: tuple[Variant, ...] = ()
    on_sale: bool = True
    gone: bool = False


class Level(msgspec.Struct, frozen=True, array_like=True):
    """How many of an inventory item one location has, since `time`; `available` None: nobody counts there."""

    item: str
    location: str
    available: int | None
    time: float


class _Item(msgspec.Struct, frozen=True, array_like=True):
    """An inventory item: the product it belongs to, empty while unknown, and its newest level by location."""

    product: str
    levels: dict[str, tuple[int | None, float]]


_Record = TypeVar("_Record", Listing, _Item)


async def list_product(redis: "Redis", shop: str, listing: Listing) -> Outcome:
    """Take a product in. Raises BusyProductError, and what the client raises."""
    return await _until_written(listing.id, lambda: _list_once(redis, shop, listing))


async def set_level(redis: "Redis", shop: str, level: Level) -> Outcome:
    """Take a level in; `unknown` when no product is known to have the item: it counts once one has. Raises likewise."""
    return await _until_written(level.item, lambda: _level_once(redis, shop, level))


async def _until_written(name: str, attempt: Callable[[], Awaitable[Outcome | None]]) -> Outcome:
    for _ in range(_ATTEMPTS):
        if outcome := await attempt():
            return outcome
    raise BusyProductError(f"{name} kept changing under {_ATTEMPTS} attempts; send it again")


async def _list_once(redis: "Redis", shop: str, listing: Listing) -> Outcome | None:
    items = [variant.item for variant in listing.variants if variant.item]
    stored = await _read(redis, shop, [_product_field(listing.id), *map(_item_field, items)])
    known = _decoded(stored[_product_field(listing.id)], Listing)
    if known is not None and not listing.gone and (known.gone or known.time >= listing.time):
        return "stale"
    found = {item: _decoded(stored[_item_field(item)], _Item) or _Item("", {}) for item in items}
    owned = {item: _Item(listing.id, one.levels) for item, one in found.items()}
    after: dict[str, Listing | _Item] = {_item_field(item): one for item, one in owned.items()}
    after[_product_field(listing.id)] = listing
    return "taken" if await _write(redis, shop, _change(listing, owned), stored, after) else None


async def _level_once(redis: "Redis", shop: str, level: Level) -> Outcome | None:
    field = _item_field(level.item)
    stored = await _read(redis, shop, [field])
    item = _decoded(stored[field], _Item) or _Item("", {})
    known = item.levels.get(level.location)
    if known is not None and known[1] >= level.time:
        return "stale"
    item = _Item(item.product, item.levels | {level.location: (level.available, level.time)})
    listing = None
    if item.product:
        stored |= await _read(redis, shop, [_product_field(item.product)])
        listing = _decoded(stored[_product_field(item.product)], Listing)
    change = None
    if listing is not None and not listing.gone:
        others = [variant.item for variant in listing.variants if variant.item and variant.item != level.item]
        stored |= await _read(redis, shop, [_item_field(other) for other in others])
        found = {other: _decoded(stored[_item_field(other)], _Item) or _Item("", {}) for other in others}
        change = _change(listing, {**found, level.item: item})
    if not await _write(redis, shop, change, stored, {field: item}):
        return None
    return "taken" if listing else "unknown"


def _change(listing: Listing, items: Mapping[str, _Item]) -> Change:
    """What shoppers see of a product, from all that is known."""
    if listing.card is None:
        return Change(listing.id, listing.time, available=False)
    on_hand = [variant for variant in listing.variants if _in_stock(variant, items, listing.time)]
    shown = next(iter(on_hand or listing.variants), None)
    available = listing.on_sale and bool(on_hand)
    card = msgspec.structs.replace(listing.card, available=available)
    if shown is not None:
        card = msgspec.structs.replace(
            card, variant_id=shown.id, price=shown.price, compare_at_price=shown.compare_at_price
        )
    times = [time for item in items.values() for _, time in item.levels.values()]
    newest = max([listing.time, *times])
    return Change(
        listing.id,
        newest,
        available=available,
        product=card,
        product_time=listing.time,
    )


def _in_stock(variant: Variant, items: Mapping[str, _Item], told: float) -> bool:
    """Whether it sells without stock, or the newer of the product's own count and the locations' sum is above zero."""
    item = items.get(variant.item or "")
    levels = item.levels if item else {}
    if variant.endless or any(available is None for available, _ in levels.values()):
        return True
    if levels and (variant.quantity is None or max(time for _, time in levels.values()) > told):
        return sum(available or 0 for available, _ in levels.values()) > 0
    return variant.quantity is None or variant.quantity > 0


# --- the hash --------------------------------------------------------------------------------------------------------


async def _read(redis: "Redis", shop: str, fields: Iterable[str]) -> dict[str, bytes]:
    names = list(dict.fromkeys(fields))
    values: Any = await redis.hmget(stock_key(shop), names) if names else []
    return {name: value or b"" for name, value in zip(names, values, strict=True)}


async def _write(
    redis: "Redis", shop: str, change: Change | None, before: Mapping[str, bytes], after: Mapping[str, Listing | _Item]
) -> bool:
    """Write what was worked out, if all that was read for it still stands."""
    fields: list[Field] = [
        (name, data, msgspec.msgpack.encode(after[name]) if name in after else data) for name, data in before.items()
    ]
    return await write_change(redis, shop, change, fields, hash_key=stock_key(shop))


def _decoded(data: bytes, type_: type[_Record]) -> _Record | None:
    """A stored record; None when there is none, or it is not one of this version: the next message brings it anew."""
    if not data:
        return None
    try:
        return msgspec.msgpack.decode(data, type=type_)
    except UNREADABLE:
        return None


def _product_field(product_id: str) -> str:
    return f"p:{product_id}"


def _item_field(item: str) -> str:
    return f"i:{item}"
