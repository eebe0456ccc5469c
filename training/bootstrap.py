"""Means over shoppers, and how sure they are: percentile bootstrap with shoppers as the unit.

In: a value per query and who asked it. Out: means and 95 % intervals. Queries of one shopper are alike, so each
shopper's are averaged first and shoppers are drawn, not queries; all methods see the same draws, so leads are paired.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLES = 2_000
SURE = (0.025, 0.975)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean over shoppers with its 95 % interval."""

    mean: float
    low: float
    high: float


def per_shopper(values: Values, shoppers: NDArray[np.integer]) -> Values:
    """The mean of each shopper's rows: values [queries, columns], shoppers [queries] -> [shoppers, columns]."""
    _, row = np.unique(shoppers, return_inverse=True)
    counts = np.bincount(row)
    sums = np.stack([np.bincount(row, column) for column in values.T], axis=1)
    return np.asarray(sums / counts[:, None])


def resample(means: Values, samples: int = SAMPLES, seed: int = 7) -> Values:
    """Means over shoppers drawn with replacement, as many as there are: [shoppers, columns] -> [samples, columns]."""
    random = np.random.default_rng(seed)
    people = len(means)
    out = np.empty((samples, means.shape[1]))
    for at in range(samples):
        # How often each shopper was drawn, applied to all columns at once: the same draws for every method.
        drawn = np.bincount(random.integers(0, people, people), minlength=people)
        out[at] = drawn @ means / people
    return out


def estimate(means: Values, drawn: Values) -> list[Estimate]:
    """One estimate per column, from `per_shopper` means and their resampled means."""
    low, high = np.quantile(drawn, SURE, axis=0)
    whole = means.mean(axis=0)
    return [Estimate(*map(float, column)) for column in zip(whole, low, high, strict=True)]
