"""
How good an agent is among the agents of its wallet: a score between 0 and 1, and a tier.

Scores are cross-sectional: they say who is better, not how good all are. What rests on few trades is shrunk
towards the middle, so that luck is not mistaken for skill.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.performance import PROFILE, Absent, Profile
from domain.rules import RiskMode, ScoreWeights, Tier

TIER_MULTIPLE: Final[Mapping[Tier, float]] = {
    Tier.ELITE: 2.0,
    Tier.HIGH: 1.5,
    Tier.AVERAGE: 1.0,
    Tier.LOW: 0.7,
    Tier.POOR: 0.5,
}
RISK_MULTIPLE: Final[Mapping[RiskMode, float]] = {
    RiskMode.SAFE: 1.0,
    RiskMode.BALANCED: 1.2,
    RiskMode.RISKY: 1.5,
    RiskMode.AGGRESSIVE: 2.0,
}

EQUAL: Final = ScoreWeights()
MIDDLE: Final = 0.5
SHRINKAGE_TRADES: Final = 30  # with as many trades, half of the distance from the middle is believed
MARGIN: Final = 0.02  # how far beyond its boundary a tier is left

# Best first; a tier reaches from its threshold up to the one before.
_THRESHOLDS: Final[tuple[tuple[Tier, float], ...]] = (
    (Tier.ELITE, 0.90),
    (Tier.HIGH, 0.70),
    (Tier.AVERAGE, 0.40),
    (Tier.LOW, 0.15),
    (Tier.POOR, 0.0),
)
_SMALLER_IS_BETTER: Final = frozenset({"volatility"})  # a drawdown is negative, so larger is better there too

_Floats = NDArray[np.float64]


def standings(profiles: Sequence[Profile]) -> _Floats:
    """
    Mid-rank percentile of each agent in each metric among the agents of one wallet, the larger the better.

    It is (rank - ½)/n among those that have a value, ties sharing the mean rank; without a value an agent
    stands in the middle.

    Args:
        profiles: one per agent, all nine metrics.

    Returns:
        Shape (agents, 9), the metrics in the order of `PROFILE`.

    """
    columns = [_standing([profile[metric] for profile in profiles], metric) for metric in PROFILE]
    return np.column_stack(columns)


def score(standing: _Floats, trades: Sequence[int], weights: ScoreWeights = EQUAL) -> list[float]:
    """
    Score of each agent of one wallet: the weighted mean of where it stands in the nine metrics.

    Args:
        standing: as `standings` gives it.
        trades: closed trades of each agent.
        weights: how much each metric counts.

    Returns:
        One score per agent, between 0 and 1, shrunk towards ½ by n/(n+30) trades.

    """
    weight = weights_of(weights)
    # Row by row, so that an agent's place among the others cannot change a digit.
    composite: _Floats = np.sum(standing * weight, axis=1) / np.sum(weight)
    return [float(value) for value in _shrunk(composite, trades)]


def weights_of(weights: ScoreWeights) -> _Floats:
    """Weights of the metrics, shape (9,), in the order of `PROFILE`."""
    return np.array([getattr(weights, metric) for metric in PROFILE], dtype=np.float64)


def tiers(scores: Sequence[float], trades: Sequence[int], current: Sequence[Tier]) -> list[Tier]:
    """
    Tier of each agent of one wallet, by the mid-rank percentile of its score.

    The percentile is shrunk towards ½ by n/(n+30) trades, as the score is: a rank alone knows no evidence,
    and among beginners somebody is always first. So it takes some 120 trades to become an elite even in a
    large wallet, and a wallet of five agents or fewer has none.

    An agent leaves its tier only when the percentile lies `MARGIN` beyond that tier's boundary; then it
    goes where the percentile says.

    Args:
        scores: as `score` gives them.
        trades: closed trades of each agent.
        current: the tiers now; AVERAGE for an agent that had none.

    """
    standing = _shrunk(_percentile(np.asarray(scores, dtype=np.float64)), trades)
    return [_tier(float(p), now) for p, now in zip(standing, current, strict=True)]


def _standing(values: Sequence[float | Absent], metric: str) -> _Floats:
    """Percentile of each value among those there are, larger meaning better."""
    present = np.array([not isinstance(value, Absent) for value in values], dtype=np.bool_)
    known = np.array([value for value in values if not isinstance(value, Absent)], dtype=np.float64)
    standing = np.full(len(values), MIDDLE)
    standing[present] = _percentile(-known if metric in _SMALLER_IS_BETTER else known)
    return standing


def _percentile(values: _Floats) -> _Floats:
    """Mid-rank percentile, shape (n,): (mean rank among equals - ½)/n."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    # k equals above m that are smaller have the mean rank m + (k + 1)/2; m + k is the running count.
    middles = np.cumsum(counts) - counts / 2
    percentiles: _Floats = middles[which] / max(values.size, 1)
    return percentiles


def _shrunk(values: _Floats, trades: Sequence[int]) -> _Floats:
    n = np.asarray(trades, dtype=np.float64)
    shrunk: _Floats = MIDDLE + (values - MIDDLE) * (n / (n + SHRINKAGE_TRADES))
    return shrunk


def _tier(percentile: float, current: Tier) -> Tier:
    upper = np.inf
    for tier, lower in _THRESHOLDS:
        if tier is current and lower - MARGIN <= percentile < upper + MARGIN:
            return current
        upper = lower
    return next(tier for tier, lower in _THRESHOLDS if percentile >= lower)
