"""Two speeds of the fault tests: quick ones within the suite, and whole ones with the table's durations and limits.

`scripts/test --faults` sets ENDCAP_FAULTS=full: the machine is then expected to have nothing else to do.
"""

import os
from collections.abc import Mapping, Sequence

FULL = os.environ.get("ENDCAP_FAULTS") == "full"


def either(quick: float, full: float) -> float:
    """A duration or a count, by the speed of this run."""
    return full if FULL else quick


def p(share: float, values: Sequence[float]) -> float:
    """A quantile: `p(0.99, seconds)`. Nothing has none: infinity."""
    if not values:
        return float("inf")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def within(limit: float, found: float, what: str) -> str:
    """Hold a figure against the table's limit in the full run; in the quick one only report it."""
    if FULL:
        assert found <= limit, f"{what}: {found:.3g}, allowed {limit:g}"
    return f"{what} {found:.3g}"


# Where the store is not what fails, a busy machine's hiccups must not look like a store that does.
PATIENT: Mapping[str, str] = {
    "ENDCAP_REDIS_TIMEOUT_MS": "5000",
    "ENDCAP_REDIS_WRITE_TIMEOUT_MS": "5000",
    "ENDCAP_DEADLINE_MS": "10000",
}
