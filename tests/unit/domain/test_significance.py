"""Published figures, and edges by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import MONEY
from domain.performance import Absent
from domain.significance import (
    deflated_sharpe,
    luckiest,
    probabilistic_sharpe,
    probability,
    sqn,
)

V2 = [100, 200, 50, -150, 300, -100, 80, -30]


def sums(profits: list[int]) -> tuple[int, int, int]:
    """Give number, sum and sum of squares."""
    return len(profits), sum(profits), sum(profit**2 for profit in profits)


def test_v2_has_the_published_system_quality() -> None:
    """√8 · 56.25 / 149.76, as freqtrade has it."""
    assert sqn(*sums(V2)) == pytest.approx(1.0624, abs=5e-5)


def test_system_quality_has_no_unit() -> None:
    """In 1e-8 as in whole units."""
    assert sqn(*sums([profit * MONEY for profit in V2])) == pytest.approx(sqn(*sums(V2)), rel=1e-15)


def test_system_quality_needs_trades_that_differ() -> None:
    """One says nothing, and neither do two of the same."""
    assert sqn(*sums([100])) is Absent.TOO_FEW_SAMPLES
    assert sqn(*sums([100, 100])) is Absent.ZERO_VARIANCE


def test_system_quality_needs_the_squares_of_all_trades() -> None:
    """State of an earlier version has none: 3 trades that brought 30, and squares of nothing."""
    assert sqn(3, 30, 0) is Absent.TOO_FEW_SAMPLES


def test_the_example_of_the_deflated_ratio() -> None:
    """Bailey & López de Prado 2014: 2.5 a year in 1250 days, best of 100 of variance ½ a year: 90 %."""
    benchmark = luckiest(0.5 / 250, 100)

    assert benchmark == pytest.approx(0.113172, abs=5e-7)
    assert probability(2.5 / math.sqrt(250), benchmark, 1250, -3, 10) == pytest.approx(0.900397, abs=5e-7)


def test_without_a_lead_the_odds_are_even() -> None:
    """Whatever the moments."""
    assert probability(0.1, 0.1, 100, -1, 5) == 0.5


def test_of_normal_returns_the_error_is_that_of_lo() -> None:
    """√((1 + SR²/2)/(n-1)) with no skew and a kurtosis of 3; Lo (2002)."""
    found = probability(0.1, 0.0, 101, 0, 3)

    assert found == pytest.approx(0.5 * (1 + math.erf(0.1 * 10 / math.sqrt(1.005) / math.sqrt(2))), abs=1e-12)


def test_moments_are_those_of_the_population() -> None:
    """Of 0, 0, 0, 4: mean 1, deviation √3; skewness 24/4/√27, kurtosis 84/4/9."""
    returns = np.array([0.0, 0.0, 0.0, 4.0])

    wanted = probability(0.5, 0.1, 4, 6 / math.sqrt(27), 21 / 9)
    assert probabilistic_sharpe(returns, 0.1) == pytest.approx(wanted, abs=1e-12)


def test_returns_that_say_nothing_have_no_probability() -> None:
    """Too few, or all alike."""
    assert probabilistic_sharpe(np.array([0.01])) is Absent.TOO_FEW_SAMPLES
    assert probabilistic_sharpe(np.array([0.1, 0.1, 0.1])) is Absent.ZERO_VARIANCE


def test_the_best_of_one_is_not_lucky() -> None:
    """And of nobody neither."""
    assert luckiest(0.5, 1) == 0
    assert luckiest(0.5, 0) == 0
    returns = np.array([0.01, 0.03, -0.01, 0.02])
    assert deflated_sharpe([returns]) == [probabilistic_sharpe(returns)]
    assert deflated_sharpe([]) == []


def test_the_more_tried_the_luckier_the_best() -> None:
    """Expected of 2, 10, 1000."""
    assert 0 < luckiest(1.0, 2) < luckiest(1.0, 10) < luckiest(1.0, 1000) < 4


def test_luck_of_the_best_agrees_with_drawing() -> None:
    """The mean of the largest of ten normal numbers is 1.5388."""
    assert luckiest(1.0, 10) == pytest.approx(1.5388, abs=0.05)


def test_among_many_without_skill_hardly_one_is_believed() -> None:
    """Of a hundred, five have a probability above 95 % before, and none after."""
    chance = np.random.default_rng(4)
    histories = list(chance.normal(0, 0.02, (100, 365)))
    before = [probabilistic_sharpe(returns) for returns in histories]
    after = deflated_sharpe(histories)

    assert sum(not isinstance(p, Absent) and p > 0.95 for p in before) >= 3
    assert not any(not isinstance(p, Absent) and p > 0.95 for p in after)


def test_who_has_no_ratio_is_no_trial() -> None:
    """It gets its reason, and the others are judged as if it were not there."""
    chance = np.random.default_rng(4)
    two = list(chance.normal(0.001, 0.02, (2, 60)))
    idle = np.zeros(60)

    assert deflated_sharpe([*two, idle]) == [*deflated_sharpe(two), Absent.ZERO_VARIANCE]


numbers = st.floats(-1, 1) | st.floats(allow_nan=False, allow_infinity=False)


@given(histories=st.lists(st.lists(numbers, max_size=6), max_size=4))
def test_there_is_a_probability_or_a_reason(histories: list[list[float]]) -> None:
    """No NaN, whatever the returns."""
    for found in deflated_sharpe([np.array(returns) for returns in histories]):
        assert isinstance(found, Absent) or 0 <= found <= 1
