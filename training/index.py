"""The index arrays of one bundle, from the lines of a dataset up to a day.

In: numbered lines (`training.facts`) and the first day not to be looked at. Out: the arrays that
`edge.core.index.ARRAYS` names. The heavy aggregations are Ibis expressions; NumPy only lays their results out.
"""

from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from ibis.expr.types import Table
from numpy.typing import NDArray

from edge.core.derived import derive
from edge.core.ids import id_arrays
from edge.core.index import LEVELS, SEPARATOR
from training import affinity
from training import engine as engines
from training.facts import Facts
from training.pairs import Meetings, beyond_chance, select
from training.vectors import directions, tastes

Arrays = dict[str, NDArray[Any]]

RECENT_DAYS = 28
_BEFORE_DAYS = 84  # what the recent days are compared with
_HALF_LIFE_DAYS = 14.0
_WHOLE = 1_000_000
_POPULAR = 1_000
_TRENDING = 200
_PER_CATEGORY = 300
_SESSIONS_PER_ITEM = 60
_SESSION_ITEMS = 60  # a longer session says little about any two of its products
_DOUBT = 5.0  # buyers of doubt in a repeat rate, daily orders of doubt in a trend


def build(facts: Facts, meetings: Meetings, until: int) -> Arrays:
    """Every index array, from what happened before day `until` only; `meetings` are those of the same days."""
    items = facts.products.num_rows
    lines = facts.lines.filter(facts.lines.day < until)
    arrays = _catalogue(facts.products) | _sales(facts, lines, until, items)
    arrays |= _popularity(arrays)
    pairs = beyond_chance(meetings)
    ptr, other, score, lift = select(pairs, items)
    arrays |= {"pair_ptr": ptr, "pair_items": other, "pair_score": score, "pair_lift": lift}
    arrays["vectors"] = directions(pairs, items)
    arrays["tastes"] = tastes(facts, until)
    arrays |= affinity.build(facts, arrays["category_of"], len(arrays["category_paths"]), until)
    arrays |= _sessions(facts, lines, items)
    arrays["as_of"] = np.array([until], np.float32)
    orders = int(str(engines.scalar(facts.engine, lines.order.nunique(where=lines.purchase))))
    arrays["orders"] = np.array([orders], np.float32)
    return arrays | derive(arrays)


def _catalogue(products: pa.Table) -> Arrays:
    """Ids, category codes and brands by position."""
    names = [(text or "").split(SEPARATOR) if text else [] for text in products["category"].to_pylist()]
    prefixes = [[SEPARATOR.join(path[:depth]) for depth in range(1, min(len(path), LEVELS) + 1)] for path in names]
    # Wide before narrow, so that of a product's codes the largest is its narrowest category.
    paths = sorted({prefix for row in prefixes for prefix in row}, key=lambda path: (path.count(SEPARATOR), path))
    code = {path: at for at, path in enumerate(paths)}
    category_of = np.full((len(prefixes), LEVELS), -1, np.int32)
    for at, row in enumerate(prefixes):
        category_of[at, : len(row)] = [code[path] for path in row]
    brands = products["brand"].to_pylist()
    brand_code = {brand: at for at, brand in enumerate(sorted({brand for brand in brands if brand}))}
    ids = np.array([text.encode() for text in products["id"].to_pylist()], np.bytes_)
    return id_arrays(ids) | {
        "ids": ids,
        "category_paths": np.array([path.encode() for path in paths], np.bytes_),
        "category_of": category_of,
        "brand_of": np.array([brand_code.get(brand, -1) for brand in brands], np.int32),
        "price": products["price"].to_numpy().astype(np.float32),
    }


def _sales(facts: Facts, lines: Table, until: int, items: int) -> Arrays:
    """What each product's sales say: how many, lately, rising, bought again, and after how long."""
    age = until - lines.day
    # Sums of whole millionths come out the same in whatever order the engine's threads add them.
    interest = (lines.interest.cast("float64") * _WHOLE).round().cast("int64")
    faded = interest.cast("float64") * (age.cast("float64") * -(np.log(2) / _HALF_LIFE_DAYS)).exp()
    recent, before = age <= RECENT_DAYS, (age > RECENT_DAYS) & (age <= RECENT_DAYS + _BEFORE_DAYS)
    per_item = lines.group_by("item").aggregate(
        sold=lines.order.nunique(where=lines.purchase),
        sold_recently=faded.round().cast("int64").sum() / _WHOLE,
        recent=interest.sum(where=recent).fill_null(0) / _WHOLE,
        before=interest.sum(where=before).fill_null(0) / _WHOLE,
    )
    table = engines.arrow(facts.engine, per_item)
    values = {name: _spread(table, name, items) for name in ("sold", "sold_recently", "recent", "before")}
    days = max(min(_BEFORE_DAYS, until - RECENT_DAYS - facts.first_day), 0)
    # Without an earlier time to compare with, nothing rises.
    usual = values["before"] * (RECENT_DAYS / days) if days else values["recent"]
    trend = np.log((values["recent"] + _DOUBT) / (usual + _DOUBT))
    return {"sold": values["sold"], "sold_recently": values["sold_recently"], "trend": trend.astype(np.float32)} | (
        _repeats(facts, lines, items)
    )


