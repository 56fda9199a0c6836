"""The laws of `domain.allocation.types.Method`, over the whole table of methods."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import METHODS, Candidate
from domain.allocation.bounds import Infeasible, feasible_share
from domain.allocation.types import Floats

BOUND = st.sampled_from([0.0, 0.05, 0.4, 1.0, 1 / 3, 1e-9]) | st.floats(0, 1)
PRIOR = st.sampled_from([0.0, 0.5, 1.0, 2.4, 4.0]) | st.floats(0, 10)
BIN = st.sampled_from([0.0, -1.0, 0.01]) | st.floats(-0.3, 0.3)

every_method = pytest.mark.parametrize("name", list(METHODS))


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """Draw up to eight, with histories of different lengths: none, dead flat, too short for a covariance."""
    found = []
    for i in range(draw(st.integers(1, 8))):
        bounds = sorted((draw(BOUND), draw(BOUND)))
        bins = draw(st.sampled_from([0, 1, 2, 29, 30, 40]))
        flat = draw(st.booleans())
        if flat:
            returns = np.full(bins, draw(BIN))
        else:
            returns = np.random.default_rng(draw(st.integers(0, 99))).normal(0, 0.02, bins)
        found.append(Candidate(f"agent-{i}", draw(PRIOR), draw(st.floats(0, 1)), returns, *bounds))
    return found


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Candidate], float]:
    """Draw candidates and a share that their bounds can take, now and then one with more than enough."""
    found = draw(candidates())
    least = math.fsum(c.lower for c in found)
    most = math.fsum(c.upper for c in found)
    share = draw(
        st.sampled_from([least, most, most + 1.0]) | st.floats(0, 1).map(lambda x: least + x * (most - least))
    )
    return found, share


def bounds_of(found: list[Candidate]) -> tuple[Floats, Floats]:
    """Give the bounds as arrays."""
    return np.array([c.lower for c in found]), np.array([c.upper for c in found])


@every_method
@given(case=cases())
def test_weights_sum_to_what_the_bounds_allow_of_the_share(
    name: str, case: tuple[list[Candidate], float]
) -> None:
    """Within 1e-12, and the bounds hold exactly."""
    found, share = case
    lower, upper = bounds_of(found)
    allowed = feasible_share(lower, upper, share)
    weights = METHODS[name](found, share).weights

    assert not isinstance(allowed, Infeasible)
    assert math.fsum(weights) == pytest.approx(allowed, abs=1e-12)
    assert np.all((lower <= weights) & (weights <= upper))


@every_method
@given(case=cases())
def test_weights_are_finite_and_one_for_each(name: str, case: tuple[list[Candidate], float]) -> None:
    """Shape (n,), no NaN, no infinity, whatever the history."""
    weights = METHODS[name](*case).weights

    assert weights.shape == (len(case[0]),)
    assert np.all(np.isfinite(weights))


@every_method
@given(case=cases(), order=st.randoms(use_true_random=False))
def test_permuted_candidates_have_permuted_weights(
    name: str, case: tuple[list[Candidate], float], order: random.Random
) -> None:
    """Nobody is better off for being named first."""
    found, share = case
    shuffled = list(range(len(found)))
    order.shuffle(shuffled)
    before, after = METHODS[name](found, share), METHODS[name]([found[i] for i in shuffled], share)

    assert after.weights == pytest.approx(before.weights[shuffled], abs=1e-12)
    assert after.fallback == before.fallback


@every_method
@given(found=candidates(), x=st.floats(0, 1))
def test_equals_have_equal_weights(name: str, found: list[Candidate], x: float) -> None:
    """Each candidate and its double get the same."""
    doubles = [Candidate(f"{c.id}-double", c.prior, c.score, c.returns, c.lower, c.upper) for c in found]
    lower, upper = (2 * math.fsum(bound) for bound in bounds_of(found))
    weights = METHODS[name]([*found, *doubles], lower + x * (upper - lower)).weights

    assert weights[: len(found)] == pytest.approx(weights[len(found) :], abs=1e-12)


@every_method
@given(prior=PRIOR, upper=st.floats(0.1, 1), share=st.floats(0, 1))
def test_one_alone_gets_all_it_may(name: str, prior: float, upper: float, share: float) -> None:
    """The share, or its upper bound."""
    weights = METHODS[name]([Candidate("a", prior, 0.5, np.zeros(0), 0.0, upper)], share).weights

    assert weights == pytest.approx([min(share, upper)], abs=1e-12)


@every_method
def test_nobody_gets_nothing(name: str) -> None:
    """No candidates, no weights, and nothing to fall back from."""
    found = METHODS[name]([], 0.0)

    assert found.weights.shape == (0,)
    assert found.fallback is None


@every_method
def test_a_thousand_are_no_harder_than_ten(name: str) -> None:
    """Sum and bounds at the size of a large fleet."""
    chance = np.random.default_rng(7)
    found = [
        Candidate(f"agent-{i}", float(prior), float(score), chance.normal(0, 0.02, 60), 0.0, 0.002)
        for i, (prior, score) in enumerate(
            zip(chance.uniform(0.5, 4, 1000), chance.uniform(0, 1, 1000), strict=True)
        )
    ]
    weights = METHODS[name](found, 1.0).weights

    assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)
    assert np.all((weights >= 0) & (weights <= 0.002))
