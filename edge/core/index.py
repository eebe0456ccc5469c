"""The index: the read-only arrays of one bundle that candidates and features are computed from.

In: the arrays `training.index` writes (`ARRAYS` names them, with their kinds). Out: `Index`, which checks that they fit
together, and `gather`, which reads many rows of a CSR pair at once. Nothing is copied, and nothing per product is a
Python object: processes that map the same bundle share its pages.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge.core.checks import check_kinds, check_length, check_rows, check_targets, texts
from edge.core.compiled.arrays import Arrays
from edge.core.derived import DERIVED, derive, numbers, width
from edge.core.errors import BundleError
from edge.core.ids import Ids, Positions
from edge.core.memo import Memo

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Places = NDArray[np.intp]

LEVELS = 3  # of a category path that count, wide to narrow
SEPARATOR = " > "

# name -> (kind of dtype, dimensions). N items, C categories; `*_ptr` are CSR row starts, one more than rows.
ARRAYS: dict[str, tuple[str, int]] = {
    "ids": ("S", 1),  # N product ids, UTF-8
    "category_paths": ("S", 1),  # C paths such as `a > b`, UTF-8, wide before narrow: the narrowest code is the largest
    "category_of": ("i", 2),  # N x LEVELS codes of the path cut after 1, 2, 3 names; -1 where it ends sooner
    "category_ptr": ("i", 1),  # category -> its best products
    "category_items": ("i", 1),
    "brand_of": ("i", 1),  # N codes, -1 unknown
    "price": ("f", 1),  # N, per unit, typical; 0 unknown
    "sold": ("f", 1),  # N, orders with the product over the whole window
    "sold_recently": ("f", 1),  # N, orders of the last RECENT_DAYS, newer ones weighing more
    "trend": ("f", 1),  # N, recent daily orders over earlier ones, as a shrunk log ratio
    "repeat_rate": ("f", 1),  # N, share of its buyers who bought it again, shrunk
    "gap_days": ("f", 1),  # N, median days between two purchases by one shopper; 0 unknown
    "vectors": ("f", 2),  # N x D unit vectors of the company a product is bought in; zero where too little is known
    "tastes": ("f", 2),  # N x D unit vectors of the shoppers who buy it, likewise
    "popular": ("i", 1),
    "trending": ("i", 1),
    "pair_ptr": ("i", 1),  # item -> products bought together with it beyond chance
    "pair_items": ("i", 1),
    "pair_score": ("f", 1),  # shrunk cosine, 0..1
    "pair_lift": ("f", 1),  # log of orders together over orders expected together
    "kind_ptr": ("i", 1),  # narrow category -> narrow categories bought in the same orders beyond chance
    "kind_codes": ("i", 1),
    "kind_lift": ("f", 1),  # log of orders with both over orders expected with both
    "session_ptr": ("i", 1),  # session (oldest first) -> its products
    "session_items": ("i", 1),
    "item_session_ptr": ("i", 1),  # item -> its most recent sessions, newest first
    "item_sessions": ("i", 1),
    "as_of": ("f", 1),  # one unix day: the first day the index knows nothing of
    "orders": ("f", 1),  # one number: orders in the window
}
# CSR row starts -> (values in the same order, what a row stands for, what a value points at).
_ROWS = {
    "category_ptr": (("category_items",), "category_paths", "ids"),
    "pair_ptr": (("pair_items", "pair_score", "pair_lift"), "ids", "ids"),
    "kind_ptr": (("kind_codes", "kind_lift"), "category_paths", "category_paths"),
    "session_ptr": (("session_items",), "", "ids"),
    "item_session_ptr": (("item_sessions",), "ids", "session_ptr"),
}
_PER_ITEM = (
    "category_of",
    "brand_of",
    "price",
    "sold",
    "sold_recently",
    "trend",
    "repeat_rate",
    "gap_days",
    "vectors",
    "tastes",
)


class Tables(threading.local):
    """A thread's table for `distinct`, kept: a new one for each call would cost page faults as the shop grows."""

    def __init__(self) -> None:
        self._table: Ints = np.empty(0, np.int32)

    def of(self, reach: int) -> Ints:
        """A table with a place for each code below `reach`; what stands in it is left over."""
        if len(self._table) < reach:
            self._table = np.zeros(reach, np.int32)
        return self._table


