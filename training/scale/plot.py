"""The measured sizes as a picture: time, by stage too, and peak memory, against the number of events.

In: `Point`s, one per size. Out: an SVG file that is the same for the same points.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.scale.measure import Point

LIMIT_GIB = 8.0  # what a run over twenty million events may hold
_STAGES_SHOWN = 4
_MILLION = 1e6


def draw(points: Sequence[Point], path: Path) -> None:
    """Two panels, linear axes: a straight line through the origin is a cost that grows with the events."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "endcap", "font.size": 9}):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        time, memory = figure.subplots(1, 2)
        points = sorted(points, key=lambda point: point.events)
        _time(time, points)
        _memory(memory, points)
        figure.savefig(path, format="svg", metadata={"Date": None})


def slowest(points: Sequence[Point], count: int = _STAGES_SHOWN) -> list[str]:
    """The stages that take most of the largest run, longest first."""
    seconds = max(points, key=lambda point: point.events).seconds
    return sorted(seconds, key=lambda name: -seconds[name])[:count]


def _time(axes: Axes, points: Sequence[Point]) -> None:
    events = [point.events / _MILLION for point in points]
    axes.plot(events, [point.total_s / 60 for point in points], "o-", color="black", label="whole run")
    axes.plot(events, [point.cpu_s / 60 for point in points], "s-", color="gray", label="its processor time")
    for name in slowest(points):
        axes.plot(events, [point.seconds[name] / 60 for point in points], ".--", linewidth=1, label=name)
    axes.set_title("time")
    axes.set_ylabel("minutes")
    _finish(axes)


def _memory(axes: Axes, points: Sequence[Point]) -> None:
    events = [point.events / _MILLION for point in points]
    axes.plot(events, [point.peak_mib / 1024 for point in points], "o-", color="black", label="peak of the process")
    axes.axhline(LIMIT_GIB, color="tab:red", linestyle=":", label=f"{LIMIT_GIB:.0f} GiB")
    axes.set_title("memory")
    axes.set_ylabel("GiB")
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.set_xlabel("million events")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)
