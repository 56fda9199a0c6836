"""The same for everyone."""

import numpy as np
import pytest

from domain.allocation import Candidate
from domain.allocation.equal import allocate

NONE = np.zeros(0)


def test_priors_do_not_count() -> None:
    """A third each, whatever speaks for whom."""
    found = allocate(
        [Candidate(i, p, 0.5, NONE, 0.0, 1.0) for i, p in (("a", 0.0), ("b", 1.0), ("c", 9.0))], 1.0
    )

    assert found.weights == pytest.approx([1 / 3] * 3, abs=1e-15)
    assert found.fallback is None


def test_what_a_bound_keeps_back_is_spread_evenly() -> None:
    """.6 among three of which one may have .1: .25 for the others."""
    found = allocate(
        [Candidate(i, 1.0, 0.5, NONE, 0.0, upper) for i, upper in (("a", 0.1), ("b", 1.0), ("c", 1.0))], 0.6
    )

    assert found.weights == pytest.approx([0.1, 0.25, 0.25], abs=1e-15)
