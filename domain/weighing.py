"""
Weights of one rebalance: what a method makes of a fleet within its bounds, and what decided each weight.

Weights may be computed at one time and used at another, when agents have come, gone or been bounded anew.
Then they are fitted: who is still there keeps its proportion as far as the bounds of now allow.
"""

import math
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.allocation import KEEPS_CASH, METHODS, SOLVERS, Candidate, Parameters
from domain.allocation.bounds import TOLERANCE, Infeasible, feasible_share, proportional_fill
from domain.allocation.levels import weigh
from domain.allocation.types import joined
from domain.covariance import has_history
from domain.holding import Bounds, Holding, bounds_of
from domain.refusals import Refusal, Refused
from domain.rules import RebalanceRules
from domain.scoring import MIDDLE, RISK_MULTIPLE, TIER_MULTIPLE

# A solver weighs n agents of T bins in about n²·(n + T) nanoseconds (measured for 25 to 1,000 agents and 60
# to 365 bins on one core; benchmarks/allocation.py). Within this many, 20 ms, it holds up nobody: a batch of
# fills takes longer.
EFFORT_MAX: Final = 20_000_000
_AT: Final = 1e-9  # as near to a bound as this, a weight is at it


class Basis(StrEnum):
    """What decided a weight."""

    METHOD = "method"
    MIN_WEIGHT = "min_weight"
    MAX_WEIGHT = "max_weight"
    NEW_AGENT_CAP = "new_agent_cap"
    TOO_FEW_BINS = "too_few_bins"  # the method reads returns, and there are too few: tier and risk mode did
    GATE = "gate"  # besides: tier or score were held down


class Weighing(msgspec.Struct, frozen=True):
    """
    Weights by agent, as shares of the investable capital, and how they came about.

    `fallback` joins what the method fell back to, each once, by commas. `deviation` is how far, at most, the
    bounds kept a share of the risk from its budget.
    """

    method: str
    weights: dict[str, float]
    fallback: str | None = None
    deviation: float = 0.0


def refusal(held: Sequence[Holding], rules: RebalanceRules, method: str) -> Refused | None:
    """`unknown_method`, or `infeasible_bounds`; None where weights can be found."""
    if method not in METHODS:
        return Refused(Refusal.UNKNOWN_METHOD, unknown_method(method))
    bounds = bounds_of(held, rules, keeps_cash=method in KEEPS_CASH)
    for holding, (lower, upper, _) in zip(held, bounds, strict=True):
        if lower > upper:
            text = f"Agent {holding.agent} has a min_weight of {lower:g} and a max_weight of {upper:g}."
            return Refused(Refusal.INFEASIBLE_BOUNDS, text)
    least = math.fsum(lower for lower, _, _ in bounds)
    if least > 1.0 + TOLERANCE:
        text = f"The lower bounds of the agents sum to {least:g}, and there is 1 to give: lower a min_weight."
        return Refused(Refusal.INFEASIBLE_BOUNDS, text)
    return None


def unknown_method(name: str) -> str:
    """Say that there is no such method, and which one may have been meant."""
    near = get_close_matches(name[:40], METHODS, n=1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(METHODS)}."
    return f"There is no method {name[:40]!r}; {meant}"


def weigh_fleet(
    held: Sequence[Holding], farms: Sequence[str], rules: RebalanceRules, method: str, risk_free: float
) -> Weighing | Refused:
    """
    Weigh a fleet.

    Args:
        held: the agents, in the order of their ids, each in one of the farms.
        farms: ids, in the order in which they are told.
        rules: the wallet's.
        method: one of `METHODS`.
        risk_free: what money earns for nothing, per bin of the returns.

    """
    refused = refusal(held, rules, method)
    if refused is not None:
        return refused
    bounds = bounds_of(held, rules, keeps_cash=method in KEEPS_CASH)
    fleets: dict[str, list[Candidate]] = {farm: [] for farm in farms}
    for holding, bound in zip(held, bounds, strict=True):
        fleets[holding.farm].append(_candidate(holding, bound))
    levels = weigh(fleets, METHODS[method], _parameters(rules, risk_free))
    assert not isinstance(levels, Infeasible), levels  # noqa: S101  # the bounds were looked at
    weights = {holding.agent: levels.agents[holding.agent] for holding in held}
    return Weighing(method, weights, levels.fallback, levels.deviation)


