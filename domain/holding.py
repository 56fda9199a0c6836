"""
An agent as a rebalance sees it, and the bounds of its weight.

Rules kept here:

1. An agent's own bounds outweigh the rules': a minimum of its own above the rules' maximum raises that, and
   likewise.
2. Who is new (fewer bins than `new_agent_bins`) gets at most `new_agent_cap`, unless a lower bound asks for
   more. The cap is for what others can use: where all are new it does not hold, and what the others have no
   room for lifts it evenly, unless the method may leave it in cash.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.allocation.bounds import proportional_fill
from domain.rules import RebalanceRules, RiskMode, Tier


class Holding(msgspec.Struct, frozen=True, eq=False):
    """
    An agent and what it holds. Money in 1e-8.

    `free` is what could be taken now, `pending_return` what it was asked for and has not given yet.
    `returns` has shape (bins,), oldest first, and ends with the same bin for all agents. `gated` is as in
    `domain.rating.Rating`.
    """

    agent: str
    farm: str
    equity: int
    free: int
    pending_return: int
    stopped: bool
    tier: Tier
    risk_mode: RiskMode
    score: float
    returns: NDArray[np.float64]
    min_weight: float | None = None
    max_weight: float | None = None
    gated: bool = False


class Bounds(NamedTuple):
    """Bounds of a weight, as shares of the investable capital; `capped` where the upper is a newcomer's."""

    lower: float
    upper: float
    capped: bool = False


def bounds_of(held: Sequence[Holding], rules: RebalanceRules, *, keeps_cash: bool) -> list[Bounds]:
    """Bounds of each agent. A lower one above its upper one is left for the caller to refuse."""
    found = [bounded(holding.min_weight, holding.max_weight, rules) for holding in held]
    is_new = [holding.returns.size < rules.new_agent_bins for holding in held]
    if all(is_new):
        return found
    new = [i for i, one in enumerate(is_new) if one]
    lower = np.array([found[i].lower for i in new], dtype=np.float64)
    upper = np.array([found[i].upper for i in new], dtype=np.float64)
    cap = np.maximum(lower, np.minimum(upper, rules.new_agent_cap))
    rest = 1.0 - math.fsum(one.upper for one, new_one in zip(found, is_new, strict=True) if not new_one)
    if math.fsum(cap) < rest and not keeps_cash and np.all(cap <= upper):
        cap = proportional_fill(np.ones_like(cap), cap, upper, rest)
    for i, most in zip(new, cap.tolist(), strict=True):
        if most < found[i].upper:
            found[i] = Bounds(found[i].lower, most, capped=True)
    return found


def bounded(min_weight: float | None, max_weight: float | None, rules: RebalanceRules) -> Bounds:
    """Bounds of an agent that may have some of its own; a newcomer's cap not counted."""
    lower = rules.min_weight if min_weight is None else min_weight
    upper = rules.max_weight if max_weight is None else max_weight
    # Of a bound of its own and one of the rules that exclude each other, its own is the one that is meant.
    if min_weight is None:
        lower = min(lower, upper)
    elif max_weight is None:
        upper = max(lower, upper)
    return Bounds(lower, upper)
