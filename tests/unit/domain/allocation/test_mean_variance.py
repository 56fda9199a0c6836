"""Three objectives, by the finance sheet and by the conditions that define a solution."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.allocation import Candidate, Parameters
from domain.allocation.mean_variance import allocate, max_sharpe, max_utility, min_variance
from domain.allocation.quadratic import highest
from domain.allocation.types import Floats
from domain.covariance import estimate
from domain.rules import Objective

COVARIANCE = np.array([[0.04, 0.006], [0.006, 0.01]])
MEAN = np.array([0.10, 0.05])
FREE = (np.zeros(2), np.ones(2))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Draw means, a covariance with a common factor or without, bounds (some leave no choice), a total."""
    n = draw(st.integers(1, 12))
    chance = np.random.default_rng(draw(st.integers(0, 10_000)))
    common = draw(st.sampled_from([0.0, 0.02]))
    returns = chance.normal(0, 0.02, (n, 60)) * np.exp(chance.normal(size=(n, 1)))
    known = estimate(list(returns + common * chance.normal(size=60)))
    lower = chance.uniform(0, 0.5 / n, n) * chance.integers(0, 2, n)
    upper = lower + chance.uniform(0, 1, n) * chance.integers(0, 2, n)
    part = draw(st.sampled_from([1e-6, 0.5]) | st.floats(0.01, 0.99))
    total = float(np.sum(lower) + part * np.sum(upper - lower))
    assume(total > 0)
    mean = known.mean + draw(st.sampled_from([-0.001, 0.0, 0.001]))
    return mean, known.covariance, lower, upper, total


def shortfall(gradient: Floats, weights: Floats, lower: Floats, upper: Floats) -> float:
    """How much more another feasible point could gain at the rate of gain at the weights; 0 at a solution."""
    total = float(np.sum(weights))
    most = highest(gradient, lower, upper, total)
    return float(gradient @ (most - weights)) / max(float(np.abs(gradient) @ weights), 1e-100)


def test_the_least_variance_of_the_finance_sheet() -> None:
    """(.01 - .006) : (.04 - .006)."""
    assert min_variance(COVARIANCE, *FREE, 1.0) == pytest.approx([0.105263, 0.894737], abs=5e-7)


def test_the_best_ratio_of_the_finance_sheet() -> None:
    """Inverse of the covariance times the means is 2.09 : 4.18."""
    found = max_sharpe(MEAN, COVARIANCE, *FREE, 1.0)

    assert found is not None
    assert found == pytest.approx([1 / 3, 2 / 3], abs=1e-9)


def test_the_greatest_utility_by_hand() -> None:
    """dU/dw = .05 - λ(.038w - .004) = 0: w = 5/19 at λ = 8.3333."""
    found = max_utility(MEAN, COVARIANCE, 25 / 3, *FREE, 1.0)

    assert found == pytest.approx([5 / 19, 14 / 19], abs=1e-9)


def test_without_aversion_all_goes_to_the_greatest_mean() -> None:
    """As far as it may."""
    found = max_utility(MEAN, COVARIANCE, 1e-6, np.zeros(2), np.array([0.7, 1.0]), 1.0)

    assert found == pytest.approx([0.7, 0.3], abs=1e-9)


def test_a_bound_of_the_best_ratio_holds_for_weights_of_any_sum() -> None:
    """At most .6 for the second, of a total of .5: .3."""
    found = max_sharpe(MEAN, COVARIANCE, np.zeros(2), np.array([0.5, 0.3]), 0.5)

    assert found is not None
    assert found == pytest.approx([0.2, 0.3], abs=1e-9)


def test_a_fleet_that_falls_has_no_best_ratio() -> None:
    """Nor one that gains nothing."""
    assert max_sharpe(-MEAN, COVARIANCE, *FREE, 1.0) is None
    assert max_sharpe(0 * MEAN, COVARIANCE, *FREE, 1.0) is None


def test_bounds_may_leave_no_gain_although_one_gains() -> None:
    """At least .9 in the one that loses .10, at most .1 in the one that earns .05."""
    lower, upper = np.array([0.9, 0.0]), np.array([1.0, 0.1])

    assert max_sharpe(np.array([-0.10, 0.05]), COVARIANCE, lower, upper, 1.0) is None


def test_one_that_gains_among_losers_gets_all_it_may() -> None:
    """Losers only help by calming, which at a mean of -.10 they do not."""
    found = max_sharpe(np.array([-0.10, 0.001]), COVARIANCE, *FREE, 1.0)

    assert found is not None
    assert found == pytest.approx([0.0, 1.0], abs=1e-9)


