"""When customers buy again and whether they have gone for good: the BG/NBD model, fitted by maximum likelihood.

In: per customer the repeat purchases x, the time of the last one t_x and the time observed T, both since the first
purchase. Out: four parameters, and from them expectations per customer. Time is in days.
Source: P. Fader, B. Hardie, K. Lee, "Counting your customers" the easy way, Marketing Science 24(2), 2005, eqs. 4-10.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1, psi

from edge.core.errors import EndcapError
from training.customers.counts import Counts, Floats

_LOG_BOUND = 9.0  # parameters between e^-9 and e^9: beyond, customers are as good as alike
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.5, 0.3, 0.3, 3.0))


class FitError(EndcapError):
    """A model of customers that could not be fitted."""


@dataclass(frozen=True)
class BgNbd:
    """Rates are Gamma(r, alpha), chances to leave after a purchase Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, seen: Counts) -> Floats:
        """The chance that each customer has not left."""
        x, ahead = seen.repeats, np.maximum(self.b + seen.repeats - 1, 1e-9)
        longer = np.log((self.alpha + seen.observed) / (self.alpha + seen.last))
        log_odds = np.log(self.a / ahead) + (self.r + x) * longer
        # Nobody leaves before a purchase: without a repeat the model holds everyone for alive.
        return np.where(x > 0, 1 / (1 + np.exp(np.minimum(log_odds, 700))), 1.0)

    def none_within(self, days: float, seen: Counts) -> Floats:
        """The chance of no purchase within the next days: gone, or alive with a rate that is still Gamma."""
        alive = self.alive(seen)
        waiting = self.alpha + seen.observed
        return 1 - alive + alive * (waiting / (waiting + days)) ** (self.r + seen.repeats)

    def expected(self, days: float, seen: Counts) -> Floats:
        """Purchases expected within the next days (eq. 10).

        Euler's transformation of its 2F1 keeps the arguments small; as printed it overflows for frequent customers.
        """
        x, a = seen.repeats, self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6  # the formula's limit, not its pole
        total = a + self.b + x - 1
        share = days / (self.alpha + seen.observed + days)
        grown = (1 - share) ** (a - 1) * hyp2f1(a + self.b - 1 - self.r, a - 1, total, share)
        return np.asarray(total / (a - 1) * (1 - grown) * self.alive(seen))


def log_likelihood(logs: Floats, seen: Counts) -> tuple[float, Floats]:
    """Mean log likelihood and its gradient by the logarithms of (r, alpha, a, b)."""
    r, alpha, a, b = np.exp(logs)
    x, again = seen.repeats, seen.repeats > 0
    ahead = np.where(again, b + x - 1, 1.0)
    stayed = -(r + x) * np.log(alpha + seen.observed)
    left = np.where(again, np.log(a) - np.log(ahead) - (r + x) * np.log(alpha + seen.last), -np.inf)
    both = np.logaddexp(stayed, left)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    gone = np.exp(left - both)
    here = 1 - gone
    slopes = np.array([
        psi(r + x) - psi(r) + np.log(alpha) - here * np.log(alpha + seen.observed) - gone * np.log(alpha + seen.last),
        r / alpha - (r + x) * (here / (alpha + seen.observed) + gone / (alpha + seen.last)),
        psi(a + b) - psi(a + b + x) + gone / a,
        psi(b + x) - psi(a + b + x) - psi(b) + psi(a + b) - gone / ahead,
    ])  # fmt: skip
    return float((common + both).mean()), slopes.mean(axis=1) * np.exp(logs)


def fit(seen: Counts) -> BgNbd:
    """The most likely parameters. Raises FitError with fewer than ten customers, or nobody who bought twice."""
    if len(seen.repeats) < 10 or not seen.repeats.any():
        raise FitError(
            f"{len(seen.repeats)} customers, {int((seen.repeats > 0).sum())} of whom bought again, are too few to tell "
            "how customers return; take in a longer history"
        )
    scale = float(seen.observed.mean()) or 1.0  # time near 1 keeps the four slopes alike in size
    scaled = Counts(seen.repeats, seen.last / scale, seen.observed / scale)

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, slope = log_likelihood(logs, scaled)
        return -value, -slope

    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * 4
    found = min(
        (minimize(loss, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds) for start in _STARTS),
        key=lambda result: float(result.fun),
    )
    if not np.isfinite(found.fun):
        raise FitError("the likelihood of the purchase counts is not finite; report the data that did it")
    r, alpha, a, b = map(float, np.exp(found.x))
    return BgNbd(r, alpha * scale, a, b)
