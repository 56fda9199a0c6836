"""The less risk the more, tilted towards the better: by the score and the inverse of the volatility."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.allocation.bounds import proportional_fill
from domain.allocation.history import Seasoned, by_history
from domain.allocation.types import DEFAULTS, Candidate, Floats, Parameters, Weights
from domain.covariance import mean_and_volatility

SPAN: Final = 4.0  # between the tilts of the scores 1 and 0: from ½ to 2, as the tiers' multiples go


def allocate(candidates: Sequence[Candidate], share: float, parameters: Parameters = DEFAULTS) -> Weights:
    """Weigh by w ∝ 4^(score - ½) / volatility. Keeps the laws of `Method`."""
    return by_history(candidates, share, parameters, _solve)


def inverse_volatility(volatility: Floats) -> Floats:
    """Weights in inverse proportion to the volatilities; they sum to 1."""
    inverse = np.min(volatility) / volatility
    weights: Floats = inverse / np.sum(inverse)
    return weights


def _solve(seasoned: Seasoned) -> Weights:
    volatility = np.array([mean_and_volatility(returns)[1] for returns in seasoned.returns])
    score = np.array([candidate.score for candidate in seasoned.candidates])
    prior = inverse_volatility(volatility) * SPAN ** (score - 0.5)
    return Weights(proportional_fill(prior, seasoned.lower, seasoned.upper, seasoned.total))
