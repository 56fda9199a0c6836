"""
Mean against variance, after Markowitz (1952): the best of three objectives within the bounds.

Means are what the past says of the future least well; `min_variance` asks for none, and `max_sharpe` falls
back to it where no weights within the bounds have earned more than the risk-free return.
"""

from collections.abc import Sequence

from domain.allocation.history import Seasoned, by_history
from domain.allocation.quadratic import highest, maximise_ratio, minimise
from domain.allocation.types import DEFAULTS, Candidate, Floats, Parameters, Weights
from domain.covariance import estimate
from domain.rules import Objective


def allocate(candidates: Sequence[Candidate], share: float, parameters: Parameters = DEFAULTS) -> Weights:
    """Weigh by the parameter `objective`. Keeps the laws of `Method`."""
    return by_history(candidates, share, parameters, _solve)


def min_variance(covariance: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """Weights of the least w'Σw."""
    none = covariance[0] * 0.0
    return minimise(covariance, none, lower, upper, total)


def max_utility(
    mean: Floats, covariance: Floats, risk_aversion: float, lower: Floats, upper: Floats, total: float
) -> Floats:
    """Weights of the greatest μ'v - λ/2 v'Σv, v = w/total: what is given out is a portfolio of its own."""
    return minimise(covariance * (risk_aversion / total), mean, lower, upper, total)


def max_sharpe(
    excess: Floats, covariance: Floats, lower: Floats, upper: Floats, total: float
) -> Floats | None:
    """
    Weights of the greatest w'(μ - rf) / √(w'Σw); None where no feasible weights have w'(μ - rf) > 0.

    Args:
        excess: μ - rf, shape (n,).
        covariance: Σ, shape (n, n), positive definite.
        lower: shape (n,).
        upper: shape (n,).
        total: what the weights sum to, positive.

    """
    best = highest(excess, lower, upper, total)
    # A sum that cancels out to nothing but rounding is no gain.
    if float(excess @ best) <= 1e-12 * float(abs(excess) @ best):
        return None
    return maximise_ratio(covariance, excess, lower, upper, total)


def _solve(seasoned: Seasoned) -> Weights:
    lower, upper, total, parameters = seasoned.lower, seasoned.upper, seasoned.total, seasoned.parameters
    known = estimate(seasoned.returns)
    fallback = None
    match parameters.objective:
        case Objective.MIN_VARIANCE:
            weights = min_variance(known.covariance, lower, upper, total)
        case Objective.MAX_UTILITY:
            aversion = parameters.risk_aversion
            weights = max_utility(known.mean, known.covariance, aversion, lower, upper, total)
        case Objective.MAX_SHARPE:
            best = max_sharpe(known.mean - parameters.risk_free, known.covariance, lower, upper, total)
            if best is None:
                fallback = "no_gain:min_variance"
                best = min_variance(known.covariance, lower, upper, total)
            weights = best
    return Weights(weights, fallback)
