"""Metrics that a request can afford: written on a list, and added up a few times a second.

In: `add`, which is the list's own. Out: the same counters and histograms as prometheus-client's, which they
are; what was added stands in them after `flush`, or when they are collected. With several workers each value lies in a
mapped file behind a lock, which costs more than all else that counting needs. Only the event loop may add.
"""

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import Counter, Histogram, Metric


class BatchedCounter(Counter):
    """A counter with labels. `labels(...).inc()` works as ever, for what is rare."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as what it extends takes them
        self._waiting: list[tuple[str, ...]] = []
        self.add: Callable[[tuple[str, ...]], None] = self._waiting.append  # counts one more under these labels
        super().__init__(*args, **kwargs)

    def flush(self) -> None:
        """Write out what was added."""
        counts = Counts(self._waiting)
        self._waiting.clear()
        for labels, count in counts.items():
            self.labels(*labels).inc(count)

    def collect(self) -> Iterable[Metric]:
        """What Prometheus is told."""
        self.flush()
        return super().collect()


class Measured:
    """What was measured of one thing since the last flush."""

    __slots__ = ("_bounds", "_values", "add")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._values: list[float] = []
        self.add: Callable[[float], None] = self._values.append  # adds one measurement

    def take(self) -> tuple[list[int], float]:
        """How often in each bucket, and the sum; from now on it is the next flush's."""
        counts, total = [0] * (len(self._bounds) + 1), sum(self._values)
        for value in self._values:
            counts[bisect_left(self._bounds, value)] += 1
        self._values.clear()
        return counts, total


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
            counts, total = waiting.take()
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
