"""Metrics that a request can afford: added up in plain numbers, and written out a few times a second.

In: `add`, which costs a step of a dictionary. Out: the same counters and histograms as prometheus-client's, which they
are; what was added stands in them after `flush`, or when they are collected. With several workers each value lies in a
mapped file behind a lock, which costs more than all else that counting needs. Only the event loop may add.
"""

from bisect import bisect_left
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from prometheus_client import Counter, Histogram, Metric


class BatchedCounter(Counter):
    """A counter with labels. `labels(...).inc()` works as ever, for what is rare."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as what it extends takes them
        self._waiting: dict[tuple[str, ...], int] = {}
        super().__init__(*args, **kwargs)

    def add(self, labels: tuple[str, ...]) -> None:
        """Count one more under these labels."""
        waiting = self._waiting
        waiting[labels] = waiting.get(labels, 0) + 1

    def flush(self) -> None:
        """Write out what was added."""
        waiting, self._waiting = self._waiting, {}
        for labels, count in waiting.items():
            self.labels(*labels).inc(count)

    def collect(self) -> Iterable[Metric]:
        """What Prometheus is told."""
        self.flush()
        return super().collect()


class Measured:
    """What was measured of one thing since the last flush: how often in each bucket, and the sum.

    `with` measures the seconds that pass; for work that waits for nothing, since one can be measured at a time.
    """

    __slots__ = ("_bounds", "_since", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._since = 0.0
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def __enter__(self) -> None:
        self._since = perf_counter()

    def __exit__(self, *_: object) -> None:
        self.add(perf_counter() - self._since)

    def add(self, value: float) -> None:
        """Add one measurement."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class BatchedHistogram(Histogram):
    """A histogram with one label or none. `labels(...).time()` works as ever, for what is rare."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as what it extends takes them
        self._bounds: tuple[float, ...] = kwargs["buckets"]
        self._waiting: dict[str, Measured] = {}
        super().__init__(*args, **kwargs)

    def of(self, label: str = "") -> Measured:
        """Where to add what is measured under a label; stays the same for ever."""
        return self._waiting.get(label) or self._waiting.setdefault(label, Measured(self._bounds))

    def flush(self) -> None:
        """Write out what was added."""
        for label, waiting in self._waiting.items():
            counts, waiting.counts = waiting.counts, [0] * len(waiting.counts)
            total, waiting.sum = waiting.sum, 0.0
            if any(counts):
                child = self.labels(label) if label else self
                # prometheus-client can only observe one value at a time; a test holds these two names to it.
                child._sum.inc(total)
                for bucket, count in zip(child._buckets, counts, strict=True):
                    if count:
                        bucket.inc(count)

    def collect(self) -> Iterable[Metric]:
        """What Prometheus is told."""
        self.flush()
        return super().collect()
