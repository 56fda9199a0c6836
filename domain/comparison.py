"""
How returns go with those of others: a benchmark, or the rest of a farm.

Histories end with the same bin; what is compared are the bins that both have. Where there is no value, there
is a reason, as in `domain.performance`.
"""

import math
from collections.abc import Sequence

import numpy as np

from domain.performance import Absent, Metric, Returns, total_return


def excess_return(returns: Returns, benchmark: Returns) -> Metric:
    """Total return beyond the benchmark's, over the bins that both have."""
    own, other = (total_return(shared) for shared in _shared(returns, benchmark))
    if isinstance(own, Absent):
        return own
    if isinstance(other, Absent):
        return other
    return own - other


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def beta(returns: Returns, benchmark: Returns) -> Metric:
    """How many percent go with one percent of the benchmark: cov(r, b) / var(b). At least two bins."""
    own, other = _shared(returns, benchmark)
    if own.size < 2:
        return Absent.TOO_FEW_SAMPLES
    scale, centred = _centred(other)
    if scale == 0:
        return Absent.ZERO_VARIANCE
    return _in_range(float(np.mean(own / scale * centred)) / float(np.mean(np.square(centred))))


def correlation(returns: Returns, benchmark: Returns) -> Metric:
    """Pearson's correlation, -1 to 1. At least two bins, not all alike in either."""
    own, other = _shared(returns, benchmark)
    if own.size < 2:
        return Absent.TOO_FEW_SAMPLES
    (own_scale, own), (other_scale, other) = _centred(own), _centred(other)
    if own_scale == 0 or other_scale == 0:
        return Absent.ZERO_VARIANCE
    found = float(np.sum(own * other)) / math.sqrt(float(np.sum(own * own)) * float(np.sum(other * other)))
    return min(max(found, -1.0), 1.0)


def correlation_within(histories: Sequence[Returns]) -> list[Metric]:
    """
    Correlation of each with the mean of all the others: what an agent repeats of its farm.

    Args:
        histories: returns per bin of the agents of a farm, any lengths.

    """
    bins = max((returns.size for returns in histories), default=0)
    totals, counts = np.zeros(bins), np.zeros(bins)
    for returns in histories:
        totals[bins - returns.size :] += returns
        counts[bins - returns.size :] += 1
    found = []
    for returns in histories:
        start = bins - returns.size
        # The more bins ago, the fewer there were.
        company = counts[start:] > 1
        others = (totals[start:][company] - returns[company]) / (counts[start:][company] - 1)
        found.append(correlation(returns[company], others))
    return found


def _shared(returns: Returns, others: Returns) -> tuple[Returns, Returns]:
    bins = min(returns.size, others.size)
    return returns[returns.size - bins :], others[others.size - bins :]


def _centred(returns: Returns) -> tuple[float, Returns]:
    """Deviations from the mean in units of the largest, and that; 0 where all are alike."""
    if returns.max() == returns.min():
        return 0.0, returns
    largest = float(np.max(np.abs(returns)))
    scaled = returns / largest
    return largest, scaled - np.mean(scaled)


def _in_range(value: float) -> Metric:
    return value if math.isfinite(value) else Absent.OUT_OF_RANGE
