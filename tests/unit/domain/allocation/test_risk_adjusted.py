"""Volatilities and scores by hand."""

import numpy as np
import pytest

from domain.allocation import Candidate
from domain.allocation.risk_adjusted import allocate, inverse_volatility


def candidate(name: str, deviation: float, score: float = 0.5) -> Candidate:
    """Make a candidate of a given deviation."""
    noise = np.random.default_rng(1).normal(0, 1, 60)
    return Candidate(name, 1.0, score, noise / np.std(noise, ddof=1) * deviation, 0.0, 1.0)


def test_the_inverse_volatilities_of_the_finance_sheet() -> None:
    """Variances .04 and .01 are deviations of .2 and .1."""
    assert inverse_volatility(np.array([0.2, 0.1])) == pytest.approx([1 / 3, 2 / 3], abs=1e-15)


def test_with_scores_in_the_middle_only_risk_counts() -> None:
    """Means do not."""
    found = allocate([candidate("a", 0.2), candidate("b", 0.1)], 1.0)

    assert found.weights == pytest.approx([1 / 3, 2 / 3], abs=1e-9)


def test_the_best_score_doubles_and_the_worst_halves() -> None:
    """As the tiers do: 2 : 1 : ½."""
    found = allocate([candidate("a", 0.1, 1.0), candidate("b", 0.1), candidate("c", 0.1, 0.0)], 0.7)

    assert found.weights == pytest.approx([0.4, 0.2, 0.1], abs=1e-12)
