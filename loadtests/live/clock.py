"""The clock of a simulation: a file that every server reads, moved on by whoever replays the past.

In: the times of the events. Out: unix seconds in a file, replaced whole. It never goes back.
"""

import os
from datetime import datetime
from pathlib import Path


class SimulatedClock:
    """The file named by ENDCAP_CLOCK_FILE in the servers' environment."""

    def __init__(self, path: Path, starts: datetime) -> None:
        self.path = path
        self._now = 0.0
        self.move_to(starts)

    def move_to(self, time: datetime) -> None:
        """Make it this time everywhere; a time before the present one changes nothing."""
        if (seconds := time.timestamp()) > self._now:
            self._now = seconds
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            temporary.write_text(f"{seconds:.3f}\n")
            temporary.replace(self.path)
