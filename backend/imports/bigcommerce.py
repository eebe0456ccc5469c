"""BigCommerce's past: from its API page by page, or from files of the same objects.

In: the API, or files whose names begin with `orders`, `products`, `categories` or `brands`. Out: parts of plain rows.
Orders come by rising id, a part per page, so that a page is asked for once however often the import is started.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from backend.imports.parts import Part, is_done, write_part
from backend.platforms.bigcommerce import BigCommerce
from backend.platforms.bigcommerce_objects import order_events, read_order, read_product
from backend.platforms.http import PlatformError
from edge.core.bundle import replace_file
from edge.core.errors import UNREADABLE
from training.rules import DataError

_AT_ONCE = 4  # orders whose lines are asked for at the same time
_CURSOR = "cursor"
_Names = Mapping[int, Mapping[str, Any]]


async def stage_api(
    api: BigCommerce,
    work: Path,
    since: datetime | None,
    fetched: Callable[[int], None],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """All orders since then and all products, as parts. `fetched` hears of each page of orders that was asked for."""
    cursor = work / _CURSOR
    last = int(cursor.read_text()) if cursor.exists() else 0
    async for page in api.orders(after_id=last, created_since=since):
        part, last = Part(), max(int(order["id"]) for order in page)
        for at in range(0, len(page), _AT_ONCE):
            whole = await asyncio.gather(*(api.completed(order) for order in page[at : at + _AT_ONCE]))
            for order in whole:
                _take_order(order, part)
            progress(len(whole))
        fetched(len(page))
        write_part(work, f"orders-{last:012}", part)
        replace_file(cursor, str(last).encode())
    if not is_done(work, "products"):
        categories, brands = await api.names("categories"), await api.names("brands")
        part = Part()
        async for product in api.products():
            _take_product(product, categories, brands, part)
        write_part(work, "products", part)


def stage_files(files: Sequence[Path], work: Path, progress: Callable[[int], None] = lambda _: None) -> None:
    """The same from files, a part per file; categories and brands are read first."""
    kinds = {path: _kind(path) for path in files}
    names: dict[str, dict[int, dict[str, Any]]] = {"categories": {}, "brands": {}}
    if set(kinds.values()) <= names.keys():
        raise DataError("none of these files holds orders or products; name those, too")
    for path, kind in kinds.items():
        if kind in names:
            names[kind] |= {int(item["id"]): item for item in _objects(path) if str(item.get("id")).isdecimal()}
            progress(1)
    for number, path in enumerate(files):
        name = f"{kinds[path]}-{number:06}"
        if kinds[path] in names:
            continue
        if not is_done(work, name):
            part = Part()
            for item in _objects(path):
                if kinds[path] == "orders":
                    _take_order(item, part)
                else:
                    _take_product(item, names["categories"], names["brands"], part)
            write_part(work, name, part)
        progress(1)


def _take_order(order: Mapping[str, Any], part: Part) -> None:
    if not isinstance(order.get("products"), list):
        part.skipped["order without its lines (`products` must be the list itself)"] += 1
        return
    try:
        taken = order_events(read_order(order))
    except PlatformError:
        part.skipped["order that cannot be read"] += 1
        return
    part.events += taken.events
    part.skipped.update(taken.skipped)


def _take_product(product: Mapping[str, Any], categories: _Names, brands: _Names, part: Part) -> None:
    try:
        # The catalogue's prices are in the store's currency, which the orders tell.
        part.products.append(read_product(product, categories, brands, ""))
    except PlatformError:
        part.skipped["product that cannot be read"] += 1


def _kind(path: Path) -> str:
    for kind in ("orders", "products", "categories", "brands"):
        if path.name.startswith(kind):
            return kind
    raise DataError(f"{path.name} could be anything; let its name begin with orders, products, categories or brands")


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file: a line each, or a list, or the list under `data` as the API answers."""
    with path.open("rb") as file:
        first = file.readline()
        try:
            if path.suffix == ".jsonl":
                for line in (first, *file):
                    if line.strip():
                        yield msgspec.json.decode(line, type=dict)
                return
            whole = msgspec.json.decode(first + file.read())
        except UNREADABLE as error:
            raise DataError(f"{path.name} is not JSON ({error}); export it again") from error
    items = whole.get("data", whole) if isinstance(whole, dict) else whole
    if isinstance(items, dict):  # a single object
        items = [items]
    if not isinstance(items, list):
        raise DataError(f"{path.name} holds neither objects nor a list of them; export it again")
    yield from (item for item in items if isinstance(item, dict))
