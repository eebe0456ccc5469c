"""A made-up shop of any size as a prepared data set: millions of events in minutes, with the skew of a real one.

In: a number of events and a seed. Out: the files `training.dataset.open_dataset` opens. Products sell by a Zipf law
within their category and there are more of them the longer one looks (Heaps' law); shoppers come back, each with a few
favourite categories and staples they buy again, some with hundreds of visits and most with a handful; a visit is views,
carts and now and then an order, in which partners sell together. Same arguments, same rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from edge.core.events import PURPOSES
from training import intake
from training.scale.goods import TREE, Goods, Ints, named, write_products
from training.summary import SUMMARY_FILE, Notes, Summary

Orders = Literal["few", "grocer"]

DAYS = 365
_EVENTS_PER_SHOPPER = 38.0
_VISITS = 7.0  # a year, on average; gamma-distributed with the shape below, so that a few come very often
_VISITS_SHAPE = 0.8
_PRODUCTS_PER_ROOT = 20.0  # products = this * sqrt(events): 20,000 at one million, 89,000 at twenty
_FAVOURITES = 3  # categories of a shopper
_STAPLES = 10  # products bought again and again
_LOYAL = 0.85  # share of looks at a favourite category
_BUYS = 0.35  # share of visits that end with an order
_STAPLES_BOUGHT = 2.5  # in such a visit, on average
_TAKEN = 0.25  # share of views that lead to the cart
# Beside staples, lines of a grocer's order: with those nine on average, half of the orders six or fewer.
_MORE, _MORE_SPREAD, _MOST_MORE = 0.75, 1.35, 100
_LOYAL_IN_ORDERS = 0.6
_PARTNER = 0.2  # share of products in an order that bring their partner along
_CONSENTING = 0.9
_BLOCK_SHOPPERS = 20_000
_STEP_S = 25
_HOME, _VIEW, _CART, _PURCHASE = range(4)
_TYPES = ("home-page-view", "detail-page-view", "add-to-cart", "purchase-complete")
_AFTER_ALL = 1_000  # the step of an order: after every view


@dataclass(frozen=True)
class Shape:
    """How large a shop is, and how its people buy."""

    products: int
    shoppers: int
    tree: tuple[int, int, int] = TREE
    orders: Orders = "few"  # what an order holds beside partners: a few staples, or a grocer's basket with a long tail
    decimal_ids: bool = False  # as most platforms number products; else texts

    @classmethod
    def of_events(cls, events: int) -> "Shape":
        """A shop with about so many events; the longer one looks, the more products there are (Heaps' law)."""
        products = max(int(_PRODUCTS_PER_ROOT * events**0.5), 50)
        return cls(products, max(int(events / _EVENTS_PER_SHOPPER), 1))

    @classmethod
    def of_sessions(cls, products: int, sessions: int) -> "Shape":
        """A catalogue and a number of visits that have nothing to do with each other; a shelf holds some 200 products.

        Orders are as large as those of The Complete Journey: nine lines on average, with a long tail.
        """
        departments, aisles, _ = TREE
        tree = (departments, aisles, max(products // (200 * departments * aisles), TREE[2]))
        return cls(products, max(int(sessions / _VISITS), 1), tree, "grocer", decimal_ids=True)


@dataclass
class _Totals:
    """What has been written so far."""

    events: int = 0
    sessions: int = 0
    lines: int = 0
    allowed: int = 0  # lines with consent

    def add(self, table: pa.Table, visits: int) -> None:
        """A block of shoppers; events are numbered through."""
        self.events = int(table["event_id"][-1].as_py()[1:]) + 1
        self.sessions += visits
        self.lines += table.num_rows
        self.allowed += int(pc.sum(table["analytics"]).as_py())

    def summary(self, fingerprint: str, products: int, shoppers: int, first: datetime) -> Summary:
        """What the data set says of itself; `first` is where its year begins."""
        return Summary(
            fingerprint=fingerprint,
            events=self.events,
            lines=self.lines,
            products=products,
            shoppers=shoppers,
            sessions=self.sessions,
            first=first,
            last=first + timedelta(days=DAYS),
            lines_by_consent=dict.fromkeys(PURPOSES, self.allowed),
            rejected={},
            ignored_columns={},
            notes=Notes("made up by training.scale.shop"),
        )


def generate(
    out: Path,
    size: int | Shape,
    *,
    seed: int = 7,
    ends: datetime | None = None,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write a prepared data set of this shape, or of about so many events, into `out`, which must not exist.

    Returns `out`. Peak memory is that of one block of shoppers. `progress` is told the shoppers written so far.
    """
    out.mkdir(parents=True)
    shape = Shape.of_events(size) if isinstance(size, int) else size
    number = size if isinstance(size, int) else shape.products * 10**9 + shape.shoppers
    random = np.random.default_rng([seed, number])
    goods = Goods.stock(shape.products, random, shape.tree, decimal_ids=shape.decimal_ids)
    write_products(out / intake.PRODUCTS_FILE, goods, shape.tree)
    shoppers = shape.shoppers
    first = (ends or datetime(2026, 10, 31, tzinfo=UTC)) - timedelta(days=DAYS)
    totals = _Totals()
    with pq.ParquetWriter(out / intake.LINES_FILE, _SCHEMA, compression="zstd") as file:
        for start in range(0, shoppers, _BLOCK_SHOPPERS):
            block = np.arange(start, min(start + _BLOCK_SHOPPERS, shoppers))
            table, visits = _lines(goods, shape.orders, block, first, totals.events, totals.lines, random)
            file.write_table(table, row_group_size=122_880)
            totals.add(table, visits)
            if progress is not None:
                progress(int(block[-1]) + 1)
    summary = totals.summary(f"{seed:04x}{number % 16**12:012x}", len(goods.price), shoppers, first)
    (out / SUMMARY_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
    return out


def _lines(
    goods: Goods, orders: Orders, shoppers: Ints, first: datetime, events: int, lines: int, random: np.random.Generator
) -> tuple[pa.Table, int]:
    """All rows of some shoppers in the data set's order, and their visits; numbers go on after `events` and `lines`."""
    count = 1 + random.poisson(random.gamma(_VISITS_SHAPE, (_VISITS - 1) / _VISITS_SHAPE, len(shoppers)))
    who = np.repeat(np.arange(len(shoppers)), count)
    second = np.sort(who * (DAYS * 86_400.0) + random.integers(DAYS * 86_400 - 3_600, size=len(who))) % (DAYS * 86_400)
    favourite = goods.anywhere(len(shoppers) * _FAVOURITES, random).reshape(-1, _FAVOURITES)
    of = np.concatenate([_home(who), *_views(goods, orders, who, favourite, random)], axis=1)
    visit, step, kind, product = of
    seconds = second[visit].astype(np.int64) + np.minimum(step, 60) * _STEP_S
    order = np.lexsort((product, step, visit, seconds, who[visit]))
    visit, step, kind, product, seconds = (column[order] for column in (visit, step, kind, product, seconds))
    begins = np.concatenate([[True], (visit[1:] != visit[:-1]) | (step[1:] != step[:-1])])
    event = events + np.cumsum(begins) - 1
    consents = random.random(len(shoppers)) < _CONSENTING
    micros = (int(first.timestamp()) + seconds) * 1_000_000
    columns: dict[str, Any] = {
        "event_id": named("e", event, 12),
        "type": pa.DictionaryArray.from_arrays(pa.array(kind, pa.int8()), list(_TYPES)).cast(pa.string()),
        "time": pa.array(micros, pa.timestamp("us")),
        "day": pa.array(micros // 86_400_000_000, pa.int32()),
        "shopper": _picked(named("c:", shoppers, 9), who[visit]),
        "session_id": named("s", shoppers[who[visit]] * 1_000_000 + visit - np.searchsorted(who, who[visit]), 15),
        "order_id": pc.if_else(pa.array(kind == _PURCHASE), named("o", event, 12), None),
        "product_id": _picked(goods.ids(), product, product >= 0),
        "variant_id": pa.nulls(len(visit), pa.string()),
        "quantity": pa.array(np.ones(len(visit), np.int32)),
        "price": pa.array(goods.price[product], mask=product < 0),
        "currency": pa.repeat("EUR", len(visit)),
        "source": pa.repeat("web", len(visit)),
        **dict.fromkeys(PURPOSES, pa.array(consents[who[visit]])),
        "line": pa.array(lines + 1 + np.arange(len(visit))),
    }
    return pa.table(columns, _SCHEMA), len(who)


def _home(who: Ints) -> Ints:
    """Every visit begins on the homepage. Rows: visit, step, kind, product (-1: none)."""
    visits = np.arange(len(who))
    return np.stack([visits, np.zeros_like(visits), np.full_like(visits, _HOME), np.full_like(visits, -1)])


def _views(goods: Goods, orders: Orders, who: Ints, favourite: Ints, random: np.random.Generator) -> list[Ints]:
    """What is looked at, put in the cart and bought, visit by visit, in the form of `_home`."""
    looks = np.minimum(random.geometric(0.3, len(who)), 30)
    visit = np.repeat(np.arange(len(who)), looks)
    step = 1 + 2 * (np.arange(len(visit)) - np.repeat(np.cumsum(looks) - looks, looks))
    loyal = random.random(len(visit)) < _LOYAL
    category = favourite[who[visit], random.integers(_FAVOURITES, size=len(visit))]
    product = goods.draw(np.where(loyal, category, goods.anywhere(len(visit), random)), random)
    taken = random.random(len(visit)) < _TAKEN
    ordering = random.random(len(who)) < _BUYS
    bought_visit, bought = _basket(goods, orders, who, favourite, ordering, random)
    seen = taken & ordering[visit]
    both = np.stack([np.concatenate([visit[seen], bought_visit]), np.concatenate([product[seen], bought])])
    joined = random.random(both.shape[1]) < _PARTNER
    with_partner = np.concatenate([both, np.stack([both[0, joined], goods.partner[both[1, joined]]])], axis=1)
    order_visit, order_product = np.unique(with_partner, axis=1)
    end = np.full_like(order_visit, _AFTER_ALL)
    return [
        np.stack([visit, step, np.full_like(visit, _VIEW), product]),
        np.stack([visit[taken], step[taken] + 1, np.full_like(visit[taken], _CART), product[taken]]),
        np.stack([order_visit, end, np.full_like(end, _PURCHASE), order_product]),
    ]


def _basket(
    goods: Goods, orders: Orders, who: Ints, favourite: Ints, ordering: NDArray[np.bool_], random: np.random.Generator
) -> tuple[Ints, Ints]:
    """What each order holds: staples, the first of a shopper's far more often than the last; a grocer's, more."""
    staples = goods.draw(np.repeat(favourite, -(-_STAPLES // _FAVOURITES), axis=1)[:, :_STAPLES].ravel(), random)
    staples = staples.reshape(len(favourite), _STAPLES)
    count = np.where(ordering, 1 + random.poisson(_STAPLES_BOUGHT - 1, len(who)), 0)
    visit = np.repeat(np.arange(len(who)), count)
    which = np.minimum(random.geometric(0.3, len(visit)) - 1, _STAPLES - 1)
    product = staples[who[visit], which]
    if orders == "few":
        return visit, product
    size = np.minimum(np.rint(random.lognormal(_MORE, _MORE_SPREAD, len(who))).astype(np.int64), _MOST_MORE)
    more = np.repeat(np.arange(len(who)), np.where(ordering, size, 0))
    loyal = random.random(len(more)) < _LOYAL_IN_ORDERS
    category = favourite[who[more], random.integers(_FAVOURITES, size=len(more))]
    others = goods.draw(np.where(loyal, category, goods.anywhere(len(more), random)), random)
    return np.concatenate([visit, more]), np.concatenate([product, others])


def _picked(names: pa.Array, at: Ints, known: NDArray[np.bool_] | None = None) -> pa.Array:
    mask = None if known is None else ~known
    return names.take(pa.array(np.maximum(at, 0), mask=mask))


_SCHEMA = pa.schema(
    {
        **dict.fromkeys(("event_id", "type"), pa.string()),
        "time": pa.timestamp("us"),
        "day": pa.int32(),
        **dict.fromkeys(("shopper", "session_id", "order_id", "product_id", "variant_id"), pa.string()),
        "quantity": pa.int32(),
        "price": pa.float64(),
        **dict.fromkeys(("currency", "source"), pa.string()),
        **dict.fromkeys(PURPOSES, pa.bool_()),
        "line": pa.int64(),
    }
)
