"""A circuit breaker: when the store fails again and again, stop asking it for a moment.

A slow store is worse than a dead one: every request would wait out its timeout. After `threshold` failures in a row
the circuit opens and calls are skipped at no cost; every `open_s` one probe goes through, and a success closes it.
"""

import time
from collections.abc import Callable


class Breaker:
    """Counts failures in a row; `allow()` before a call, `succeeded()` or `failed()` after it."""

    def __init__(self, *, threshold: int = 5, open_s: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = threshold
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._probe_at = 0.0

    @property
    def open(self) -> bool:
        """Whether calls are being skipped."""
        return self._failures >= self._threshold

    def allow(self) -> bool:
        """Whether to make the call. While open, one caller per `open_s` is let through as the probe."""
        if not self.open:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + self._open_s
        return True

    def succeeded(self) -> None:
        """The call came back: the circuit closes."""
        self._failures = 0

    def failed(self) -> None:
        """The call failed or timed out."""
        self._failures += 1
        if self._failures >= self._threshold:
            self._probe_at = self._clock() + self._open_s
