"""
Ways to give out capital: one method to a file, and the table of them.

A new method is a file with `allocate`, which keeps the laws of `domain.allocation.types.Method`, and a line
here; `tests/property/test_allocation_laws.py` then tests it with the others.
"""

from collections.abc import Mapping
from typing import Final

from domain.allocation import equal, performance
from domain.allocation.types import Candidate, Method, Weights

METHODS: Final[Mapping[str, Method]] = {
    "equal": equal.allocate,
    "performance": performance.allocate,
}

__all__ = ["METHODS", "Candidate", "Method", "Weights"]
