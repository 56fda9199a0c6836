"""
Weights on two levels: from the wallet to its farms, from each farm to its agents, by the same method.

A farm stands for its agents: its bounds are the sums of theirs, its prior, score and returns their means. So
what a method gives to a farm can always be given on within the agents' own bounds.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from domain.allocation.bounds import TOLERANCE, Infeasible, feasible_share
from domain.allocation.types import DEFAULTS, Candidate, Floats, Method, Parameters, joined


class Levels(msgspec.Struct, frozen=True):
    """
    Weights of farms, and of all agents by id; an agent's is a share of the whole, not of its farm.

    `fallback` joins what the method fell back to on either level, each once, by commas. `unspent` is what the
    bounds allow and the method leaves in cash. `deviation` is the greatest on either level.
    """

    farms: dict[str, float]
    agents: dict[str, float]
    fallback: str | None
    unspent: float = 0.0
    deviation: float = 0.0


def weigh(
    agents: Mapping[str, Sequence[Candidate]], method: Method, parameters: Parameters = DEFAULTS
) -> Levels | Infeasible:
    """
    Give out a share of 1 over farms and agents, or as much of it as the upper bounds and the method allow.

    Args:
        agents: of each farm, in the order of the farms; ids differ across farms. A farm may be empty.
        method: keeps the laws of `Method`.
        parameters: handed to the method on both levels.

    """
    everyone = [agent for fleet in agents.values() for agent in fleet]
    lower = np.array([agent.lower for agent in everyone], dtype=np.float64)
    upper = np.array([agent.upper for agent in everyone], dtype=np.float64)
    share = feasible_share(lower, upper, 1.0)
    if isinstance(share, Infeasible):
        return share
    fleets = [_stand_in(farm, fleet) for farm, fleet in agents.items() if fleet]
    outer = method(fleets, share, parameters)
    farm_weights = dict.fromkeys(agents, 0.0)
    agent_weights: dict[str, float] = {}
    found = [outer]
    for farm, weight in zip(fleets, outer.weights.tolist(), strict=True):
        inner = method(agents[farm.id], weight, parameters)
        # A method that keeps cash may keep some of a farm's, too; that is not the farm's then.
        farm_weights[farm.id] = min(weight, math.fsum(inner.weights))
        agent_weights.update(
            zip((agent.id for agent in agents[farm.id]), inner.weights.tolist(), strict=True)
        )
        found.append(inner)
    unspent = share - math.fsum(agent_weights.values())
    return Levels(
        farm_weights,
        agent_weights,
        joined(weights.fallback for weights in found),
        unspent if unspent > TOLERANCE else 0.0,
        max(weights.deviation for weights in found),
    )


def _stand_in(farm: str, fleet: Sequence[Candidate]) -> Candidate:
    return Candidate(
        id=farm,
        prior=math.fsum(agent.prior for agent in fleet) / len(fleet),
        score=math.fsum(agent.score for agent in fleet) / len(fleet),
        returns=_mean_returns([agent.returns for agent in fleet]),
        lower=math.fsum(agent.lower for agent in fleet),
        upper=math.fsum(agent.upper for agent in fleet),
    )


def _mean_returns(histories: Sequence[Floats]) -> Floats:
    """Mean in each bin over those that have it; histories end together and begin when they begin."""
    bins = max(history.size for history in histories)
    sums, counts = np.zeros(bins), np.zeros(bins)
    for history in histories:
        sums[bins - history.size :] += history
        counts[bins - history.size :] += 1
    means: Floats = sums / counts
    return means
