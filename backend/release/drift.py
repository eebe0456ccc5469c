"""Drift: are the newest days still like those the live model was measured on?

In: the live bundle's reference distributions, the newest days of a prepared data set replayed through the same code
and the live model's own index and ranker. Out: `Report`: PSI and KS of inputs, features and scores, and what drifted.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from backend.release.state import ReleaseError, ShopState
from backend.settings import Settings
from edge.core import clock
from edge.core.bundle import replace_file
from edge.core.errors import UNREADABLE, EndcapError
from edge.scoring import Model, load_model
from training.dataset import Dataset
from training.draws import even_orders
from training.drift import FEATURES, ORDERS, Sample, Spread, Values, counts_in, ks, named, observe, psi, read
from training.facts import collect
from training.moments import collect as collect_moments

# Shown, but nothing is triggered by them. What they would say of other shoppers or products, the others say as well.
_GROWS = "moves with time alone: histories only grow, and ages follow the length of what is known"
_OF_INDEX = "a number of the index, which was built anew for all days between the reference and now"
GROWING = frozenset(
    {
        "orders",
        "products_known",
        "own_count",
        "own_share",
        "own_rank",
        "own_often",
        "own_mean_gap_days",
        "own_idle_days",
        "order_gap_days",
        "own_orders_since",
    }
)
INDEXED = frozenset({"sold", "sold_recently", "trend", "repeat_rate", "gap_days"})
_UNWATCHED = dict.fromkeys(GROWING, _GROWS) | dict.fromkeys(INDEXED, _OF_INDEX)
_EPOCH = date(1970, 1, 1)
_LEAST = 1e-4  # a limit; a smaller one would be rounded to nothing, and distances are shown as shares of it
Progress = Callable[[str, float], None]


class Finding(msgspec.Struct, frozen=True):
    """One quantity then and now. Limits are the settings', or more where the measured weeks differ by themselves."""

    group: str
    name: str
    psi: float
    psi_limit: float
    ks: float | None  # words have no distribution function
    ks_limit: float
    drifted: bool
    unwatched: str  # why it triggers nothing; empty where it does
    bins: tuple[str, ...]
    before: tuple[float, ...]  # shares by bin
    now: tuple[float, ...]


class Report(msgspec.Struct, frozen=True):
    """The live model's reference beside the newest days. `enough`: whether these days say anything."""

    version: str
    time: str
    first_day: str
    last_day: str
    orders: int
    reference_orders: int
    enough: bool
    note: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def drifted(self) -> tuple[Finding, ...]:
        """What drifted, furthest first."""
        found = (one for one in self.findings if one.drifted)
        return tuple(sorted(found, key=lambda one: -one.psi / one.psi_limit))


def measure(dataset: Dataset, settings: Settings, progress: Progress = lambda _stage, _done: None) -> Report:
    """Compare the newest days with the live bundle's reference. Raises EndcapError where there is no live bundle."""
    state = ShopState(settings.bundles_dir, settings.shop)
    live = state.live()
    if live is None:
        raise ReleaseError(f"shop {settings.shop!r} has no live model to measure drift of; publish one first")
    directory = state.directory / live.live
    model, reference = load_model(directory), read(directory)
    start, end = _days(dataset, model, settings)
    orders = even_orders(dataset, start, end, ORDERS) if start < end else []
    report = Report(
        version=live.live,
        time=_stamp(),
        first_day=_date(min(start, end - 1)),
        last_day=_date(end - 1),
        orders=len(orders),
        reference_orders=reference.orders if reference else 0,
        enough=False,
    )
    if reference is None:
        return msgspec.structs.replace(report, note="the live bundle keeps no reference; it was made before drift was")
    if len(orders) < settings.drift_least_orders:
        least = settings.drift_least_orders
        note = f"{len(orders)} orders since the live model's data, fewer than {least}: they say nothing about drift"
        return msgspec.structs.replace(report, note=note)
    sample = _observed(dataset, model, settings.shop, orders, progress)
    findings = [
        _finding(group, name, spread, sample.groups[group][name], settings)
        for group, name, spread in named(reference.groups)
        if name in sample.groups.get(group, {})
    ]
    return msgspec.structs.replace(report, enough=True, findings=tuple(findings))


def _days(dataset: Dataset, model: Model, settings: Settings) -> tuple[int, int]:
    """Unix days compared, [start, end): the newest ones, but none that the model learned from; may be empty."""
    end = collect(dataset.engine, dataset.lines(), dataset.products()).last_day + 1
    learned = date.fromisoformat(str(model.manifest.data["last_day"])) - _EPOCH
    return max(end - settings.drift_days, learned.days + 1), end


def _observed(dataset: Dataset, model: Model, shop: str, orders: Sequence[str], progress: Progress) -> Sample:
    """What these orders were like to the live model."""
    total = max(dataset.summary.lines, 1)
    moments = collect_moments(dataset, shop, orders, lambda n: progress("replaying profiles", 0.5 * n / total))
    many = len(moments)
    return observe(
        dataset,
        model.index,
        moments,
        model.ranker.scores,
        lambda n: progress("features and scores", 0.5 + 0.5 * n / many),
    )


def _finding(group: str, name: str, spread: Spread, seen: Values, settings: Settings) -> Finding:
    counts = counts_in(spread, seen.values)
    far = psi(spread.counts, counts)
    distance = ks(spread.quantiles, seen.values) if spread.quantiles else None
    psi_limit = max(settings.drift_psi, settings.drift_natural * spread.natural_psi, _LEAST)
    ks_limit = min(max(settings.drift_ks, settings.drift_natural * spread.natural_ks, _LEAST), 1.0)
    unwatched = _UNWATCHED.get(name, "") if group == FEATURES else ""
    over = far >= psi_limit or (distance is not None and distance >= ks_limit)
    before = np.asarray(spread.counts) / max(sum(spread.counts), 1)
    now = counts / max(int(counts.sum()), 1)
    return Finding(
        group=group,
        name=name,
        psi=round(far, 4),
        psi_limit=round(psi_limit, 4),
        ks=None if distance is None else round(distance, 4),
        ks_limit=round(ks_limit, 4),
        drifted=not unwatched and over and len(seen.values) > 0,
        unwatched=unwatched,
        bins=_bins(spread),
        before=tuple(round(float(share), 5) for share in before),
        now=tuple(round(float(share), 5) for share in now),
    )


def _bins(spread: Spread) -> tuple[str, ...]:
    if spread.names:
        return spread.names
    if not spread.edges:
        return ("all",)
    return (*(f"to {edge:.4g}" for edge in spread.edges), f"over {spread.edges[-1]:.4g}")


def failed(version: str, why: str) -> Report:
    """A report of a measurement that did not come to an end."""
    return Report(version, _stamp(), "", "", 0, 0, enough=False, note=why)


def path_of(reports: Path) -> Path:
    """Where the newest report lies."""
    return reports / "drift.json"


def write(reports: Path, report: Report) -> Path:
    """Keep it."""
    path = path_of(reports)
    replace_file(path, msgspec.json.format(msgspec.json.encode(report)))
    return path


def read_report(reports: Path) -> Report | None:
    """The newest report; None where drift was never measured. Raises EndcapError when the file is damaged."""
    path = path_of(reports)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise EndcapError(f"{path} is damaged: {error}; measure again with `python -m backend drift`") from error


def _stamp() -> str:
    return datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="seconds")


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
