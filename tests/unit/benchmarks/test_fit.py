"""A line through points, and the error of its slope."""

import random

import numpy as np
import pytest

from benchmarks.fit import fit


def test_four_points_by_hand() -> None:
    """Of (0, 1), (1, 2), (2, 2), (3, 4) the slope is 4.5 / 5 and its error the root of 0.70 / 2 / 5."""
    line = fit([0, 1, 2, 3], [1, 2, 2, 4])

    assert line.slope == pytest.approx(0.9)
    assert line.intercept == pytest.approx(0.9)
    assert line.error == pytest.approx(0.07**0.5)


def test_points_on_a_line_have_no_error() -> None:
    """Y = 3 - 2 x."""
    line = fit([1, 2, 5], [1, -1, -7])

    assert line.slope == pytest.approx(-2)
    assert line.intercept == pytest.approx(3)
    assert line.error == pytest.approx(0, abs=1e-12)


def test_slope_and_error_are_those_of_numpy() -> None:
    """`numpy.polyfit` gives both: the error as the root of the covariance's first element."""
    chance = random.Random(7)
    xs = [chance.uniform(200, 20_000) for _ in range(40)]
    ys = [15 + x / 1e5 + chance.gauss(0, 0.4) for x in xs]

    line = fit(xs, ys)

    (slope, intercept), covariance = np.polyfit(xs, ys, 1, cov=True)
    assert line.slope == pytest.approx(slope)
    assert line.intercept == pytest.approx(intercept)
    assert line.error == pytest.approx(covariance[0][0] ** 0.5)


@pytest.mark.parametrize(("xs", "ys"), [([1, 2], [1, 2]), ([3, 3, 3], [1, 2, 3])])
def test_too_little_has_no_slope(xs: list[float], ys: list[float]) -> None:
    """Two points have no error, points above each other no slope."""
    with pytest.raises(ValueError, match="three points"):
        fit(xs, ys)
