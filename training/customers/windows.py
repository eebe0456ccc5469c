"""Which days are learned from and which are only measured on: time splits over a history of any length.

In: the first day of a history and the one after its last. Out: `Plan`: the window features look back on, the days value
is judged over, and the day from which on nothing is learned while measuring.
"""

from dataclasses import dataclass

from training.rules import DataError

LEAST_DAYS = 120
_YEAR, _HALF, _QUARTER = 365, 182, 91
_STEP, _MOST_CUTS = 14, 6  # cuts nearer than two weeks see nearly the same; older ones another season


@dataclass(frozen=True)
class Plan:
    """Unix days; `end` is exclusive. On a year of data: half a year looked back on, a quarter ahead."""

    first: int
    end: int
    window: int
    horizon: int
    test: int

    @classmethod
    def of(cls, first: int, end: int) -> "Plan":
        """Raises DataError when the history is too short to learn from one part and measure on another."""
        span = end - first
        if span < LEAST_DAYS:
            raise DataError(f"{span} days of history; {LEAST_DAYS} are the least to judge value and risk on")
        horizon = _YEAR if span >= _HALF + 2 * _YEAR else min(_QUARTER, span // 4)
        window = min(_YEAR if horizon == _YEAR else _HALF, span - 2 * horizon)
        return cls(first, end, window, horizon, end - horizon)

    def train_cuts(self, days: int, until: int) -> list[int]:
        """Days to learn from, newest first: outcomes of `days` known before `until`, a whole window before."""
        newest = until - days
        oldest = max(self.first + self.window, newest - _STEP * (_MOST_CUTS - 1))
        return list(range(newest, oldest - 1, -_STEP))

    def test_cuts(self, days: int) -> list[int]:
        """Days to measure on: as many outcomes of `days` as fit side by side behind `test`, at most a quarter's."""
        return list(range(self.test, min(self.end, self.test + max(_QUARTER, days)) - days + 1, days))
