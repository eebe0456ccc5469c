"""What varied shelves cost: accuracy against different kinds on a shelf, for several strengths of diversity.

In: weeks nothing was learned from (`training.unseen`). Out: shelf -> setting -> NDCG@10 and what the first eight hold.
The order, the kinds and the families are those of `edge.core`, which serve.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from edge.core.content import family
from edge.core.diversity import diversify, kinds_of
from edge.core.index import Index, Ints
from training.examples import labelled, queries
from training.metrics import RATES, measure
from training.unseen import Unseen, lead_by_shopper

STRENGTHS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
AS_RANKED = "as ranked"  # neither families collapsed nor kinds spread
_SHELVES = ("for_you", "cart_complements", "bought_together")
_SHELF = 8  # products people see
_NDCG = RATES.index("ndcg@10")

Table = dict[str, dict[str, dict[str, float]]]


def diversity(unseen: Unseen, progress: Callable[[int], None], strengths: Sequence[float] = STRENGTHS) -> Table:
    """Means over all queries; `cost` is the change of NDCG@10 against the shelf as ranked, with its 95 % interval."""
    index = unseen.index()
    families = _families(index, unseen)
    shoppers: dict[str, list[str]] = defaultdict(list)
    seen: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for done, moment in enumerate(unseen.moments, start=1):
        for query in queries(index, moment):
            found, features, _ = labelled(index, query) if query.slot in _SHELVES else (None, None, None)
            if found is None or features is None or not len(found.items):
                continue
            raw = unseen.score(features)
            best = np.argsort(-raw, kind="stable")
            items, values = found.items[best], 1 / (1 + np.exp(-raw[best].astype(np.float64)))
            shoppers[query.slot].append(moment.shopper)
            seen[query.slot, AS_RANKED].append(_figures(index, items, families, query.wanted))
            for strength in strengths:
                spread = items[diversify(values, kinds_of(index, items), strength)]
                figures = _figures(index, collapse(spread, families), families, query.wanted)
                seen[query.slot, f"{strength:g}"].append(figures)
        progress(done)
    table: Table = defaultdict(dict)
    for (slot, setting), rows in seen.items():
        ranked = [row["ndcg@10"] for row in seen[slot, AS_RANKED]]
        cost = lead_by_shopper([row["ndcg@10"] for row in rows], ranked, shoppers[slot])
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        table[slot][setting] = means | dict(zip(("cost", "cost_low", "cost_high"), cost, strict=True))
        table[slot][setting]["queries"] = float(len(rows))
    return dict(table)


def collapse(items: Ints, families: Ints) -> Ints:
    """The first of each family, in order: what the live rules do."""
    _, first = np.unique(families[items], return_index=True)
    return items[np.sort(first)]


def _families(index: Index, unseen: Unseen) -> Ints:
    """A number for each product's family, by position; products without a card are families of their own."""
    keys = {product.id: family(product) for product in unseen.dataset.catalogue()}
    _, codes = np.unique([keys.get(id_, f"\0{id_}") for id_ in index.ids], return_inverse=True)
    return codes.astype(np.int32)


def _figures(index: Index, items: Ints, families: Ints, wanted: Ints) -> dict[str, float]:
    shelf = items[:_SHELF]
    kinds = kinds_of(index, shelf)
    return {
        "ndcg@10": float(measure(items, wanted)[_NDCG]),
        "kinds": float(len(np.unique(kinds))),
        "families": float(len(np.unique(families[shelf]))),
        "most_of_a_kind": float(np.bincount(kinds + 1).max()),
    }
