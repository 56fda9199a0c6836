"""
All that is measured of a scope: the profile and further metrics, over short windows, and beside a benchmark.

Each is computed from the ring of returns that is kept, so a longer life costs no more.
"""

from collections.abc import Mapping
from typing import Final

from domain.comparison import beta, correlation, excess_return
from domain.performance import (
    Absent,
    Profile,
    Returns,
    TradeCounts,
    best_bin,
    cagr,
    conditional_value_at_risk,
    expectancy_ratio,
    max_drawdown,
    profile,
    sharpe,
    sortino,
    total_return,
    value_at_risk,
    volatility,
    worst_bin,
)
from domain.significance import probabilistic_sharpe, sqn

WINDOWS: Final = (7, 30, 90)  # bins


def measure(returns: Returns, trades: TradeCounts, *, bins_per_year: float, risk_free: float) -> Profile:
    """
    Measure everything that follows from a scope's own returns and trades.

    Args:
        returns: shape (bins,), per bin, 0.01 = 1 %.
        trades: the closed trades.
        bins_per_year: 365 for days of a market that never closes.
        risk_free: a year, 0.03 = 3 %.

    Returns:
        The nine metrics of the profile, then the further ones; each a value or the reason it has none.

    """
    profit = trades.gross_profit - trades.gross_loss
    return profile(returns, trades, bins_per_year=bins_per_year, risk_free=risk_free) | {
        "cagr": cagr(returns, bins_per_year=bins_per_year),
        "var_95": value_at_risk(returns),
        "cvar_95": conditional_value_at_risk(returns),
        "best_bin": best_bin(returns),
        "worst_bin": worst_bin(returns),
        "expectancy_ratio": expectancy_ratio(trades),
        "sqn": sqn(trades.closed, profit, trades.squared_profit) if trades.closed else Absent.NO_TRADES,
        "probabilistic_sharpe": probabilistic_sharpe(returns, risk_free / bins_per_year),
    }


def rolling(returns: Returns, *, bins_per_year: float, risk_free: float) -> dict[int, Profile]:
    """Measure the last 7, 30 and 90 bins, by their number; a window that is not full has too few samples."""
    return {bins: _recent(returns, bins, bins_per_year, risk_free) for bins in WINDOWS}


def _recent(returns: Returns, bins: int, bins_per_year: float, risk_free: float) -> Profile:
    last = returns[-bins:]
    if last.size < bins:
        return dict.fromkeys(_ROLLING, Absent.TOO_FEW_SAMPLES)
    return {
        "total_return": total_return(last),
        "volatility": volatility(last, bins_per_year=bins_per_year),
        "sharpe": sharpe(last, bins_per_year=bins_per_year, risk_free=risk_free),
        "sortino": sortino(last, bins_per_year=bins_per_year),
        "max_drawdown": max_drawdown(last),
    }


_ROLLING: Final = ("total_return", "volatility", "sharpe", "sortino", "max_drawdown")


def compare(returns: Returns, benchmark: Returns) -> Profile:
    """Measure returns beside a benchmark's, over the bins that both have."""
    return {
        "excess_return": excess_return(returns, benchmark),
        "beta": beta(returns, benchmark),
        "correlation": correlation(returns, benchmark),
    }


def document(profile: Mapping[str, float | Absent]) -> dict[str, dict[str, float | str | None]]:
    """Write metrics as they are told: a value or null by name, and beside it why there is none."""
    return {
        "metrics": {name: None if isinstance(value, Absent) else value for name, value in profile.items()},
        "without_value": {name: value for name, value in profile.items() if isinstance(value, Absent)},
    }
