"""In proportion to what tier and risk mode speak for, as far as the bounds allow. The default."""

from collections.abc import Sequence

import numpy as np

from domain.allocation.bounds import proportional_fill
from domain.allocation.types import DEFAULTS, Candidate, Parameters, Weights


def allocate(candidates: Sequence[Candidate], share: float, _: Parameters = DEFAULTS) -> Weights:
    """Weigh by the priors. Keeps the laws of `Method`; equal, and said so, where all priors are 0."""
    prior = np.array([candidate.prior for candidate in candidates], dtype=np.float64)
    lower = np.array([candidate.lower for candidate in candidates], dtype=np.float64)
    upper = np.array([candidate.upper for candidate in candidates], dtype=np.float64)
    fallback = None if not candidates or np.any(prior > 0) else "no_prior:equal"
    return Weights(proportional_fill(prior, lower, upper, share), fallback)
