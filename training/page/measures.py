"""The figures of each slot: methods side by side, with intervals, and how far the ranker is ahead.

In: a manifest's metrics, slot -> method -> metric -> value, whatever slots, methods and metrics there are. Out: tables.
`<metric>_low` and `<metric>_high` are a metric's interval, a name without @ is a count; `lead` and `lead:<metric>` are
how far the ranker is ahead. A method without accuracies, such as what was bought, counts for reach alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from training.metrics import LEADING, RANKER, RETRIEVAL, Metrics
from training.page import names

# What lists reach and lean on, not how right they are.
_BREADTH = ("coverage", "percentile", "sold_share", "popularity", "novelty", "diversity", "gini")
_LEAD = "lead"
_ENDS = ("_low", "_high")


@dataclass(frozen=True)
class Cell:
    """One figure; `low` and `high` are its interval where it has one. `best`: of all baselines."""

    value: float
    low: float | None
    high: float | None
    best: bool = False


@dataclass(frozen=True)
class Bar:
    """A figure and its interval on the slot's common scale, in percent of the width."""

    at: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Row:
    """A method. `kind`: ours, part (of ours), or baseline."""

    name: str
    kind: str
    cells: list[Cell | None]
    bar: Bar | None


@dataclass(frozen=True)
class Lead:
    """Ahead of the best baseline by `value`. `apart`: whether both intervals stay clear of each other, if known."""

    metric: str
    value: float
    low: float
    high: float
    verdict: str
    against: str
    apart: bool | None


@dataclass(frozen=True)
class SlotTable:
    """All methods on one slot. `drawn` is the metric of the bars."""

    title: str
    about: str
    counts: str
    metrics: list[str]
    drawn: str
    rows: list[Row]
    lead: Lead | None
    other_leads: list[Lead]


@dataclass(frozen=True)
class Breadth:
    """One figure about what lists reach, by slot (rows) and method (columns)."""

    title: str
    about: str
    methods: list[str]
    rows: list[tuple[str, list[Cell | None]]]


def slot_tables(metrics: Metrics) -> list[SlotTable]:
    """A table per slot with figures."""
    return [_slot_table(slot, metrics[slot]) for slot in names.slots(metrics) if metrics[slot]]


def accuracies(methods: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The metrics that say how right lists are, the leading one first, then as met."""
    found = dict.fromkeys(name for values in methods.values() for name in values)
    told = [name for name in found if "@" in name and not _is_end(name, found) and not _is_breadth(name, _LEAD)]
    return sorted(told, key=lambda name: name != LEADING)


def cell(values: Mapping[str, float], metric: str, *, best: bool = False) -> Cell | None:
    """A metric of a method with its interval; None where it was not measured."""
    if metric not in values:
        return None
    return Cell(values[metric], values.get(f"{metric}_low"), values.get(f"{metric}_high"), best)


def baselines(methods: Mapping[str, object]) -> list[str]:
    """The methods that are not ours."""
    return [name for name in methods if name not in (RANKER, RETRIEVAL)]


def breadths(metrics: Metrics) -> list[Breadth]:
    """A table for each figure about reach, such as coverage and popularity; none where none was measured."""
    found = dict.fromkeys(
        name for methods in metrics.values() for values in methods.values() for name in values if _is_breadth(name)
    )
    return [_breadth(metrics, name) for name in found if not _is_end(name, found)]


def _breadth(metrics: Metrics, name: str) -> Breadth:
    measured = {
        slot: {method: cell(values, name) for method, values in metrics[slot].items() if name in values}
        for slot in names.slots(metrics)
    }
    methods = names.methods(dict.fromkeys(method for cells in measured.values() for method in cells))
    rows = [(names.slot(slot), [cells.get(method) for method in methods]) for slot, cells in measured.items() if cells]
    return Breadth(names.metric(name), names.breadth(name), [names.method(method) for method in methods], rows)


def _slot_table(slot: str, methods: Mapping[str, Mapping[str, float]]) -> SlotTable:
    metrics = accuracies(methods)
    drawn = metrics[0] if metrics else LEADING
    best = {name: _best(methods, name) for name in metrics}
    ends = [values.get(f"{drawn}_high", values.get(drawn, 0.0)) for values in methods.values()]
    scale = 100 / max(*ends, 1e-9)
    rows = [
        Row(
            names.method(method),
            "ours" if method == RANKER else "part" if method == RETRIEVAL else "baseline",
            [cell(methods[method], name, best=method == best[name]) for name in metrics],
            _bar(cell(methods[method], drawn), scale),
        )
        for method in names.methods(methods)
        if any(name in methods[method] for name in metrics)
    ]
    leads = [_lead(methods, name, f"{_LEAD}:{name}") for name in metrics]
    return SlotTable(
        names.slot(slot),
        names.about(slot),
        ", ".join(_counts(methods)),
        [names.metric(name) for name in metrics],
        names.metric(drawn),
        rows,
        _lead(methods, LEADING, _LEAD),
        [lead for lead in leads if lead],
    )


def _best(methods: Mapping[str, Mapping[str, float]], metric: str) -> str | None:
    measured = [(methods[name][metric], name) for name in baselines(methods) if metric in methods[name]]
    return max(measured)[1] if measured else None


def _bar(figure: Cell | None, scale: float) -> Bar | None:
    if figure is None:
        return None
    low, high = (None if end is None else end * scale for end in (figure.low, figure.high))
    return Bar(figure.value * scale, low, high)


def _lead(methods: Mapping[str, Mapping[str, float]], metric: str, name: str) -> Lead | None:
    ours, against = methods.get(RANKER, {}), _best(methods, metric)
    lead = cell(ours, name)
    if against is None or lead is None or lead.low is None or lead.high is None:
        return None
    verdict = "ahead" if lead.low > 0 else "behind" if lead.high < 0 else "too close to call"
    our_low, their_high = ours.get(f"{metric}_low"), methods[against].get(f"{metric}_high")
    apart = None if our_low is None or their_high is None else our_low > their_high
    return Lead(names.metric(metric), lead.value, lead.low, lead.high, verdict, names.method(against), apart)


def _counts(methods: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """How many queries and the like; told once, since all methods answer the same."""
    for name, value in next(iter(methods.values())).items():
        if "@" not in name and not _is_breadth(name, _LEAD):
            yield f"{names.number(value)} {name.replace('_', ' ')}"


def _is_breadth(name: str, *more: str) -> bool:
    return name.startswith((*_BREADTH, *more))


def _is_end(name: str, among: Mapping[str, object]) -> bool:
    return name.endswith(_ENDS) and name.rpartition("_")[0] in among
