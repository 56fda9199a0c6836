"""
Weights against independent solvers, for 2 to 100 agents.

The references are for development only (the extra `reference`): skfolio, which hands its
problems to the conic solver Clarabel; SciPy's SLSQP and trees; scikit-learn's shrinkage. They skip where
these are absent.
"""

from typing import Any

import numpy as np
import pytest

from domain.allocation import METHODS, Candidate
from domain.allocation.hierarchical_risk_parity import hierarchical_risk_parity, leaf_order
from domain.allocation.kelly import bets
from domain.allocation.mean_variance import max_sharpe, max_utility, min_variance
from domain.allocation.risk_adjusted import inverse_volatility
from domain.allocation.risk_parity import risk_parity
from domain.allocation.types import Floats
from domain.covariance import estimate
from tests.support.shrunk import shrunk

SIZES = [2, 10, 50, 100]
# Clarabel stops at 1e-8 of the objective, which in the weights is the root of it.
NEAR = 1e-4


def absent(module: str) -> Any:
    """Import a reference, or skip."""
    return pytest.importorskip(module, reason=f"{module}, of the group `reference`, is absent")


def returns_of(n: int) -> Floats:
    """Make 250 bins of agents with a common factor, shape (250, n)."""
    chance = np.random.default_rng(n)
    own = chance.normal(0.0008, 0.02, (250, n)) * np.exp(0.5 * chance.normal(size=n))
    returns: Floats = own + 0.01 * chance.normal(size=(250, 1))
    return returns


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.filterwarnings("ignore")
def test_three_objectives_are_those_of_skfolio(n: int) -> None:
    """With an upper bound that binds; its utility has λ where ours has λ/2."""
    optimization = absent("skfolio.optimization")
    returns, most = returns_of(n), max(4 / n, 0.1) if n > 2 else 0.8
    mean, covariance = np.mean(returns, axis=0), np.cov(returns.T)
    box = (np.zeros(n), np.full(n, most), 1.0)

    def theirs(objective: str, **given: float) -> Floats:
        """Fit skfolio to the same bounds; it takes the same sample moments by itself."""
        chosen = optimization.ObjectiveFunction[objective]
        model = optimization.MeanRisk(objective_function=chosen, min_weights=0.0, max_weights=most, **given)
        weights: Floats = model.fit(returns).weights_
        return weights

    assert min_variance(covariance, *box) == pytest.approx(theirs("MINIMIZE_RISK"), abs=NEAR)
    assert max_sharpe(mean, covariance, *box) == pytest.approx(theirs("MAXIMIZE_RATIO"), abs=NEAR)
    assert max_utility(mean, covariance, 4.0, *box) == pytest.approx(
        theirs("MAXIMIZE_UTILITY", risk_aversion=2.0), abs=NEAR
    )


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.filterwarnings("ignore")
def test_risk_budgets_are_those_of_skfolio(n: int) -> None:
    """Equal, and rising from 1 to n."""
    optimization, skfolio = absent("skfolio.optimization"), absent("skfolio")
    returns = returns_of(n)
    covariance, rising = np.cov(returns.T), np.arange(1.0, n + 1)
    variance = skfolio.RiskMeasure.VARIANCE
    equal = optimization.RiskBudgeting(risk_measure=variance).fit(returns).weights_
    budgeted = (
        optimization.RiskBudgeting(risk_measure=variance, risk_budget=list(rising)).fit(returns).weights_
    )

    assert risk_parity(covariance, np.ones(n)) == pytest.approx(equal, abs=NEAR)
    assert risk_parity(covariance, rising) == pytest.approx(budgeted, abs=NEAR)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.filterwarnings("ignore")
def test_bets_are_those_of_skfolio(n: int) -> None:
    """Its greatest utility with a budget of at most 1, where cash is kept and where none is."""
    optimization = absent("skfolio.optimization")
    returns, most = returns_of(n), max(4 / n, 0.1) if n > 2 else 0.8
    mean, covariance = np.mean(returns, axis=0), np.cov(returns.T)
    for fraction in (0.02, 1.0):
        model = optimization.MeanRisk(
            objective_function=optimization.ObjectiveFunction.MAXIMIZE_UTILITY,
            risk_aversion=1 / (2 * fraction),
            min_weights=0.0,
            max_weights=most,
            budget=None,
            max_budget=1.0,
        )
        found = bets(mean, covariance, fraction, np.zeros(n), np.full(n, most), 1.0)

        assert found == pytest.approx(model.fit(returns).weights_, abs=NEAR)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.filterwarnings("ignore")
