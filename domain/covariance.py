"""
How returns move together: means, volatilities, and correlations that can be inverted.

Rules kept here:

1. Fewer than `BINS_MIN` bins say nothing, and neither do bins that are all alike: an agent that has not
   traded is not without risk, its risk is not known.
2. Correlations are shrunk towards the identity and volatilities kept, which is the covariance shrunk by
   Ledoit & Wolf in units in which all volatilities are 1. Where they are equal anyway it makes no difference;
   where they are not, shrinking the covariance itself would lend the calm ones the risk of the wild.
3. Means and volatilities are of an agent's whole history, correlations of the bins that all of them have.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS_MIN: Final = 30
_SPREAD_MIN: Final = 1e-12  # of returns; below it nothing but rounding moved
_RETURN_MAX: Final = 1e3  # a bin: 100,000 % is a mistake of somebody's, and must not overflow here
_INTENSITY_MIN: Final = 1e-6  # an agent and its exact hedge leave nothing to invert
_CALM_MIN: Final = 1e-6  # of the largest volatility; solvers tell no smaller ones apart


class Estimate(msgspec.Struct, frozen=True, eq=False):
    """
    What is known of n agents, per bin.

    `mean` and `volatility` have shape (n,), `correlation` (n, n). No volatility is 0, and the correlation
    matrix is positive definite.
    """

    mean: Floats
    volatility: Floats
    correlation: Floats

    @property
    def covariance(self) -> Floats:
        """Σ, shape (n, n)."""
        scaled: Floats = self.correlation * np.outer(self.volatility, self.volatility)
        return scaled


def has_history(returns: Floats) -> bool:
    """Whether an agent's returns say anything of its risk."""
    return returns.size >= BINS_MIN and bool(np.ptp(_sane(returns)) > _SPREAD_MIN)


def mean_and_volatility(returns: Floats) -> tuple[float, float]:
    """Mean and deviation (ddof=1) of returns that have a history, per bin."""
    sane = _sane(returns)
    return float(np.mean(sane)), float(np.std(sane, ddof=1))


def estimate(histories: Sequence[Floats]) -> Estimate:
    """
    Estimate what the methods need.

    Args:
        histories: at least one; returns per bin, oldest first, ending with the same bin; each with a history,
            see `has_history`. One that is flat in the bins that all have is taken to move alone.

    """
    means, deviations = np.array([mean_and_volatility(returns) for returns in histories]).T
    volatility = np.maximum(deviations, _CALM_MIN * np.max(deviations))
    bins = min(returns.size for returns in histories)
    window = np.column_stack([_sane(returns[returns.size - bins :]) for returns in histories])
    correlation = np.eye(len(histories))
    moving = np.flatnonzero(np.ptp(window, axis=0) > _SPREAD_MIN)
    if moving.size > 1:
        standard = window[:, moving] - np.mean(window[:, moving], axis=0)
        standard /= np.sqrt(np.mean(np.square(standard), axis=0))
        sample, intensity = sample_and_intensity(standard)
        correlation[np.ix_(moving, moving)] = sample * (1 - max(intensity, _INTENSITY_MIN))
        np.fill_diagonal(correlation, 1.0)
    return Estimate(means, volatility, correlation)


def sample_and_intensity(centred: Floats) -> tuple[Floats, float]:
    """
    Sample covariance S, and how much to shrink it towards the scaled identity: a of (1-a)S + aμI, 0 to 1.

    μ = tr S/n, a = min(b², d²)/d², d² = ‖S-μI‖²/n, b² = Σ_t ‖x_t x_t' - S‖²/(nT²).

    Args:
        centred: observations, shape (T, n), T and n at least 1; each column has a mean of 0.

    Source: Ledoit & Wolf (2004), J. Multivariate Analysis 88(2).

    """
    bins, n = centred.shape
    sample: Floats = centred.T @ centred / bins
    distance = float(np.sum(np.square(sample - np.eye(n) * (np.trace(sample) / n)))) / n
    if distance <= 0:
        return sample, 0.0
    # Σ ‖x x' - S‖² = Σ ‖x‖⁴ - T‖S‖², since Σ x'Sx = T‖S‖².
    fourth = float(np.sum(np.square(np.sum(np.square(centred), axis=1))))
    noise = max(fourth - bins * float(np.sum(np.square(sample))), 0.0) / (n * bins**2)
    return sample, min(noise, distance) / distance


def _sane(returns: Floats) -> Floats:
    sane: Floats = np.clip(returns, -1.0, _RETURN_MAX)
    return sane
