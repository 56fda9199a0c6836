"""Tier times risk mode."""

import numpy as np
import pytest

from domain.allocation import Candidate
from domain.allocation.performance import allocate
from domain.rules import RiskMode, Tier
from domain.scoring import RISK_MULTIPLE, TIER_MULTIPLE

NONE = np.zeros(0)


def candidate(name: str, prior: float, upper: float = 1.0) -> Candidate:
    """Make a candidate of which only the prior counts."""
    return Candidate(name, prior, 0.5, NONE, 0.0, upper)


def test_the_three_of_the_finance_sheet() -> None:
    """Balanced elite, safe average, risky low: 2.4 : 1 : 1.05, which is 53.93, 22.47, 23.60 %."""
    three = ((Tier.ELITE, RiskMode.BALANCED), (Tier.AVERAGE, RiskMode.SAFE), (Tier.LOW, RiskMode.RISKY))
    priors = [TIER_MULTIPLE[tier] * RISK_MULTIPLE[mode] for tier, mode in three]
    found = allocate([candidate(str(i), prior) for i, prior in enumerate(priors)], 1.0)

    assert found.weights == pytest.approx([0.5393, 0.2247, 0.2360], abs=5e-5)
    assert found.fallback is None


def test_what_the_best_may_not_have_goes_to_the_others_by_their_priors() -> None:
    """At most .4 for the elite: .6 go 1 : 1.05."""
    found = allocate([candidate("a", 2.4, 0.4), candidate("b", 1.0), candidate("c", 1.05)], 1.0)

    assert found.weights == pytest.approx([0.4, 0.6 / 2.05, 0.63 / 2.05], abs=1e-15)


def test_where_nothing_speaks_for_anyone_it_says_that_it_fell_back() -> None:
    """All priors zero: equal, by name."""
    found = allocate([candidate("a", 0.0), candidate("b", 0.0)], 1.0)

    assert found.weights.tolist() == [0.5, 0.5]
    assert found.fallback == "no_prior:equal"
