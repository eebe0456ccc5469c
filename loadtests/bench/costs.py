"""What a rate does not show: latency at a steady pace, a model swap under load, time to ready, memory.

In: a server that runs, or how to start one. Out: figures as plain dictionaries for the report.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from loadtests.ask import Asker
from loadtests.bench.machine import family, memory, pinned
from loadtests.bench.open_loop import Timed
from loadtests.bench.servers import Server
from loadtests.bench.shop import Shop, name_live
from loadtests.server import RunError

_WARM_UP_S = 2.0
_SWAP_EVERY_S = 3.0
_SWAP_PATIENCE_S = 15.0
_GRACE_S = 30.0


def open_loop(
    server: Server, paths: Path, *, rate: float, seconds: float, core: int, offset: int = 0, seed: int = 1
) -> "subprocess.Popen[str]":
    """Begin open-loop load in a process of its own on this core; `timed` waits for what came of it."""
    port = server.url.rpartition(":")[2]
    command = [sys.executable, "-m", "loadtests.bench.open_loop", port, paths, rate, seconds, _WARM_UP_S, offset, seed]
    return subprocess.Popen(
        pinned(core, *command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def timed(process: "subprocess.Popen[str]", seconds: float) -> Timed:
    """What came of it. Raises RunError when the generator failed; ends it whatever happens."""
    try:
        out, error = process.communicate(timeout=seconds + _WARM_UP_S + _GRACE_S)
        return msgspec.json.decode(out, type=Timed)
    except subprocess.TimeoutExpired:
        raise RunError("the open-loop generator did not come to its end") from None
    except msgspec.DecodeError:
        raise RunError(f"the open-loop generator failed: {error.strip()[-500:]}") from None
    finally:
        process.kill()
        process.wait()


def swap_under_load(
    server: Server, shop: Shop, other: str, paths: Path, *, rate: float, seconds: float, core: int, offset: int
) -> dict[str, Any]:
    """Have the model swapped to and fro while the load runs; what was lost, and the latency over all of it."""
    process = open_loop(server, paths, rate=rate, seconds=seconds, core=core, offset=offset)
    try:
        swaps, took_s, version = 0, [], shop.version
        began_s = time.monotonic()
        time.sleep(_WARM_UP_S)
        while time.monotonic() + _SWAP_EVERY_S < began_s + _WARM_UP_S + seconds:
            version = other if version == shop.version else shop.version
            took_s.append(_swap(server, shop, version))
            swaps += 1
            time.sleep(_SWAP_EVERY_S / 2)
        told = timed(process, seconds)
    finally:
        process.kill()
        process.wait()
        name_live(shop.data, shop.name, shop.version)
    if len(told.versions) < 2:
        raise RunError(f"the model was never seen to change: {told.versions}")
    figures: dict[str, Any] = msgspec.to_builtins(told)
    return figures | {"swaps": swaps, "swap_s": round(statistics.median(took_s), 2)}


def _swap(server: Server, shop: Shop, version: str) -> float:
    """Publish a version; the seconds until the server says that it serves it."""
    began_s = time.monotonic()
    name_live(shop.data, shop.name, version)
    while time.monotonic() - began_s < _SWAP_PATIENCE_S:
        with Asker(server.url) as asker:
            if f'"model_version":"{version}"'.encode() in asker.get("/readyz").body:
                return time.monotonic() - began_s
        time.sleep(0.1)
    raise RunError(f"the server did not take over model {version} within {_SWAP_PATIENCE_S:g} s")


def times_to_ready(start: Callable[[], AbstractContextManager[Server]], starts: int) -> dict[str, Any]:
    """Start a server over and over; seconds from the start of the process to /readyz saying 200."""
    took = []
    for _ in range(starts):
        with start() as server:
            took.append(round(server.ready_s, 3))
    return {"seconds": round(statistics.median(took), 3), "starts": took}


def memory_of(server: Server) -> dict[str, Any]:
    """Bytes of the worker (the largest of the server's processes), and of each of the others."""
    held = sorted((memory(pid) for pid in family(server.pid)), key=lambda one: one.rss, reverse=True)
    worker, others = held[0], held[1:]
    return {"rss": worker.rss, "pss": worker.pss, "others_rss": [one.rss for one in others]}
