"""Things that are dear to make, made once per test run instead of once per worker.

In: where a worker keeps its files, a name, and a function that makes something in an empty directory. Out: what it
made, the same for all workers.
"""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")


def once(base: Path, name: str, make: Callable[[Path], Made]) -> Made:
    """What `make(directory)` gave the worker that asked first. The others wait for it and read a pickled copy.

    `base` is the worker's directory of temporary files. What was made stays as long as the run;
    nobody may write to it.
    """
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    root.mkdir(exist_ok=True)
    directory, kept = root / name, root / f"{name}.pickle"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            shutil.rmtree(directory, ignore_errors=True)  # left by one that failed
            directory.mkdir()
            whole = root / f"{name}.new"
            whole.write_bytes(pickle.dumps(make(directory)))
            whole.rename(kept)
    made: Made = pickle.loads(kept.read_bytes())  # noqa: S301 -- written by this run
    return made
