"""
To each the same part of the risk, or the part that its budget says.

Long only and without bounds there is exactly one such portfolio, x/Σx of the x that minimises ½x'Σx - Σ b_i
ln x_i (Spinu 2013, *An Algorithm for Computing Risk Parity Weights*). Bounds may exclude it; then the weights
keep their proportions as far as the bounds allow, and the deviation from the budgets is told.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.allocation.bounds import proportional_fill
from domain.allocation.history import Seasoned, by_history
from domain.allocation.types import DEFAULTS, Candidate, Floats, Parameters, Weights
from domain.covariance import estimate
from domain.rules import RiskBudget

_SWEEPS: Final = 3
_STEPS_MAX: Final = 100
_MET: Final = 1e-9  # of the total: weights nearer than this to what was asked for are it


def allocate(candidates: Sequence[Candidate], share: float, parameters: Parameters = DEFAULTS) -> Weights:
    """
    Weigh so that each one's part of the risk is its budget: the same, or its prior, by `risk_budget`.

    Keeps the laws of `Method`. Who has no prior has no budget; where nobody has, budgets are equal, and said
    so.
    """
    return by_history(candidates, share, parameters, _solve)


def risk_parity(covariance: Floats, budgets: Floats) -> Floats:
    """
    Weights whose parts of the risk are the budgets, w_i(Σw)_i / w'Σw = b_i; they sum to 1.

    Sweeps of cyclical coordinate descent (Griveau-Billion, Richard & Roncalli 2013, *A Fast Algorithm for
    Computing High-dimensional Risk Parity Portfolios*) come near, Newton's steps finish.

    Args:
        covariance: Σ, shape (n, n), positive definite.
        budgets: b, shape (n,), positive, of any sum.

    """
    volatility = np.sqrt(np.diag(covariance))
    # In units of the volatilities only correlations are left, whatever the scale.
    correlation = covariance / np.outer(volatility, volatility)
    b = budgets / np.sum(budgets)
    y = np.sqrt(b)
    y = _near(correlation, b, y / np.sqrt(y @ correlation @ y))
    for _ in range(_STEPS_MAX):
        system = correlation.copy()
        system[np.diag_indices_from(system)] += b / y**2
        step = np.linalg.solve(system, b / y - correlation @ y)
        length = float(np.max(np.abs(step / y)))
        y = y + _damping(correlation, b, y, step) * step if length > 0.01 else y + step
        # The error squares with each step: the next would be smaller than rounding.
        if length < 1e-7:
            break
    x = y / volatility
    weights: Floats = x / np.sum(x)
    return weights


def risk_parts(covariance: Floats, weights: Floats) -> Floats:
    """Parts of the risk, w_i(Σw)_i / w'Σw; they sum to 1, or are all 0 where nothing is at risk."""
    largest = np.max(weights)
    if largest == 0:
        return np.zeros_like(weights)
    scaled = weights / largest  # of tiny ones the products would be 0
    marginal = covariance @ scaled
    parts: Floats = scaled * marginal / (scaled @ marginal)
    return parts


def _near(correlation: Floats, b: Floats, y: Floats) -> Floats:
    pull = correlation @ y
    for _ in range(_SWEEPS):
        for i in range(y.size):
            others = pull[i] - y[i]
            # Of the two forms of the root, the one that does not cancel.
            root = np.sqrt(others * others + 4 * b[i])
            new = 2 * b[i] / (others + root) if others > 0 else (root - others) / 2
            pull += correlation[i] * (new - y[i])
            y[i] = new
    return y


def _damping(correlation: Floats, b: Floats, y: Floats, step: Floats) -> float:
    """Part of a step that leaves all positive and leads down."""
    part = min(1.0, 0.99 / max(float(np.max(-step / y)), 1e-9))
    before, slope = _value(correlation, b, y), float((correlation @ y - b / y) @ step)
    while _value(correlation, b, y + part * step) > before + 0.25 * part * slope and part > 1e-10:
        part /= 2
    return part


def _value(correlation: Floats, b: Floats, y: Floats) -> float:
    return float(y @ correlation @ y / 2 - b @ np.log(y))


def _solve(seasoned: Seasoned) -> Weights:
    covariance = estimate(seasoned.returns).covariance
    budgets, fallback = np.ones(len(covariance)), None
    if seasoned.parameters.risk_budget is RiskBudget.PRIOR:
        prior = np.array([candidate.prior for candidate in seasoned.candidates])
        if np.any(prior > 0):
            budgets = prior / np.max(prior)
        else:
            fallback = "no_prior:equal_budgets"
    asked = budgets > 1e-9
    wanted = np.zeros_like(budgets)
    wanted[asked] = risk_parity(covariance[np.ix_(asked, asked)], budgets[asked])
    weights = proportional_fill(wanted, seasoned.lower, seasoned.upper, seasoned.total)
    if np.max(np.abs(weights - wanted * seasoned.total)) <= _MET * seasoned.total:
        return Weights(weights, fallback)
    parts = risk_parts(covariance, weights)
    deviation = float(np.max(np.abs(parts - budgets / np.sum(budgets))))
    return Weights(weights, ",".join(filter(None, (fallback, "bounds:filled"))), deviation)
