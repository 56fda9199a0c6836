"""
What goals ask for, and how far towards it a fleet is.

Rules kept here:

1. Progress is a number from 0 to 1; a goal is met at 1 and not a unit before.
2. Fills and profit count from the creation of a goal on, or from the end of the round before: what its
   assignees did until then does not count. All other metrics are as they stand, whatever they follow from.
3. Fills and profit of an assignee are multiplied by its weight and added up; a metric of several assigned
   scopes is their weighted mean, and has no value while one of them has none.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from domain.money import InvalidNumberError, money, money_text


class GoalType(StrEnum):
    """The four kinds of goals."""

    TRADE_VOLUME = "trade_volume"
    PROFIT_TARGET = "profit_target"
    STRATEGY_PERFORMANCE = "strategy_performance"
    CUSTOM = "custom"


class Collect(StrEnum):
    """What goes back to the master when a goal is met."""

    PROFIT = "profit"
    ALL = "all"
    NONE = "none"


# Metrics that follow from the running figures; they are checked with every fill.
RUNNING: Final = frozenset(
    {"equity", "drawdown", "trades", "profit", "win_rate", "profit_factor", "expectancy"}
)
# Metrics that follow from the returns; they are checked when a bin closes.
OF_RETURNS: Final = frozenset({"total_return", "sharpe", "sortino", "calmar", "max_drawdown", "volatility"})


WEIGHT_MIN: Final = 1e-6  # of an assignee
WEIGHT_DIGITS: Final = 9  # what it does counts in these
WEIGHT_MAX: Final = 1000.0
_COUNTED_IN: Final = 10**WEIGHT_DIGITS

COUNT_MAX: Final = 10**15  # of trades or periods; beyond it floats no longer count


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A target as it stands in an event."""


class Trades(_Body, frozen=True):
    """So many fills."""

    trades: int


class Profit(_Body, frozen=True):
    """So much realised profit, net of fees."""

    profit: str | int | float


class ProfitPerTrade(_Body, frozen=True):
    """So much realised profit a fill, over at least so many fills."""

    profit_per_trade: str | int | float
    trades: int


