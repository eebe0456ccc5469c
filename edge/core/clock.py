"""What time it is. In a simulation it is what the file at ENDCAP_CLOCK_FILE says, in unix seconds; else the machine's.

Replays of past weeks need it: "three days ago" must mean so to edge, backend and training alike. Timers and deadlines
are not concerned; they run on the monotonic clock.
"""

import os
import time
from pathlib import Path

simulated = os.environ.get("ENDCAP_CLOCK_FILE")  # of this process, for as long as it lives


def now() -> float:
    """Unix seconds. Raises ValueError when a simulation's clock file holds no number."""
    if simulated is None:
        return time.time()
    try:
        return float(Path(simulated).read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"ENDCAP_CLOCK_FILE names {simulated}, which holds no unix time: {error}") from error
