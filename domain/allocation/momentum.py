"""More for those who have been rising of late, measured by their own noise."""

from collections.abc import Sequence

import numpy as np

from domain.allocation.bounds import proportional_fill
from domain.allocation.history import Seasoned, by_history
from domain.allocation.types import DEFAULTS, Candidate, Floats, Parameters, Weights
from domain.covariance import mean_and_volatility


def allocate(candidates: Sequence[Candidate], share: float, parameters: Parameters = DEFAULTS) -> Weights:
    """
    Weigh by w ∝ exp(tilt·z), z the smoothed mean over the volatility.

    Keeps the laws of `Method`. Equal, and said so, where nobody rises: who falls least is no reason to bet on
    it.
    """
    return by_history(candidates, share, parameters, _solve)


def smoothed(returns: Floats, half_life: float) -> float:
    """
    Mean of returns with weights that halve every `half_life` bins.

    m = Σ_k (1-d)d^k r_{t-k}, d = 2^(-1/half-life). What lies before the first bin counts as 0, so a short
    history speaks softly.
    """
    decay = 2 ** (-1 / half_life)
    weights = (1 - decay) * decay ** np.arange(returns.size - 1, -1, -1.0)
    return float(weights @ returns)


def _solve(seasoned: Seasoned) -> Weights:
    volatility = np.array([mean_and_volatility(returns)[1] for returns in seasoned.returns])
    trend = np.array([smoothed(returns, seasoned.parameters.half_life) for returns in seasoned.returns])
    rise = trend / volatility
    if np.all(rise <= 0):
        prior, fallback = np.ones_like(rise), "no_rise:equal"
    else:
        prior, fallback = np.exp(seasoned.parameters.tilt * (rise - np.max(rise))), None
    return Weights(proportional_fill(prior, seasoned.lower, seasoned.upper, seasoned.total), fallback)
