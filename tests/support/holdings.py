"""Agents as a rebalance sees them, of which a test says only what matters to it."""

from typing import Any, Final

import numpy as np

from domain.holding import Holding
from domain.rules import RiskMode, Tier

_PLAIN: Final[dict[str, Any]] = {
    "farm": "f",
    "equity": 0,
    "free": 0,
    "pending_return": 0,
    "stopped": False,
    "tier": Tier.AVERAGE,
    "risk_mode": RiskMode.SAFE,
    "score": 0.5,
    "returns": np.zeros(0),
}


def holding(agent: str, **given: Any) -> Holding:
    """Make an average, safe agent of farm f, without money or returns unless it is given some."""
    return Holding(agent=agent, **_PLAIN | given)