def fitted(weighing: Weighing, held: Sequence[Holding], rules: RebalanceRules) -> Weighing:
    """Weights that were computed for another moment, within the bounds of now, which are feasible."""
    weights = np.array([weighing.weights.get(holding.agent, 0.0) for holding in held], dtype=np.float64)
    lower, upper = _arrays(bounds_of(held, rules, keeps_cash=weighing.method in KEEPS_CASH))
    share = feasible_share(lower, upper, 1.0)
    assert not isinstance(share, Infeasible), share  # noqa: S101  # as the caller has seen to
    within = bool(np.all((lower <= weights) & (weights <= upper)))
    given = math.fsum(weights)
    total = min(max(given, math.fsum(lower)), share) if weighing.method in KEEPS_CASH else share
    same = weighing.weights.keys() == {holding.agent for holding in held}
    if same and within and abs(given - total) <= _AT:
        return weighing
    prior = np.where(np.isfinite(weights), np.clip(weights, 0.0, 1.0), 0.0)
    new = proportional_fill(prior, lower, upper, total) if held else weights
    return Weighing(
        weighing.method,
        {holding.agent: weight for holding, weight in zip(held, new.tolist(), strict=True)},
        joined([weighing.fallback, "fleet_changed:fitted"]),
        weighing.deviation,
    )


def basis_of(weighing: Weighing, held: Sequence[Holding], rules: RebalanceRules) -> dict[str, list[Basis]]:
    """Say of each agent what decided its weight."""
    bounds = bounds_of(held, rules, keeps_cash=weighing.method in KEEPS_CASH)
    thin = "too_few_bins" in (weighing.fallback or "")
    found: dict[str, list[Basis]] = {}
    for holding, bound in zip(held, bounds, strict=True):
        basis = _basis(weighing.weights[holding.agent], bound)
        if basis is Basis.METHOD and thin and not has_history(holding.returns):
            basis = Basis.TOO_FEW_BINS
        found[holding.agent] = [basis, Basis.GATE] if holding.gated else [basis]
    return found


def unspent(weighing: Weighing, held: Sequence[Holding], rules: RebalanceRules) -> float:
    """Share that the bounds allow to give out and the method leaves in cash."""
    if weighing.method not in KEEPS_CASH:
        return 0.0
    _, upper = _arrays(bounds_of(held, rules, keeps_cash=True))
    left = min(1.0, math.fsum(upper)) - math.fsum(weighing.weights.values())
    return left if left > TOLERANCE else 0.0


def takes_long(held: Sequence[Holding], method: str) -> bool:
    """Whether weighing would hold up a stream."""
    if method not in SOLVERS:
        return False
    sizes: dict[str, int] = {}
    for holding in held:
        sizes[holding.farm] = sizes.get(holding.farm, 0) + 1
    bins = max((holding.returns.size for holding in held), default=0)
    return sum(n * n * (n + bins) for n in (*sizes.values(), len(sizes))) > EFFORT_MAX


def _basis(weight: float, bound: Bounds) -> Basis:
    if bound.upper - weight <= _AT:
        return Basis.NEW_AGENT_CAP if bound.capped else Basis.MAX_WEIGHT
    return Basis.MIN_WEIGHT if bound.lower > 0 and weight - bound.lower <= _AT else Basis.METHOD


def _candidate(holding: Holding, bound: Bounds) -> Candidate:
    return Candidate(
        id=holding.agent,
        prior=TIER_MULTIPLE[holding.tier] * RISK_MULTIPLE[holding.risk_mode],
        score=min(holding.score, MIDDLE) if holding.gated else holding.score,
        returns=holding.returns,
        lower=bound.lower,
        upper=bound.upper,
    )


def _parameters(rules: RebalanceRules, risk_free: float) -> Parameters:
    return Parameters(
        objective=rules.objective,
        risk_aversion=rules.risk_aversion,
        risk_budget=rules.risk_budget,
        half_life=rules.half_life,
        tilt=rules.tilt,
        kelly_fraction=rules.kelly_fraction,
        risk_free=risk_free,
        newcomer=rules.new_agent_cap,
    )


def _arrays(bounds: Sequence[Bounds]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lower = np.array([bound.lower for bound in bounds], dtype=np.float64)
    return lower, np.array([bound.upper for bound in bounds], dtype=np.float64)
