"""
What a target may ask for when it is set, and how it is raised when it is met.

Rules kept here:

1. What could never be met is not taken: a metric beyond what it can be, or two conditions that exclude each
   other. What was taken once is measured all the same.
2. A raise makes a goal harder, never another one. What is to be reached grows: `trades`, `profit`,
   `profit_per_trade`, an `at_least` above zero. What limits or measures stays: `at_most`, an `at_least` of
   zero or below, `periods`, and the trades of a `profit_per_trade`.
3. Money is raised exactly, rounded half to even; trades are rounded up. Each grows by a unit at least.
"""

import math
from typing import Final

import msgspec

from domain.goals import (
    Condition,
    Conditions,
    GoalType,
    Performance,
    Profit,
    ProfitPerTrade,
    Target,
    Trades,
    read_target,
)
from domain.money import FINE, divide, fine, money, money_text

RAISE_MAX: Final = 100.0  # a goal is raised to 101 times at most

# Least and most that a metric can be; the others have no such bounds.
_BOUNDS: Final = {
    "trades": (0.0, math.inf),
    "drawdown": (0.0, math.inf),  # above 1 when overdrawn
    "win_rate": (0.0, 1.0),
    "profit_factor": (0.0, math.inf),
    "volatility": (0.0, math.inf),
    "total_return": (-1.0, math.inf),
    "max_drawdown": (-1.0, 0.0),
}


def never_met(target: Target, window: int | None = None) -> str | None:
    """
    Tell in a sentence why a target could never be met; None: it could.

    Args:
        target: as it was read.
        window: returns that are kept, in bins; None: not known.

    """
    if isinstance(target, Performance):
        if window is not None and target.periods > window:
            return (
                f"The wallet keeps {window} returns (performance.window), so none are over {target.periods}."
            )
        return _excluded([Condition(target.metric, at_least=target.at_least)])
    return _excluded(target.all) if isinstance(target, Conditions) else None


def _excluded(conditions: list[Condition]) -> str | None:
    ranges: dict[str, tuple[float, float]] = {}
    for condition in conditions:
        name = condition.metric
        least, most = _BOUNDS.get(name, (-math.inf, math.inf))
        if condition.at_least is not None and condition.at_least > most:
            return f"{name} is {most:g} at most, never at least {condition.at_least:g}."
        if condition.at_most is not None and condition.at_most < least:
            return f"{name} is {least:g} at least, never at most {condition.at_most:g}."
        low, high = ranges.get(name, (least, most))
        low = low if condition.at_least is None else max(low, condition.at_least)
        high = high if condition.at_most is None else min(high, condition.at_most)
        if low > high:
            return f"{name} cannot be at least {low:g} and at most {high:g}."
        ranges[name] = low, high
    return None


def can_be_raised(target: Target) -> bool:
    """Whether a target asks for anything that a raise makes more of."""
    match target:
        case Performance(_, at_least):
            return at_least > 0
        case Conditions(conditions):
            return any((condition.at_least or 0.0) > 0 for condition in conditions)
        case _:
            return True


def raised(goal_type: GoalType, target: Target, by: float) -> Target | None:
    """
    Raise a target by a share of it, 0.2 for a fifth; None where what comes of it could never be met.

    Args:
        goal_type: of the goal.
        target: one that `can_be_raised`.
        by: above 0, at most `RAISE_MAX`.

    """
    harder = msgspec.to_builtins(_raised(target, by))
    try:
        found = read_target(goal_type, harder)
    except ValueError:
        return None  # larger than anything that may be asked for
    return None if never_met(found) else found


def _raised(target: Target, by: float) -> Target:
    match target:
        case Trades(trades):
            exact = trades * (FINE + fine(by))
            return Trades(max(-(-exact // FINE), trades + 1))
        case Profit(amount):
            return Profit(_more(amount, by))
        case ProfitPerTrade(amount, trades):
            return ProfitPerTrade(_more(amount, by), trades)
        case Performance(metric, at_least, periods):
            return Performance(metric, _higher(at_least, by), periods)
        case Conditions(conditions):
            return Conditions([_raised_condition(condition, by) for condition in conditions])


def _raised_condition(condition: Condition, by: float) -> Condition:
    if condition.at_least is None:
        return condition
    return Condition(condition.metric, at_least=_higher(condition.at_least, by))


def _more(amount: str | float, by: float) -> str:
    before = money(amount)
    return money_text(max(divide(before * (FINE + fine(by)), FINE), before + 1))


def _higher(value: float, by: float) -> float:
    # To 15 digits, so that 1.1 becomes 1.32 and not 1.3200000000000003.
    return float(f"{value * (1 + by):.15g}") if value > 0 else value
