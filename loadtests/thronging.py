"""A throng in a process of its own, away from the server's core.

In: a site, stages and pages. Out: `Coming`, which is told when to begin and asked what came of it.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from loadtests.server import RunError, running, tail
from loadtests.site import Site
from loadtests.throng import Stage, Thronged, ThrongPlan

_GRACE_S = 60.0  # for the last answers, on a machine that is busy


@dataclass(frozen=True)
class Coming:
    """One throng that has been sent for."""

    plan: ThrongPlan
    process: "subprocess.Popen[bytes]"
    log: Path

    def begin(self, at: float) -> None:
        """Say when it begins, in Unix time, unless somebody else writes the plan's file."""
        told = Path(self.plan.begun_file)
        staged = told.with_suffix(".part")
        staged.write_text(repr(at))
        staged.replace(told)

    def result(self) -> Thronged:
        """What came of it, at its end. Raises RunError when nothing did."""
        try:
            self.process.wait(sum(stage.seconds for stage in self.plan.stages) + _GRACE_S)
        except subprocess.TimeoutExpired:
            raise RunError(f"the throng did not come to its end{tail(self.log)}") from None
        try:
            return msgspec.json.decode(Path(self.plan.result_file).read_bytes(), type=Thronged)
        except (OSError, msgspec.DecodeError):
            raise RunError(
                f"the throng ended with status {self.process.returncode} and without a result{tail(self.log)}"
            ) from None


@contextmanager
def thronging(
    site: Site,
    stages: Sequence[Stage],
    paths_file: Path,
    *,
    zero_s: float,
    seed: int,
    work: Path,
    begun: Path,
    log: Path,
) -> Iterator[Coming]:
    """Send for a throng; it waits for its begin, and is gone with the block."""
    plan = ThrongPlan(site.port, str(paths_file), tuple(stages), zero_s, seed, str(begun), str(work / "throng.json"))
    told = work / "throng-plan.json"
    told.write_bytes(msgspec.json.encode(plan))
    Path(plan.result_file).unlink(missing_ok=True)
    with running(site.asking(sys.executable, "-m", "loadtests.throng", told), {}, log) as process:
        yield Coming(plan, process, log)
