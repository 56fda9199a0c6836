"""A straight line through measured points, and how sure its slope is."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """y = intercept + slope · x, by ordinary least squares."""

    slope: float
    error: float  # standard error of the slope
    intercept: float


def fit(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """
    Fit a line.

    The error is sqrt(Σ residual² / (n - 2) / Σ (x - mean)²), as in any textbook on regression (for one:
    Draper and Smith, Applied Regression Analysis, section 1.4).

    Raises:
        ValueError: fewer than three points, or all of them at one x.

    """
    if len(xs) < 3 or min(xs) == max(xs):
        raise ValueError("A slope and its error need three points, at more than one x.")
    x_mean, y_mean = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    spread = math.fsum((x - x_mean) ** 2 for x in xs)
    slope = math.fsum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
    intercept = y_mean - slope * x_mean
    residuals = math.fsum((y - intercept - slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    return Line(slope, math.sqrt(residuals / (len(xs) - 2) / spread), intercept)
