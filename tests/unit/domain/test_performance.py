"""Checked against FINANCE's V1 and V2, or by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import performance
from domain.money import MONEY
from domain.performance import PROFILE, Absent, Metric, Returns, TradeCounts

V1 = np.array([0.01, 0.10, -0.04, 0.02, 0.03, 0.02, 0.01, -0.10])
V2 = TradeCounts(closed=8, wins=5, losses=3, gross_profit=730 * MONEY, gross_loss=280 * MONEY)
V2_EQUITY = np.array([1000, 1100, 1300, 1350, 1200, 1500, 1400, 1480, 1450.0])
NONE = np.array([])


def number(metric: Metric) -> float:
    """Give the value of a metric that has one."""
    assert not isinstance(metric, Absent), metric
    return metric


def returns_of(equity: Returns) -> Returns:
    """Give the simple returns between values of equity."""
    return equity[1:] / equity[:-1] - 1


def test_v1_has_the_published_volatility() -> None:
    """std(r, ddof=1)·√A, as empyrical-reloaded's mixed returns have it."""
    assert number(performance.volatility(V1, bins_per_year=252)) == pytest.approx(0.913647, abs=5e-7)


def test_v1_has_the_published_sharpe() -> None:
    """(mean r - rf/A) / std(r, ddof=1) · √A."""
    value = performance.sharpe(V1, bins_per_year=252, risk_free=0)

    assert number(value) == pytest.approx(1.723861, abs=5e-7)


def test_the_risk_free_rate_is_taken_off_each_bin() -> None:
    """At rf = A · mean r nothing is earned above it."""
    mean = 0.05 / 8

    assert number(performance.sharpe(V1, bins_per_year=252, risk_free=252 * mean)) == pytest.approx(
        0, abs=1e-12
    )


def test_v1_has_the_published_sortino() -> None:
    """Downside over all bins, not only those that lost."""
    assert number(performance.sortino(V1, bins_per_year=252)) == pytest.approx(2.605531, abs=5e-7)


def test_v1_falls_by_its_last_bin() -> None:
    """The drop of .10 from the top is the deepest, and drawdown is negative."""
    assert number(performance.max_drawdown(V1)) == pytest.approx(-0.10, abs=1e-12)


def test_v2_falls_by_150_from_1350() -> None:
    """11.1111 %, freqtrade's own figure."""
    assert number(performance.max_drawdown(returns_of(V2_EQUITY))) == pytest.approx(-0.111111, abs=5e-7)


def test_a_first_bin_that_loses_is_a_drawdown() -> None:
    """The start counts as a high point."""
    assert number(performance.max_drawdown(np.array([-0.2, 0.1]))) == pytest.approx(-0.2, abs=1e-12)


def test_500_gained_in_a_year_on_1000_is_half() -> None:
    """1000 → 1500 over 365 daily bins is a CAGR of .5."""
    steady = np.full(365, 1.5 ** (1 / 365) - 1)

    assert number(performance.cagr(steady, bins_per_year=365)) == pytest.approx(0.5, abs=1e-9)


def test_half_a_year_compounds_to_a_whole_one() -> None:
    """1.2 in half a year is 1.44 in one."""
    half = np.array([0.2, *[0.0] * 181, 0.0])

    assert number(performance.cagr(half, bins_per_year=366)) == pytest.approx(0.44, abs=1e-9)


def test_calmar_is_growth_over_drawdown() -> None:
    """+50 % in a year with a fall of 20 %: 2.5."""
    year = np.array([-0.2, 0.875])

    assert number(performance.calmar(year, bins_per_year=2)) == pytest.approx(2.5, abs=1e-9)


def test_v1_has_the_published_value_at_risk() -> None:
    """5th percentile by linear interpolation, and the mean of what lies at or below it."""
    assert number(performance.value_at_risk(V1)) == pytest.approx(-0.079, abs=1e-12)
    assert number(performance.conditional_value_at_risk(V1)) == pytest.approx(-0.10, abs=1e-12)


def test_the_best_and_the_worst_bin_of_v1() -> None:
    """As they stand there."""
    assert performance.best_bin(V1) == 0.10
    assert performance.worst_bin(V1) == -0.10
    assert performance.best_bin(NONE) is Absent.TOO_FEW_SAMPLES
    assert performance.worst_bin(NONE) is Absent.TOO_FEW_SAMPLES


