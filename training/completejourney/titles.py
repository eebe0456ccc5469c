"""Product names people understand, from the till's shorthand, and told apart where several would read the same.

In: what The Complete Journey says of each product, and its price. Out: title, category path, brand and handle. The
data hold no brand names, only whether a product is the store's own and a number for its maker; the titles say no more.
"""

import re
from collections import defaultdict
from dataclasses import dataclass

from training.completejourney.departments import shelf
from training.completejourney.kinds import kind
from training.completejourney.sizes import believable, readable_size

# Shelves of produce where goods come packed, so that the size is what a shopper gets.
_PACKED_PRODUCE = {"SALAD MIX", "PROCESSED", "POPCORN", "NUTS", "DRIED FRUIT", "ORGANICS FRUIT & VEGETABLES",
                   "VALUE ADDED FRUIT", "VALUE ADDED VEGETABLES"}  # fmt: skip
_PRODUCE = {"PRODUCE", "TRAVEL & LEISURE"}
_NO_MAKER = "2"  # stands in the data for loose produce, fresh meat, ice: goods of no brand
_OWN = "store brand"
# Said by the size itself where it names the pack.
_PACK_WORDS = re.compile(r",? (Large Pack|Small Pack|Case|Multipack)$")


@dataclass(frozen=True)
class RawProduct:
    """One product as the data name it."""

    id: str
    maker: str
    store_brand: bool
    department: str
    category: str
    type: str
    size: str
    price: float
    lines: int  # how often it was sold


@dataclass(frozen=True)
class Described:
    """One product as a shopper reads it."""

    id: str
    title: str
    category: str
    brand: str
    handle: str


def describe_products(products: list[RawProduct]) -> list[Described]:
    """All products of a shop at once, since a title must differ from every other's."""
    names = {product.id: _name(product) for product in products}
    differences = _differences(products, names)
    return [
        Described(
            id=product.id,
            title=names[product.id] + differences[product.id],
            category=_path(product),
            brand=_brand(product),
            handle=f"{_slug(names[product.id])}-{product.id}",
        )
        for product in products
    ]


def _name(product: RawProduct) -> str:
    name = kind(product.category, product.type)
    size = readable_size(product.size)
    fresh = product.department in _PRODUCE and product.category not in _PACKED_PRODUCE
    if fresh and not believable(size, product.price):
        size = ""
    if " x " in size or "pack" in size:
        name = _PACK_WORDS.sub("", name)
    if not size or ("2 Liter" in name and size == "2 L"):
        return name
    return f"{name}, {size}"


def _differences(products: list[RawProduct], names: dict[str, str]) -> dict[str, str]:
    """What each product's title says in brackets: whose brand it is, and a variety where that does not tell it apart.

    The product of a name that sells best goes without a number, which is what most shoppers mean by that name.
    """
    alike: defaultdict[tuple[str, str], list[RawProduct]] = defaultdict(list)
    brands: defaultdict[str, set[str]] = defaultdict(set)
    for product in products:
        label = _label(product)
        alike[names[product.id], label].append(product)
        brands[names[product.id]].add(label)
    differences = {}
    for (name, label), same in alike.items():
        # The store's own brand is worth saying always, a maker's number only where makers differ.
        words = [label] if label and (label == _OWN or len(brands[name]) > 1) else []
        for rank, product in enumerate(sorted(same, key=lambda one: (-one.lines, one.id)), start=1):
            parts = words if rank == 1 else [*words, f"variety {rank}"]
            differences[product.id] = f" ({', '.join(parts)})" if parts else ""
    return differences


def _label(product: RawProduct) -> str:
    return _OWN if product.store_brand else "" if product.maker == _NO_MAKER else f"Brand {product.maker}"


def _brand(product: RawProduct) -> str:
    return "Store brand" if product.store_brand else _label(product)


def _path(product: RawProduct) -> str:
    levels = [*shelf(product.department, product.category), kind(product.category, product.type)]
    # A level that only repeats the one above it adds nothing.
    return " > ".join(level for at, level in enumerate(levels) if level and level not in levels[:at])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
