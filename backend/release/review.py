"""What a person looks at before a candidate serves: the verdict, and the pairs and shelves that would change.

In: the live bundle and the candidate, both with the index they ship. Out: `Review`, and two HTML pages beside it: this
comparison, and the training report of the candidate.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend.release import verdict as verdicts
from backend.release.contest import Contender
from backend.release.pages import environment
from backend.release.state import ShopState
from backend.release.verdict import Verdict
from backend.settings import Settings
from edge.core.context import Context, History
from edge.core.errors import BundleError
from edge.core.index import Index
from edge.core.snapshot import read_snapshot
from edge.scoring import Model, load_model
from training.page import names
from training.page import render as page

_PLACES = 8  # of a shelf, as a page shows by default
_PAGES = 200  # products whose shelves are compared, the most sold ones
_SHOWN = 15  # of each list
_STRONG = 300  # strongest pairs that count as news when they come or go


@dataclass(frozen=True)
class Pair:
    """Two products bought together, and how strongly (shrunk cosine, 0..1) then and now."""

    a: str
    b: str
    before: float
    now: float


@dataclass(frozen=True)
class ShelfChange:
    """A shelf whose products change: where it stands, what comes, what goes, what stays."""

    place: str
    comes: list[str]
    goes: list[str]
    stays: int


@dataclass(frozen=True)
class Review:
    """The candidate beside the live model. `overlap` is the mean share of places with the same products."""

    version: str
    live: str | None
    verdict: Verdict | None
    new_pairs: list[Pair] = field(default_factory=list)
    gone_pairs: list[Pair] = field(default_factory=list)
    moved_pairs: list[Pair] = field(default_factory=list)
    shelves: list[ShelfChange] = field(default_factory=list)
    compared: int = 0
    changed: int = 0
    overlap: float = 1.0
    remarks: list[str] = field(default_factory=list)


def reports_dir(settings: Settings) -> Path:
    """Where what is said about bundles lies."""
    return settings.data_dir / "reports" / settings.shop


def page_of(settings: Settings, version: str) -> Path:
    """The comparison as HTML."""
    return reports_dir(settings) / f"{version}-review.html"


def compare(settings: Settings, version: str, verdict: Verdict | None) -> Review:
    """What would change. A bundle that cannot be read is a remark, not an error: the verdict says so, too."""
    state = ShopState(settings.bundles_dir, settings.shop)
    live = state.live()
    review = Review(version, live.live if live else None, verdict)
    if live is None:
        review.remarks.append("There is no live model to compare with.")
        return review
    try:
        before, now = (load_model(state.directory / one) for one in (live.live, version))
    except BundleError as error:
        review.remarks.append(f"Nothing can be compared: {error}")
        return review
    titles, missing = _titles(settings)
    review.remarks.extend(missing)
    news, gone, moved = pair_changes(before.index, now.index)
    places = _pages(before.index, now.index)
    changes = [change for change in (_shelf_change(before, now, one) for one in places) if change]
    return Review(
        version=version,
        live=live.live,
        verdict=verdict,
        new_pairs=[_titled(pair, titles) for pair in news],
        gone_pairs=[_titled(pair, titles) for pair in gone],
        moved_pairs=[_titled(pair, titles) for pair in moved],
        shelves=[
            ShelfChange(
                titles.get(one.place, one.place), _named(one.comes, titles), _named(one.goes, titles), one.stays
            )
            for one in sorted(changes, key=lambda change: change.stays - len(change.comes))[:_SHOWN]
        ],
        compared=len(places),
        changed=len(changes),
        overlap=1 - sum(len(one.comes) for one in changes) / max(_PLACES * len(places), 1),
        remarks=review.remarks,
    )


def pair_changes(before: Index, now: Index) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Strong pairs that one index has and the other lacks altogether, and those whose strength moved most."""
    then, today = _pairs(before), _pairs(now)
    strong_then, strong_today = _strongest(then), _strongest(today)
    news = [Pair(*key, 0.0, today[key]) for key in strong_today if key not in then]
    gone = [Pair(*key, then[key], 0.0) for key in strong_then if key not in today]
    both = [Pair(*key, then[key], today[key]) for key in dict.fromkeys((*strong_today, *strong_then))
            if key in then and key in today]  # fmt: skip
    moved = sorted(both, key=lambda pair: -abs(pair.now - pair.before))
    return news[:_SHOWN], gone[:_SHOWN], [pair for pair in moved if pair.now != pair.before][:_SHOWN]


