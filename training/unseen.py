"""Weeks nothing was learned from, for measuring the published forest again: its shelves, its cold starts.

In: a prepared data set and the live bundle. Out: `Unseen`: moments of those weeks, the forest, and indexes of the days
before. Raises EndcapError where the bundle has seen the days that would be measured.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from edge.core.bundle import INDEX, RANKERS, read_live, read_manifest
from edge.core.errors import EndcapError
from edge.core.index import Index
from training import engine as engines
from training import index as index_builder
from training.dataset import Dataset
from training.facts import PURCHASE, Facts, collect
from training.moments import Moment
from training.moments import collect as collect_moments
from training.pairs import count_meetings
from training.pipeline import Windows
from training.scorer import Scorer
from training.settings import Settings

_SAMPLES = 2_000


class SeenError(EndcapError):
    """The live bundle learned from the days that were to be measured."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """`start` and `end` are unix days; the moments are orders of [start, end)."""

    dataset: Dataset
    facts: Facts
    start: int
    end: int
    moments: list[Moment]
    score: Callable[[NDArray[np.float32]], NDArray[np.float32]]

    def index(self, without: Sequence[int] = ()) -> Index:
        """The index of the days before `start`; as if the products at the positions `without` had never been sold."""
        facts = self.facts
        if len(without):
            facts = dataclasses.replace(facts, lines=facts.lines.filter(~facts.lines.item.isin(list(without))))
        return Index.from_arrays(index_builder.build(facts, count_meetings(facts, self.start), self.start))


def open_unseen(
    dataset: Dataset, settings: Settings, days: int | None, orders: int, progress: Callable[[int], None]
) -> Unseen:
    """The first `days` of the weeks nothing was learned from (None: all), at most `orders` of their orders, seeded."""
    facts = collect(dataset.engine, dataset.lines(), dataset.products())
    windows = Windows.of(facts.first_day, facts.last_day, settings)
    end = windows.end if days is None else min(windows.test + days, windows.end)
    directory = settings.bundles_dir / settings.shop / read_live(settings.bundles_dir, settings.shop).live
    manifest = read_manifest(directory)
    start = (datetime.fromtimestamp(0, UTC) + timedelta(days=windows.test)).date().isoformat()
    if manifest.data.get("fingerprint") != dataset.fingerprint or str(manifest.data["measured_from"]) > start:
        raise SeenError(
            f"bundle {manifest.version} learned from other data, or from days after {start}; train one on this data "
            "set with the same ENDCAP_TEST_DAYS first"
        )
    lines = dataset.lines()
    wanted = lines.filter((lines.type == PURCHASE) & (lines.day >= windows.test) & (lines.day < end))
    ids = engines.arrow(dataset.engine, wanted.select("event_id").distinct().order_by("event_id"))["event_id"]
    chosen = np.random.default_rng(windows.test).permutation(len(ids))[:orders]
    moments = collect_moments(dataset, settings.shop, {ids[int(at)].as_py() for at in chosen}, progress)
    scorer = Scorer((directory / RANKERS[INDEX]).read_bytes())
    return Unseen(dataset, facts, windows.test, end, moments, scorer.score)


def lead_by_shopper(ours: Sequence[float], theirs: Sequence[float], shoppers: Sequence[str]) -> tuple[float, ...]:
    """How far one method is ahead of another: mean, and the ends of its 95 % interval.

    A paired bootstrap (seeded) that draws whole shoppers, since the queries of one shopper are alike.
    """
    _, shopper = np.unique(np.asarray(shoppers), return_inverse=True)
    ahead = np.bincount(shopper, np.subtract(ours, theirs))
    count = np.bincount(shopper)
    drawn = np.random.default_rng(7).integers(0, len(count), (_SAMPLES, len(count)))
    means = ahead[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(ahead.sum() / count.sum()), float(low), float(high)
