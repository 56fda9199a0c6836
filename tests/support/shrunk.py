"""A covariance that is shrunk as an estimate shrinks correlations."""

import numpy as np
from numpy.typing import NDArray

from domain.covariance import sample_and_intensity

Floats = NDArray[np.float64]


def shrunk(observations: Floats) -> tuple[Floats, float]:
    """Shrink the covariance of observations, of shape (T, n), by the intensity that the product finds."""
    sample, intensity = sample_and_intensity(observations - np.mean(observations, axis=0))
    target = np.eye(len(sample)) * np.trace(sample) / len(sample)
    return sample * (1 - intensity) + target * intensity, intensity
