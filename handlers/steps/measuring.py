"""Profiles of scopes, and what is told of a farm when a bin closes."""

from typing import Any

import numpy as np

from domain.money import money_text
from domain.performance import Profile, TradeCounts, profile
from domain.rules import WALLET_BENCHMARK
from domain.standing import drawdown
from domain.track_record import compare, document, measure, rolling
from handlers.steps.benchmark import benchmark_returns
from handlers.steps.valuation import returns_of
from handlers.turn import WALLET, Turn
from state.entities import Farm, Scope


def profile_of(turn: Turn, scope: Scope, returns: list[float]) -> Profile:
    """Nine metrics of a scope over some of its returns."""
    rules = turn.wallet.rules.performance
    return profile(
        np.asarray(returns, dtype=np.float64),
        trades_of(scope),
        bins_per_year=rules.annual_bins,
        risk_free=rules.risk_free,
    )


def record_of(turn: Turn, scope: Scope) -> dict[str, Any]:
    """All that is measured of a scope, over its window, as it is told."""
    rules = turn.wallet.rules.performance
    returns = np.asarray(returns_of(turn, scope), dtype=np.float64)
    year = {"bins_per_year": rules.annual_bins, "risk_free": rules.risk_free}
    record: dict[str, Any] = dict(document(measure(returns, trades_of(scope), **year)))
    record["rolling"] = {str(bins): document(found) for bins, found in rolling(returns, **year).items()}
    itself = scope is turn.wallet and turn.book.benchmark == WALLET_BENCHMARK
    if turn.book.benchmark and not itself:
        beside = np.asarray(benchmark_returns(turn), dtype=np.float64)
        record["benchmark"] = {"name": turn.book.benchmark, **document(compare(returns, beside))}
    return record


def tell_performance(turn: Turn, farm: Farm, bin_number: int, bin_return: float) -> None:
    """Tell how a farm did in the bin that closed, and over its window."""
    data = {
        "farm": farm.id,
        "bin": bin_number,
        "return": bin_return,
        "equity": money_text(farm.equity),
        "drawdown": round(drawdown(farm), 8),
        **record_of(turn, farm),
    }
    turn.emit(WALLET, "farm_performance_update", farm.id, data)


def trades_of(scope: Scope) -> TradeCounts:
    """Sum up the closed trades of a scope."""
    return TradeCounts(
        scope.closed,
        scope.wins,
        scope.losses,
        scope.gross_profit,
        scope.gross_loss,
        scope.squared_profit,
    )
