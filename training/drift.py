"""Distributions of what goes into the model and what comes out, and how far apart two of them are.

In: moments, an index, a scoring function, the lines bought. Out: `Reference`, which a bundle keeps as `drift.json`:
counts by bin and quantiles, nobody's id and no row. PSI compares counts by bin, KS the distribution functions.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edge.core.errors import UNREADABLE, BundleError
from edge.core.features import FEATURE_NAMES
from edge.core.index import SEPARATOR, Index
from training import engine as engines
from training.calibration import served
from training.dataset import Dataset
from training.examples import labelled, queries
from training.facts import PURCHASE
from training.metrics import Score
from training.moments import Moment

FILE = "drift.json"
VERSION = 1
ORDERS = 600  # a few thousand rows of each feature: enough to tell 1 % from 3 % in a bin
INPUTS, FEATURES, SCORES = "inputs", "features", "scores"
_BINS = 10
_QUANTILES = 101
_KINDS = 20  # categories told apart, the rest is one
_OTHER = "other"
_ROWS = 10  # candidates of a query looked at: a query's hundred are alike
_PIECE_DAYS = 7
_PIECE_ORDERS = 30  # fewer say nothing about a week


class Spread(msgspec.Struct, frozen=True):
    """The distribution of one quantity: counts by bin, quantiles of numbers, and how far its weeks lie apart.

    Bins of numbers end at `edges` (inclusive), the last one is open; those of words are `names`, the last the rest.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    natural_psi: float = 0.0
    natural_ks: float = 0.0


class Reference(msgspec.Struct, frozen=True):
    """What a bundle was measured on: group -> name -> distribution."""

    groups: dict[str, dict[str, Spread]]
    orders: int
    version: int = VERSION


@dataclass(frozen=True)
class Values:
    """Values of one quantity (numbers, or words as objects), and the unix day each was seen on."""

    values: NDArray[np.generic]
    days: NDArray[np.float64]


@dataclass
class Sample:
    """What some orders were like: group -> name -> values."""

    groups: dict[str, dict[str, Values]]
    days: list[float] = field(default_factory=list)  # of each order


def psi(expected: Sequence[int] | NDArray[np.int64], seen: Sequence[int] | NDArray[np.int64]) -> float:
    """Population stability index of two counts by the same bins; half a count more in each, so that none is empty."""
    then, now = (np.asarray(counts, np.float64) + 0.5 for counts in (expected, seen))
    p, q = then / then.sum(), now / now.sum()
    return float(((q - p) * np.log(q / p)).sum())


def ks(quantiles: Sequence[float], values: NDArray[np.generic]) -> float:
    """Kolmogorov and Smirnov's distance: the largest difference of the two distribution functions, 0..1."""
    if not len(quantiles) or not len(values):
        return 0.0
    from scipy.stats import ks_2samp  # here, because it takes half a second that each command would wait

    return float(ks_2samp(np.asarray(quantiles), values.astype(np.float64), method="asymp").statistic)


def counts_in(spread: Spread, values: NDArray[np.generic]) -> NDArray[np.int64]:
    """How many of these values fall into each bin of a known distribution."""
    if spread.names:
        place = {name: at for at, name in enumerate(spread.names)}
        codes = np.array([place.get(str(value), len(spread.names) - 1) for value in values.tolist()], np.int64)
    else:
        codes = np.searchsorted(np.asarray(spread.edges), values.astype(np.float64), side="left")
    return np.bincount(codes, minlength=len(spread.counts)).astype(np.int64)


def reference(sample: Sample) -> Reference:
    """The distributions of a sample, with how far each week of it lies from the other weeks."""
    pieces = _pieces(np.asarray(sample.days))
    groups = {
        group: {name: _spread(one, pieces) for name, one in named.items() if len(one.values)}
        for group, named in sample.groups.items()
    }
    return Reference(groups, len(sample.days))


def observe(
    dataset: Dataset,
    index: Index,
    moments: Sequence[Moment],
    score: Score,
    progress: Callable[[int], None] | None = None,
) -> Sample:
    """What these orders were like: what was bought, the candidates' features, and the scores they got."""
    features: list[NDArray[np.float32]] = []
    days: list[float] = []
    scores: dict[str, list[tuple[NDArray[np.float64], float]]] = defaultdict(list)
    for done, moment in enumerate(moments, start=1):
        rng = np.random.default_rng([7, *moment.order.encode()])
        for query in queries(index, moment):
            found, rows, _ = labelled(index, query)
            if len(found.items):
                kept = rows[rng.permutation(len(rows))[:_ROWS]]
                features.append(kept)
                days += [moment.day] * len(kept)
                scores[query.slot].append((served(score(kept)), moment.day))
        if progress is not None:
            progress(done)
    matrix = np.concatenate(features) if features else np.empty((0, len(FEATURE_NAMES)), np.float32)
    when = np.asarray(days, np.float64)
    groups: dict[str, dict[str, Values]] = {
        INPUTS: _inputs(dataset, index, moments),
        FEATURES: {name: Values(matrix[:, at], when) for at, name in enumerate(FEATURE_NAMES)},
        SCORES: {slot: _joined(parts) for slot, parts in sorted(scores.items())},
    }
    return Sample(groups, [moment.day for moment in moments])


