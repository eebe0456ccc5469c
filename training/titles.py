"""Product names people understand, from the till's shorthand.

In: what The Complete Journey says of each product. Out: title, category path, brand and handle, titles told apart.
"""

import re
from dataclasses import dataclass


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


@dataclass(frozen=True)
class Described:
    """One product as a shopper reads it."""

    id: str
    title: str
    category: str
    brand: str
    handle: str


def describe_products(products: list[RawProduct]) -> list[Described]:
    """Thin."""
    out = []
    for p in products:
        t = f"{p.type.title()} {p.size}".strip() + f" ({p.id})"
        path = " > ".join(x.title() for x in (p.department, p.category, p.type) if x)
        h = re.sub(r"[^a-z0-9]+", "-", t.lower()).strip("-")
        out.append(Described(p.id, t, path, "Store brand" if p.store_brand else f"Brand {p.maker}", h))
    return out
