"""What `scripts/growth` starts for each size: `python -m training.growth dataset|forest|index DIRECTORY ...`.

In: a step and its arguments. Out: the files `training.growth.build` speaks of; on standard output a line per step, as
JSON, for whoever shows the progress.
"""

import json
import sys
from pathlib import Path

from training.growth import build


def main(step: str, directory: str, *rest: str) -> None:
    """Take one of the three steps."""
    where = Path(directory)
    if step == "dataset":
        build.make_dataset(where, int(rest[0]), int(rest[1]), lambda done, all_: _tell("generating", done / all_))
    elif step == "forest":
        build.train_forest(where, int(rest[0]), lambda what: _tell(what, None))
    else:
        build.build(where, Path(rest[0]), lambda what: _tell(what, None))


def _tell(stage: str, done: float | None) -> None:
    print(json.dumps({"stage": stage, "done": done}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
