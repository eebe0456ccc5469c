"""What the shop sells, as its pages need it: by id, by handle, by department and aisle, and by words of the title.

In: the catalogue snapshot and, where there is a bundle, how often each product sold. Out: `Goods`, best sellers first
everywhere. Read once at start: the shelves bring live prices, the pages show those of the snapshot.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.core.bundle import read_arrays, read_live
from edge.core.errors import BundleError
from edge.core.index import SEPARATOR
from edge.core.products import Product
from edge.core.snapshot import read_snapshot

OTHER = "More"  # the department of products without one, and the last in every list


@dataclass(frozen=True)
class Aisle:
    """The second level of the category path, with its products, best sellers first."""

    name: str
    slug: str
    products: tuple[Product, ...]


@dataclass(frozen=True)
class Department:
    """The first level of the category path."""

    name: str
    slug: str
    products: tuple[Product, ...]
    aisles: Mapping[str, Aisle] = field(default_factory=dict)  # by slug, in order of the name


@dataclass(frozen=True)
class Goods:
    """The whole range. `products` holds what is available, best sellers first; the look-ups hold everything."""

    products: tuple[Product, ...]
    by_id: Mapping[str, Product]
    by_handle: Mapping[str, Product]
    departments: Mapping[str, Department]  # by slug

    def department_of(self, product: Product) -> Department | None:
        """Where a product stands."""
        return self.departments.get(slug(_levels(product)[0]))

    def popular(self, count: int, *, department: Department | None = None, but: Iterable[str] = ()) -> list[Product]:
        """Best sellers of the shop or of a department, without those of these ids, no two from one narrow category."""
        left_out, seen, found = set(but), set[str](), list[Product]()
        for product in department.products if department else self.products:
            if product.id not in left_out and product.category not in seen:
                seen.add(product.category)
                found.append(product)
                if len(found) == count:
                    break
        return found

    def search(self, text: str) -> list[Product]:
        """Products whose title, brand or category has all words of the text, as beginnings of words."""
        words = re.findall(r"\w+", text.casefold())[:10]
        if not words:
            return []
        starts = [re.compile(rf"\b{re.escape(word)}") for word in words]
        return [one for one in self.products if all(start.search(_text(one)) for start in starts)]


def read_goods(data_dir: Path, shop: str) -> Goods:
    """The range as the data directory holds it. Raises BundleError when there is no catalogue."""
    snapshot = read_snapshot(data_dir / "catalogue" / f"{shop}.cat")
    return arrange(snapshot.products, _sold(data_dir / "bundles", shop))


def arrange(products: Iterable[Product], sold: Mapping[str, float]) -> Goods:
    """Put products in their places. `sold`: how often, by id; what is not in it comes last."""
    everything = sorted(products, key=lambda one: (-sold.get(one.id, 0.0), one.id))
    available = [one for one in everything if one.available]
    placed: dict[str, dict[str, list[Product]]] = defaultdict(lambda: defaultdict(list))
    whole: dict[str, list[Product]] = defaultdict(list)
    for one in available:
        department, aisle = _levels(one)
        whole[department].append(one)
        placed[department][aisle].append(one)
    names = sorted(whole, key=lambda name: (name == OTHER, name))
    return Goods(
        products=tuple(available),
        by_id={one.id: one for one in everything},
        by_handle={one.handle or one.id: one for one in reversed(everything)},  # of one handle, the better seller
        departments={
            slug(name): Department(name, slug(name), tuple(whole[name]), _aisles(placed[name])) for name in names
        },
    )


def slug(text: str) -> str:
    """A name as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "more"


def _aisles(products: Mapping[str, list[Product]]) -> dict[str, Aisle]:
    return {slug(name): Aisle(name, slug(name), tuple(products[name])) for name in sorted(products) if name}


def _levels(product: Product) -> tuple[str, str]:
    levels = [*product.category.split(SEPARATOR), ""]
    return levels[0] or OTHER, levels[1]


def _text(product: Product) -> str:
    return f"{product.title} {product.category} {product.brand}".casefold()


def _sold(bundles: Path, shop: str) -> dict[str, float]:
    """Recent sales by product, from the live bundle's index; none without a bundle."""
    try:
        arrays = read_arrays(bundles / shop / read_live(bundles, shop).live)
    except BundleError:
        return {}
    ids = (id_.decode() for id_ in arrays["ids"].tolist())
    return dict(zip(ids, arrays["sold_recently"].tolist(), strict=True))
