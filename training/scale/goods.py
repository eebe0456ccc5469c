"""The products of a made-up shop: a tree of categories, in each a Zipf law of fame, brands by another.

In: how many, a random generator. Out: `Goods`, from which a shop's visits draw, and the file of products.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TREE = (20, 5, 3)  # departments, aisles in each, shelves in each
_ZIPF = 1.0
_BRAND_ZIPF, _BRANDS = 1.3, 400


@dataclass(frozen=True)
class Goods:
    """The products: category by position, and where each category's share of its Zipf law ends."""

    category: Ints
    member: Ints  # positions, category by category, best known first
    ends: Floats  # for each member: its category's number plus the cumulated share up to it
    partner: Ints
    price: Floats
    brand: Ints
    decimal_ids: bool = False

    @classmethod
    def stock(
        cls, count: int, random: np.random.Generator, tree: tuple[int, int, int] = TREE, *, decimal_ids: bool = False
    ) -> "Goods":
        """`count` products over the categories of the tree (departments, aisles in each, shelves in each)."""
        categories = min(math.prod(tree), max(count // 10, 1))
        size = random.dirichlet(np.full(categories, 0.5))
        category = np.sort(random.choice(categories, count, p=size))
        member = random.permutation(count)
        member = member[np.argsort(category[member], kind="stable")]
        first = np.searchsorted(category[member], np.arange(categories + 1))
        rank = np.arange(count) - first[category[member]]
        weight = 1.0 / (rank + 1.0) ** _ZIPF
        total = np.bincount(category[member], weight, categories)
        summed = np.cumsum(weight)
        before = np.concatenate([[0.0], summed])[first[category[member]]]
        ends = category[member] + (summed - before) / total[category[member]]
        price = np.round(random.lognormal(2.0, 0.8, count), 2) + 0.49
        partner = random.permutation(count)
        brand = np.minimum(random.zipf(_BRAND_ZIPF, count), max(count // 50, _BRANDS))
        return cls(category, member, ends, partner, price, brand, decimal_ids)

    def ids(self) -> pa.Array:
        """By position: texts, or the long numbers of a platform."""
        number = np.arange(len(self.price))
        return pa.array(number * 32_768 + 7 * 10**12).cast(pa.string()) if self.decimal_ids else named("p", number, 7)

    def draw(self, categories: Ints, random: np.random.Generator) -> Ints:
        """One product of each of these categories, the famous ones more often."""
        at = np.searchsorted(self.ends, categories + random.random(len(categories)) * (1 - 1e-9), side="right")
        return self.member[np.minimum(at, len(self.member) - 1)]

    def anywhere(self, count: int, random: np.random.Generator) -> Ints:
        """Categories in the proportion of their products."""
        return self.category[random.integers(len(self.category), size=count)]


def named(prefix: str, numbers: Ints, digits: int) -> pa.Array:
    """Texts such as e000000000042: as text they lie in the order of their numbers."""
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(prefix, padded, "")


def write_products(path: Path, goods: Goods, tree: tuple[int, int, int] = TREE) -> None:
    """The products as a prepared data set holds them."""
    shelf = goods.category
    aisle, department = shelf // tree[2], shelf // (tree[2] * tree[1])
    names = [named("Department ", department, 2), named("Aisle ", aisle, 3), named("Shelf ", shelf, 4)]
    number = np.arange(len(shelf))
    blank = pa.repeat("", len(shelf))
    pq.write_table(
        pa.table(
            {
                "id": goods.ids(),
                "title": named("Product ", number, 7),
                "category": pc.binary_join_element_wise(*names, " > "),
                "department": names[0],
                "level1": names[0],
                "level2": names[1],
                "level3": names[2],
                "brand": named("Brand ", goods.brand, 5),
                "price": pa.array(goods.price),
                "compare_at_price": pa.nulls(len(shelf), pa.float64()),
                "currency": pa.repeat("EUR", len(shelf)),
                "available": pa.repeat(True, len(shelf)),
                "handle": blank,
                "url": blank,
                "image": pa.nulls(len(shelf), pa.string()),
                "variant_id": pa.nulls(len(shelf), pa.string()),
                "listed": pa.array(np.zeros(len(shelf), np.int32)),
            }
        ),
        path,
    )
