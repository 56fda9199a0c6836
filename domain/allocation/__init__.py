"""
Ways to give out capital: one method to a file, and the table of them.

A new method is a file with `allocate`, which keeps the laws of `domain.allocation.types.Method`, and a line
here; `tests/property/test_allocation_laws.py` then tests it with the others.
"""

from collections.abc import Mapping
from typing import Final

from domain.allocation import (
    equal,
    hierarchical_risk_parity,
    kelly,
    mean_variance,
    momentum,
    performance,
    risk_adjusted,
    risk_parity,
)
from domain.allocation.types import Candidate, Method, Parameters, Weights

METHODS: Final[Mapping[str, Method]] = {
    "equal": equal.allocate,
    "performance": performance.allocate,
    "risk_adjusted": risk_adjusted.allocate,
    "mean_variance": mean_variance.allocate,
    "risk_parity": risk_parity.allocate,
    "hierarchical_risk_parity": hierarchical_risk_parity.allocate,
    "momentum": momentum.allocate,
    "kelly": kelly.allocate,
}
# These estimate how returns move together and solve for weights, which for a large fleet takes long.
SOLVERS: Final = frozenset({"mean_variance", "risk_parity", "hierarchical_risk_parity", "kelly"})
KEEPS_CASH: Final = frozenset({"kelly"})  # what these do not give out stays with the master

__all__ = ["KEEPS_CASH", "METHODS", "SOLVERS", "Candidate", "Method", "Parameters", "Weights"]
