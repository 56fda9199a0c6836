"""
How an agent, a farm or a wallet has done, from its returns per bin and its closed trades.

Rules kept here:

1. A metric without a value is an `Absent` that says why; never a sentinel, never NaN or infinity.
2. Returns are simple returns per bin, net of flows, finite, oldest first. A return below -1 counts as -1:
   what is lost whole cannot be lost twice, nor can a debt compound.
3. Ratios are a year's: volatilities and ratios by the root of the bins in a year, growth by compounding.

Formulas: Bacon, *Practical Portfolio Performance Measurement*; Sortino & Price (1994). On the edges, where
the libraries disagree, see each function.
"""

import math
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.money import MONEY

PROFILE: Final[tuple[str, ...]] = (
    "total_return",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "volatility",
    "win_rate",
    "profit_factor",
    "expectancy",
)
TAIL: Final = 0.05  # the worst share of bins that value at risk looks at


class Absent(StrEnum):
    """Why a metric has no value."""

    TOO_FEW_SAMPLES = "too_few_samples"
    ZERO_VARIANCE = "zero_variance"
    NO_LOSSES = "no_losses"
    NO_DRAWDOWN = "no_drawdown"
    NO_TRADES = "no_trades"
    OUT_OF_RANGE = "out_of_range"  # larger than a float can say: 1 % an hour, compounded to a year


Returns = NDArray[np.float64]
Metric = float | Absent
Profile = dict[str, Metric]


class TradeCounts(msgspec.Struct, frozen=True):
    """
    Closed trades, summed up.

    A trade that came out even is closed, and neither won nor lost. `gross_profit` and `gross_loss` are
    money, integers of 1e-8, both positive; `squared_profit` sums the squares of what each trade brought.
    """

    closed: int = 0
    wins: int = 0
    losses: int = 0
    gross_profit: int = 0
    gross_loss: int = 0
    squared_profit: int = 0


def profile(returns: Returns, trades: TradeCounts, *, bins_per_year: float, risk_free: float) -> Profile:
    """
    Measure the nine metrics an agent is profiled by.

    Args:
        returns: shape (bins,), per bin, 0.01 = 1 %.
        trades: the closed trades.
        bins_per_year: 365 for days of a market that never closes.
        risk_free: a year, 0.03 = 3 %.

    Returns:
        A metric or the reason it has none, for each name in `PROFILE`, in that order.

    """
    return {
        "total_return": total_return(returns),
        "sharpe": sharpe(returns, bins_per_year=bins_per_year, risk_free=risk_free),
        "sortino": sortino(returns, bins_per_year=bins_per_year),
        "calmar": calmar(returns, bins_per_year=bins_per_year),
        "max_drawdown": max_drawdown(returns),
        "volatility": volatility(returns, bins_per_year=bins_per_year),
        "win_rate": win_rate(trades),
        "profit_factor": profit_factor(trades),
        "expectancy": expectancy(trades),
    }


@np.errstate(over="ignore", invalid="ignore")
def total_return(returns: Returns) -> Metric:
    """Return over all bins, compounded: Π(1+r) - 1. At least one bin."""
    if returns.size == 0:
        return Absent.TOO_FEW_SAMPLES
    return _in_range(_path(returns)[-1] - 1)


@np.errstate(over="ignore", invalid="ignore")
def cagr(returns: Returns, *, bins_per_year: float) -> Metric:
    """Growth a year: Π(1+r)^(A/n) - 1. At least one bin; a short history may lie out of range."""
    if returns.size == 0:
        return Absent.TOO_FEW_SAMPLES
    return _in_range(_path(returns)[-1] ** (bins_per_year / returns.size) - 1)


@np.errstate(over="ignore", invalid="ignore")
def volatility(returns: Returns, *, bins_per_year: float) -> Metric:
    """Deviation a year: std(r, ddof=1)·√A. At least two bins; bins all alike have exactly 0."""
    if returns.size < 2:
        return Absent.TOO_FEW_SAMPLES
    if returns.max() == returns.min():
        return 0.0
    return _in_range(float(np.std(returns, ddof=1)) * math.sqrt(bins_per_year))


@np.errstate(over="ignore", invalid="ignore")
def sharpe(returns: Returns, *, bins_per_year: float, risk_free: float) -> Metric:
    """
    Sharpe ratio a year: (mean r - rf/A) / std(r, ddof=1) · √A.

    At least two bins. Zero variance is told by max = min: by the computed deviation, rounding would give
    constant returns a ratio near 1e15.
    """
    if returns.size < 2:
        return Absent.TOO_FEW_SAMPLES
    deviation = float(np.std(returns, ddof=1))
    if returns.max() == returns.min() or deviation == 0:
        return Absent.ZERO_VARIANCE
    return _ratio(float(np.mean(returns)) - risk_free / bins_per_year, deviation, bins_per_year)


