"""What every allocation method takes and gives."""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.rules import Objective, RiskBudget

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


class Parameters(msgspec.Struct, frozen=True):
    """
    What a method can be asked to do; each reads what is its own.

    `risk_aversion` is λ of μ'w - λ/2 w'Σw, `risk_free` a return per bin, `half_life` a number of bins,
    `newcomer` the share that one without a history gets at most. What the others mean is told by the methods
    that read them.
    """

    objective: Objective = Objective.MAX_SHARPE
    risk_aversion: float = 3.0
    risk_budget: RiskBudget = RiskBudget.EQUAL
    half_life: float = 20.0
    tilt: float = 5.0
    kelly_fraction: float = 0.5
    risk_free: float = 0.0
    newcomer: float = 0.05


DEFAULTS: Final = Parameters()


class Weights(msgspec.Struct, frozen=True, eq=False):
    """
    Weights of shape (n,), in the order of the candidates.

    `fallback` is None where the method did what its name says, else `<reason>:<method applied>`, such as
    `no_prior:equal`; several are joined by commas. `deviation` is how far, at most, a share of the risk is
    from its budget, where bounds kept it from it.
    """

    weights: Floats
    fallback: str | None = None
    deviation: float = 0.0


class Method(Protocol):
    """
    A way to give out a share of capital. Pure.

    Laws, for bounds and a share that `feasible_share` accepts: the weights sum to the share within 1e-12 (to
    the sum of the upper bounds where those allow less; to less, at least the sum of the lower bounds, by a
    method in `KEEPS_CASH`); bounds hold exactly; permuting the candidates permutes the weights; equal
    candidates get equal weights; no weight is NaN. Data too thin for the method, or a problem without a
    solution, is a `fallback`, never an exception.
    """

    def __call__(
        self, candidates: Sequence[Candidate], share: float, parameters: Parameters = ..., /
    ) -> Weights:
        """Weigh the candidates, whose ids differ; none give an empty array."""


def joined(fallbacks: Iterable[str | None]) -> str | None:
    """Several fallbacks as one, each once; None where there are none."""
    each = [one for fallback in fallbacks if fallback is not None for one in fallback.split(",")]
    return ",".join(dict.fromkeys(each)) or None