@dataclass(frozen=True, eq=False)
class Index:
    """Read-only arrays of one bundle; see ARRAYS for what each holds. Positions are rows of the item arrays."""

    ids: Ids = field(repr=False)
    position: Positions = field(repr=False)
    category_paths: list[str] = field(repr=False)
    category_code: dict[str, int] = field(repr=False)
    category_of: Ints = field(repr=False)
    category_ptr: Ints = field(repr=False)
    category_items: Ints = field(repr=False)
    brand_of: Ints = field(repr=False)
    brands: int
    price: Floats = field(repr=False)
    sold: Floats = field(repr=False)
    sold_recently: Floats = field(repr=False)
    trend: Floats = field(repr=False)
    repeat_rate: Floats = field(repr=False)
    gap_days: Floats = field(repr=False)
    vectors: NDArray[np.float16] = field(repr=False)
    tastes: NDArray[np.float16] = field(repr=False)
    popular: Ints = field(repr=False)
    trending: Ints = field(repr=False)
    pair_ptr: Ints = field(repr=False)
    pair_items: Ints = field(repr=False)
    pair_score: Floats = field(repr=False)
    pair_lift: Floats = field(repr=False)
    kind_ptr: Ints = field(repr=False)
    kind_codes: Ints = field(repr=False)
    kind_lift: Floats = field(repr=False)
    session_ptr: Ints = field(repr=False)
    session_items: Ints = field(repr=False)
    item_session_ptr: Ints = field(repr=False)
    item_sessions: Ints = field(repr=False)
    narrow_of: Ints = field(repr=False)
    products: NDArray[np.uint8] = field(repr=False)
    named_ptr: Ints = field(repr=False)
    named_items: Ints = field(repr=False)
    named_score: Floats = field(repr=False)
    named_lift: Floats = field(repr=False)
    as_of: float
    orders: float
    popular_tastes: Floats = field(repr=False)  # of the products of `popular`
    compiled: Arrays = field(repr=False)  # the same arrays, as kernels read them
    memo: Memo = field(default_factory=Memo, repr=False)  # what pages say to every shopper
    tables: Tables = field(default_factory=Tables, repr=False)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Check and wrap the arrays of a bundle. Raises BundleError naming the array that does not fit."""
        _check(arrays)
        if not DERIVED.keys() <= arrays.keys():  # a bundle of before these were written
            arrays = {**arrays, **derive(arrays)}
        _check_derived(arrays)
        # A memmap pays Python overhead on every operation; its plain view reads the same pages without.
        plain = {name: np.asarray(arrays[name]).view(np.ndarray) for name in (*ARRAYS, *DERIVED)}
        del plain["ids"]
        ids, paths = Ids.from_arrays(arrays), texts("category_paths", plain.pop("category_paths"))
        brands = int(plain["brand_of"].max(initial=-1)) + 1
        popular_tastes = plain["tastes"][plain["popular"]].astype(np.float32)
        kernels = Arrays(plain | {"popular_tastes": popular_tastes}, len(paths), brands)
        return cls(
            ids=ids,
            position=ids.position,
            category_paths=paths,
            category_code={path: code for code, path in enumerate(paths)},
            brands=brands,
            as_of=float(plain.pop("as_of")[0]),
            orders=float(plain.pop("orders")[0]),
            popular_tastes=popular_tastes,
            compiled=kernels,
            memo=Memo(),
            tables=Tables(),
            **plain,
        )

    def positions(self, product_ids: Iterable[str]) -> Ints:
        """Where these products lie; unknown ids are left out, order is kept."""
        return self.ids.positions(product_ids)

    def popular_in(self, category: str) -> Ints:
        """The best of a category path, best first; of the narrowest level known, empty when none is."""
        names = category.split(SEPARATOR)
        for depth in range(min(len(names), LEVELS), 0, -1):
            code = self.category_code.get(SEPARATOR.join(names[:depth]))
            if code is not None:
                return self.category_items[self.category_ptr[code] : self.category_ptr[code + 1]]
        return np.empty(0, np.int32)


def gather(ptr: Ints, rows: NDArray[np.integer[Any]]) -> tuple[Places, Places]:
    """Where the values of several CSR rows lie, row after row, and for each value which of `rows` it belongs to."""
    return spans(ptr[rows], ptr[rows + 1])


def spans(starts: NDArray[np.integer[Any]], ends: NDArray[np.integer[Any]]) -> tuple[Places, Places]:
    """All positions of the half-open spans, one span after the other, and for each which span it belongs to."""
    lengths = ends - starts
    skipped = starts - (lengths.cumsum() - lengths)
    at = skipped.repeat(lengths)
    at += np.arange(len(at))
    return at, np.arange(len(lengths)).repeat(lengths)


def distinct(codes: Ints, table: Ints) -> tuple[Ints, Ints]:
    """The different codes, in order of their last appearance, and for each code its row there.

    `table` has a place for every code there may be, whatever stands in it: sorting costs several times this.
    """
    at = np.arange(len(codes), dtype=np.int32)
    table[codes] = at
    different = codes.compress(table.take(codes) == at)
    table[different] = at[: len(different)]
    return different, table.take(codes)


def _check(arrays: Mapping[str, NDArray[Any]]) -> None:
    check_kinds(arrays, ARRAYS)
    items = len(arrays["ids"])
    for name in _PER_ITEM:
        check_length(arrays, name, items)
    if arrays["category_of"].shape[1] != LEVELS or not arrays["as_of"].shape == arrays["orders"].shape == (1,):
        raise BundleError(f"index arrays 'category_of', 'as_of', 'orders' do not have {LEVELS} columns, 1 and 1 values")
    for name in ("popular", "trending"):
        check_targets(name, arrays[name], items)
    check_targets("category_of", arrays["category_of"], len(arrays["category_paths"]), least=-1)
    check_targets("brand_of", arrays["brand_of"], 2**31, least=-1)
    for name, (values, rows, targets) in _ROWS.items():
        check_rows(arrays, name, values, len(arrays[rows]) if rows else None)
        reach = len(arrays[targets]) - (targets == "session_ptr")
        check_targets(values[0], arrays[values[0]], reach)


def _check_derived(arrays: Mapping[str, NDArray[Any]]) -> None:
    check_kinds(arrays, DERIVED)
    items = len(arrays["ids"])
    check_length(arrays, "narrow_of", items)
    products, wanted = arrays["products"], (items, width(arrays["vectors"].shape[1]))
    if products.dtype != np.uint8 or products.shape != wanted:
        raise BundleError(f"index array 'products' is {products.dtype} of {products.shape}, not uint8 of {wanted}")
    for name, column in numbers(np.ascontiguousarray(products)).items():
        if name != "traits" and not np.array_equal(column, arrays[name]):
            raise BundleError(f"index array 'products' says otherwise than {name!r}; train again")
    check_targets("narrow_of", arrays["narrow_of"], len(arrays["category_paths"]), least=-1)
    check_rows(arrays, "named_ptr", ("named_items", "named_score", "named_lift"), items)
    check_targets("named_items", arrays["named_items"], items)
