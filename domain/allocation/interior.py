"""
A convex quadratic between bounds, by a primal-dual interior-point method with predictor and corrector.

After Mehrotra (1992), as in Nocedal & Wright 2006, *Numerical Optimization*, algorithm 16.4. Each step is one
factorisation, and it takes some 8 to 20 of them whatever the size, the correlations and the number of weights
at a bound, so that its time can be foretold. An active-set method is faster where few bounds hold, and a
hundred times slower where a common factor presses most of a fleet to zero.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from domain.allocation.types import Floats

_STEPS_MAX: Final = 100
_GAP: Final = 1e-16  # between the objective and its bound from below, as a share of what it is the sum of
_GOOD: Final = 1e-10  # such a gap will do where rounding allows no less
_UNMET: Final = 1e-12  # of what the equations lacked at the start
_FRACTION: Final = 0.995  # of the way to the boundary
_FALL: Final = 0.9  # a step that leaves more of the gap is not worth its correction
_MIDDLE: Final = 0.3  # of the gap that a step without it aims at
_BLOCK: Final = 64


class Problem(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """
    Solve min ½y'Qy - κc'y + ½qκ² with B'y + κβ = r and lκ ≤ y ≤ uκ; κ is free where β is given, else 1.

    Q is `matrix`, positive definite with a trace of about n; c `linear`, q `square`, l `lower`, u `upper`,
    B `border` of shape (n, k), β `along`, r `sums`. All bounds have a way between them.
    """

    matrix: Floats
    linear: Floats
    lower: Floats
    upper: Floats
    border: Floats
    sums: Floats
    along: Floats | None = None
    square: float = 0.0


class Point(NamedTuple):
    """
    Where the path has come to, or a step of it: y, κ, slacks above and below, and the multipliers of both.

    The slacks are kept and not computed: near a bound, the difference from it would have no digits left.
    """

    y: Floats
    kappa: float
    above: Floats
    below: Floats
    z: Floats
    x: Floats

    def gap(self) -> float:
        """Sum of the products of slack and multiplier: how far the objective may be from the least."""
        return float(self.z @ self.above + self.x @ self.below)

    def after(self, step: "Point", part: float) -> "Point":
        """Point after a part of a step."""
        return Point(
            self.y + part * step.y,
            self.kappa + part * step.kappa,
            self.above + part * step.above,
            self.below + part * step.below,
            self.z + part * step.z,
            self.x + part * step.x,
        )

    def reach(self, step: "Point") -> float:
        """How many times a step leaves slacks and multipliers positive."""
        values, changes = np.concatenate(self[2:]), np.concatenate(step[2:])
        falling = changes < 0
        return float(np.min(values[falling] / -changes[falling], initial=np.inf))

    def part(self, step: "Point") -> float:
        """Part of a step that is taken."""
        return min(_FRACTION * self.reach(step), 1.0)


def solve(problem: Problem, y: Floats, kappa: float = 1.0) -> tuple[Floats, float]:
    """Find y and κ, beginning with ones between the bounds."""
    at = _start(problem, y, kappa)
    unmet, least = 1.0, 1e-3 * _size(problem, y, kappa)
    for _ in range(_STEPS_MAX):
        gap = at.gap()
        size = max(_size(problem, at.y, at.kappa), least)
        if unmet <= _UNMET and gap <= _GAP * size:
            break
        try:
            chosen = _direction(problem, at, gap)
        except np.linalg.LinAlgError:
            if gap > _GOOD * size:
                raise
            break
        step = at.part(chosen)
        at = at.after(chosen, step)
        # Each step is exact but for what it is cut short by.
        unmet *= 1 - step
    return at.y, at.kappa


def _direction(problem: Problem, at: Point, gap: float) -> Point:
    newton, none = _Newton(problem, at), np.zeros_like(at.y)
    ahead = newton.step(none, none)
    left = at.after(ahead, min(at.reach(ahead), 1.0)).gap() / gap
    # Mehrotra: the freer the way ahead, the less is kept to the middle; and its curvature is made up for.
    aim = left**3 * gap / (2 * at.y.size)
    chosen = newton.step(aim - ahead.above * ahead.z, aim - ahead.below * ahead.x)
    if at.after(chosen, at.part(chosen)).gap() < _FALL * gap:
        return chosen
    # With his correction the path may go round in circles; without it every step narrows the gap.
    middle = np.full_like(at.y, _MIDDLE * gap / (2 * at.y.size))
    return newton.step(middle, middle)


def _start(problem: Problem, y: Floats, kappa: float) -> Point:
    above, below = y - problem.lower * kappa, problem.upper * kappa - y
    mean = float(_force(problem, y, kappa) @ np.minimum(above, below)) / y.size
    return Point(y, kappa, above, below, mean / above, mean / below)


def _size(problem: Problem, y: Floats, kappa: float) -> float:
    """Sum of what the objective is the sum of, signs apart; that may be 0, with cash alone."""
    return float(np.abs(y) @ _force(problem, y, kappa))


def _force(problem: Problem, y: Floats, kappa: float) -> Floats:
    force: Floats = np.abs(problem.matrix @ y) + kappa * np.abs(problem.linear)
    return force


class _Newton:
    """Newton's steps from one point."""

    def __init__(self, problem: Problem, at: Point) -> None:
        self._problem, self._at = problem, at
        self._near, self._far = at.z / at.above, at.x / at.below
        system = problem.matrix.copy()
        system[np.diag_indices_from(system)] += self._near + self._far
        self._factor = _Factor(system)
        self._pull = self._near * problem.lower + self._far * problem.upper + problem.linear
        self._push = at.kappa * problem.linear - problem.matrix @ at.y
        solved = self._factor.solve(np.column_stack((self._pull, problem.border)))
        self._by_kappa, self._by_sums = solved[:, 0], solved[:, 1:]

    def step(self, low: Floats, high: Floats) -> Point:
        """Step to where the products of slack and multiplier would be `low` and `high`, were they linear."""
        p, at = self._problem, self._at
        push = self._push + low / at.above - high / at.below
        plain = self._factor.solve(push[:, np.newaxis])[:, 0]
        missing = p.sums - p.border.T @ (at.y + plain)
        if p.along is None:
            kappa = 0.0
            y = plain + self._by_sums @ np.linalg.solve(p.border.T @ self._by_sums, missing)
        else:
            drift = p.upper @ (high / at.below) - p.lower @ (low / at.above)
            last = self._pull @ plain + p.linear @ at.y - p.square * at.kappa + drift
            right = np.append(missing - p.along * at.kappa, last)
            kappa, *forces = np.linalg.solve(self._rest(p.along), right)
            y = plain + self._by_kappa * kappa + self._by_sums @ np.array(forces)
        rise, fall = y - p.lower * kappa, p.upper * kappa - y
        z, x = (low - at.z * rise) / at.above - at.z, (high - at.x * fall) / at.below - at.x
        return Point(y, float(kappa), rise, fall, z, x)

    def _rest(self, along: Floats) -> Floats:
        """System of κ and the sums' multipliers that is left when y is eliminated."""
        p = self._problem
        k = p.sums.size
        rest = np.empty((k + 1, k + 1))
        rest[:k, 0] = p.border.T @ self._by_kappa + along
        rest[:k, 1:] = p.border.T @ self._by_sums
        own = self._near @ p.lower**2 + self._far @ p.upper**2 + p.square
        rest[k, 0] = own - self._pull @ self._by_kappa
        rest[k, 1:] = -self._pull @ self._by_sums - along
        return rest


