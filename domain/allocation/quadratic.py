"""
Least variance, greatest utility and the best ratio of mean to risk: convex quadratics between bounds.

What is solved has weights as shares of the total and a matrix of the trace n, since daily covariances are too
small for any tolerance, and no weight that has no choice.
"""

import math
from typing import Final

import numpy as np

from domain.allocation.bounds import proportional_fill
from domain.allocation.interior import Problem, solve
from domain.allocation.types import Floats

_NARROW: Final = 1e-9  # of the total: a path needs a way between its bounds
_AT_BOUND: Final = 1e-11  # of the total


def minimise(matrix: Floats, linear: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """
    Weights of the least ½w'Qw - c'w, lower ≤ w ≤ upper, Σw = total.

    The bounds hold exactly and the sum within 1e-12.

    Args:
        matrix: Q, shape (n, n), positive semidefinite, of any scale.
        linear: c, shape (n,), in the unit of Q.
        lower: shape (n,).
        upper: shape (n,), none below its lower bound.
        total: what the weights sum to; beyond the bounds' own sums they stay at the bounds.

    """
    box = _Box(lower, upper, total)
    if not box.has_inside:
        return box.middle()
    scale = float(np.trace(matrix)) / lower.size
    problem = Problem(
        matrix=matrix[np.ix_(box.free, box.free)] / scale,
        linear=(linear[box.free] / total - matrix[np.ix_(box.free, box.fixed)] @ box.held) / scale,
        lower=box.low,
        upper=box.high,
        border=np.ones((box.free.size, 1)),
        sums=np.array([1 - math.fsum(box.held)]),
    )
    y, _ = solve(problem, box.inside)
    return box.weights(y)


def maximise_ratio(matrix: Floats, linear: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """
    Weights of the greatest c'w / √(w'Qw), lower ≤ w ≤ upper, Σw = total.

    It is min y'Qy with c'y = 1, κ = 1'y, l·κ ≤ y ≤ u·κ, w = y/κ (Cornuéjols & Tütüncü 2007, *Optimization
    Methods in Finance*, 8.2).

    Args:
        matrix: Q, shape (n, n), positive definite, of any scale.
        linear: c, shape (n,), of any scale; some feasible w has c'w > 0.
        lower: shape (n,).
        upper: shape (n,), none below its lower bound.
        total: what the weights sum to.

    """
    box = _Box(lower, upper, total)
    if not box.has_inside:
        return box.middle()
    scale = float(np.trace(matrix)) / lower.size
    mean = linear / np.max(np.abs(linear))
    problem = Problem(
        matrix=matrix[np.ix_(box.free, box.free)] / scale,
        linear=-(matrix[np.ix_(box.free, box.fixed)] @ box.held) / scale,
        lower=box.low,
        upper=box.high,
        border=np.column_stack((np.ones(box.free.size), mean[box.free])),
        sums=np.array([0.0, 1.0]),
        along=np.array([math.fsum(box.held) - 1, float(mean[box.fixed] @ box.held)]),
        square=float(box.held @ matrix[np.ix_(box.fixed, box.fixed)] @ box.held) / scale,
    )
    # Begin where about half of what can be gained is gained, as far as that is not too near the bounds.
    best = highest(mean, lower, upper, total)
    most, middle = float(mean @ best) / total, float(mean @ box.middle()) / total
    part = min(max(0.5 * most / (most - middle), 0.01), 1.0) if middle < 0.5 * most else 1.0
    start = best[box.free] / total * (1 - part) + part * box.inside
    kappa = 1 / max(most * (1 - part) + part * middle, 0.1 * most)
    y, kappa = solve(problem, start * kappa, kappa)
    return box.weights(y / kappa)


def highest(linear: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """Weights of the greatest c'w, lower ≤ w ≤ upper, Σw = total: all there is room for to the best first."""
    order = np.argsort(-linear, kind="stable")
    room = (upper - lower)[order]
    before = np.cumsum(room) - room
    weights = lower.copy()
    weights[order] += np.clip(total - math.fsum(lower) - before, 0.0, room)
    return weights


class _Box:
    """Bounds as shares of the total, without the weights that have no choice, and a point inside."""

    def __init__(self, lower: Floats, upper: Floats, total: float) -> None:
        self._lower, self._upper, self._total = lower, upper, total
        least, most = math.fsum(lower), math.fsum(upper)
        self.has_inside = min(total - least, most - total) > _NARROW * abs(total)
        unit = abs(total) or 1.0
        narrow = upper - lower <= _NARROW * unit
        self.fixed, self.free = np.flatnonzero(narrow), np.flatnonzero(~narrow)
        self.held = lower[self.fixed] / unit
        self.low, self.high = lower[self.free] / unit, upper[self.free] / unit
        width = math.fsum(self.high) - math.fsum(self.low)
        part = (total / unit - least / unit) / width if width > 0 else 0.0
        self.inside = self.low + part * (self.high - self.low)

    def weights(self, free: Floats) -> Floats:
        """Weights where the free ones are shares of the total; what rounding left of them is put right."""
        weights, lower, upper = self._lower.copy(), self._lower.copy(), self._upper.copy()
        weights[self.free] = free * self._total
        # A path ends just inside; what is as good as at its bound is at it, if that leaves room for the rest.
        at_lower, at_upper = self.free[free - self.low < _AT_BOUND], self.free[self.high - free < _AT_BOUND]
        upper[at_lower], lower[at_upper] = self._lower[at_lower], self._upper[at_upper]
        if not math.fsum(lower) <= self._total <= math.fsum(upper):
            lower, upper = self._lower, self._upper
        return proportional_fill(weights, lower, upper, self._total)

    def middle(self) -> Floats:
        """Point as far from the upper as from the lower bounds as the total demands."""
        return self.weights(self.inside)
