"""The gate: may a candidate take the live model's place?

In: both bundles, a prepared data set. Out: `Verdict`. Both models are asked about the newest days that neither has
learned from. The live one answers with the index it serves with, as long as that knows none of these days; the
candidate's forest with an index of the days before them, since the one it ships knows all. Where the live model, too,
knows these days (two models of the same data), it gets the same early index, and only the forests are compared.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from backend.release.contest import Contender, Shelf, Speed, compete, race
from backend.release.state import ReleaseError, ShopState
from backend.release.verdict import Check, Verdict
from backend.settings import Settings
from edge.core.bundle import MANIFEST, Manifest
from edge.core.errors import BundleError
from edge.core.index import Index
from edge.scoring import Model, RankerError, load_model
from training import index as index_builder
from training.dataset import Dataset
from training.draws import fair_orders
from training.facts import collect
from training.metrics import LEADING, RANKER
from training.moments import Moment
from training.moments import collect as collect_moments
from training.pairs import count_meetings

_EPOCH = datetime.fromtimestamp(0, UTC).date()
_PARITY = 1e-5  # as training.export allows
_KNOWN = 0.98  # of what the early index knows the shipped one must know; erasures take a little
_SMALL = 1 << 20  # bytes; below it, growth is nobody's concern
Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class _Window:
    """The days asked about, [start, end), the questions, and the index of the days before."""

    start: int
    end: int
    moments: Sequence[Moment]
    before: Index
    fair: bool  # the live model answers with the index it serves with


def judge(
    dataset: Dataset, settings: Settings, version: str, progress: Progress = lambda _stage, _done: None
) -> Verdict:
    """Compare a bundle with the live one. Raises EndcapError where there is nothing to compare with or to read."""
    state = ShopState(settings.bundles_dir, settings.shop)
    manifest, live = state.manifest(version), state.live()
    if live and live.live == version:
        raise ReleaseError(f"{version} is live already; train a candidate with `python -m backend retrain`")
    progress("loading both models", 0.0)
    serving, notes = _load(state.directory / live.live) if live else (None, ("there is no live model yet",))
    verdict = Verdict(version, live.live if live else None, False, (), notes=notes)
    try:
        model = load_model(state.directory / version)
    except BundleError as error:
        return _decided(verdict, [Check("parity", False, f"an edge would refuse it: {error}")])
    checks = [*_of_itself(manifest, model), *_sizes(state.directory, version, serving, settings)]
    window = _window(dataset, settings, manifest, serving, progress)
    checks += list(_shipped(model.index, window, _day(manifest, "last_day") + 1))
    if serving is None:
        return _decided(verdict, checks, window)
    candidate = Contender(model, window.before)
    opponent = Contender(serving, serving.index if window.fair else window.before)
    try:
        shelves = compete(opponent, candidate, window.moments, _share(progress, "asking both", len(window.moments)))
        progress("taking times", 0.97)
        speed = race(opponent, candidate, window.moments)
    except RankerError as error:
        return _decided(verdict, [*checks, Check("parity", False, f"a ranker failed: {error}")], window)
    checks += [*_accuracy(shelves, settings), *_coverage(shelves, settings), _latency(speed, settings)]
    if not window.fair:
        told = "the live model learned from these days, too: both answered with the same index of the days before"
        verdict = _with_note(verdict, told)
    return _decided(verdict, checks, window, tuple(shelves), speed)


def _decided(
    verdict: Verdict,
    checks: Sequence[Check],
    window: _Window | None = None,
    shelves: tuple[Shelf, ...] = (),
    speed: Speed | None = None,
) -> Verdict:
    """The verdict that these checks make."""
    days = (_date(window.start), _date(window.end - 1)) if window else None
    return Verdict(
        verdict.version,
        verdict.live,
        all(check.passed for check in checks),
        tuple(checks),
        days,
        len(window.moments) if window else 0,
        shelves,
        speed,
        verdict.notes,
    )


def _load(directory: Path) -> tuple[Model | None, tuple[str, ...]]:
    """The live model; None where no edge of this program could load it either, with the reason."""
    try:
        return load_model(directory), ()
    except BundleError as error:
        return None, (f"the live model cannot be compared with, edges of this program refuse it: {error}",)


def _window(
    dataset: Dataset, settings: Settings, manifest: Manifest, live: Model | None, progress: Progress
) -> _Window:
    facts = collect(dataset.engine, dataset.lines(), dataset.products())
    end, unseen = facts.last_day + 1, _day(manifest, "measured_from")
    starts = [(unseen, False)]
    if live:
        # First the days the live index knows nothing of; then those at least no forest learned from.
        starts = [
            (max(unseen, _day(live.manifest, "last_day") + 1), True),
            (max(unseen, _day(live.manifest, "measured_from")), False),
        ]
    drawn = [(start, fair, fair_orders(dataset, start, end, settings.gate_orders)) for start, fair in starts]
    enough = [one for one in drawn if len(one[2]) >= settings.gate_least_shoppers]
    start, fair, orders = (enough or drawn[-1:])[0]
    progress("replaying profiles", 0.05)
    total = max(dataset.summary.lines, 1)
    moments = collect_moments(dataset, settings.shop, orders, lambda n: progress("replaying profiles", 0.3 * n / total))
    progress("index of the days before", 0.3)
    before = Index.from_arrays(index_builder.build(facts, count_meetings(facts, start), start))
    return _Window(start, end, moments, before, fair)


def _of_itself(manifest: Manifest, model: Model) -> Iterator[Check]:
    """What the bundle shows without any other: scores as measured, and no worse than the popular list."""
    rows = np.array(manifest.golden.rows, np.float32)
    worst = float(np.abs(model.ranker.scores(rows) - np.array(manifest.golden.scores)).max())
    trained = float(manifest.data.get("parity", 0.0))
    found = f"golden scores differ by {worst:.2g}, the trainer found {trained:.2g} over its rows"
    yield Check("parity", max(worst, trained) <= _PARITY, found, candidate=max(worst, trained), limit=f"{_PARITY:g}")
    behind = []
    for slot, methods in manifest.metrics.items():
        ours, popular = methods.get(RANKER, {}), methods.get("popularity", {})
        if f"{LEADING}_high" in ours and ours[f"{LEADING}_high"] < popular.get(f"{LEADING}_low", 0.0):
            behind.append(f"{slot} {ours[LEADING]:.4f}, popularity {popular[LEADING]:.4f}")
    yield Check("popular list", not behind, "; ".join(behind) or "no shelf is surely behind it")


def _sizes(directory: Path, version: str, live: Model | None, settings: Settings) -> Iterator[Check]:
    if live is None:
        return
    ours, theirs = _bytes(directory / version), _bytes(directory / live.version)
    ratio = ours / max(theirs, 1)
    fits = ratio <= settings.gate_larger or ours - theirs <= _SMALL
    found = f"{ours / 2**20:.1f} MiB, {ratio:.2f} times the live bundle"
    yield Check("size", fits, found, theirs / 2**20, ours / 2**20, f"{settings.gate_larger:g} times")


def _shipped(index: Index, window: _Window, end: int) -> Iterator[Check]:
    """The index that ships was not measured, it knows the answers; but what the early one knows it must know."""
    before = window.before
    here = index.position.locate(before.ids)
    lacking = int((here < 0).sum())
    sold = np.zeros(len(here))
    sold[here >= 0] = index.sold[here[here >= 0]]
    shares = {
        "sales": float(np.minimum(sold, before.sold).sum() / max(float(before.sold.sum()), 1.0)),
        "pairs": len(index.pair_items) / max(len(before.pair_items), 1),
        "popular": len(index.popular) / max(len(before.popular), 1),
        "sessions": len(index.item_sessions) / max(len(before.item_sessions), 1),
    }
    # More orders may unmake pairs that were chance, and drop old visits: these may shrink, not vanish.
    least = {"sales": _KNOWN, "pairs": 0.7, "popular": _KNOWN, "sessions": 0.7}
    short = [f"{shares[name]:.0%} of the {name}" for name in shares if shares[name] < least[name]]
    if lacking > (1 - _KNOWN) * len(before.ids):
        short.append(f"{lacking} products are missing")
    # `as_of` in float32 holds days exactly. The data may have grown since: that is no fault of the candidate.
    if index.as_of < end:
        short.append(f"it ends at {_date(int(index.as_of) - 1)}, the data at {_date(end - 1)}")
    found = "it knows what an index of the days before the window knows"
    yield Check("shipped index", not short, "; ".join(short) or found, candidate=shares["sales"], limit=f"{_KNOWN:.0%}")


def _accuracy(shelves: Sequence[Shelf], settings: Settings) -> Iterator[Check]:
    """A shelf is refused when it is surely worse and by more than is tolerated, or has collapsed whatever the noise."""
    judged = 0
    for shelf in shelves:
        if shelf.shoppers < settings.gate_least_shoppers:
            continue
        judged += 1
        lost = -shelf.difference / shelf.live if shelf.live > 0 else 0.0
        surely = shelf.high < 0 and lost > settings.gate_worse
        collapsed = lost > settings.gate_collapse
        interval = f"{shelf.difference:+.4f} ({shelf.low:+.4f} to {shelf.high:+.4f})"
        word = "surely worse" if surely else "collapsed" if collapsed else "not surely worse"
        limit = f"-{settings.gate_worse:.0%} if sure, -{settings.gate_collapse:.0%}"
        passed = not (surely or collapsed)
        yield Check(f"{LEADING} {shelf.slot}", passed, f"{interval}, {word}", shelf.live, shelf.candidate, limit)
    if not judged:
        least = settings.gate_least_shoppers
        yield Check(LEADING, False, f"no shelf was asked for by {least} shoppers in the window: nothing to judge by")


def _coverage(shelves: Sequence[Shelf], settings: Settings) -> Iterator[Check]:
    for shelf in shelves:
        if shelf.shoppers >= settings.gate_least_shoppers:
            least = (1 - settings.gate_coverage) * shelf.live_coverage
            ours = shelf.candidate_coverage
            found = f"{ours:.1%} of the catalogue, the live model {shelf.live_coverage:.1%}"
            limit = f"{least:.1%}"
            yield Check(f"coverage {shelf.slot}", ours >= least, found, shelf.live_coverage, ours, limit)


def _latency(speed: Speed, settings: Settings) -> Check:
    found = f"{speed.candidate_us:.0f} us of processor time for a shelf, {speed.ratio:.2f} times the live model's"
    passed = speed.ratio <= settings.gate_slower
    return Check("latency", passed, found, speed.live_us, speed.candidate_us, f"{settings.gate_slower:g} times")


def _with_note(verdict: Verdict, note: str) -> Verdict:
    return Verdict(verdict.version, verdict.live, verdict.passed, verdict.checks, notes=(*verdict.notes, note))


def _share(progress: Progress, stage: str, total: int) -> Callable[[int], None]:
    return lambda done: progress(stage, 0.4 + 0.55 * done / max(total, 1))


def _bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file() and path.name != MANIFEST)


def _day(manifest: Manifest, name: str) -> int:
    """A date of a manifest as unix day. Raises BundleError where it says none."""
    try:
        return (datetime.fromisoformat(str(manifest.data[name])).date() - _EPOCH).days
    except (KeyError, ValueError) as error:
        raise BundleError(f"bundle {manifest.version} does not say {name}; train again") from error


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