def _repeats(facts: Facts, lines: Table, items: int) -> Arrays:
    days = lines.filter(lines.purchase).select("item", "shopper", "day").distinct()
    window = ibis.window(group_by=["item", "shopper"], order_by="day")
    gaps = days.mutate(gap=days.day - days.day.lag().over(window))
    buyers = gaps.group_by("item", "shopper").aggregate(again=(gaps.gap.notnull()).any())
    rates = engines.arrow(
        facts.engine, buyers.group_by("item").aggregate(buyers=buyers.count(), again=buyers.again.sum())
    )
    median = engines.arrow(
        facts.engine, gaps.filter(gaps.gap.notnull()).group_by("item").aggregate(gap=gaps.gap.median())
    )
    bought, again = _spread(rates, "buyers", items), _spread(rates, "again", items)
    usual = again.sum() / max(float(bought.sum()), 1.0)
    rate = (again + _DOUBT * usual) / (bought + _DOUBT)
    return {"repeat_rate": rate.astype(np.float32), "gap_days": _spread(median, "gap", items)}


def _popularity(arrays: Arrays) -> Arrays:
    """Lists of the best: of the shop, of what rises, of every category."""
    recent, sold, trend = arrays["sold_recently"], arrays["sold"], arrays["trend"]
    best = np.lexsort((np.arange(len(sold)), -sold, -recent)).astype(np.int32)
    known = best[(recent[best] > 0) | (sold[best] > 0)]
    # The product of rise and volume: a rise of two orders is noise.
    rising = trend * np.sqrt(recent)
    order = np.lexsort((np.arange(len(sold)), -rising)).astype(np.int32)
    code = arrays["category_of"][best].T.ravel()
    item = np.tile(best, LEVELS)
    by_code = np.argsort(code, kind="stable")
    by_code = by_code[np.searchsorted(code[by_code], 0) :]
    code, item = code[by_code], item[by_code]
    starts = np.searchsorted(code, np.arange(len(arrays["category_paths"]) + 1))
    kept = np.arange(len(code)) - starts[code] < _PER_CATEGORY
    return {
        "popular": known[:_POPULAR],
        "trending": order[rising[order] > 0][:_TRENDING],
        "category_ptr": np.searchsorted(code[kept], np.arange(len(starts))).astype(np.int32),
        "category_items": item[kept],
    }


def _sessions(facts: Facts, lines: Table, items: int) -> Arrays:
    """Each product's most recent sessions of two products or more, and these sessions, oldest first."""
    seen = lines.select("session", "item").distinct()
    sizes = seen.group_by("session").aggregate(size=seen.count())
    useful = sizes.filter((sizes.size >= 2) & (sizes.size <= _SESSION_ITEMS)).select("session")
    with engines.kept(facts.engine, "useful", seen.semi_join(useful, "session")) as pairs:
        place = ibis.row_number().over(group_by="item", order_by=pairs.session.desc())
        ranked = pairs.mutate(place=place)
        # A session that is no product's recent one would never be looked up: in a large shop that is most of them.
        recent = ranked.filter(ranked.place < _SESSIONS_PER_ITEM).select("session").distinct()
        table = engines.arrow(facts.engine, pairs.semi_join(recent, "session").order_by("session", "item"))
    item = table["item"].to_numpy().astype(np.int32)
    _, session = np.unique(table["session"].to_numpy(), return_inverse=True)
    count = int(session[-1]) + 1 if len(session) else 0
    newest = np.lexsort((-session, item))
    of_item, of_session = item[newest], session[newest].astype(np.int32)
    starts = np.searchsorted(of_item, np.arange(items + 1))
    kept = np.arange(len(of_item)) - starts[of_item] < _SESSIONS_PER_ITEM
    return {
        "session_ptr": np.searchsorted(session, np.arange(count + 1)).astype(np.int32),
        "session_items": item,
        "item_session_ptr": np.searchsorted(of_item[kept], np.arange(items + 1)).astype(np.int32),
        "item_sessions": of_session[kept],
    }


def _spread(table: pa.Table, name: str, items: int) -> NDArray[np.float32]:
    """A column by position, zero where the product does not occur."""
    out = np.zeros(items, np.float32)
    out[table["item"].to_numpy()] = table[name].to_numpy()
    return out
