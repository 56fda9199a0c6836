"""What every allocation method takes and gives."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """
    One that may get capital: an agent within its farm, or a farm within the wallet.

    `prior` is what tier and risk mode speak for, not negative. `returns` has shape (bins,), per bin, oldest
    first, and ends with the same bin for all; it is shorter for one that came later. `lower` and `upper`
    bound the weight, in the unit of the share that is given out: 0 ≤ lower ≤ upper.
    """

    id: str
    prior: float
    score: float
    returns: Floats
    lower: float
    upper: float


class Weights(msgspec.Struct, frozen=True, eq=False):
    """
    Weights of shape (n,), in the order of the candidates.

    `fallback` is None where the method did what its name says, else `<reason>:<method applied>`, such as
    `no_prior:equal`.
    """

    weights: Floats
    fallback: str | None = None


class Method(Protocol):
    """
    A way to give out a share of capital. Pure.

    Laws, for bounds and a share that `feasible_share` accepts: the weights sum to the share within 1e-12
    (to the sum of the upper bounds where those allow less); bounds hold exactly; permuting the candidates
    permutes the weights; equal candidates get equal weights; no weight is NaN. Data too thin for the
    method, or a problem without a solution, is a `fallback`, never an exception.
    """

    def __call__(self, candidates: Sequence[Candidate], share: float) -> Weights:
        """Weigh the candidates; none give an empty array."""
        ...  # pragma: no cover
