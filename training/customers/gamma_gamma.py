"""What a customer spends on a purchase: the Gamma-Gamma model, fitted by maximum likelihood.

In: purchases and mean spend per purchase of each customer. Out: three parameters, and the mean each customer tends to.
Source: P. Fader, B. Hardie, "The Gamma-Gamma model of monetary value", brucehardie.com/notes/025, 2013, eqs. 1a and 5.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, psi

from training.customers.bgnbd import FitError
from training.customers.counts import Floats

_LOG_BOUND = 9.0


@dataclass(frozen=True)
class GammaGamma:
    """Spend per purchase is Gamma(p, nu), and nu of the customers Gamma(q, gamma)."""

    p: float
    q: float
    gamma: float

    def mean(self, purchases: Floats, mean_spend: Floats) -> Floats:
        """The expected spend per purchase: the customer's own mean, drawn to the shop's where purchases are few."""
        weight = self.p * purchases + self.q - 1
        return np.asarray(self.p * (self.gamma + mean_spend * purchases) / np.maximum(weight, 1e-9))


def log_likelihood(logs: Floats, purchases: Floats, mean_spend: Floats) -> tuple[float, Floats]:
    """Mean log likelihood and its gradient by the logarithms of (p, q, gamma)."""
    p, q, gamma = np.exp(logs)
    shape, total = p * purchases, gamma + mean_spend * purchases
    value = (
        gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(gamma)
        + (shape - 1) * np.log(mean_spend) + shape * np.log(purchases) - (shape + q) * np.log(total)
    )  # fmt: skip
    slopes = np.array([
        purchases * (psi(shape + q) - psi(shape) + np.log(mean_spend) + np.log(purchases) - np.log(total)),
        psi(shape + q) - psi(q) + np.log(gamma) - np.log(total),
        q / gamma - (shape + q) / total,
    ])  # fmt: skip
    return float(value.mean()), slopes.mean(axis=1) * np.exp(logs)


def fit(purchases: Floats, mean_spend: Floats) -> GammaGamma:
    """The most likely parameters, from customers who spent anything. Raises FitError with fewer than ten of them."""
    spent = mean_spend > 0
    if spent.sum() < 10:
        raise FitError(f"{int(spent.sum())} customers with spend are too few to tell what a purchase is worth")
    scale = float(mean_spend[spent].mean())
    x, m = purchases[spent], mean_spend[spent] / scale

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, slope = log_likelihood(logs, x, m)
        return -value, -slope

    # q above 1, without which the mean over customers does not exist.
    bounds = [(-_LOG_BOUND, _LOG_BOUND), (0.01, _LOG_BOUND), (-_LOG_BOUND, _LOG_BOUND)]
    found = minimize(loss, np.log([1.0, 2.0, 1.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    if not np.isfinite(found.fun):
        raise FitError("the likelihood of the spends is not finite; report the data that did it")
    p, q, gamma = map(float, np.exp(found.x))
    return GammaGamma(p, q, gamma * scale)
