"""Profiles of scopes, and what is told of a farm when a bin closes."""

import numpy as np

from domain.money import money_text
from domain.performance import Absent, Profile, TradeCounts, profile
from domain.standing import drawdown
from handlers.steps.valuation import returns_of
from handlers.turn import WALLET, Turn
from state.entities import Farm, Scope


def profile_of(turn: Turn, scope: Scope, returns: list[float]) -> Profile:
    """Nine metrics of a scope over some of its returns."""
    rules = turn.wallet.rules.performance
    counts = TradeCounts(scope.closed, scope.wins, scope.losses, scope.gross_profit, scope.gross_loss)
    return profile(
        np.asarray(returns, dtype=np.float64),
        counts,
        bins_per_year=rules.bins_per_year,
        risk_free=rules.risk_free,
    )


def tell_performance(turn: Turn, farm: Farm, bin_number: int, bin_return: float) -> None:
    """Tell how a farm did in the bin that closed, and over its window."""
    found = profile_of(turn, farm, returns_of(turn, farm))
    data = {
        "farm": farm.id,
        "bin": bin_number,
        "return": bin_return,
        "equity": money_text(farm.equity),
        "drawdown": round(drawdown(farm), 8),
        "metrics": {name: None if isinstance(value, Absent) else value for name, value in found.items()},
        "without_value": {name: value for name, value in found.items() if isinstance(value, Absent)},
    }
    turn.emit(WALLET, "farm_performance_update", farm.id, data)
