"""What `python -m training scale` starts for each size: `python -m training.scale generate|train DIRECTORY EVENTS`.

In: a step, a directory to work in, a number of events. Out: the files `training.scale.measure` speaks of.
"""

import sys
from pathlib import Path

from rich.console import Console

from training.scale import measure


def main(step: str, directory: str, events: str) -> None:
    """Take one of the two steps."""
    if step == "generate":
        measure.generate(Path(directory), int(events), Console())
    else:
        measure.train(Path(directory), Console())


if __name__ == "__main__":
    main(*sys.argv[1:])
