"""What may happen to bytes on their way: the eight toxics of Shopify's Toxiproxy, under its names.

Times are in milliseconds. Each works on one direction of a connection or on both, as `Proxy.set` is told.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Latency:
    """Each piece of data arrives `ms` later, more or less by up to `jitter_ms`; order and throughput stay."""

    ms: float
    jitter_ms: float = 0


@dataclass(frozen=True)
class Down:
    """Nobody listens: open connections end, new ones are refused. Concerns both directions, whatever was asked."""


@dataclass(frozen=True)
class Bandwidth:
    """No more than this many bytes a second."""

    bytes_per_s: float


@dataclass(frozen=True)
class SlowClose:
    """The end of a connection is passed on `ms` later."""

    ms: float


@dataclass(frozen=True)
class Timeout:
    """Nothing gets through; after `ms` the connection is closed, with 0 never: then it is half-open.

    What was held back goes on its way when the toxic is taken off, as after a cable is back in.
    """

    ms: float = 0


@dataclass(frozen=True)
class ResetPeer:
    """After `ms` the connection is reset: RST, and what was under way is lost."""

    ms: float = 0


@dataclass(frozen=True)
class Slicer:
    """Data arrives in pieces of about `size` bytes (`varies` up or down), `delay_ms` apart."""

    size: int
    varies: int = 0
    delay_ms: float = 0


@dataclass(frozen=True)
class LimitData:
    """After this many bytes in a direction, counted from the start of the connection, it is closed."""

    size: int


Toxic = Latency | Down | Bandwidth | SlowClose | Timeout | ResetPeer | Slicer | LimitData
