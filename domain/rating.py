"""
What an agent's record comes to: a score, a tier, and what we recommend.

Rules kept here:

1. The gate: where the rules ask for one, an agent stands above average only with a probability of skill of
   at least `confidence`. Below that its tier is at most average and its score tilts no weight upwards; it
   keeps what it earned by the metrics, and is told. It is not stopped: unproven is not bad.
2. A probability needs `BINS_MIN` bins, as a covariance does; without them nothing is proven.
3. The deflated gate counts everyone who ever tried, those who have left as well.
4. A recommendation is advice with its evidence. It moves no money: tiers do that, and breakers stop.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.covariance import BINS_MIN
from domain.performance import PROFILE, Absent, Metric, Profile, Returns
from domain.rules import Gate, ScoreRules, Tier
from domain.scoring import MARGIN, MIDDLE, score, standings, tiers, weights_of
from domain.significance import deflated_sharpe, probabilistic_sharpe

EVIDENCE_MAX: Final = 3
_ABOVE_AVERAGE: Final = (Tier.ELITE, Tier.HIGH)


class Recommendation(StrEnum):
    """What to do about an agent, by its record."""

    INCREASE = "increase"  # a tier above average
    HOLD = "hold"
    DECREASE = "decrease"  # a tier below average
    STOP = "stop"  # that it loses is as good as certain: P(Sharpe > 0) ≤ 1 - confidence


_BY_TIER: Final = {
    Tier.ELITE: Recommendation.INCREASE,
    Tier.HIGH: Recommendation.INCREASE,
    Tier.AVERAGE: Recommendation.HOLD,
    Tier.LOW: Recommendation.DECREASE,
    Tier.POOR: Recommendation.DECREASE,
}
# In which direction of the score its evidence is looked for.
_DIRECTION: Final = {
    Recommendation.INCREASE: 1,
    Recommendation.HOLD: 0,
    Recommendation.DECREASE: -1,
    Recommendation.STOP: -1,
}


class Record(msgspec.Struct, frozen=True, eq=False):
    """
    What an agent has to show.

    `excess` has shape (bins,): returns per bin beyond the risk-free return, oldest first. `trades` are closed
    ones; `tier` is the one it has.
    """

    profile: Profile
    excess: Returns
    trades: int
    tier: Tier


class Evidence(msgspec.Struct, frozen=True):
    """
    A metric that led to a recommendation; a value of None is one that could not be computed.

    `standing` is its percentile among the wallet's agents, 1 the best; `limit` is what a probability was held
    against.
    """

    metric: str
    value: float | None
    standing: float | None = None
    limit: float | None = None


class _Where(NamedTuple):
    """Where an agent stands in each of the nine metrics, and how much that pulls its score, shape (9,)."""

    standing: NDArray[np.float64]
    pull: NDArray[np.float64]


class Rating(msgspec.Struct, frozen=True):
    """
    What a record comes to.

    `gated` says that the gate took something from it: a tier above average, or a score above the middle.
    """

    score: float
    tier: Tier
    gated: bool
    recommendation: Recommendation
    because: tuple[Evidence, ...]


def rate(records: Sequence[Record], departed: Sequence[Returns], rules: ScoreRules) -> list[Rating]:
    """
    Rate the agents of one wallet among each other.

    Args:
        records: one per agent.
        departed: returns of those who have left, beyond the risk-free one.
        rules: the wallet's.

    """
    if not records:
        return []
    standing = standings([record.profile for record in records])
    trades = [record.trades for record in records]
    scores = score(standing, trades, rules.weights)
    earned = tiers(scores, trades, [record.tier for record in records])
    skill = _skill(records, departed, rules.gate)
    pull = (standing - MIDDLE) * weights_of(rules.weights)
    return [
        _rating(record, scores[i], earned[i], skill[i], _Where(standing[i], pull[i]), rules)
        for i, record in enumerate(records)
    ]


def _skill(records: Sequence[Record], departed: Sequence[Returns], gate: Gate) -> list[Metric]:
    """Probability of skill of each, by the gate."""
    match gate:
        case Gate.NONE:
            return [1.0] * len(records)
        case Gate.PROBABILISTIC:
            found = [probabilistic_sharpe(record.excess) for record in records]
        case Gate.DEFLATED:
            found = deflated_sharpe([*(record.excess for record in records), *departed])
    return [
        value if record.excess.size >= BINS_MIN else Absent.TOO_FEW_SAMPLES
        for value, record in zip(found, records, strict=False)
    ]


def _rating(
    record: Record, points: float, earned: Tier, skill: Metric, where: _Where, rules: ScoreRules
) -> Rating:
    # Who is past the gate is shut out again only beyond the margin, as a tier is left.
    needed = rules.confidence - (MARGIN if record.tier in _ABOVE_AVERAGE else 0.0)
    shut = isinstance(skill, Absent) or skill < needed
    gated = shut and (earned in _ABOVE_AVERAGE or points > MIDDLE)
    tier = Tier.AVERAGE if gated and earned in _ABOVE_AVERAGE else earned
    gain = _probability_of_gain(record)
    if gain is not None and gain <= 1 - rules.confidence:
        recommendation = Recommendation.STOP
        because = [Evidence("probabilistic_sharpe", gain, limit=1 - rules.confidence)]
    else:
        recommendation, because = _BY_TIER[tier], []
        if gated:
            value = None if isinstance(skill, Absent) else skill
            because = [Evidence(f"{rules.gate}_sharpe", value, limit=rules.confidence)]
    because += _metrics(record.profile, where, _DIRECTION[recommendation])
    return Rating(points, tier, gated, recommendation, tuple(because[:EVIDENCE_MAX]))


def _metrics(profile: Profile, where: _Where, direction: int) -> list[Evidence]:
    """Metrics that pull the score in a direction (0: either), the strongest first."""
    pull = where.pull * direction if direction else np.abs(where.pull)
    found: list[Evidence] = []
    for k in np.argsort(-pull, kind="stable").tolist():
        if pull[k] <= 0 or len(found) == EVIDENCE_MAX:
            break
        value = profile[PROFILE[k]]
        known = None if isinstance(value, Absent) else value
        found.append(Evidence(PROFILE[k], known, float(where.standing[k])))
    return found


def _probability_of_gain(record: Record) -> float | None:
    """Probability that the true Sharpe ratio is above 0; None where that is not in question."""
    if record.excess.size < BINS_MIN or not float(np.mean(record.excess)) < 0:
        return None
    found = probabilistic_sharpe(record.excess)
    return None if isinstance(found, Absent) else found