def test_total_return_compounds() -> None:
    """1.1 · .5 · 1.2 = .66."""
    assert number(performance.total_return(np.array([0.1, -0.5, 0.2]))) == pytest.approx(-0.34, abs=1e-12)


def test_v2_has_the_published_trade_metrics() -> None:
    """Win rate, profit factor, expectancy and its ratio as freqtrade has them."""
    assert performance.win_rate(V2) == 0.625
    assert number(performance.profit_factor(V2)) == pytest.approx(2.607143, abs=5e-7)
    assert number(performance.expectancy(V2)) == pytest.approx(56.25, abs=1e-9)
    assert number(performance.expectancy_ratio(V2)) == pytest.approx(0.602679, abs=5e-7)


def test_a_trade_that_came_out_even_is_closed_and_not_won() -> None:
    """One win of 100, one loss of 40, two even: ¼·100 - ¼·40 = 15, the mean profit of a trade."""
    trades = TradeCounts(closed=4, wins=1, losses=1, gross_profit=100 * MONEY, gross_loss=40 * MONEY)

    assert performance.win_rate(trades) == 0.25
    assert number(performance.expectancy(trades)) == pytest.approx(15, abs=1e-12)


def test_only_wins_have_an_expectancy_but_no_profit_factor() -> None:
    """Without losses there is nothing to divide by, while p·W̄ stands."""
    trades = TradeCounts(closed=2, wins=2, gross_profit=30 * MONEY)

    assert performance.profit_factor(trades) is Absent.NO_LOSSES
    assert performance.expectancy_ratio(trades) is Absent.NO_LOSSES
    assert performance.expectancy(trades) == 15


def test_only_losses_have_an_expectancy_and_a_profit_factor_of_zero() -> None:
    """Nothing won is a value, not an absence."""
    trades = TradeCounts(closed=2, losses=2, gross_loss=30 * MONEY)

    assert performance.profit_factor(trades) == 0
    assert performance.expectancy(trades) == -15
    assert performance.expectancy_ratio(trades) == -1


def test_without_history_every_metric_says_why() -> None:
    """No bins are too few samples, no trades are no trades."""
    measured = performance.profile(NONE, TradeCounts(), bins_per_year=365, risk_free=0)

    assert list(measured) == list(PROFILE)
    assert [measured[name] for name in PROFILE[:6]] == [Absent.TOO_FEW_SAMPLES] * 6
    assert [measured[name] for name in PROFILE[6:]] == [Absent.NO_TRADES] * 3
    assert performance.value_at_risk(NONE) is Absent.TOO_FEW_SAMPLES
    assert performance.conditional_value_at_risk(NONE) is Absent.TOO_FEW_SAMPLES
    assert performance.expectancy_ratio(TradeCounts()) is Absent.NO_TRADES


def test_one_bin_has_no_deviation() -> None:
    """With ddof=1 one sample is none."""
    one = np.array([0.01])

    assert performance.volatility(one, bins_per_year=365) is Absent.TOO_FEW_SAMPLES
    assert performance.sharpe(one, bins_per_year=365, risk_free=0) is Absent.TOO_FEW_SAMPLES


def test_returns_all_alike_have_no_sharpe() -> None:
    """Zero variance means max = min; by rounding, std of three times .1 is not 0."""
    alike = np.array([0.1, 0.1, 0.1])

    assert np.std(alike, ddof=1) != 0
    assert performance.sharpe(alike, bins_per_year=365, risk_free=0) is Absent.ZERO_VARIANCE
    assert performance.volatility(alike, bins_per_year=365) == 0


def test_never_having_lost_leaves_no_sortino_and_no_calmar() -> None:
    """What there is nothing to divide by has a reason of its own."""
    rising = np.array([0.01, 0.02])

    assert performance.sortino(rising, bins_per_year=365) is Absent.NO_LOSSES
    assert performance.calmar(rising, bins_per_year=365) is Absent.NO_DRAWDOWN
    assert performance.max_drawdown(rising) == 0


def test_growth_beyond_a_float_is_out_of_range() -> None:
    """550 in three days is 1e333 a year: no infinity."""
    wild = np.array([10.0, -0.5, 99.0])

    assert performance.cagr(wild, bins_per_year=365) is Absent.OUT_OF_RANGE
    assert performance.calmar(wild, bins_per_year=365) is Absent.OUT_OF_RANGE


