"""Parts of the risk, by published weights and by the condition that defines them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import Candidate, Parameters
from domain.allocation.risk_parity import allocate, risk_parity, risk_parts
from domain.allocation.types import Floats
from domain.covariance import estimate
from domain.rules import RiskBudget


@pytest.mark.parametrize(
    ("covariance", "first"),
    [
        ([[0.25, -0.2], [-0.2, 0.25]], 0.5),
        ([[0.01, 0.0], [0.0, 0.04]], 0.666667),
        ([[1.0, 0.45], [0.45, 0.25]], 0.333333),
        ([[0.25, 0.05], [0.05, 0.04]], 0.285714),
    ],
)
def test_the_weights_of_leans_tests(covariance: list[list[float]], first: float) -> None:
    """QuantConnect's LEAN, RiskParityPortfolioOptimizerTests; equal budgets."""
    found = risk_parity(np.array(covariance), np.ones(2))

    assert found == pytest.approx([first, 1 - first], abs=5e-7)


def test_the_weights_of_mathworks_example() -> None:
    """Deviations .2, .21, .1, all correlations .8, budgets a half and two quarters."""
    volatility = np.array([0.2, 0.21, 0.1])
    covariance = np.outer(volatility, volatility) * (0.8 + 0.2 * np.eye(3))
    found = risk_parity(covariance, np.array([0.5, 0.25, 0.25]))

    assert found == pytest.approx([0.3912, 0.1964, 0.4124], abs=5e-5)


@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 10_000),
    common=st.sampled_from([0.0, 0.02, 0.2]),
    sides=st.booleans(),
    spread=st.sampled_from([0.0, 1.0, 3.0]),
)
def test_each_part_of_the_risk_is_its_budget(
    n: int, seed: int, common: float, sides: bool, spread: float
) -> None:
    """w_i(Σw)_i / w'Σw = b_i, for calm and wild, long and short of a common factor, budgets of any size."""
    chance = np.random.default_rng(seed)
    factor = chance.choice([-1, 1] if sides else [1], size=(n, 1)) * chance.normal(size=60)
    noise = chance.normal(0, 0.02, (n, 60)) * np.exp(chance.normal(size=(n, 1)))
    covariance = estimate(list(noise + common * factor)).covariance
    budgets = np.exp(spread * chance.normal(size=n))
    found = risk_parity(covariance, budgets)

    assert np.all(found > 0)
    assert math.fsum(found) == pytest.approx(1, abs=1e-12)
    assert risk_parts(covariance, found) == pytest.approx(budgets / np.sum(budgets), abs=1e-9)


def fleet(upper: float = 1.0, priors: tuple[float, ...] = (1.0, 1.0, 1.0)) -> list[Candidate]:
    """Make three unrelated agents, the first calm."""
    chance = np.random.default_rng(5)
    return [
        Candidate(f"agent-{i}", prior, 0.5, chance.normal(0, deviation, 60), 0.0, upper)
        for i, (prior, deviation) in enumerate(zip(priors, (0.005, 0.02, 0.02), strict=True))
    ]


def parts(found: list[Candidate], weights: Floats) -> Floats:
    """Give the parts of the risk."""
    return risk_parts(estimate([c.returns for c in found]).covariance, weights)


def test_budgets_are_equal_or_by_the_priors() -> None:
    """Prior 2 : 1 : 1 is a half and two quarters of the risk."""
    found = fleet(priors=(2.0, 1.0, 1.0))
    equal = allocate(found, 1.0)
    by_prior = allocate(found, 1.0, Parameters(risk_budget=RiskBudget.PRIOR))

    assert parts(found, equal.weights) == pytest.approx([1 / 3] * 3, abs=1e-9)
    assert parts(found, by_prior.weights) == pytest.approx([0.5, 0.25, 0.25], abs=1e-9)
    assert (by_prior.fallback, by_prior.deviation) == (None, 0.0)


def test_who_has_no_prior_has_no_budget() -> None:
    """The others share the risk."""
    found = fleet(priors=(0.0, 1.0, 1.0))
    weights = allocate(found, 1.0, Parameters(risk_budget=RiskBudget.PRIOR))

    assert weights.weights[0] == 0
    assert parts(found, weights.weights) == pytest.approx([0.0, 0.5, 0.5], abs=1e-9)


def test_where_nobody_has_a_prior_budgets_are_equal() -> None:
    """And it says so."""
    weights = allocate(fleet(priors=(0.0, 0.0, 0.0)), 1.0, Parameters(risk_budget=RiskBudget.PRIOR))

    assert weights.fallback == "no_prior:equal_budgets"
    assert weights.weights == pytest.approx(allocate(fleet(), 1.0).weights, abs=1e-12)


def test_bounds_keep_proportions_and_the_deviation_is_told() -> None:
    """The calm one would have more than .4; the others keep their proportion of the rest."""
    free, bound = allocate(fleet(), 1.0), allocate(fleet(upper=0.4), 1.0)

    assert free.weights[0] > 0.4
    assert bound.weights[0] == 0.4
    assert bound.weights[1] / bound.weights[2] == pytest.approx(free.weights[1] / free.weights[2], rel=1e-9)
    assert bound.fallback == "bounds:filled"
    found = parts(fleet(), bound.weights)
    assert bound.deviation == pytest.approx(float(np.max(np.abs(found - 1 / 3))), abs=1e-12)
    assert bound.deviation > 0.1


def test_where_nobody_has_anything_nothing_is_at_risk() -> None:
    """What is too small to be shared leaves all at 0: the parts are 0 then, not 0/0."""
    assert list(risk_parts(np.eye(2), np.zeros(2))) == [0.0, 0.0]


def test_the_parts_of_the_smallest_weights_sum_to_one() -> None:
    """They have no size: 2e-311 in each of two bots alike is half of the risk, not 0/0."""
    alike = np.full((2, 2), 1e-4)

    assert risk_parts(alike, np.array([2e-311, 2e-311])) == pytest.approx([0.5, 0.5])
