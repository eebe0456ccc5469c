"""A test that may be looked at as often as one likes: is one group's rate lower than the other's?

In: successes and trials of two groups, in strata (a shelf on a day) within which they saw the same shop. Out: evidence
that the new group is worse, and an interval for the ratio of the odds that holds at all times together.

In each stratum the successes of the new group are compared with what they would be if both had one rate; over the
strata these differences add up to the score S with information I (the Mantel-Haenszel statistic). As data come in, S
moves like Brownian motion with drift: the log odds ratio, on a clock that shows I. The likelihood ratio of a prior over
that drift against no drift is a martingale while there is none, so by Ville's inequality it ever reaches 1/alpha with
probability alpha at most, however often one looks.

Sources: H. Robbins, Statistical methods related to the law of the iterated logarithm, Ann. Math. Statist. 41 (1970);
R. Johari, P. Koomen, L. Pekelis, D. Walsh, Always valid inference, Operations Research 70 (2022); N. Mantel,
W. Haenszel, Statistical aspects of the analysis of data, J. Natl. Cancer Inst. 22 (1959).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_LEAST_INFORMATION = 4.0  # below it sums of few successes are not yet near a normal distribution


class Stratum(NamedTuple):
    """Trials and successes of both groups under the same circumstances. `new` is the group on trial."""

    new_trials: float
    new_successes: float
    old_trials: float
    old_successes: float


@dataclass(frozen=True)
class Comparison:
    """What the data say so far: score, information, and the spread of the prior over log odds ratios."""

    score: float
    information: float
    spread: float = 0.3  # a quarter fewer successes is the size of effect that is found soonest

    @property
    def log_evidence_of_worse(self) -> float:
        """Natural logarithm of the likelihood ratio of "worse" (a half-normal prior) to "the same"."""
        if self.information < _LEAST_INFORMATION:
            return 0.0
        wide = 1 + self.spread**2 * self.information
        tilt = self.spread * self.score / math.sqrt(wide)
        return math.log(2) - math.log(wide) / 2 + tilt**2 / 2 + _log_normal_cdf(-tilt)

    def worse(self, alpha: float) -> bool:
        """Whether the new group is worse; wrongly so with probability alpha at most over all looks together."""
        return self.log_evidence_of_worse >= -math.log(alpha)

    def odds_ratio(self, alpha: float) -> tuple[float, float, float]:
        """Low end, estimate and high end of the ratio of odds, new to old: holds at all times with 1 - alpha."""
        if self.information <= 0:
            return 0.0, 1.0, math.inf
        wide = 1 + self.spread**2 * self.information
        radius = math.sqrt(2 * wide * (math.log(wide) / 2 - math.log(alpha))) / (self.spread * self.information)
        estimate = self.score / self.information
        return _exp(estimate - radius), _exp(estimate), _exp(estimate + radius)


def compare(strata: Iterable[Stratum], dispersion: float = 1.0) -> Comparison:
    """Add up the strata.

    `dispersion`: how much more the successes vary than independent draws do; a shopper who sees ten shelves likes all
    of them or none, so ten shelves say less than ten shoppers would.
    """
    score = information = 0.0
    for one in strata:
        trials = one.new_trials + one.old_trials
        if not one.new_trials or not one.old_trials:
            continue
        rate = min((one.new_successes + one.old_successes) / trials, 1.0)
        score += one.new_successes - one.new_trials * rate
        information += rate * (1 - rate) * one.new_trials * one.old_trials / trials
    return Comparison(score / dispersion, information / dispersion)


def _log_normal_cdf(x: float) -> float:
    """Logarithm of the normal distribution function, also where the function itself is too small for a float."""
    if x > -30:
        return math.log(math.erfc(-x / math.sqrt(2)) / 2)
    return -(x**2) / 2 - math.log(-x * math.sqrt(2 * math.pi))


def _exp(x: float) -> float:
    return math.exp(min(x, 700.0))
