"""
Weights between bounds: lower ≤ w ≤ upper, Σw = total.

Nothing is clamped after it was normalised, for then the weights would no longer sum to the total. Instead
the level is solved for at which the clipped weights do: Σ clip(base + s·slope, lower, upper) grows with s,
piecewise linear between the breakpoints at which one weight reaches a bound. So the segment is searched for
and its line solved, to machine precision, with no tolerance to choose.
"""

import math
from enum import StrEnum
from typing import Final

import numpy as np

from domain.allocation.types import Floats

TOLERANCE: Final = 1e-12  # sums of shares are compared to this: 0.1 three times is not 0.3
_NEGLIGIBLE: Final = 1e-100  # of the largest prior; below it a division may overflow


class Infeasible(StrEnum):
    """Why no weights lie between the bounds, the first that holds."""

    LOWER_ABOVE_UPPER = "lower_above_upper"
    LOWER_ABOVE_SHARE = "lower_above_share"


def feasible_share(lower: Floats, upper: Floats, share: float) -> float | Infeasible:
    """
    Find how much of a share the bounds allow to give out: all of it, or the sum of the upper bounds.

    Args:
        lower: shape (n,), not negative.
        upper: shape (n,).
        share: what there is to give, in the unit of the bounds.

    """
    if np.any(lower > upper):
        return Infeasible.LOWER_ABOVE_UPPER
    if math.fsum(lower) > share + TOLERANCE:
        return Infeasible.LOWER_ABOVE_SHARE
    return min(share, math.fsum(upper))


def proportional_fill(prior: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """
    Weights in proportion to a prior as far as the bounds allow: clip(s·prior, lower, upper).

    Those with no prior get their lower bound; only what the others have no room for is spread evenly
    among them.

    Args:
        prior: shape (n,), finite, not negative, of any scale.
        lower: shape (n,).
        upper: shape (n,), none below its lower bound.
        total: what the weights sum to; beyond the bounds' own sums they stay at the bounds.

    """
    if total >= math.fsum(upper):
        return upper.copy()
    weights = lower.copy()
    if total <= math.fsum(lower):
        return weights
    largest = float(np.max(prior))
    slope = prior / largest if largest > 0 else np.ones_like(prior)
    wanted = slope >= _NEGLIGIBLE
    room = math.fsum(upper[wanted]) + math.fsum(lower[~wanted])
    if total >= room:
        weights[wanted] = upper[wanted]
        wanted = ~wanted
        slope = np.ones_like(prior)
    left = total - math.fsum(weights[~wanted])
    zero = np.zeros(int(np.count_nonzero(wanted)))
    weights[wanted] = _level(zero, slope[wanted], lower[wanted], upper[wanted], left)
    return weights


def project(point: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """
    Nearest weights to a point, in Euclidean distance: clip(point - τ, lower, upper).

    Args:
        point: shape (n,), finite.
        lower: shape (n,).
        upper: shape (n,), none below its lower bound.
        total: what the weights sum to; beyond the bounds' own sums they stay at the bounds.

    """
    if total >= math.fsum(upper):
        return upper.copy()
    if total <= math.fsum(lower):
        return lower.copy()
    slope = np.ones_like(point)
    near = _level(point, slope, lower, upper, total)
    # Far from the set, point - τ cancels and loses digits; from close by it does not.
    return _level(near, slope, lower, upper, total)


def _level(base: Floats, slope: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """
    Solve Σ clip(base + s·slope, lower, upper) = total for s, and give the clipped weights.

    The slopes are positive, and the total lies between the sums of the bounds.
    """
    enters, leaves = (lower - base) / slope, (upper - base) / slope
    breaks = np.unique(np.concatenate((enters, leaves)))
    low, high = 0, len(breaks) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if math.fsum(np.clip(base + breaks[middle] * slope, lower, upper)) <= total:
            low = middle
        else:
            high = middle
    free = (enters <= breaks[low]) & (leaves >= breaks[high])
    s = breaks[low]
    if free.any():
        bound = math.fsum(upper[leaves <= breaks[low]]) + math.fsum(lower[enters >= breaks[high]])
        s = (total - bound - math.fsum(base[free])) / math.fsum(slope[free])
        # What cancels out against a slope near nothing would leave the segment, and its weights the total.
        s = min(max(s, breaks[low]), breaks[high])
    weights: Floats = np.clip(base + s * slope, lower, upper)
    return weights
