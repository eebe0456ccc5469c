"""Retrieval and features as first written: slow, obvious, product by product. What is fast must give the same.

In: an index, a context. Out: candidates in order with their evidence, and the feature rows.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from edge.core.context import Context
from edge.core.features import FEATURE_NAMES
from edge.core.index import LEVELS, Index
from edge.core.profile import RECENT_ORDERS
from edge.core.retrieval import RANKED_SLOTS, Candidates
from edge.core.sources import SOURCES

NEVER = -1.0
WEIGHTS = {
    "bought_together": {"pair": 1.0, "neighbours": 0.3, "own": 0.5},
    "cart_complements": {"pair": 1.0, "neighbours": 0.5, "own": 0.8},
    "for_you": {"own": 1, "history_pair": 0.3, "visit_pair": 0.5, "neighbours": 0.3}
    | {"favourite": 0.3, "liked": 0.1, "popular": 0.1},
    "buy_again": {"own": 1.0},
}
NEW = {"bought_together": 0.3, "cart_complements": 0.3, "for_you": 0.4, "buy_again": 0.0}
Said = dict[str, dict[int, float]]


def row(ptr: NDArray[np.int32], at: int, most: int | None = None) -> range:
    """The places of one CSR row, at most so many."""
    start, end = int(ptr[at]), int(ptr[at + 1])
    return range(start, end if most is None else min(end, start + most))


def neighbours(index: Index, items: list[int], said: Said) -> None:
    """The 40 orders most like these items, of the last 60 of each."""
    likeness: dict[int, float] = defaultdict(float)
    for item in items:
        for at in row(index.item_session_ptr, item, 60):
            likeness[int(index.item_sessions[at])] += float(1 / np.log2(2 + index.sold[item]))
    for session in sorted(likeness, key=lambda one: (-likeness[one], -one))[:40]:
        places = row(index.session_ptr, session)
        for at in places:
            said["neighbours"][int(index.session_items[at])] += likeness[session] / len(places) ** 0.5


def beside(index: Index, context: Context, said: Said) -> None:
    """Pairs of the anchors and of own purchases, kinds, neighbours, own purchases."""
    anchors, own = context.anchors.tolist(), context.history.items.tolist()
    for anchor in anchors:
        pairs(index, [(at, int(index.pair_items[at])) for at in row(index.pair_ptr, anchor)], said)
    if len(anchors) == 1:
        listed = {int(index.pair_items[at]) for at in row(index.pair_ptr, anchors[0])}
        for item in (item for item in own if item not in listed):
            pairs(index, [(at, item) for at in row(index.pair_ptr, item) if index.pair_items[at] == anchors[0]], said)
    lift: dict[int, float] = defaultdict(float)
    for code in (max(index.category_of[anchor]) for anchor in anchors):
        for at in row(index.kind_ptr, code) if code >= 0 else ():
            lift[int(index.kind_codes[at])] += float(index.kind_lift[at])
    for item in own:
        said["kind"][item] += lift.get(int(max(index.category_of[item])), 0.0)
    neighbours(index, anchors or context.recent.tolist(), said)
    bought(context, said)


def pairs(index: Index, places: list[tuple[int, int]], said: Said) -> None:
    """Score, lift and a hit for each."""
    for at, item in places:
        said["pair"][item] += float(index.pair_score[at])
        said["lift"][item] += float(index.pair_lift[at])
        said["hits"][item] += 1


def bought(context: Context, said: Said) -> None:
    """Own purchases by weight."""
    for item, weight in zip(context.history.items.tolist(), context.history.weight.tolist(), strict=True):
        said["own"][item] += weight


def home(index: Index, context: Context, said: Said) -> None:
    """All that the homepage looks at."""
    history, recent = context.history, context.recent.tolist()
    strongest = sorted(range(len(history.items)), key=lambda at: (-history.weight[at], at))[:40]
    for place in strongest:
        for at in row(index.pair_ptr, int(history.items[place])):
            root = np.sqrt(history.weight[place])
            said["history_pair"][int(index.pair_items[at])] += float(index.pair_score[at] * root)
    seen = (recent or history.viewed.tolist())[-8:]
    for age, item in zip(range(len(seen), 0, -1), seen, strict=True):
        for at in row(index.pair_ptr, item):
            said["visit_pair"][int(index.pair_items[at])] += float(index.pair_score[at] / np.float32(age))
        said["visit_pair"][item] += float(1 / np.float32(age))
    neighbours(index, recent[-8:], said)
    for code in history.favourites.tolist():
        for rank, at in enumerate(row(index.category_ptr, code, 12)):
            share = affinity(context, index.category_of, code)
            said["favourite"][int(index.category_items[at])] += share / (1 + rank)
    near = {item: float(index.tastes[item].astype(np.float32) @ history.taste) for item in index.popular.tolist()}
    for item in sorted((item for item in near if near[item] > 0), key=lambda item: -near[item])[:60]:
        said["liked"][item] += near[item]
    if len(history.items) or recent or len(history.viewed):
        for rank, item in enumerate(index.popular[:60].tolist()):
            said["popular"][item] += 1 / (1 + rank)
    bought(context, said)


def found(index: Index, slot: str, context: Context, limit: int) -> dict[int, tuple[float, list[float]]]:
    """Product -> its worth and evidence, best first."""
    said: Said = {source: defaultdict(float) for source in SOURCES}
    {"for_you": home, "buy_again": lambda _, *rest: bought(*rest)}.get(slot, beside)(index, context, said)
    worth: dict[int, float] = {}
    for item in {item for values in said.values() for item in values} - set(context.anchors.tolist()):
        if slot == "bought_together" and not (said["hits"].get(item) or said["kind"].get(item)):
            continue
        worth[item] = sum(
            weight * (said[source].get(item, 0.0) / max(*said[source].values(), 1e-9, 0))
            for source, weight in WEIGHTS[slot].items()
            if said[source]
        )
    best = sorted(worth, key=lambda item: -worth[item])
    own = set(context.history.items.tolist())
    if len(best) > limit:
        unseen = min(int(NEW[slot] * limit), sum(item not in own for item in best))
        if unseen:
            kept = [item for item in best if item in own][: limit - unseen]
            best = [item for item in best if item not in own or item in kept]
    return {item: (worth[item], [said[source].get(item, 0.0) for source in SOURCES]) for item in best[:limit]}


def affinity(context: Context, codes: NDArray[np.int32], code: int) -> float:
    """Of the shopper's weight, the share in products with this code."""
    history = context.history
    if code < 0 or not len(history.items):
        return 0.0
    rows = codes[history.items].reshape(len(history.items), -1)
    return float((history.weight * (rows == code).sum(axis=1)).sum() / max(float(history.weight.sum()), 1e-9))


