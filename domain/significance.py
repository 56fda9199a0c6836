"""
Skill or luck: how much of a result a sample of its size, and the number of those who tried, leave to believe.

The best of many bots is partly luck. The probabilistic Sharpe ratio is the probability that a true ratio lies
above a benchmark (Bailey & López de Prado 2012, J. Risk 15(2)); deflated, the benchmark is the best ratio
that as many bots without any skill would be expected to show (Bailey & López de Prado 2014, J. Portfolio
Management 40(5)). Ratios here are per bin, not a year's.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np

from domain.performance import Absent, Metric, Returns

_NORMAL: Final = NormalDist()
_EULER: Final = 0.5772156649015329  # Euler and Mascheroni's constant


def sqn(closed: int, profit: int, squares: int) -> Metric:
    """
    System quality number: √N · mean / std(ddof=1) of the trades' profits (Tharp 2008, *Definitive Guide*).

    From sums, so that it can be kept up to date trade by trade; in whole numbers, so that nothing cancels.

    Args:
        closed: N, number of closed trades.
        profit: sum of their profits, in any unit of money.
        squares: sum of the squares of their profits, in the square of that unit.

    """
    if closed < 2:
        return Absent.TOO_FEW_SAMPLES
    spread = closed * squares - profit * profit
    if spread < 0:
        return Absent.TOO_FEW_SAMPLES  # some were closed before their squares were kept
    return profit / math.sqrt(spread) * math.sqrt(closed - 1) if spread else Absent.ZERO_VARIANCE


def probabilistic_sharpe(returns: Returns, benchmark: float = 0.0) -> Metric:
    """
    Probability that the true Sharpe ratio lies above a benchmark.

    Args:
        returns: net, per bin; at least two that are not all alike.
        benchmark: a ratio per bin.

    """
    found = _moments(returns)
    return found if isinstance(found, Absent) else probability(found[0], benchmark, returns.size, *found[1:])


def deflated_sharpe(histories: Sequence[Returns]) -> list[Metric]:
    """
    Probability for each of several bots that it has skill, and is not just the luckiest of so many.

    Args:
        histories: returns per bin of all that were tried; dropping the losers first would defeat the purpose.

    Returns:
        For each, the probabilistic Sharpe ratio against `luckiest`; those without a ratio are no trials.

    """
    moments = [_moments(returns) for returns in histories]
    ratios = np.array([found[0] for found in moments if not isinstance(found, Absent)])
    variance = float(np.var(ratios, ddof=1)) if ratios.size > 1 else 0.0
    benchmark = luckiest(variance, ratios.size)
    return [
        found if isinstance(found, Absent) else probability(found[0], benchmark, returns.size, *found[1:])
        for found, returns in zip(moments, histories, strict=True)
    ]


def probability(sharpe: float, benchmark: float, bins: int, skewness: float, kurtosis: float) -> Metric:
    """
    Probabilistic Sharpe ratio: Φ[(SR - SR*)·√(n-1) / √(1 - skewness·SR + (kurtosis-1)/4·SR²)].

    Args:
        sharpe: SR per bin.
        benchmark: SR* per bin.
        bins: n.
        skewness: third standardised moment, of the population.
        kurtosis: fourth, likewise; 3 for the normal distribution.

    """
    spread = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    # Never negative, since kurtosis ≥ 1 + skewness²; zero where returns have but two values.
    if not 0 < spread < math.inf:
        return Absent.OUT_OF_RANGE
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(bins - 1) / math.sqrt(spread))


def luckiest(variance: float, trials: int) -> float:
    """
    Sharpe ratio expected of the best of N bots without skill.

    √V·[(1-g)·Φ⁻¹(1-1/N) + g·Φ⁻¹(1-1/(N·e))], g Euler and Mascheroni's constant; 0 where fewer than two tried.

    Args:
        variance: V, of the bots' ratios.
        trials: N.

    """
    if trials < 2:
        return 0.0
    best, beyond = _NORMAL.inv_cdf(1 - 1 / trials), _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - _EULER) * best + _EULER * beyond)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _moments(returns: Returns) -> tuple[float, float, float] | Absent:
    """Sharpe ratio (ddof=1), skewness and kurtosis (of the population), per bin."""
    if returns.size < 2:
        return Absent.TOO_FEW_SAMPLES
    deviation = float(np.std(returns))
    if returns.max() == returns.min() or deviation == 0:
        return Absent.ZERO_VARIANCE
    standard = (returns - np.mean(returns)) / deviation
    square = standard * standard  # products: a power costs many times as much
    sharpe = float(np.mean(returns)) / float(np.std(returns, ddof=1))
    found = sharpe, float(np.mean(square * standard)), float(np.mean(square * square))
    return found if all(map(math.isfinite, found)) and math.isfinite(deviation) else Absent.OUT_OF_RANGE