@np.errstate(over="ignore", invalid="ignore")
def sortino(returns: Returns, *, bins_per_year: float) -> Metric:
    """
    Sortino ratio a year: mean r / √(Σ min(r,0)²/n) · √A.

    The downside is divided by all bins, not by the losing ones (Sortino & Price 1994). At least one bin
    that loses, else `no_losses`.
    """
    if returns.size == 0:
        return Absent.TOO_FEW_SAMPLES
    downside = math.sqrt(np.mean(np.square(np.minimum(returns, 0.0))))
    if downside == 0:
        return Absent.NO_LOSSES
    return _ratio(float(np.mean(returns)), downside, bins_per_year)


@np.errstate(over="ignore", invalid="ignore")
def max_drawdown(returns: Returns) -> Metric:
    """
    Deepest fall from the highest value before, returns compounded: min E_t / max_{s≤t} E_s - 1.

    The start counts as a high point. Between -1 and 0; 0 where nothing fell. At least one bin.
    """
    if returns.size == 0:
        return Absent.TOO_FEW_SAMPLES
    path = np.concatenate(([1.0], _path(returns)))
    return _in_range(np.min(path / np.maximum.accumulate(path)) - 1)


def calmar(returns: Returns, *, bins_per_year: float) -> Metric:
    """CAGR over the absolute maximum drawdown; `no_drawdown` where nothing fell."""
    growth = cagr(returns, bins_per_year=bins_per_year)
    drawdown = max_drawdown(returns)
    if isinstance(growth, Absent):
        return growth
    if isinstance(drawdown, Absent):
        return drawdown
    return _in_range(growth / -drawdown) if drawdown else Absent.NO_DRAWDOWN


@np.errstate(over="ignore", invalid="ignore")
def value_at_risk(returns: Returns) -> Metric:
    """VaR 95: the 5th percentile of the returns, interpolated linearly; a loss is negative."""
    if returns.size == 0:
        return Absent.TOO_FEW_SAMPLES
    return _in_range(float(np.quantile(returns, TAIL)))


@np.errstate(over="ignore", invalid="ignore")
def conditional_value_at_risk(returns: Returns) -> Metric:
    """CVaR 95: the mean of the returns at or below VaR 95."""
    limit = value_at_risk(returns)
    if isinstance(limit, Absent):
        return limit
    return _in_range(float(np.mean(returns[returns <= limit])))


def best_bin(returns: Returns) -> Metric:
    """Largest return of a bin."""
    return float(np.max(returns)) if returns.size else Absent.TOO_FEW_SAMPLES


def worst_bin(returns: Returns) -> Metric:
    """Smallest return of a bin."""
    return float(np.min(returns)) if returns.size else Absent.TOO_FEW_SAMPLES


def win_rate(trades: TradeCounts) -> Metric:
    """Won trades / closed trades; one that came out even is closed and not won."""
    return trades.wins / trades.closed if trades.closed else Absent.NO_TRADES


def profit_factor(trades: TradeCounts) -> Metric:
    """Gross profit / gross loss."""
    if not trades.closed:
        return Absent.NO_TRADES
    return _in_range(trades.gross_profit / trades.gross_loss) if trades.gross_loss else Absent.NO_LOSSES


def expectancy(trades: TradeCounts) -> Metric:
    """
    p·W̄ - q·L̄ a trade, in units of the currency; W̄ and L̄ the mean win and loss, p and q their shares.

    It is the mean profit of a trade. With q = 1-p, as the formula is often given, a trade that came out even
    would weigh as a loss.
    """
    if not trades.closed:
        return Absent.NO_TRADES
    return (trades.gross_profit - trades.gross_loss) / trades.closed / MONEY


def expectancy_ratio(trades: TradeCounts) -> Metric:
    """(1 + W̄/L̄)·p - 1: what a trade brings for each unit lost when it goes wrong."""
    if not trades.closed:
        return Absent.NO_TRADES
    if not trades.gross_loss:
        return Absent.NO_LOSSES
    p = trades.wins / trades.closed
    mean_win = trades.gross_profit / trades.wins if trades.wins else 0.0
    return (1 + mean_win / (trades.gross_loss / trades.losses)) * p - 1


def _path(returns: Returns) -> Returns:
    """Value of 1 at the end of each bin, shape (bins,)."""
    path: Returns = np.multiply.accumulate(np.maximum(1.0 + returns, 0.0))
    return path


def _ratio(mean: float, deviation: float, bins_per_year: float) -> Metric:
    """Ratio a year. A deviation too large for a float must not pass for a ratio of 0."""
    if not math.isfinite(deviation):
        return Absent.OUT_OF_RANGE
    return _in_range(mean / deviation * math.sqrt(bins_per_year))


def _in_range(value: float) -> Metric:
    return float(value) if math.isfinite(value) else Absent.OUT_OF_RANGE
