"""The whole training run: a prepared data set in, a checked and measured bundle out.

Time runs one way: candidates for the label weeks come from an index of the days before them, the forest learns from
those weeks, and is measured on later weeks with an index of the days before these. The index that ships knows all.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from rich.console import Console

from edge.core.bundle import (
    INDEX,
    SESSIONS,
    Calibration,
    Live,
    Manifest,
    Part,
    new_version,
    read_live,
    read_manifest,
    write_bundle,
    write_live,
)
from edge.core.errors import BundleError
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index
from training import calibration, drift, index, purchases, ranker, readiness, showcase
from training.baselines import Baselines
from training.dataset import Dataset
from training.draws import even_orders, fair_orders
from training.evaluate import evaluate
from training.examples import Rows, rows, stack
from training.export import Exported, export
from training.facts import Facts, collect
from training.memory import peak_mib
from training.metrics import Metrics
from training.moments import Moment
from training.moments import collect as collect_moments
from training.pairs import count_meetings
from training.scorer import Scorer
from training.sessions import model as next_clicks
from training.sessions import visits
from training.settings import Settings
from training.stages import Stages

# What each stage takes on the demo data, in seconds on two cores: how the time left is foreseen.
STAGES = {
    "numbering products, shoppers and orders": 2.0,
    "replaying profiles up to each order": 7.0,
    "index before the label weeks": 5.0,
    "candidates and features of the label weeks": 35.0,
    "growing the forest": 30.0,
    "exporting to ONNX and checking parity": 2.0,
    "index before the unseen weeks": 5.0,
    "baselines learning": 25.0,
    "measuring on the unseen weeks": 60.0,
    "calibration and example shelves": 3.0,
    "usual distributions": 8.0,
    "index of all days": 6.0,
    "writing the bundle": 1.0,
}
_NUMBER, _REPLAY, _EARLY, _ROWS, _TRAIN, _EXPORT, _LATE, _BASELINES, _MEASURE, _SHOW, _WATCH, _ALL, _WRITE = STAGES


@dataclass(frozen=True)
class Windows:
    """Unix days: labels are orders of [label, test), measurement those of [test, end)."""

    first: int
    label: int
    test: int
    end: int

    @classmethod
    def of(cls, first_day: int, last_day: int, settings: Settings) -> "Windows":
        """The last weeks for measuring, the ones before for labels; in a short history a tenth and a sixth of it."""
        days = last_day + 1 - first_day
        test = last_day + 1 - min(settings.test_days, max(days // 10, 1))
        label = test - min(settings.label_days, max(days // 6, 1))
        return cls(first_day, max(label, first_day), max(test, first_day), last_day + 1)


@dataclass(frozen=True)
class Outcome:
    """A finished run: the bundle, what it says of itself, what each stage took, and the peak of memory in MiB."""

    directory: Path
    manifest: Manifest
    seconds: dict[str, float]
    total_s: float
    peak_mib: float


@dataclass(frozen=True)
class _Measures:
    """What the unseen weeks say of the model."""

    metrics: Metrics
    calibration: dict[str, Calibration]
    examples: showcase.Examples
    usual: drift.Reference


def run(
    dataset: Dataset,
    settings: Settings,
    console: Console,
    *,
    publish: bool = True,
    told: Callable[[str, float], None] | None = None,
) -> Outcome:
    """Train, measure and write a bundle; with `publish`, name it in live.json. Raises EndcapError when it cannot.

    `told` hears the stage and the share done.
    """
    began = time.monotonic()
    with Stages(STAGES, console, told).shown() as stages:
        with stages.stage(_NUMBER):
            facts = collect(dataset.engine, dataset.lines(), dataset.products())
        windows = Windows.of(facts.first_day, facts.last_day, settings)
        learned, measured, watched = _moments(dataset, windows, settings, stages)
        labelled = _labelled(facts, windows, learned, stages)
        with stages.stage(_TRAIN, ranker.TREES) as advance:
            booster = ranker.train(labelled, settings.threads, advance)
        with stages.stage(_EXPORT):
            exported = export(booster, labelled.features[:20_000])
        measures = _measure(dataset, facts, windows, (measured, watched), exported, stages)
        with stages.stage(_ALL):
            meetings = count_meetings(facts, windows.end)
            arrays = index.build(facts, meetings, windows.end)
        foreseen = _next_clicks(facts, windows, settings, stages)
        with stages.stage(_WRITE):
            ready = readiness.of(facts, arrays, len(labelled.groups), ranker.MIN_GROUPS)
            data = _data(dataset, facts, windows, labelled, exported) | _gains(ranker.importances(booster))
            manifest = _manifest(settings.shop, exported, measures, ready, data)
            directory = _write(settings, manifest, Part(exported.ranker, arrays), measures, foreseen)
            if publish:
                write_live(settings.bundles_dir, settings.shop, Live(manifest.version))
    written = read_manifest(directory)
    return Outcome(directory, written, stages.seconds, time.monotonic() - began, peak_mib())


def _write(
    settings: Settings, manifest: Manifest, shelves: Part, measures: _Measures, foreseen: next_clicks.Trained | None
) -> Path:
    """The bundle's directory, with the next-click model where there is one."""
    parts = {INDEX: shelves}
    if foreseen:
        manifest = next_clicks.told(manifest, foreseen)
        parts[SESSIONS] = Part(foreseen.exported.ranker, foreseen.arrays)
    beside = {showcase.FILE: showcase.encode(measures.examples), drift.FILE: drift.encode(measures.usual)}
    return write_bundle(settings.bundles_dir, manifest, parts, beside)


