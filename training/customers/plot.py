"""What was foretold against what came, as a picture: a panel per fact, a point per tenth of the customers.

In: a manifest. Out: an SVG file that is the same for the same figures.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from training.customers.store import Manifest


def draw(manifest: Manifest, path: Path) -> None:
    """On the diagonal what was foretold came true; the first and last points are the tenths least and most likely."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "endcap", "font.size": 9}):
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        for axes, (name, model) in zip(
            figure.subplots(1, len(manifest.targets)), manifest.targets.items(), strict=True
        ):
            tenths = model.measured.tenths
            top = max(max(one.predicted, one.actual) for one in tenths) * 1.05
            axes.plot([0, top], [0, top], ":", color="gray", label="foretold = real")
            axes.plot([one.predicted for one in tenths], [one.actual for one in tenths], "o-", color="black",
                      label=f"tenths, {model.method}")  # fmt: skip
            axes.set_title(name)
            axes.set_xlabel(f"foretold for {model.days} days, mean")
            axes.set_ylabel("real, mean")
            axes.set_xlim(0, top)
            axes.set_ylim(0, top)
            axes.grid(visible=True, alpha=0.3)
            axes.legend(fontsize=7)
        figure.savefig(path, format="svg", metadata={"Date": None})
