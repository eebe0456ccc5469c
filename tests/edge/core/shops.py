"""Made-up shops for the kernels: indexes of any size, from what they hold.

In: baskets, pairs, categories; or a generator of random numbers. Out: the arrays of an index; shoppers of such a shop.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.index import Index
from edge.core.profile import Bought, Profile
from tests.conftest import csr

TODAY = 20_000
ITEMS, CATEGORIES, BRANDS, SESSIONS = 120, 14, 9, 150
COLUMNS = ("sold", "sold_recently", "trend", "repeat_rate", "gap_days", "price")

Arrays = dict[str, NDArray[Any]]


def arrays_of(
    items: int,
    *,
    baskets: Sequence[Sequence[int]] = (),
    pairs: Mapping[int, Sequence[int]] | None = None,
    category_of: NDArray[np.int32] | None = None,
    members: Mapping[int, Sequence[int]] | None = None,
    kinds: Mapping[int, Sequence[int]] | None = None,
    categories: int = 1,
    dimensions: int = 2,
    others: Mapping[str, NDArray[Any]] | None = None,
) -> Arrays:
    """The arrays of a shop with these orders (oldest first), companions and categories; all else is nothing or 1."""
    orders = {item: [at for at, basket in enumerate(baskets) if item in basket][::-1] for item in range(items)}
    lists = {
        ("category_ptr", "category_items"): csr(_lists(members), categories),
        ("pair_ptr", "pair_items"): csr(_lists(pairs), items),
        ("kind_ptr", "kind_codes"): csr(_lists(kinds), categories),
        ("session_ptr", "session_items"): csr(_lists(dict(enumerate(baskets))), len(baskets)),
        ("item_session_ptr", "item_sessions"): csr(orders, items),
    }
    arrays: Arrays = {name: array for names, both in lists.items() for name, array in zip(names, both, strict=True)}
    met, kin = len(arrays["pair_items"]), len(arrays["kind_codes"])
    per_item = {name: np.zeros(items, np.float32) for name in COLUMNS}
    vectors = np.zeros((items, dimensions), np.float16)
    single = {"as_of": np.array([TODAY], np.float32), "orders": np.array([max(len(baskets), 1)], np.float32)}
    return (
        arrays
        | per_item
        | single
        | {
            "ids": np.array([f"p{item}".encode() for item in range(items)], np.bytes_),
            "category_paths": np.array([f"c{code:02}".encode() for code in range(categories)]),
            "category_of": np.full((items, 3), -1, np.int32) if category_of is None else category_of,
            "brand_of": np.full(items, -1, np.int32),
            "vectors": vectors,
            "tastes": vectors,
            "popular": np.empty(0, np.int32),
            "trending": np.empty(0, np.int32),
            "pair_score": np.ones(met, np.float32),
            "pair_lift": np.ones(met, np.float32),
            "kind_lift": np.ones(kin, np.float32),
        }
        | dict(others or {})
    )


def _lists(rows: Mapping[int, Sequence[int]] | None) -> dict[int, list[int]]:
    return {row: list(values) for row, values in (rows or {}).items()}


def random_shop(rng: np.random.Generator, items: int = ITEMS, steps: int | None = None) -> Index:
    """A shop in which everything may be missing: categories, brands, prices, pairs, orders.

    With `steps` all numbers are multiples of 1 / steps, so that many products are worth the same.
    """
    wide, narrow = rng.integers(-1, 4, items), rng.integers(4, CATEGORIES, items)
    narrow = np.where((wide < 0) | (rng.random(items) < 0.2), -1, narrow)
    category_of = np.stack([wide, narrow, np.full(items, -1)], axis=1).astype(np.int32)
    members = {code: rng.permutation(np.flatnonzero((category_of == code).any(axis=1))) for code in range(CATEGORIES)}
    pairs = {item: rng.choice(items, rng.integers(0, items // 10), replace=False) for item in range(0, items, 2)}
    baskets = [np.sort(rng.choice(items, rng.integers(2, 9), replace=False)) for _ in range(SESSIONS)]
    vectors = rng.normal(size=(2, items, 8))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    arrays = arrays_of(
        items,
        baskets=[basket.tolist() for basket in baskets],
        pairs={item: all_.tolist() for item, all_ in pairs.items()},
        category_of=category_of,
        members={code: all_.tolist() for code, all_ in members.items()},
        kinds={code: rng.choice(CATEGORIES, 3, replace=False).tolist() for code in range(CATEGORIES)},
        categories=CATEGORIES,
        others={
            "brand_of": rng.integers(-1, BRANDS, items).astype(np.int32),
            "vectors": vectors[0].astype(np.float16),
            "tastes": vectors[1].astype(np.float16),
            "popular": rng.permutation(items)[: items * 3 // 4].astype(np.int32),
            "trending": np.arange(3, dtype=np.int32),
        }
        | {name: (rng.random(items) * 9 * (rng.random(items) < 0.8)).astype(np.float32) for name in COLUMNS},
    )
    for name in ("pair_score", "pair_lift", "kind_lift"):
        values = rng.random(len(arrays[name]))
        arrays[name] = (values if steps is None else np.ceil(values * steps) / steps).astype(np.float32)
    return Index.from_arrays(arrays)


def shopper(rng: np.random.Generator, index: Index, most: int = 60) -> Profile:
    """Somebody who bought and viewed much, little or nothing."""
    bought = {}
    for item in rng.choice(len(index.ids), rng.integers(0, most), replace=False).tolist():
        first = int(rng.integers(TODAY - 300, TODAY))
        last = int(rng.integers(first, TODAY))
        bought[index.ids[item]] = Bought(int(rng.integers(1, 6)), first, last, int(rng.integers(0, 2**24)))
    viewed = rng.choice(len(index.ids), rng.integers(0, 10), replace=False).tolist()
    return Profile(
        shop="demo",
        shopper="s",
        orders=int(rng.integers(0, 40)),
        first_order_day=TODAY - 300,
        last_order_day=TODAY - 1,
        bought=bought,
        viewed={index.ids[item]: TODAY for item in viewed},
    )
