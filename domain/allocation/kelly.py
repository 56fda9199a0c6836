"""
As much of the capital in each as makes it grow fastest, or a fraction of that; the rest stays cash.

Kelly (1956), Bell System Technical Journal 35(4); for many at once to the second order, Thorp (2006), *The
Kelly Criterion in Blackjack, Sports Betting and the Stock Market*. A fraction c of Kelly's bet is a risk
aversion of 1/c.

A bet is measured against all the capital there is, so weights here are fractions of the whole on both levels:
a farm is given at most its bet, and its agents at most theirs, as long as the farm's lasts. Giving out less
does not make the bets smaller. Where nobody has earned anything, nobody gets anything beyond the lower
bounds.
"""

from collections.abc import Sequence

import numpy as np

from domain.allocation.history import Seasoned, by_history
from domain.allocation.quadratic import minimise
from domain.allocation.types import DEFAULTS, Candidate, Floats, Parameters, Weights
from domain.covariance import estimate


def allocate(candidates: Sequence[Candidate], share: float, parameters: Parameters = DEFAULTS) -> Weights:
    """Weigh by `kelly_fraction` of Kelly's bets. Keeps the laws of `Method`, and cash."""
    return by_history(candidates, share, parameters, _solve, keeps_cash=True)


def bets(
    mean: Floats, covariance: Floats, fraction: float, lower: Floats, upper: Floats, share: float
) -> Floats:
    """
    Weights of the greatest μ'f - f'Σf/(2·fraction) with Σf ≤ share.

    Args:
        mean: μ, shape (n,).
        covariance: Σ, shape (n, n).
        fraction: of Kelly's bet, above 0, at most 1.
        lower: shape (n,), summing to at most the share.
        upper: shape (n,).
        share: positive.

    """
    n = mean.size
    # Cash is one more to give to: without return, without risk.
    with_cash = np.zeros((n + 1, n + 1))
    with_cash[:n, :n] = covariance / fraction
    room = max(share - float(np.sum(lower)), 0.0)
    weights = minimise(with_cash, np.append(mean, 0.0), np.append(lower, 0.0), np.append(upper, room), share)
    return weights[:n]


def _solve(seasoned: Seasoned) -> Weights:
    lower, upper, total = seasoned.lower, seasoned.upper, seasoned.total
    known = estimate(seasoned.returns)
    fraction = seasoned.parameters.kelly_fraction
    excess = known.mean - seasoned.parameters.risk_free
    return Weights(bets(excess, known.covariance, fraction, lower, upper, total))
