"""
All metrics together, and as they come about bin by bin: from equity that earns and moves, through the ring.

Numbers are those that references print for V1 and V2, or of empyrical-reloaded on random and on real prices.
"""

import csv
import gzip
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import MONEY
from domain.performance import Absent, Metric, Profile, Returns, TradeCounts
from domain.standing import Standing, flow, roll
from domain.track_record import WINDOWS, compare, document, measure, rolling
from tests.support.standings import gain

ROOT: Final = Path(__file__).parents[3]
CANDLES: Final = ROOT.parent / "shared" / "data" / "candles-5m"
PRICES: Final = ROOT / "examples" / "fleet" / "prices" / "daily.csv.gz"
PAIRS: Final = ("ADA", "DASH", "ETC", "ETH", "LTC", "NXT", "TRX", "XLM", "XMR", "ZEC")
INSTRUMENTS: Final = ("AAPL", "GOOG", "IBM", "MSFT", "NASDAQ", "SP500")
BIN_MS: Final = 1000

V1 = np.array([0.01, 0.10, -0.04, 0.02, 0.03, 0.02, 0.01, -0.10])
V2 = [100, 200, 50, -150, 300, -100, 80, -30]

# As empyrical-reloaded and freqtrade have them in their tests.
PRINTED: Final = {
    "volatility": 0.913647,
    "sharpe": 1.723861,
    "sortino": 2.605531,
    "max_drawdown": -0.10,
    "var_95": -0.079,
    "cvar_95": -0.10,
    "win_rate": 0.625,
    "profit_factor": 2.607143,
    "expectancy": 56.25,
    "expectancy_ratio": 0.602679,
    "sqn": 1.0624,
}


def trades_of(profits: Sequence[int]) -> TradeCounts:
    """Sum up closed trades, given in whole units of money."""
    wins = [profit for profit in profits if profit > 0]
    losses = [profit for profit in profits if profit < 0]
    return TradeCounts(
        closed=len(profits),
        wins=len(wins),
        losses=len(losses),
        gross_profit=sum(wins) * MONEY,
        gross_loss=-sum(losses) * MONEY,
        squared_profit=sum(profit**2 for profit in profits) * MONEY**2,
    )


@pytest.mark.parametrize(("name", "printed"), PRINTED.items())
def test_v1_and_v2_have_the_published_value(name: str, printed: float) -> None:
    """A year of 252 bins, as empyrical counts; SQN is printed to four digits, the others to six."""
    value = measure(V1, trades_of(V2), bins_per_year=252, risk_free=0)[name]

    assert value == pytest.approx(printed, abs=5e-5 if name == "sqn" else 5e-7)


def test_the_growth_of_half_in_a_year_is_its_cagr_and_calmar() -> None:
    """1000 → 800 → 1500 in 365 bins: CAGR .5, and over a fall of a fifth 2.5."""
    year = np.array([-0.2, 0.875, *[0.0] * 363])

    found = measure(year, TradeCounts(), bins_per_year=365, risk_free=0)

    assert found["cagr"] == pytest.approx(0.5, abs=1e-12)
    assert found["calmar"] == pytest.approx(2.5, abs=1e-12)


def test_what_was_never_traded_has_no_quality() -> None:
    """The reason is that there are no trades, for all metrics of trades alike."""
    found = measure(V1, TradeCounts(), bins_per_year=365, risk_free=0)

    of_trades = ("win_rate", "profit_factor", "expectancy", "expectancy_ratio", "sqn")
    assert [found[name] for name in of_trades] == [Absent.NO_TRADES] * 5


def test_a_metric_is_told_as_a_value_or_as_null_with_its_reason() -> None:
    """Never both, never neither."""
    told = document({"sharpe": 1.5, "calmar": Absent.NO_DRAWDOWN, "volatility": 0.0})

    assert told["metrics"] == {"sharpe": 1.5, "calmar": None, "volatility": 0.0}
    assert told["without_value"] == {"calmar": "no_drawdown"}


amounts = st.integers(0, 3) | st.integers(0, 10**30)
floats = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1, 1) | st.sampled_from([0.0, -1.0])


