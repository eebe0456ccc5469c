"""The measured sizes as a picture: latency, loading and memory against the number of products.

In: `Point`s, one per size. Out: an SVG file that is the same for the same points.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.growth.result import LIMIT_MS, Point


def draw(points: Sequence[Point], path: Path) -> None:
    """Three panels; products on a logarithmic axis, all else linear from zero."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "endcap", "font.size": 9}):
        figure = Figure(figsize=(11, 4.4), layout="constrained")
        latency, loading, memory = figure.subplots(1, 3)
        points = sorted(points, key=lambda point: point.built.products)
        _latency(latency, points)
        _loading(loading, points)
        _memory(memory, points)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _latency(axes: Axes, points: Sequence[Point]) -> None:
    pages = [point.inside.pages["all"] for point in points]
    products = _products(points)
    axes.plot(products, [one.p50_ms for one in pages], "o-", color="tab:blue", label="inside, p50")
    axes.plot(products, [one.p99_ms for one in pages], "o--", color="tab:blue", label="inside, p99")
    axes.plot(
        products, [one.cpu_p99_ms for one in pages], "o-.", color="tab:green", label="inside, p99 of processor time"
    )
    axes.plot(products, [point.served[0].p50_ms for point in points], "s-", color="gray", label="over HTTP, p50")
    axes.plot(products, [point.served[0].p99_ms for point in points], "s--", color="gray", label="over HTTP, p99")
    axes.axhline(LIMIT_MS, color="tab:red", linestyle=":", label=f"limit of p99 inside, {LIMIT_MS:g} ms")
    _finish(axes, "one page", "milliseconds")


def _loading(axes: Axes, points: Sequence[Point]) -> None:
    products, inside = _products(points), [point.inside for point in points]
    if all(one.load_cold_s is not None for one in inside):
        axes.plot(products, [one.load_cold_s or 0.0 for one in inside], "o--", label="bundle, from disk")
    axes.plot(products, [one.load_s for one in inside], "o-", label="bundle, in the page cache")
    axes.plot(products, [one.catalogue_s for one in inside], "s-", label="catalogue")
    axes.plot(products, [point.served[0].ready_s for point in points], "d-", color="black", label="start until ready")
    _finish(axes, "loading", "seconds")


def _memory(axes: Axes, points: Sequence[Point]) -> None:
    products = _products(points)
    for at, (mark, colour) in zip(range(len(points[0].served)), (("o", "tab:blue"), ("s", "tab:green")), strict=False):
        served = [point.served[at] for point in points]
        name = f"{served[0].workers} worker" + "s" * (served[0].workers > 1)
        axes.plot(products, [one.total("pss") for one in served], f"{mark}-", color=colour, label=f"{name}, pages once")
        axes.plot(
            products, [one.total("rss") for one in served], f"{mark}:", color=colour, label=f"{name}, sum of each"
        )
    _finish(axes, "memory", "MiB")


def _products(points: Sequence[Point]) -> list[int]:
    return [point.built.products for point in points]


def _finish(axes: Axes, title: str, unit: str) -> None:
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.set_xlabel("products")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)  # never over the lines
