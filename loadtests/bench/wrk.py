"""wrk: as many requests as a server takes, over a few kept connections.

In: a server's address and a file of paths. Out: `Burst`. The paths are sent in turn; `offset` says where to go on, so
that no shopper comes twice.
"""

import subprocess
from pathlib import Path

import msgspec

from loadtests.bench.machine import pinned
from loadtests.server import RunError

_SCRIPT = Path(__file__).parent / "requests.lua"
_GRACE_S = 30.0


class Burst(msgspec.Struct, frozen=True):
    """One run of wrk. `lost`: without an answer; `refused`: answered with status 400 or more."""

    requests: int
    seconds: float
    bytes: int
    lost: int
    refused: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


def burst(
    url: str, paths: Path, *, seconds: float, connections: int, core: int, offset: int = 0, method: str = "GET"
) -> Burst:
    """Load a server for some seconds. Raises RunError when it lost or refused any request."""
    settings = ["--threads", 1, "--connections", connections, "--duration", f"{seconds:.0f}s", "--script", _SCRIPT]
    command = pinned(core, "wrk", *settings, url, "--", paths, offset, method)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _GRACE_S, check=False)
    except subprocess.TimeoutExpired:
        raise RunError(f"wrk did not come to its end against {url}") from None
    try:
        told = msgspec.json.decode(done.stdout.rstrip().rpartition("\n")[2], type=Burst)
    except msgspec.DecodeError:
        raise RunError(f"wrk failed against {url}: {(done.stderr or done.stdout).strip()[-500:]}") from None
    if told.lost or told.refused or not told.requests:
        raise RunError(f"{url}: of {told.requests:,} requests {told.lost} were lost and {told.refused} refused")
    return told