def write(settings: Settings, version: str, verdict: Verdict | None = None) -> Path:
    """Write both pages; returns the comparison's path."""
    review = compare(settings, version, verdict or verdicts.read(reports_dir(settings), version))
    state = ShopState(settings.bundles_dir, settings.shop)
    report = f"{version}.html"
    try:
        previous = state.directory / review.live if review.live and review.live != version else None
        catalogue = settings.data_dir / "catalogue" / f"{settings.shop}.cat"
        page.write(page.render(state.directory / version, catalogue, previous), reports_dir(settings) / report)
    except BundleError as error:
        review.remarks.append(f"There is no training report: {error}")
        report = ""
    html = environment().get_template("review.html.jinja").render(
        review=review, verdict=review.verdict, report=report, slot=names.slot
    )  # fmt: skip
    out = page_of(settings, version)
    page.write(html, out)
    return out


def _pairs(index: Index) -> dict[tuple[str, str], float]:
    """Every pair once, by ids in order; of its two directions the stronger one."""
    owner = np.repeat(np.arange(len(index.ids)), np.diff(index.pair_ptr))
    found: dict[tuple[str, str], float] = {}
    for a, b, score in zip(owner.tolist(), index.pair_items.tolist(), index.pair_score.tolist(), strict=True):
        first, second = sorted((index.ids[a], index.ids[b]))
        found[first, second] = max(score, found.get((first, second), 0.0))
    return found


def _strongest(pairs: dict[tuple[str, str], float]) -> list[tuple[str, str]]:
    return sorted(pairs, key=lambda key: (-pairs[key], key))[:_STRONG]


def _pages(before: Index, now: Index) -> list[str]:
    """The pages that are compared: the most sold products both know."""
    best = np.argsort(-now.sold, kind="stable").tolist()
    known = (now.ids[at] for at in best if now.sold[at] > 0)
    return [id_ for id_ in known if id_ in before.position][:_PAGES]


def _shelf_change(before: Model, now: Model, product: str) -> ShelfChange | None:
    """How the shelf beside one product changes for a stranger; None where it holds the same products."""
    then, today = (_shelf(model, product) for model in (before, now))
    comes = [id_ for id_ in today if id_ not in then]
    goes = [id_ for id_ in then if id_ not in today]
    return ShelfChange(product, comes, goes, len(today) - len(comes)) if comes or goes else None


def _shelf(model: Model, product: str) -> list[str]:
    index = model.index
    nobody = History.of(index, None)
    context = Context(index.positions([product]), index.positions([]), nobody, float(index.as_of))
    shelf = Contender(model, index).shelf(index, "bought_together", context)
    return [index.ids[at] for at in shelf[:_PLACES]]


def _titles(settings: Settings) -> tuple[dict[str, str], list[str]]:
    try:
        snapshot = read_snapshot(settings.data_dir / "catalogue" / f"{settings.shop}.cat")
    except BundleError as error:
        return {}, [f"Without names: {error}."]
    return {product.id: product.title for product in snapshot.products}, []


def _titled(pair: Pair, titles: dict[str, str]) -> Pair:
    return Pair(titles.get(pair.a, pair.a), titles.get(pair.b, pair.b), pair.before, pair.now)


def _named(ids: Iterable[str], titles: dict[str, str]) -> list[str]:
    return [titles.get(id_, id_) for id_ in ids]
