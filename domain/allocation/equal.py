"""The same for everyone, as far as the bounds allow."""

from collections.abc import Sequence

import numpy as np

from domain.allocation.bounds import proportional_fill
from domain.allocation.types import DEFAULTS, Candidate, Parameters, Weights


def allocate(candidates: Sequence[Candidate], share: float, _: Parameters = DEFAULTS) -> Weights:
    """Weigh all alike. Keeps the laws of `Method`; never falls back."""
    lower = np.array([candidate.lower for candidate in candidates], dtype=np.float64)
    upper = np.array([candidate.upper for candidate in candidates], dtype=np.float64)
    return Weights(proportional_fill(np.ones(len(candidates)), lower, upper, share))