def up_to_date(settings: Settings, fingerprint: str) -> str | None:
    """The live version when it was made from this data set by this code, else None."""
    try:
        version = read_live(settings.bundles_dir, settings.shop).live
        made_from = read_manifest(settings.bundles_dir / settings.shop / version).data
    except BundleError:
        return None
    return version if (made_from.get("fingerprint"), made_from.get("code")) == (fingerprint, code_version()) else None


@cache
def code_version() -> str:
    """Names the code that trains: 12 hex digits over the sources of this package and of `edge.core`."""
    here = Path(__file__).parent
    sources = sorted(here.rglob("*.py")) + sorted((here.parent / "edge" / "core").rglob("*.py"))
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _moments(
    dataset: Dataset, windows: Windows, settings: Settings, stages: Stages
) -> tuple[list[Moment], list[Moment], list[Moment]]:
    """To learn from, to measure on, and to compare later weeks with (drift): before orders of these days."""
    orders = [
        frozenset(fair_orders(dataset, windows.label, windows.test, settings.train_orders)),
        frozenset(fair_orders(dataset, windows.test, windows.end, settings.test_orders)),
        frozenset(even_orders(dataset, windows.test, windows.end, drift.ORDERS)),
    ]
    with stages.stage(_REPLAY, dataset.summary.lines) as advance:
        moments = collect_moments(dataset, settings.shop, frozenset().union(*orders), advance)
    learn, measure, watch = ([one for one in moments if one.order in some] for some in orders)
    return learn, measure, watch


def _labelled(facts: Facts, windows: Windows, moments: Sequence[Moment], stages: Stages) -> Rows:
    with stages.stage(_EARLY):
        meetings = count_meetings(facts, windows.label)
        known = Index.from_arrays(index.build(facts, meetings, windows.label))
    parts = []
    with stages.stage(_ROWS, len(moments)) as advance:
        for done, part in enumerate(rows(known, moments), start=1):
            parts.append(part)
            advance(done)
        return stack(parts)


def _measure(
    dataset: Dataset,
    facts: Facts,
    windows: Windows,
    unseen: tuple[Sequence[Moment], Sequence[Moment]],
    exported: Exported,
    stages: Stages,
) -> _Measures:
    moments, watched = unseen
    with stages.stage(_LATE):
        meetings = count_meetings(facts, windows.test)
        known = Index.from_arrays(index.build(facts, meetings, windows.test))
    with stages.stage(_BASELINES):
        baselines = Baselines.of(known, meetings, purchases.collect(dataset, known.position, windows.test))
    score = Scorer(exported.ranker).score
    with stages.stage(_MEASURE, len(moments)) as advance:
        metrics = evaluate(known, baselines, moments, score, advance)
    with stages.stage(_SHOW, min(len(moments), calibration.MOMENTS)) as advance:
        examples = showcase.draw(known, moments, score)
        calibrated = calibration.of_moments(known, moments, score, advance)
    with stages.stage(_WATCH, len(watched)) as advance:
        usual = drift.reference(drift.observe(dataset, known, watched, score, advance))
    return _Measures(metrics, calibrated, examples, usual)


def _next_clicks(facts: Facts, windows: Windows, settings: Settings, stages: Stages) -> next_clicks.Trained | None:
    """The next-click model, where the shop's visits are enough to learn one from."""
    clicks = visits.collect(facts, windows.end)
    if not visits.enough(clicks):
        return None
    stages.expect(next_clicks.STAGES)
    return next_clicks.train(clicks, settings.threads, stages)


def _data(
    dataset: Dataset, facts: Facts, windows: Windows, labelled: Rows, exported: Exported
) -> dict[str, str | int | float]:
    return {
        "fingerprint": dataset.fingerprint,
        "code": code_version(),
        "first_day": _date(windows.first),
        "labels_from": _date(windows.label),
        "measured_from": _date(windows.test),
        "last_day": _date(windows.end - 1),
        "events": dataset.summary.events,
        "products": facts.products.num_rows,
        "shoppers": facts.shoppers,
        "labelled_shelves": len(labelled.groups),
        "labelled_rows": len(labelled.labels),
        "parity": exported.parity,
        "parity_rows": exported.rows,
    }


def _gains(shares: dict[str, float]) -> dict[str, str | int | float]:
    return {f"gain:{name}": round(share, 6) for name, share in shares.items()}


def _date(day: int) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(days=day)).date().isoformat()


def _manifest(
    shop: str, exported: Exported, measures: _Measures, ready: dict[str, str], data: dict[str, str | int | float]
) -> Manifest:
    return Manifest(
        version=new_version(),
        shop=shop,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        feature_names=FEATURE_NAMES,
        files={},
        onnx=exported.versions,
        golden=exported.golden,
        metrics=measures.metrics,
        calibration=measures.calibration,
        readiness=ready,
        data=data,
    )