def encode(what: Reference) -> bytes:
    """The file's bytes."""
    return msgspec.json.encode(what) + b"\n"


def read(directory: Path) -> Reference | None:
    """The reference of a bundle; None where it was made before there was one. Raises BundleError when damaged."""
    path = directory / FILE
    if not path.is_file():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Reference)
    except UNREADABLE as error:
        raise BundleError(f"{path} is not what a training run writes: {error}; train again") from error
    if found.version != VERSION:
        raise BundleError(f"{path} has version {found.version}, this program reads {VERSION}; train again")
    return found


def _inputs(dataset: Dataset, index: Index, moments: Sequence[Moment]) -> dict[str, Values]:
    """What was bought, as it came in: prices are here because the index has one price of a product for all time."""
    days = {moment.order: moment.day for moment in moments}
    lines, products = dataset.lines(), dataset.products()
    goods = products.select(goods_id=products.id, category=products.category)
    asked = engines.load(dataset.engine, pa.table({"event_id": pa.array(sorted(days), pa.string())}))
    bought = lines.filter(lines.type == PURCHASE).semi_join(asked, "event_id")
    bought = bought.left_join(goods, bought.product_id == goods.goods_id)
    table = engines.arrow(
        dataset.engine, bought.select("event_id", "product_id", "price", "category").order_by("event_id", "product_id")
    )
    day = np.array([days[order] for order in table["event_id"].to_pylist()], np.float64)
    price = np.array([np.nan if one is None else one for one in table["price"].to_pylist()], np.float64)
    wide = [(one or "none").split(SEPARATOR)[0] for one in table["category"].to_pylist()]
    known = ["known" if one in index.position else "unknown" for one in table["product_id"].to_pylist()]
    when = np.array([moment.day for moment in moments], np.float64)
    first = ["first order" if not moment.past else "came back" for moment in moments]
    return {
        "price": Values(price[price > 0], day[price > 0]),
        "category": Values(np.array(wide, object), day),
        "product": Values(np.array(known, object), day),
        "basket": Values(np.array([len(moment.basket) for moment in moments], np.float64), when),
        "shopper": Values(np.array(first, object), when),
    }


def _joined(parts: Sequence[tuple[NDArray[np.float64], float]]) -> Values:
    return Values(
        np.concatenate([values for values, _ in parts]),
        np.concatenate([np.full(len(values), day) for values, day in parts]),
    )


def _spread(of: Values, pieces: Sequence[tuple[float, float]]) -> Spread:
    whole = _binned(of.values)
    apart = [_apart(of, start, end) for start, end in pieces]
    return msgspec.structs.replace(
        whole,
        natural_psi=round(max((one for one, _ in apart), default=0.0), 6),
        natural_ks=round(max((other for _, other in apart), default=0.0), 6),
    )


def _apart(of: Values, start: float, end: float) -> tuple[float, float]:
    """How far one week's values lie from the others'."""
    inside = (of.days >= start) & (of.days < end)
    if not inside.any() or inside.all():
        return 0.0, 0.0
    others = _binned(of.values[~inside])
    return psi(others.counts, counts_in(others, of.values[inside])), ks(others.quantiles, of.values[inside])


def _binned(values: NDArray[np.generic]) -> Spread:
    if values.dtype == object:
        names, counts = np.unique(values.astype(str), return_counts=True)
        kept = [str(names[at]) for at in np.argsort(-counts, kind="stable")[:_KINDS] if names[at] != _OTHER]
        spread = Spread(counts=(0,) * (len(kept) + 1), names=(*kept, _OTHER))
    else:
        numbers = values.astype(np.float64)
        edges = np.unique(np.quantile(numbers, np.arange(1, _BINS) / _BINS, method="lower"))
        grid = np.quantile(numbers, np.linspace(0, 1, _QUANTILES), method="lower")
        spread = Spread((0,) * (len(edges) + 1), _rounded(edges), quantiles=_rounded(grid))
    return msgspec.structs.replace(spread, counts=tuple(counts_in(spread, values).tolist()))


def _rounded(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    # As float32, which features are: an edge that is a value stays one, and the file small.
    return tuple(float(number) for number in numbers)


def _pieces(days: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Weeks with enough orders; where there are not two of them, the two halves."""
    if not len(days):
        return []
    starts = np.arange(np.floor(days.min()), days.max(), _PIECE_DAYS)
    weeks = [(float(start), float(start) + _PIECE_DAYS) for start in starts]
    full = [(a, b) for a, b in weeks if ((days >= a) & (days < b)).sum() >= _PIECE_ORDERS]
    middle = float(np.median(days))
    return full if len(full) > 1 else [(float(days.min()), middle), (middle, float(days.max()) + 1)]


def named(groups: Mapping[str, Mapping[str, Spread]]) -> list[tuple[str, str, Spread]]:
    """Every distribution with its group and name."""
    return [(group, name, spread) for group, inside in groups.items() for name, spread in inside.items()]