class Condition(_Body, frozen=True):
    """A metric that is to reach or stay below a value."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None


class Performance(_Body, frozen=True):
    """A metric over the last so many bins that closed."""

    metric: str
    at_least: float
    periods: int


class Conditions(_Body, frozen=True):
    """Several conditions at once."""

    all: list[Condition]


Target = Trades | Profit | ProfitPerTrade | Performance | Conditions

_SHAPES: Final[dict[GoalType, tuple[type[Any], ...]]] = {
    GoalType.TRADE_VOLUME: (Trades,),
    GoalType.PROFIT_TARGET: (Profit, ProfitPerTrade),
    GoalType.STRATEGY_PERFORMANCE: (Performance,),
    GoalType.CUSTOM: (Conditions,),
}


def read_target(goal_type: GoalType, target: Mapping[str, Any]) -> Target:
    """
    Read a target.

    Raises:
        ValueError: it does not fit the type of goal, in a sentence.

    """
    problems: list[str] = []
    for shape in _SHAPES[goal_type]:
        try:
            # Not strict: numbers may arrive as their text, which is how decimals are read exactly.
            read: Target = msgspec.convert(target, shape, strict=False)
        except msgspec.ValidationError as error:
            problems.append(str(error))
        else:
            _check(read)
            return read
    raise ValueError(f"The target of a {goal_type} goal does not fit: {'; '.join(problems)}.")


def _check(target: Target) -> None:
    match target:
        case Trades(trades) | ProfitPerTrade(_, trades) if not 1 <= trades <= COUNT_MAX:
            raise ValueError(f"A target of trades is at least 1, and at most {COUNT_MAX}.")
        case Profit(amount) | ProfitPerTrade(amount, _):
            try:
                positive = money(amount) > 0
            except InvalidNumberError as error:
                raise ValueError(f"{error}.") from None
            if not positive:
                raise ValueError("A target of profit is above zero.")
        case Performance(metric, at_least, periods):
            if metric not in OF_RETURNS or not 2 <= periods <= COUNT_MAX or not math.isfinite(at_least):
                known = ", ".join(sorted(OF_RETURNS))
                raise ValueError(
                    f"A performance target names one of {known}, a finite value and at least 2 periods."
                )
        case Conditions(conditions):
            _check_conditions(conditions)
        case _:
            pass


def _check_conditions(conditions: Sequence[Condition]) -> None:
    if not conditions:
        raise ValueError("A custom target has at least one condition.")
    for condition in conditions:
        if condition.metric not in RUNNING | OF_RETURNS:
            known = ", ".join(sorted(RUNNING | OF_RETURNS))
            raise ValueError(f"{condition.metric} is no metric: there are {known}.")
        if (condition.at_least is None) == (condition.at_most is None):
            raise ValueError("A condition has either at_least or at_most.")
        if not all(math.isfinite(limit) for limit in (condition.at_least, condition.at_most) if limit):
            raise ValueError("What a condition asks for is finite.")


Metric = Callable[[str, int | None], float | None]
"""Value of a metric over the assignees, over the last so many bins; None where it has none."""


def progress(target: Target, trades: float, profit: int, metric: Metric) -> float:
    """
    Measure how far a goal is, from 0 to 1.

    Args:
        target: what it asks for.
        trades: fills since it was created, weighted.
        profit: realised profit net of fees since then, weighted, money.
        metric: looks a metric up.

    """
    if isinstance(target, Trades):
        return _share(trades, target.trades)
    if isinstance(target, Profit):
        return _share(profit, money(target.profit))
    if isinstance(target, ProfitPerTrade):
        # In whole numbers: a float may round a mean that is a unit short up to what is asked for.
        counted = round(trades * _COUNTED_IN)
        each = _share(profit * _COUNTED_IN, money(target.profit_per_trade) * counted) if counted else 0.0
        return min(_share(trades, target.trades), each)
    if isinstance(target, Performance):
        wanted = Condition(target.metric, target.at_least)
        return _towards(metric(target.metric, target.periods), wanted)
    parts = [_towards(metric(condition.metric, None), condition) for condition in target.all]
    return sum(parts) / len(parts)


def current(target: Target, trades: float, profit: int, metric: Metric) -> dict[str, Any]:
    """Return the figures that the progress follows from, to show. Takes what `progress` takes."""
    if isinstance(target, Trades):
        return {"trades": _whole(trades)}
    if isinstance(target, Profit):
        return {"profit": money_text(profit)}
    if isinstance(target, ProfitPerTrade):
        return {"profit": money_text(profit), "trades": _whole(trades)}
    if isinstance(target, Performance):
        return {target.metric: metric(target.metric, target.periods)}
    return {condition.metric: metric(condition.metric, None) for condition in target.all}


def whole_percent(progress: float) -> int:
    """Percentage to tell: whole percents reached, and 100 only when the goal is met."""
    return 100 if progress >= 1.0 else min(int(progress * 100 + _ROUNDING), 99)


def same_percent(value: float, wanted: float) -> tuple[float, float]:
    """Find two values, around this one or empty, between which the whole percentage of a target stays."""
    percent = whole_percent(_share(value, wanted))
    if percent >= 100:
        return 0.0, 0.0
    low = wanted * percent / 100 * (1 + _ROUNDING) if percent else float("-inf")
    return low, wanted * (percent + 1) / 100 * (1 - _ROUNDING)


def needs_returns(target: Target) -> bool:
    """Whether the target can only be measured when a bin closes."""
    match target:
        case Performance():
            return True
        case Conditions(conditions):
            return any(condition.metric in OF_RETURNS for condition in conditions)
        case _:
            return False


def _share(current: float, wanted: float) -> float:
    if current >= wanted:
        return 1.0
    # Below the target by less than a float can tell is still below.
    return min(max(current / wanted, 0.0), _ALMOST)


_ROUNDING: Final = 1e-9  # 0.29 times a hundred is a little less than 29
_ALMOST: Final = 1.0 - 2**-53


def _towards(value: float | None, condition: Condition) -> float:
    if value is None:
        return 0.0
    if condition.at_least is not None:
        if value >= condition.at_least:
            return 1.0
        return _share(value, condition.at_least) if condition.at_least > 0 else 0.0
    at_most = condition.at_most or 0.0
    if value <= at_most:
        return 1.0
    return min(at_most / value, _ALMOST) if at_most > 0 else 0.0


def _whole(trades: float) -> float:
    return int(trades) if trades == int(trades) else round(trades, WEIGHT_DIGITS)