def test_a_deviation_beyond_a_float_does_not_pass_for_a_ratio_of_zero() -> None:
    """Its square is infinite, and something over infinity would be 0."""
    absurd = np.array([1e300, -1e300, 0.0])

    assert performance.volatility(absurd, bins_per_year=365) is Absent.OUT_OF_RANGE
    assert performance.sharpe(absurd, bins_per_year=365, risk_free=0) is Absent.OUT_OF_RANGE
    assert performance.sortino(absurd, bins_per_year=365) is Absent.OUT_OF_RANGE


def test_losing_more_than_all_is_losing_all() -> None:
    """A debt does not compound into a gain: (-.5)·(-.5) would be +.25."""
    ruined = np.array([-1.5, -1.5, 0.3])

    assert performance.total_return(ruined) == -1
    assert performance.cagr(ruined, bins_per_year=365) == -1
    assert performance.max_drawdown(ruined) == -1


numbers = (
    st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1, 1) | st.sampled_from([0.0, -1.0, 5e-324])
)
amounts = st.integers(1, 3) | st.integers(1, 10**26)


@st.composite
def counts(draw: st.DrawFn) -> TradeCounts:
    """Draw counts that fit together, with from one unit of money to more than there is."""
    wins, losses, even = (draw(st.integers(0, 3)) for _ in range(3))
    return TradeCounts(
        closed=wins + losses + even,
        wins=wins,
        losses=losses,
        gross_profit=draw(amounts) if wins else 0,
        gross_loss=draw(amounts) if losses else 0,
    )


@given(returns=st.lists(numbers, max_size=8), trades=counts(), risk_free=st.floats(-1, 1))
def test_no_history_gives_nan_or_infinity(
    returns: list[float], trades: TradeCounts, risk_free: float
) -> None:
    """Every metric is a finite float or a reason, whatever the history."""
    r = np.array(returns)
    found = performance.profile(r, trades, bins_per_year=365, risk_free=risk_free)
    found["var"] = performance.value_at_risk(r)
    found["cvar"] = performance.conditional_value_at_risk(r)
    found["ratio"] = performance.expectancy_ratio(trades)

    assert all(
        isinstance(value, Absent) or (type(value) is float and math.isfinite(value))
        for value in found.values()
    )


@given(returns=st.lists(st.floats(-0.9, 2), min_size=1, max_size=30))
def test_drawdown_is_the_deepest_of_all_pairs(returns: list[float]) -> None:
    """The least, over s ≤ t of E_t/E_s - 1, found by trying all pairs."""
    equity = [1.0]
    for r in returns:
        equity.append(equity[-1] * (1 + r))
    deepest = min(later / earlier - 1 for t, later in enumerate(equity) for earlier in equity[: t + 1])

    assert number(performance.max_drawdown(np.array(returns))) == pytest.approx(deepest, abs=1e-12)


@pytest.fixture
def empyrical() -> Any:
    """Reference, where it is installed: pip install 'sluicegate[reference]'."""
    return pytest.importorskip("empyrical", reason="empyrical-reloaded, of the group `reference`, is absent")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("bins", [2, 30, 365])
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_metrics_are_those_of_empyrical(empyrical: Any, bins: int, seed: int) -> None:
    """To 1e-9, on random returns; where it says NaN or infinity, there is a reason here."""
    chance = np.random.default_rng(seed)
    r = np.clip(chance.standard_t(4, bins) * 0.02 + 0.001, -0.9, None)
    year = {"annualization": 365}
    pairs: list[tuple[Metric, float]] = [
        (performance.total_return(r), empyrical.cum_returns_final(r)),
        (performance.volatility(r, bins_per_year=365), empyrical.annual_volatility(r, **year)),
        (
            performance.sharpe(r, bins_per_year=365, risk_free=0.0365),
            empyrical.sharpe_ratio(r, risk_free=0.0001, **year),
        ),
        (performance.sortino(r, bins_per_year=365), empyrical.sortino_ratio(r, **year)),
        (performance.max_drawdown(r), empyrical.max_drawdown(r)),
        (performance.value_at_risk(r), empyrical.value_at_risk(r)),
        (performance.conditional_value_at_risk(r), empyrical.conditional_value_at_risk(r)),
    ]
    if bins >= 30:  # of two bins a year's growth is beyond what either can say
        pairs += [
            (performance.cagr(r, bins_per_year=365), empyrical.cagr(r, **year)),
            (performance.calmar(r, bins_per_year=365), empyrical.calmar_ratio(r, **year)),
        ]

    for ours, theirs in pairs:
        if isinstance(ours, Absent):
            assert not np.isfinite(theirs)
        else:
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)