@given(
    returns=st.lists(floats, max_size=40),
    benchmark=st.lists(floats, max_size=40),
    counts=st.tuples(*[st.integers(0, 3)] * 3, *[amounts] * 3),
    risk_free=st.floats(-1, 1),
)
def test_there_is_a_finite_value_or_a_reason(
    returns: list[float], benchmark: list[float], counts: tuple[int, ...], risk_free: float
) -> None:
    """No NaN and no infinity, whatever a bot or a market does."""
    wins, losses, even, gross_profit, gross_loss, squares = counts
    gross_profit, gross_loss = gross_profit if wins else 0, gross_loss if losses else 0
    trades = TradeCounts(wins + losses + even, wins, losses, gross_profit, gross_loss, squares)
    r = np.array(returns)
    year = {"bins_per_year": 365.0, "risk_free": risk_free}

    found = [measure(r, trades, **year), *rolling(r, **year).values(), compare(r, np.array(benchmark))]

    values = [value for profile in found for value in profile.values()]
    assert not [value for value in values if not isinstance(value, Absent) and not math.isfinite(value)]


# -- bin by bin --------------------------------------------------------------------------------------------


class Stream:
    """A scope whose equity goes through some values, a bin each; what is kept is a ring."""

    def __init__(self, equity: Sequence[int], ring: int, seed: int | None = None) -> None:
        """With a seed, money moves in and out in between, up to as much again as there is."""
        chance = np.random.default_rng(seed)
        standing = Standing()
        flow(standing, equity[0])
        self.ring: list[float] = []
        for number, (before, after) in enumerate(pairwise(equity), 1):
            if seed is not None:
                moved = int(standing.equity * chance.uniform(-0.5, 1))
                flow(standing, moved)
            # What it earns in proportion to what it has, as a bot does that trades all it was given.
            gain(standing, round(standing.equity * (after - before) / before) if seed else after - before)
            self.ring += roll(standing, number * BIN_MS, BIN_MS, ring)
            del self.ring[:-ring]

    @property
    def returns(self) -> Returns:
        """What is kept."""
        return np.array(self.ring)


def equity_of(prices: Sequence[float]) -> list[int]:
    """Equity of one who put a million into it."""
    return [round(1_000_000 * MONEY * price / prices[0]) for price in prices]


def random_prices(seed: int, bins: int) -> list[float]:
    """Draw a walk with fat tails."""
    chance = np.random.default_rng(seed)
    steps = np.clip(chance.standard_t(4, bins) * 0.02 + 0.0005, -0.5, 1)
    return [100.0, *(100 * np.cumprod(1 + steps))]


def real_prices(name: str) -> list[float]:
    """Read closes: of five minutes, of pairs quoted in BTC in January 2018; or of days, of instruments."""
    if name in PAIRS:
        path = CANDLES / f"{name}_BTC.csv.gz"
        if not path.exists():
            pytest.skip(f"{path} is not there: candles are no part of the project")
        with gzip.open(path, "rt") as file:
            return [float(row["close"]) for row in csv.DictReader(file)]
    with gzip.open(PRICES, "rt") as file:
        return [float(row["close"]) for row in csv.DictReader(file) if row["symbol"] == name]


@pytest.fixture
def empyrical() -> Any:
    """Reference, where it is installed: pip install 'sluicegate[reference]'."""
    return pytest.importorskip("empyrical", reason="empyrical-reloaded, of the group `reference`, is absent")


def assert_same(ours: Metric, theirs: float) -> None:
    """To 1e-9; where it says NaN or infinity, there is a reason here."""
    if isinstance(ours, Absent):
        assert not np.isfinite(theirs)
    else:
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def check_whole(empyrical: Any, found: Profile, r: Returns, year: float) -> None:
    """Hold a record against the reference, whose year is one of bins and risk-free rate one per bin."""
    assert_same(found["total_return"], empyrical.cum_returns_final(r))
    assert_same(found["volatility"], empyrical.annual_volatility(r, annualization=year))
    assert_same(found["sharpe"], empyrical.sharpe_ratio(r, risk_free=0.03 / year, annualization=year))
    assert_same(found["sortino"], empyrical.sortino_ratio(r, annualization=year))
    assert_same(found["max_drawdown"], empyrical.max_drawdown(r))
    assert_same(found["cagr"], empyrical.cagr(r, annualization=year))
    assert_same(found["calmar"], empyrical.calmar_ratio(r, annualization=year))
    assert_same(found["var_95"], empyrical.value_at_risk(r))
    assert_same(found["cvar_95"], empyrical.conditional_value_at_risk(r))