@given(problem=problems(), aversion=st.sampled_from([0.1, 3.0, 100.0]))
def test_no_other_weights_have_more_utility(
    problem: tuple[Floats, Floats, Floats, Floats, float], aversion: float
) -> None:
    """The gradient leads to no other feasible point, which defines the greatest of a concave function."""
    mean, covariance, lower, upper, total = problem
    found = max_utility(mean, covariance, aversion, lower, upper, total)
    gradient = mean - aversion * covariance @ found / total

    assert np.sum(found) == pytest.approx(total, abs=1e-12)
    assert np.all((lower <= found) & (found <= upper))
    assert shortfall(gradient, found, lower, upper) <= 1e-6


@given(problem=problems())
def test_no_other_weights_have_less_variance(problem: tuple[Floats, Floats, Floats, Floats, float]) -> None:
    """As above."""
    _, covariance, lower, upper, total = problem
    found = min_variance(covariance, lower, upper, total)

    assert shortfall(-covariance @ found, found, lower, upper) <= 1e-6


@given(problem=problems())
def test_no_other_weights_have_a_better_ratio(problem: tuple[Floats, Floats, Floats, Floats, float]) -> None:
    """The gradient of mean over deviation leads nowhere; None only where no feasible mean is above 0."""
    mean, covariance, lower, upper, total = problem
    found = max_sharpe(mean, covariance, lower, upper, total)
    best = float(mean @ highest(mean, lower, upper, total))

    if found is None:
        assert best <= 1e-12
        return
    risk = covariance @ found
    gradient = mean - risk * (mean @ found) / (risk @ found)
    gains = float(gradient @ (highest(gradient, lower, upper, total) - found))
    assert gains <= 1e-9 * float(np.abs(mean) @ found)


def test_a_problem_on_which_the_path_went_round_in_circles() -> None:
    """The best ratio is the one that SciPy's SLSQP finds from twenty starts."""
    free = {6.68702752e-3: 1.86449336e-3, 1.10710515e-2: 2.88987453e-2, 6.22141345e-4: 1.36418239e-4}
    fixed = {
        -9.66711524e-4: 1.94618101e-4,
        -1.73993147e-3: 4.15710214e-4,
        -2.53816679e-3: 3.38982862e-4,
        1.64609309e-3: 8.41871996e-5,
        -4.20337667e-5: 9.33845331e-5,
    }
    mean, variance = np.array([*free, *fixed]), np.array([*free.values(), *fixed.values()])
    held = [0.03879985, 0.00695773, 0.0128495, 0.00695731, 0.02511958]
    lower, upper = np.array([0, 0, 0.02795436, *held]), np.array([0.89458171, 0.88499514, 0.1955512, *held])

    found = max_sharpe(mean, np.diag(variance), lower, upper, 0.4533088057531422)

    assert found is not None
    ratio = float(mean @ found) / float(np.sqrt(found @ (variance * found)))
    assert ratio == pytest.approx(0.16684401396458412, rel=1e-12)


def candidates(*returns: Floats) -> list[Candidate]:
    """Make candidates with histories, alike in all else."""
    return [Candidate(f"agent-{i}", 1.0, 0.5, r, 0.0, 1.0) for i, r in enumerate(returns)]


def rising(seed: int, mean: float) -> Floats:
    """Make sixty bins of a given mean."""
    noise = np.random.default_rng(seed).normal(0, 0.02, 60)
    return noise - np.mean(noise) + mean


@pytest.mark.parametrize("objective", list(Objective))
def test_the_parameter_chooses_the_objective(objective: Objective) -> None:
    """And each gets the shrunk covariance of the histories."""
    found = candidates(rising(1, 0.002), rising(2, 0.001), rising(3, -0.001))
    known = estimate([c.returns for c in found])
    box = (np.zeros(3), np.ones(3), 1.0)
    wanted = {
        Objective.MIN_VARIANCE: min_variance(known.covariance, *box),
        Objective.MAX_UTILITY: max_utility(known.mean, known.covariance, 3.0, *box),
        Objective.MAX_SHARPE: max_sharpe(known.mean, known.covariance, *box),
    }
    weights = allocate(found, 1.0, Parameters(objective=objective))

    assert weights.weights == pytest.approx(wanted[objective], abs=1e-12)
    assert weights.fallback is None


def test_a_risk_free_return_is_to_be_beaten() -> None:
    """.002 a bin is no gain where money earns .003 for nothing."""
    found = candidates(rising(1, 0.002), rising(2, 0.001))

    assert allocate(found, 1.0, Parameters(risk_free=0.0)).fallback is None
    assert allocate(found, 1.0, Parameters(risk_free=0.003)).fallback == "no_gain:min_variance"
