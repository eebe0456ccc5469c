"""Calibration for the eye: bars of what was bought by tenth of the score.

In: `Calibration` by slot. Out: per slot a plot's numbers, its table, and what they say in a sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from edge.core.bundle import Bin, Calibration
from training.page import names

_CLOSE = 0.1  # of the larger: nearer than that, mean score and share bought are called alike


@dataclass(frozen=True)
class Plot:
    """One slot. `heights` are the bars in percent of the highest."""

    title: str
    bins: tuple[Bin, ...]
    heights: list[float]
    rows: int
    says: str


def plots(calibration: Mapping[str, Calibration]) -> list[Plot]:
    """A plot per slot that has scores."""
    return [
        _plot(names.slot(slot), calibration[slot].bins) for slot in names.slots(calibration) if calibration[slot].bins
    ]


def _plot(title: str, bins: tuple[Bin, ...]) -> Plot:
    rows = sum(one.rows for one in bins)
    score = sum(one.score * one.rows for one in bins) / rows
    bought = sum(one.bought * one.rows for one in bins) / rows
    top = max(max(one.bought for one in bins), 1e-9)
    heights = [100 * one.bought / top for one in bins]
    return Plot(title, bins, heights, rows, f"{_order(bins)} {_level(score, bought)}")


def _order(bins: tuple[Bin, ...]) -> str:
    if len(bins) == 1:
        return "All candidates have one score."
    falls = sum(later.bought < earlier.bought for earlier, later in pairwise(bins))
    ends = f"from {names.percent(bins[0].bought)} bought in the lowest bin to {names.percent(bins[-1].bought)}"
    if not falls:
        return f"The share bought rises with every bin, {ends} in the highest."
    times = "once" if falls == 1 else f"{falls} times"
    return f"The share bought goes {ends} in the highest; on the way up it falls {times}."


def _level(score: float, bought: float) -> str:
    told = f"The scores average {score:.2f} where {names.percent(bought)} of the candidates were bought"
    if abs(score - bought) <= _CLOSE * max(score, bought):
        return f"{told}: on average they could be read as probabilities."
    return f"{told}: read as probabilities they would be too {'high' if score > bought else 'low'}."
