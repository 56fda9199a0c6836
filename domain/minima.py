"""
Whether the lower bounds of a fleet can hold together.

Maxima are no such matter: where they sum to less than there is, the rest stays with the master.
"""

import math
from collections.abc import Iterable

from domain.allocation.bounds import TOLERANCE
from domain.holding import bounded
from domain.rules import RebalanceRules

OwnBounds = tuple[float | None, float | None]
"""Lower and upper bound that an agent has of its own; None: the rule's."""


def sum_of_minima(bounds: Iterable[OwnBounds], rules: RebalanceRules) -> float:
    """Add up what the agents are to have at least, as shares of the investable capital."""
    return math.fsum(bounded(*own, rules).lower for own in bounds)


def beyond(minima: float) -> bool:
    """Whether minima sum to more than there is to give."""
    return minima > 1.0 + TOLERANCE
