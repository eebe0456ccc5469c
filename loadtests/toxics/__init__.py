"""A TCP fault proxy of our own with Toxiproxy's eight toxics. `python -m loadtests.toxics --help`."""

from loadtests.toxics.kinds import (
    Bandwidth,
    Down,
    Latency,
    LimitData,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
)
from loadtests.toxics.proxy import Proxy, Threaded, in_thread

__all__ = [
    "Bandwidth",
    "Down",
    "Latency",
    "LimitData",
    "Proxy",
    "ResetPeer",
    "Slicer",
    "SlowClose",
    "Threaded",
    "Timeout",
    "Toxic",
    "in_thread",
]
