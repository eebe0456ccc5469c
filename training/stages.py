"""Progress: what is being done, how far it is, how long is left; on a terminal as bars, elsewhere as lines.

In: the stages of a run with the share of the time each usually takes. Out: `Stages`, which the pipeline reports to. A
run that another program started tells that one, too (`told`): stage and share done, at each whole percent.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[int], None]


class Stages:
    """Runs named stages in turn and remembers what each took, in seconds, in `seconds`."""

    def __init__(
        self, shares: Mapping[str, float], console: Console, told: Callable[[str, float], None] | None = None
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._shares = dict(shares)
        self._told, self._percent, self._stage = told, -1, ""
        self._done = 0.0
        self._started = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._whole = self._progress.add_task("[bold]whole run", total=sum(self._shares.values()), left="")

    def expect(self, shares: Mapping[str, float]) -> None:
        """More stages than were known at the start."""
        self._shares |= shares
        self._progress.update(self._whole, total=sum(self._shares.values()))

    @contextmanager
    def shown(self) -> Iterator["Stages"]:
        """Show the bars while the block runs."""
        with self._progress:
            yield self

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Advance]:
        """One stage; the block may call what it gets with the number of `total` done so far."""
        share, began = self._shares.get(title, 0.0), time.monotonic()
        task = self._progress.add_task(title, total=total, left="")
        self._stage = title

        def advance(done: int) -> None:
            part = min(done / total, 1.0) if total else 0.0
            self._progress.update(task, completed=done)
            self._tell(self._done + share * part)

        yield advance
        self.seconds[title] = time.monotonic() - began
        self._done += share
        self._progress.update(task, total=total or 1, completed=total or 1)
        self._tell(self._done)

    def _tell(self, done: float) -> None:
        # The usual shares say how much is left; this machine's pace says how long that takes.
        whole, spent = sum(self._shares.values()), time.monotonic() - self._started
        left = "" if done < 0.02 * whole else f"about {max(spent * (whole - done) / done, 0):.0f} s left"
        self._progress.update(self._whole, completed=done, left=left if done < whole else "done")
        percent = int(100 * done / whole) if whole else 100
        if self._told and percent != self._percent:
            self._percent = percent
            self._told(self._stage, min(done / whole, 1.0) if whole else 1.0)