def test_hierarchical_weights_are_those_of_skfolio(n: int) -> None:
    """Told to join as the paper does: single linkage of rows as points, leaves in the tree's own order."""
    optimization, seriation = absent("skfolio.optimization"), absent("skfolio.seriation")
    cluster, distance, skfolio = absent("skfolio.cluster"), absent("skfolio.distance"), absent("skfolio")

    class Points(distance.BaseDistance):  # type: ignore[misc, name-defined]  # it has no types
        """Distances of the rows of √((1 - r)/2)."""

        def __init__(self) -> None:
            pass

        def fit(self, X: Any, _y: Any = None) -> "Points":  # noqa: N803  # as scikit-learn has it
            """Measure."""
            self.codependence_ = np.corrcoef(np.asarray(X).T)
            rows = np.sqrt(np.clip((1 - self.codependence_) / 2, 0, 1))
            apart = np.sqrt(np.sum(np.square(rows[:, np.newaxis] - rows), axis=2))
            self.distance_ = (apart + apart.T) / 2
            return self

    single = cluster.HierarchicalClustering(linkage_method=cluster.LinkageMethod.SINGLE)
    model = optimization.HierarchicalRiskParity(
        risk_measure=skfolio.RiskMeasure.VARIANCE,
        distance_estimator=Points(),
        seriation_estimator=seriation.HierarchicalSeriation(
            hierarchical_clustering_estimator=single, optimal_ordering=False
        ),
    )
    returns = returns_of(n)
    volatility: Floats = np.std(returns, axis=0, ddof=1)
    correlation = np.atleast_2d(np.corrcoef(returns.T))
    found = hierarchical_risk_parity(correlation, volatility)

    assert found == pytest.approx(model.fit(returns).weights_, abs=1e-12)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.filterwarnings("ignore")
def test_the_simple_ones_are_those_of_skfolio(n: int) -> None:
    """Inverse volatility, and equal."""
    optimization, returns = absent("skfolio.optimization"), returns_of(n)
    fleet = [Candidate(f"a{i:03}", 1.0, 0.5, own, 0.0, 1.0) for i, own in enumerate(returns.T)]
    inverse = optimization.InverseVolatility().fit(returns).weights_
    equal = optimization.EqualWeighted().fit(returns).weights_

    assert inverse_volatility(np.std(returns, axis=0, ddof=1)) == pytest.approx(inverse, abs=1e-12)
    assert METHODS["risk_adjusted"](fleet, 1.0).weights == pytest.approx(inverse, abs=1e-12)
    assert METHODS["equal"](fleet, 1.0).weights == pytest.approx(equal, abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 20, 50])
def test_bets_are_those_of_slsqp(n: int) -> None:
    """With cash left and with none, and bounds on either side."""
    optimize = absent("scipy.optimize")
    returns = returns_of(n) * 10
    mean, covariance = np.mean(returns, axis=0), np.cov(returns.T)
    lower, upper = np.full(n, 0.1 / n), np.full(n, 4 / n)
    for fraction in (0.02, 0.5):
        found = optimize.minimize(
            lambda w, c=fraction: w @ covariance @ w / (2 * c) - mean @ w,
            np.full(n, 0.5 / n),
            jac=lambda w, c=fraction: covariance @ w / c - mean,
            bounds=list(zip(lower, upper, strict=True)),
            constraints={"type": "ineq", "fun": lambda w: 1 - np.sum(w), "jac": lambda w: -np.ones_like(w)},
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 1000},
        )

        assert bets(mean, covariance, fraction, lower, upper, 1.0) == pytest.approx(found.x, abs=NEAR)


@pytest.mark.parametrize("n", [2, 3, 10, 100, 300])
@pytest.mark.filterwarnings("ignore")
def test_the_order_of_leaves_is_that_of_scipy(n: int) -> None:
    """Single linkage of the rows as points, left before right."""
    hierarchy = absent("scipy.cluster.hierarchy")
    chance = np.random.default_rng(n)
    loadings = chance.uniform(-0.5, 1.5, (n, 3))
    correlation = estimate(
        list(chance.normal(size=(n, 90)) + loadings @ chance.normal(size=(3, 90)))
    ).correlation
    tree = hierarchy.linkage(np.sqrt((1 - correlation) / 2), method="single", metric="euclidean")

    assert leaf_order(correlation) == hierarchy.leaves_list(tree).tolist()


@pytest.mark.parametrize("n", SIZES)
def test_shrinkage_is_that_of_scikit_learn(n: int) -> None:
    """Covariance and intensity."""
    covariance = absent("sklearn.covariance")
    returns = returns_of(n)[:40]
    found, intensity = shrunk(returns)
    theirs, their_intensity = covariance.ledoit_wolf(returns)

    assert intensity == pytest.approx(their_intensity, rel=1e-9)
    assert found == pytest.approx(theirs, rel=1e-9, abs=1e-15)