CASES: Final = [
    *((f"random {seed}", 365) for seed in range(10)),
    *((name, 365 * 288) for name in PAIRS),
    *((name, 252) for name in INSTRUMENTS),
]


@pytest.mark.parametrize(("name", "year"), CASES, ids=[name for name, _ in CASES])
@pytest.mark.parametrize("ring", [365, 100_000], ids=["last-365", "all"])
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_streaming_is_as_the_reference_on_the_whole_series(
    empyrical: Any, name: str, year: int, ring: int
) -> None:
    """Bin by bin through a ring, against empyrical on the series, or its last bins."""
    kind, _, seed = name.partition(" ")
    equity = equity_of(random_prices(int(seed), 1000) if kind == "random" else real_prices(name))
    series = np.array(equity, dtype=np.float64)
    expected = (series[1:] / series[:-1] - 1)[-ring:]

    streamed = Stream(equity, ring).returns
    found = measure(streamed, TradeCounts(), bins_per_year=year, risk_free=0.03)

    assert streamed.size == min(ring, len(equity) - 1)
    check_whole(empyrical, found, expected, year)
    for bins, recent in rolling(streamed, bins_per_year=year, risk_free=0.03).items():
        last = expected[-bins:]
        assert_same(recent["total_return"], empyrical.cum_returns_final(last))
        assert_same(recent["sharpe"], empyrical.sharpe_ratio(last, risk_free=0.03 / year, annualization=year))
        assert_same(recent["sortino"], empyrical.sortino_ratio(last, annualization=year))
        assert_same(recent["volatility"], empyrical.annual_volatility(last, annualization=year))
        assert_same(recent["max_drawdown"], empyrical.max_drawdown(last))


@pytest.mark.parametrize("name", INSTRUMENTS)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_comparison_is_that_of_the_reference(empyrical: Any, name: str) -> None:
    """Each instrument against the S&P 500, over the bins that both have."""
    own = Stream(equity_of(real_prices(name)), 365).returns
    market = Stream(equity_of(real_prices("SP500")), 200).returns
    shared = own[-200:]

    found = compare(own, market)

    assert_same(found["beta"], empyrical.beta(shared, market))
    assert_same(found["correlation"], float(np.corrcoef(shared, market)[0, 1]))
    expected = empyrical.cum_returns_final(shared) - empyrical.cum_returns_final(market)
    assert_same(found["excess_return"], expected)


@pytest.mark.parametrize("seed", range(1, 11))
def test_moving_money_changes_no_return(seed: int) -> None:
    """The same prices with money moving in and out every bin give the same returns, but for rounding."""
    equity = equity_of(random_prices(seed, 50))

    still, moving = Stream(equity, 365).returns, Stream(equity, 365, seed=seed).returns

    assert moving == pytest.approx(still, abs=1e-9)


def test_a_ring_keeps_what_it_may_and_no_more() -> None:
    """A thousand bins through a ring of seven are the last seven."""
    equity = equity_of(random_prices(0, 1000))

    assert Stream(equity, 7).ring == Stream(equity, 5000).ring[-7:]
    assert WINDOWS == (7, 30, 90)


def test_a_window_that_is_not_full_has_too_few_samples() -> None:
    """Eight bins fill the first."""
    found = rolling(V1, bins_per_year=365, risk_free=0)

    assert not [value for value in found[7].values() if isinstance(value, Absent)]
    assert {*found[30].values(), *found[90].values()} == {Absent.TOO_FEW_SAMPLES}
