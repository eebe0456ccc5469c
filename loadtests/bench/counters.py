"""What the server itself counts, read from its metrics before and after a run of requests.

In: a server's address. Out: `Counted`: how often the ranker ran, over how many candidates, what was degraded, and the
time by stage, as differences between two readings.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from loadtests.ask import Asker
from loadtests.server import RunError

_LINE = re.compile(r"(\w+?)(?:\{(.*)\})? (\S+)")
FEW = 100  # candidates; the histogram counts the runs over fewer

Readings = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Counted:
    """Differences between two readings."""

    before: Readings
    after: Readings

    def _grown(self, name: str, *labels: str) -> float:
        """By how much a metric has grown, added up over all labels but these."""
        return sum(
            value - self.before.get((known, told), 0.0)
            for (known, told), value in self.after.items()
            if known == name and set(labels) <= set(told.split(","))
        )

    def _by(self, name: str, label: str) -> dict[str, float]:
        """The same for each value of one label."""
        labels = [one for known, told in self.after if known == name for one in told.split(",")]
        return {one.split('"')[1]: self._grown(name, one) for one in sorted(labels) if one.startswith(f"{label}=")}

    @property
    def ranked(self) -> int:
        """Runs of the ranker."""
        return round(self._grown("endcap_ranked_candidates_count"))

    @property
    def ranked_few(self) -> int:
        """Of these, over too few candidates."""
        return round(self._grown("endcap_ranked_candidates_bucket", f'le="{FEW - 1:.1f}"'))

    @property
    def candidates(self) -> float:
        """Candidates in a run, in the mean."""
        return self._grown("endcap_ranked_candidates_sum") / max(self.ranked, 1)

    @property
    def degraded(self) -> dict[str, int]:
        """Answers given with less, by what failed."""
        return {what: round(count) for what, count in self._by("endcap_degraded_total", "what").items() if count}

    @property
    def stages_s(self) -> dict[str, float]:
        """Seconds by stage, of all requests together."""
        return self._by("endcap_stage_seconds_sum", "stage")


def read(asker: Asker) -> Readings:
    """All metrics now. Raises RunError when there are none."""
    reply = asker.get("/metrics")
    if reply.status != 200:
        raise RunError(f"the server's /metrics answered {reply.status}; is it in demo mode?")
    found = (_LINE.fullmatch(line) for line in reply.body.decode().splitlines() if not line.startswith("#"))
    return {(match[1], match[2] or ""): float(match[3]) for match in found if match}


def counting(asker: Asker, run: Callable[[], None]) -> Counted:
    """What a run of requests adds."""
    before = read(asker)
    run()
    return Counted(before, read(asker))
