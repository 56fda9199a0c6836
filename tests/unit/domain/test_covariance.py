"""Shrinkage by a published example and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.covariance import Estimate, estimate, has_history, mean_and_volatility
from tests.support.shrunk import shrunk

CHANCE = np.random.default_rng(2)
LONG = CHANCE.normal(0.001, 0.02, 60)


def test_the_example_of_scikit_learn() -> None:
    """Fifty draws, as its documentation of `ledoit_wolf` has them."""
    true = np.array([[0.4, 0.2], [0.2, 0.8]])
    drawn = np.random.RandomState(0).multivariate_normal(mean=[0, 0], cov=true, size=50)
    covariance, intensity = shrunk(drawn)

    assert intensity == pytest.approx(0.230254, abs=5e-7)
    assert covariance == pytest.approx(np.array([[0.440673, 0.161616], [0.161616, 0.802263]]), abs=5e-7)


def test_a_sample_that_is_its_target_is_left_alone() -> None:
    """Two unrelated columns of the same variance: nothing to shrink towards."""
    crossed = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    covariance, intensity = shrunk(crossed)

    assert (covariance.tolist(), intensity) == ([[1.0, 0.0], [0.0, 1.0]], 0.0)


def test_at_equal_volatilities_it_is_the_shrunk_covariance() -> None:
    """Then shrinking correlations and shrinking covariances are the same, but for n/(n-1)."""
    drawn = CHANCE.normal(0, 1, (60, 3)) + CHANCE.normal(0, 1, (60, 1))
    even = (drawn - np.mean(drawn, axis=0)) / np.std(drawn, axis=0) * 0.02
    covariance, _ = shrunk(even)

    assert estimate(list(even.T)).covariance == pytest.approx(covariance * 60 / 59, rel=1e-9)


def test_volatilities_are_kept_however_unequal() -> None:
    """The calm one does not inherit the risk of the wild."""
    found = estimate([LONG, LONG[::-1] * 10])

    assert found.volatility[1] == pytest.approx(10 * found.volatility[0], rel=1e-12)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(found.volatility, rel=1e-12)


def test_means_and_volatilities_are_of_the_whole_history_correlations_of_what_is_shared() -> None:
    """The younger has the last forty bins of sixty."""
    young = CHANCE.normal(0, 0.02, 40) + LONG[20:]
    found, shared = estimate([LONG, young]), estimate([LONG[20:], young])

    assert (found.mean[0], found.volatility[0]) == mean_and_volatility(LONG)
    assert found.correlation == pytest.approx(shared.correlation, abs=1e-12)
    assert 0.3 < found.correlation[0, 1] < 0.9


def test_who_was_idle_of_late_is_taken_to_move_alone() -> None:
    """Forty flat bins have no correlation; the twenty before had a risk."""
    idle = LONG.copy()
    idle[20:] = 0.0
    young = CHANCE.normal(0, 0.02, 40)
    found = estimate([idle, young, young + LONG[20:]])

    assert found.correlation[0].tolist() == [1.0, 0.0, 0.0]
    assert found.correlation[1, 2] > 0.3
    assert found.volatility[0] > 0


def test_an_exact_hedge_can_still_be_inverted() -> None:
    """Shrinkage sees no noise in it, so a little is added."""
    signs = np.where(np.arange(40) % 2, 0.01, -0.01)
    found = estimate([signs, -signs])

    assert found.correlation[0, 1] == pytest.approx(-1, abs=2e-6)
    assert np.linalg.eigvalsh(found.correlation)[0] > 1e-7


@pytest.mark.parametrize(
    ("bins", "known"),
    [
        (LONG[:29], False),
        (LONG[:30], True),
        (np.zeros(365), False),
        (np.full(365, 0.01), False),
        (np.zeros(0), False),
    ],
)
def test_thirty_bins_that_moved_are_a_history(
    bins: np.ndarray[tuple[int], np.dtype[np.float64]], known: bool
) -> None:
    """Less, or nothing that moved, is none."""
    assert has_history(bins) is known


def test_of_one_there_is_only_its_risk() -> None:
    """It moves with itself."""
    assert estimate([LONG]).correlation.tolist() == [[1.0]]


@given(
    n=st.integers(1, 10),
    bins=st.integers(30, 60),
    seed=st.integers(0, 999),
    scale=st.sampled_from([1e-9, 1e-3, 1.0, 1e300]),
)
def test_an_estimate_can_be_inverted_whatever_the_returns(n: int, bins: int, seed: int, scale: float) -> None:
    """Finite, positive definite, with correlations within -1 and 1."""
    chance = np.random.default_rng(seed)
    histories = list(chance.normal(0, 1, (n, bins)) * scale ** chance.integers(0, 2, (n, 1)))
    found: Estimate = estimate(histories)

    assert np.all(np.isfinite(found.covariance))
    assert np.all(found.volatility > 0)
    assert np.all(np.abs(found.correlation) <= 1)
    assert np.linalg.eigvalsh(found.correlation)[0] > 0
