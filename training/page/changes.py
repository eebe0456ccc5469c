"""What changed since the bundle before: figures, features, sizes, data and code, with what makes figures incomparable.

In: two manifests and the sizes of their indexes. Out: `Changes`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from edge.core.bundle import Manifest, read_manifest, verify_files
from edge.core.errors import BundleError
from training.metrics import RANKER
from training.page import names
from training.page.features import models
from training.page.measures import accuracies, cell

_MOST_FEATURES = 10
_LEAST = 0.0005  # share of gain that is worth a line

Name = Callable[[str], str]


@dataclass(frozen=True)
class Moved:
    """A figure then and now. `within`: both have intervals, and these overlap."""

    before: float
    now: float
    within: bool

    @property
    def difference(self) -> float:
        """Now less before."""
        return self.now - self.before


@dataclass(frozen=True)
class Fact:
    """Something that differs between the two bundles, in words."""

    name: str
    before: str
    now: str
    difference: str


@dataclass(frozen=True)
class Changes:
    """The newer bundle beside the older one. `metrics` heads the cells of `slots`; None where not measured twice."""

    before: str
    notes: list[str]
    metrics: list[str]
    slots: list[tuple[str, list[Moved | None]]]
    features: list[tuple[str, str, Moved]]  # model, feature, share of the gain
    facts: list[Fact]


def compare(now: Manifest, before: Manifest, sizes: Mapping[str, float], sizes_before: Mapping[str, float]) -> Changes:
    """Everything that differs. `sizes` are numbers of the index by name, such as products and pairs."""
    slots = names.slots(name for name in now.metrics if name in before.metrics)
    metrics = list(dict.fromkeys(chain.from_iterable(accuracies(now.metrics[slot]) for slot in slots)))
    if any("lead" in one.metrics[slot].get(RANKER, {}) for one in (now, before) for slot in slots):
        metrics.append("lead")
    rows = [(names.slot(slot), [_moved(now, before, slot, metric) for metric in metrics]) for slot in slots]
    facts = [*_facts(_plain(now), _plain(before)), *_facts(sizes, sizes_before)]
    return Changes(
        before.version,
        list(_notes(now, before)),
        [names.metric(name) for name in metrics],
        rows,
        _features(now, before),
        facts,
    )


def newest_before(directory: Path, manifest: Manifest) -> tuple[Path | None, list[str]]:
    """The newest whole bundle of the shop older than this one, beside it; and what is wrong with newer ones of them."""
    skipped: list[str] = []
    older = [path for path in directory.resolve().parent.iterdir() if path.is_dir() and path.name < manifest.version]
    for path in sorted(older, key=lambda path: path.name, reverse=True):
        if path.name.startswith("."):
            continue
        try:
            found = read_manifest(path)
            verify_files(path, found)
        except BundleError as error:
            skipped.append(str(error))
            continue
        if found.shop == manifest.shop:
            return path, skipped
    return None, skipped


def _moved(now: Manifest, before: Manifest, slot: str, metric: str) -> Moved | None:
    new, old = (cell(one.metrics[slot].get(RANKER, {}), metric) for one in (now, before))
    if new is None or old is None:
        return None
    ends = (new.low, new.high, old.low, old.high)
    known = [end for end in ends if end is not None]
    within = len(known) == 4 and known[0] <= known[3] and known[2] <= known[1]
    return Moved(old.value, new.value, within)


def _notes(now: Manifest, before: Manifest) -> Iterator[str]:
    """What to know before the figures are compared."""
    same = now.shop == before.shop
    if not same:
        yield f"The bundle before is of another shop, {before.shop}."
    if now.data.get("fingerprint") != before.data.get("fingerprint"):
        yield "The two were made from different data sets."
        same = False
    measured = [f"{one.data.get('measured_from', '?')} to {one.data.get('last_day', '?')}" for one in (before, now)]
    if measured[0] != measured[1]:
        yield f"Measured on other weeks: before {measured[0]}, now {measured[1]}. Weeks differ in what can be foreseen."
        same = False
    samples = list(_samples(now, before))
    if samples:
        yield f"Another sample: {'; '.join(samples)}."
        same = False
    if same and now.metrics:
        yield "The same data set, weeks and numbers of queries: what differs comes from the settings or the code."
    yield from _appeared("Slots", now.metrics, before.metrics, names.slot)
    yield from _appeared("Methods", _methods(now), _methods(before), names.method)


def _samples(now: Manifest, before: Manifest) -> Iterator[str]:
    for slot in names.slots(name for name in now.metrics if name in before.metrics):
        then, today = (one.metrics[slot].get(RANKER, {}).get("queries", 0) for one in (before, now))
        if then != today:
            yield f"{names.slot(slot)} {names.number(then)} queries before, {names.number(today)} now"


def _appeared(what: str, now: Mapping[str, object], before: Mapping[str, object], name: Name) -> Iterator[str]:
    new, gone = ([name(one) for one in some if one not in rest] for some, rest in ((now, before), (before, now)))
    if new:
        yield f"{what} measured now and not before: {', '.join(new)}."
    if gone:
        yield f"{what} measured before and not now: {', '.join(gone)}."


def _methods(manifest: Manifest) -> dict[str, None]:
    return dict.fromkeys(method for methods in manifest.metrics.values() for method in methods)


def _features(now: Manifest, before: Manifest) -> list[tuple[str, str, Moved]]:
    """The shares of gain that moved most, of models both bundles have."""
    old = models(before)
    moved = [
        (model, feature, Moved(old[model].get(feature, 0.0), shares.get(feature, 0.0), within=False))
        for model, shares in models(now).items()
        if model in old
        for feature in dict.fromkeys((*shares, *old[model]))
    ]
    moved = [one for one in moved if abs(one[2].difference) >= _LEAST]
    return sorted(moved, key=lambda one: -abs(one[2].difference))[:_MOST_FEATURES]


def _plain(manifest: Manifest) -> dict[str, str | float]:
    return {name: value for name, value in manifest.data.items() if "gain:" not in name}


def _facts(now: Mapping[str, str | float], before: Mapping[str, str | float]) -> Iterator[Fact]:
    for name in dict.fromkeys((*now, *before)):
        new, old = now.get(name), before.get(name)
        if new == old:
            continue
        difference = ""
        if isinstance(new, int | float) and isinstance(old, int | float):
            difference = f"{new - old:+,.0f}" if float(new - old).is_integer() else f"{new - old:+.3g}"
        then, today = ("–" if value is None else names.number(value) for value in (old, new))
        yield Fact(names.fact(name), then, today, difference)