def features(index: Index, slot: str, context: Context, some: Candidates) -> NDArray[np.float32]:
    """The feature matrix, candidate by candidate."""
    return np.array([one(index, slot, context, some, at) for at in range(len(some.items))], np.float32).reshape(
        -1, len(FEATURE_NAMES)
    )


def one(index: Index, slot: str, context: Context, some: Candidates, at: int) -> list[float]:
    """The features of one candidate."""
    item, history = int(some.items[at]), context.history
    product = [index.sold[item] / max(index.orders, 1), index.sold_recently[item], index.trend[item]]
    product += [index.repeat_rate[item], index.gap_days[item], index.price[item]]
    codes, brand = index.category_of[item].tolist(), int(index.brand_of[item])
    likes = [affinity(context, index.category_of, code) for code in codes]
    likes.append(affinity(context, index.brand_of, brand))
    viewed = history.viewed[::-1].tolist()
    days = context.day - history.last_order_day if history.orders else NEVER
    span = history.last_order_day - history.first_order_day
    gap = span / (history.orders - 1) if history.orders > 1 else NEVER
    return [
        RANKED_SLOTS.index(slot),
        float(some.scores[at]),
        at,
        *some.evidence[:, at].tolist(),
        *map(float, product),
        *near_anchors(index, context, item),
        *owned(index, context, item),
        cosine(index.tastes, item, history.taste) if len(history.items) else 0.0,
        *(likes if len(history.items) else [0.0] * 4),
        max((ago for ago, seen in enumerate(viewed, start=1) if seen == item), default=0),
        *(len(context.anchors), history.orders, len(history.items), days, gap),
    ]


def near_anchors(index: Index, context: Context, item: int) -> list[float]:
    """Price ratio, shares of category and brand, company of the anchors and of the visit."""
    anchors = context.anchors.tolist()
    out = [0.0] * 7
    if anchors:
        prices = index.price[anchors]
        known = prices[prices > 0]
        out[0] = float(index.price[item] / np.float32(known.mean())) if len(known) else 0.0
        for level in range(LEVELS):
            code = index.category_of[item, level]
            out[1 + level] = sum(code >= 0 and index.category_of[a, level] == code for a in anchors) / len(anchors)
        brand = index.brand_of[item]
        out[4] = sum(brand >= 0 and index.brand_of[a] == brand for a in anchors) / len(anchors)
        out[5] = cosine(index.vectors, item, mean(index, anchors))
    if len(context.recent):
        out[6] = cosine(index.vectors, item, mean(index, context.recent.tolist()))
    return out


def mean(index: Index, items: list[int]) -> NDArray[np.float32]:
    """The unit vector where these products point together, or zero."""
    total = index.vectors[items].astype(np.float32).sum(axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)


def cosine(vectors: NDArray[np.float16], item: int, towards: NDArray[np.float32]) -> float:
    """Of a product's unit vector and another."""
    return float(vectors[item].astype(np.float32) @ towards)


def owned(index: Index, context: Context, item: int) -> list[float]:
    """The nine columns of own purchases."""
    history = context.history
    places = np.flatnonzero(history.items == item)
    if not len(places):
        return [0, 0, NEVER, NEVER, NEVER, len(history.items), 0, 0, RECENT_ORDERS]
    at = int(places[0])
    count, first, last = (float(column[at]) for column in (history.counts, history.first_day, history.last_day))
    idle = max(float(np.float32(context.day)) - last, 0)
    gap = (last - first) / (count - 1) if count > 1 else NEVER
    expected = gap if gap > 0 else float(index.gap_days[item])
    due = idle / max(expected, 1) if expected > 0 else NEVER
    fading, rank, since = history.often[at].tolist(), float(history.rank[at]), float(history.since[at])
    return [count, count / max(history.orders, 1), idle, gap, due, rank, *fading, since]
