"""Returns beside others, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.comparison import beta, correlation, correlation_within, excess_return
from domain.performance import Absent

MARKET = np.array([0.01, -0.02, 0.03, 0.0])
NONE = np.zeros(0)


def test_twice_the_market_has_a_beta_of_two() -> None:
    """And goes with it."""
    assert beta(2 * MARKET + 0.01, MARKET) == pytest.approx(2, abs=1e-12)
    assert correlation(2 * MARKET + 0.01, MARKET) == pytest.approx(1, abs=1e-12)
    assert correlation(-MARKET, MARKET) == pytest.approx(-1, abs=1e-12)


def test_what_crosses_has_neither() -> None:
    """(1, 1, -1, -1) against (1, -1, 1, -1)."""
    one, other = np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1])

    assert correlation(one, other) == 0
    assert beta(one, other) == 0


def test_total_returns_are_compared_compounded() -> None:
    """1.1 · 1.1 against 1.05 · 1."""
    assert excess_return(np.array([0.1, 0.1]), np.array([0.05, 0.0])) == pytest.approx(0.16, abs=1e-12)


def test_only_shared_bins_are_compared() -> None:
    """The last two of four."""
    assert excess_return(np.array([0.1, 0.1]), MARKET) == pytest.approx(1.21 - 1.03, abs=1e-12)
    assert correlation(MARKET[2:], MARKET) == pytest.approx(1, abs=1e-12)


def test_what_cannot_be_compared_says_why() -> None:
    """Nothing shared, one bin, or none that moved."""
    flat = np.zeros(4)

    assert excess_return(NONE, MARKET) is Absent.TOO_FEW_SAMPLES
    assert correlation(MARKET[:1], MARKET) is Absent.TOO_FEW_SAMPLES
    assert correlation(flat, MARKET) is Absent.ZERO_VARIANCE
    assert beta(MARKET, flat) is Absent.ZERO_VARIANCE
    assert beta(flat, MARKET) == 0


def test_within_a_farm_each_goes_with_the_others() -> None:
    """Two alike and one against: the ones with half of it, the one against all."""
    found = correlation_within([MARKET, MARKET, -3 * MARKET])

    assert found == [pytest.approx(-1), pytest.approx(-1), pytest.approx(-1)]
    assert correlation_within([MARKET, 2 * MARKET]) == [pytest.approx(1), pytest.approx(1)]


def test_one_alone_has_nobody_to_go_with() -> None:
    """Nor has a farm of nobody."""
    assert correlation_within([MARKET]) == [Absent.TOO_FEW_SAMPLES]
    assert correlation_within([]) == []


def test_bins_before_the_others_came_do_not_count() -> None:
    """The young one is compared with the last two bins of the old one, and the old one with the young."""
    found = correlation_within([np.array([0.5, -0.5, 0.01, 0.02]), np.array([0.02, 0.04])])

    assert found == [pytest.approx(1), pytest.approx(1)]


@pytest.mark.parametrize("seed", range(20))
def test_beta_is_that_of_empyrical(seed: int) -> None:
    """To 1e-9, on random returns."""
    empyrical = pytest.importorskip(
        "empyrical", reason="empyrical-reloaded, of the group `reference`, is absent"
    )
    one, two = np.random.default_rng(seed).normal(0, 0.02, (2, 60))

    assert beta(one, two) == pytest.approx(empyrical.beta(one, two), rel=1e-9)
    assert correlation(one, two) == pytest.approx(np.corrcoef(one, two)[0, 1], abs=1e-12)


numbers = st.floats(-1, 1) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 5e-324])


@pytest.mark.filterwarnings("error")
@given(own=st.lists(numbers, max_size=6), other=st.lists(numbers, max_size=6))
def test_there_is_a_number_or_a_reason(own: list[float], other: list[float]) -> None:
    """No NaN, no infinity, and correlations within -1 and 1."""
    one, two = np.array(own), np.array(other)

    for compare in (excess_return, beta):
        found = compare(one, two)
        assert isinstance(found, Absent) or np.isfinite(found)
    found = correlation(one, two)
    assert isinstance(found, Absent) or -1 <= found <= 1
