"""Trends by hand."""

import math

import numpy as np
import pytest

from domain.allocation import Candidate, Parameters
from domain.allocation.momentum import allocate, smoothed
from domain.allocation.types import Floats


def alternating(mean: float, deviation: float, bins: int = 60) -> Floats:
    """Make bins that alternate about a mean."""
    signs = np.where(np.arange(bins) % 2, 1.0, -1.0)
    return mean + signs * deviation


def candidates(*histories: Floats) -> list[Candidate]:
    """Make candidates with histories, alike in all else."""
    return [Candidate(f"agent-{i}", 1.0, 0.5, r, 0.0, 1.0) for i, r in enumerate(histories)]


def test_with_a_half_life_of_one_bin_weights_halve() -> None:
    """½ · .04 + ¼ · .02 + ⅛ · .08."""
    assert smoothed(np.array([0.08, 0.02, 0.04]), 1.0) == pytest.approx(0.035, abs=1e-15)


def test_a_bin_a_half_life_ago_counts_half() -> None:
    """The decay to the power of the half-life is ½."""
    now, then = np.zeros(30), np.zeros(30)
    now[-1] = then[-21] = 0.01

    assert smoothed(then, 20.0) == pytest.approx(smoothed(now, 20.0) / 2, rel=1e-12)


def test_weights_are_exponential_in_the_rise() -> None:
    """ln(w/w') = tilt · (z - z')."""
    histories = alternating(0.002, 0.02), alternating(0.001, 0.02)
    found = allocate(candidates(*histories), 1.0, Parameters(tilt=3.0, half_life=10.0))
    z = [smoothed(r, 10.0) / float(np.std(r, ddof=1)) for r in histories]

    assert math.log(found.weights[0] / found.weights[1]) == pytest.approx(3.0 * (z[0] - z[1]), abs=1e-12)
    assert found.fallback is None


def test_noise_is_divided_out() -> None:
    """Twice the return at twice the deviation is no more of a rise."""
    found = allocate(candidates(alternating(0.002, 0.02), alternating(0.004, 0.04)), 1.0)

    assert found.weights == pytest.approx([0.5, 0.5], abs=1e-12)


def test_where_nobody_rises_all_are_equal() -> None:
    """The one that falls least is not bet on."""
    found = allocate(candidates(alternating(-0.02, 0.001), alternating(-0.04, 0.001)), 1.0)

    assert found.weights.tolist() == [0.5, 0.5]
    assert found.fallback == "no_rise:equal"


def test_one_that_rises_is_enough() -> None:
    """Then who falls gets less, and not nothing."""
    found = allocate(candidates(alternating(0.02, 0.02), alternating(-0.01, 0.02)), 1.0)

    assert found.fallback is None
    assert 0 < found.weights[1] < 0.05


def test_without_tilt_all_are_equal() -> None:
    """Nothing of it is believed."""
    found = allocate(
        candidates(alternating(0.02, 0.001), alternating(-0.02, 0.001)), 1.0, Parameters(tilt=0.0)
    )

    assert found.weights == pytest.approx([0.5, 0.5], abs=1e-12)
