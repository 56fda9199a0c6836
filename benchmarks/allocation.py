"""
Time to weigh a fleet by every method, beside skfolio's on the same input.

One core: the threads of the linear algebra are set to one before NumPy is loaded. Every time is the best of
three of the whole method, from returns to weights. skfolio (from the extra `reference`) is measured
where it is installed and has the method; it, too, begins with the returns and shrinks by Ledoit and Wolf.

Run with: python -m benchmarks.allocation [--agents 1000] [--bins 365] [--no-reference]
"""

# ruff: noqa: E402  # see above

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from domain.allocation import METHODS, Candidate, Parameters
from domain.allocation.types import Floats
from domain.rules import Objective

# Seconds that a thousand agents may take; None where nothing was promised.
LIMITS = {
    "performance": 0.5,
    "risk_parity": 0.5,
    "hierarchical_risk_parity": 0.5,
    "mean_variance": 2.0,
    "kelly": 2.0,
}


def returns_of(agents: int, bins: int) -> Floats:
    """Draw returns of agents with a common factor and unequal volatilities, shape (agents, bins)."""
    chance = np.random.default_rng(1)
    own = chance.normal(0.0005, 0.02, (agents, bins)) * np.exp(0.5 * chance.normal(size=(agents, 1)))
    returns: Floats = own + 0.01 * chance.normal(size=bins)
    return returns


def fleet_of(returns: Floats) -> list[Candidate]:
    """Candidates with these returns, of various priors, at most twenty times an equal part each."""
    chance = np.random.default_rng(2)
    upper = min(20 / len(returns), 1.0)
    return [
        Candidate(
            f"agent-{i:04}", float(chance.uniform(0.5, 4)), float(chance.uniform(0, 1)), own, 0.0, upper
        )
        for i, own in enumerate(returns)
    ]


def best_of(rounds: int, work: Callable[[], object]) -> float:
    """Shortest time of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def references(upper: float) -> dict[str, Any]:
    """Models of skfolio for the rows of the table that it has; none where it is absent."""
    if importlib.util.find_spec("skfolio") is None:
        return {}
    from skfolio import RiskMeasure  # noqa: PLC0415  # heavy, and only where it is wanted
    from skfolio.moments import LedoitWolf  # noqa: PLC0415  # as above
    from skfolio.optimization import (  # noqa: PLC0415  # as above
        HierarchicalRiskParity,
        MeanRisk,
        ObjectiveFunction,
        RiskBudgeting,
    )
    from skfolio.prior import EmpiricalPrior  # noqa: PLC0415  # as above

    prior = {"prior_estimator": EmpiricalPrior(covariance_estimator=LedoitWolf())}
    bounds = {"min_weights": 0.0, "max_weights": upper}
    return {
        "mean_variance, max_sharpe": MeanRisk(ObjectiveFunction.MAXIMIZE_RATIO, **bounds, **prior),
        "mean_variance, max_utility": MeanRisk(
            ObjectiveFunction.MAXIMIZE_UTILITY, risk_aversion=1.5, **bounds, **prior
        ),
        "mean_variance, min_variance": MeanRisk(ObjectiveFunction.MINIMIZE_RISK, **bounds, **prior),
        "risk_parity": RiskBudgeting(RiskMeasure.VARIANCE, **prior),
        "hierarchical_risk_parity": HierarchicalRiskParity(**prior),
        "kelly": MeanRisk(
            ObjectiveFunction.MAXIMIZE_UTILITY,
            risk_aversion=1.0,
            budget=None,
            max_budget=1.0,
            **bounds,
            **prior,
        ),
    }


def rows() -> dict[str, tuple[str, Parameters]]:
    """Give the methods by the names in the table, each with its parameters."""
    found = {name: (name, Parameters()) for name in METHODS if name != "mean_variance"}
    for objective in Objective:
        found[f"mean_variance, {objective}"] = ("mean_variance", Parameters(objective=objective))
    return found


def main() -> int:
    """Measure and print; 1 where a limit for a thousand agents was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--bins", type=int, default=365)
    parser.add_argument("--no-reference", action="store_true", help="leave out skfolio, which takes minutes")
    options = parser.parse_args()
    returns = returns_of(options.agents, options.bins)
    fleet = fleet_of(returns)
    known = {} if options.no_reference else references(fleet[0].upper)
    warnings.simplefilter("ignore")  # of skfolio and its solvers
    print(f"{options.agents} agents, {options.bins} bins, one core, seconds")
    print(f"{'method':30} {'here':>8} {'limit':>8} {'skfolio':>8}")
    missed = 0
    for row, (name, parameters) in rows().items():
        taken = best_of(3, partial(METHODS[name], fleet, 1.0, parameters))
        limit = LIMITS.get(name)
        missed += options.agents <= 1000 and limit is not None and taken > limit
        model = known.get(row)
        beside = f"{best_of(1, partial(model.fit, returns.T)):8.2f}" if model is not None else ""
        print(f"{row:30} {taken:8.3f} {limit or '':>8} {beside}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