class _Factor:
    """
    Cholesky's factor of a positive definite matrix, by which it is solved for many right sides.

    NumPy has the factor but no solver of triangles; by blocks, with inverses of the small triangles on the
    diagonal, that is matrix products. (SciPy has one, at the price of 140 MB and half a second at start.)
    """

    def __init__(self, matrix: Floats) -> None:
        self._n = len(matrix)
        blocks = -(-self._n // _BLOCK)
        padded = np.eye(blocks * _BLOCK)
        padded[: self._n, : self._n] = matrix
        self._lower = np.linalg.cholesky(padded)
        every = np.arange(blocks)
        small = self._lower.reshape(blocks, _BLOCK, blocks, _BLOCK)[every, :, every]
        self._inverse = np.linalg.inv(small)

    def solve(self, right: Floats) -> Floats:
        """Solve for right sides of shape (n, k)."""
        x = np.zeros((len(self._lower), right.shape[1]))
        x[: self._n] = right
        starts = range(0, len(x), _BLOCK)
        for i, inverse in zip(starts, self._inverse, strict=True):
            x[i : i + _BLOCK] = inverse @ (x[i : i + _BLOCK] - self._lower[i : i + _BLOCK, :i] @ x[:i])
        for i, inverse in zip(reversed(starts), self._inverse[::-1], strict=True):
            end = i + _BLOCK
            x[i:end] = inverse.T @ (x[i:end] - self._lower[end:, i:end].T @ x[end:])
        return x[: self._n]
