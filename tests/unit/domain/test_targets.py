"""What could never be met is told, and a target is raised without becoming another one."""

import math
from typing import Any

import msgspec
import pytest

from domain.goals import GoalType, read_target
from domain.targets import can_be_raised, never_met, raised

VOLUME, PROFIT = GoalType.TRADE_VOLUME, GoalType.PROFIT_TARGET
PERFORMANCE, CUSTOM = GoalType.STRATEGY_PERFORMANCE, GoalType.CUSTOM


def performance(metric: str, at_least: float, periods: int = 30) -> dict[str, Any]:
    """Ask for a metric of returns."""
    return {"metric": metric, "at_least": at_least, "periods": periods}


def least(metric: str, value: float) -> dict[str, Any]:
    """Ask for a metric to reach a value."""
    return {"metric": metric, "at_least": value}


def most(metric: str, value: float) -> dict[str, Any]:
    """Ask for a metric to stay below a value."""
    return {"metric": metric, "at_most": value}


@pytest.mark.parametrize(
    ("goal_type", "target", "why"),
    [
        (PERFORMANCE, performance("max_drawdown", 0.1), "max_drawdown is 0 at most, never at least 0.1."),
        (PERFORMANCE, performance("sharpe", 1, periods=61), "The wallet keeps 60 returns"),
        (CUSTOM, {"all": [least("win_rate", 1.5)]}, "win_rate is 1 at most, never at least 1.5."),
        (CUSTOM, {"all": [most("win_rate", -0.1)]}, "win_rate is 0 at least, never at most -0.1."),
        (CUSTOM, {"all": [most("drawdown", -0.1)]}, "drawdown is 0 at least"),
        (CUSTOM, {"all": [most("max_drawdown", -1.1)]}, "max_drawdown is -1 at least"),
        (CUSTOM, {"all": [most("volatility", -1)]}, "volatility is 0 at least"),
        (CUSTOM, {"all": [most("profit_factor", -1)]}, "profit_factor is 0 at least"),
        (CUSTOM, {"all": [most("trades", -1)]}, "trades is 0 at least"),
        (CUSTOM, {"all": [most("total_return", -1.5)]}, "total_return is -1 at least"),
        (
            CUSTOM,
            {"all": [least("equity", 200), least("win_rate", 0.5), most("equity", 100)]},
            "equity cannot be at least 200 and at most 100.",
        ),
        (
            CUSTOM,
            {"all": [most("sharpe", 1), least("sharpe", 0.5), least("sharpe", 2)]},
            "sharpe cannot be at least 2 and at most 1.",
        ),
    ],
)
def test_what_could_never_be_met_is_told(goal_type: GoalType, target: dict[str, Any], why: str) -> None:
    """In a sentence that names the metric and its bound."""
    told = never_met(read_target(goal_type, target), window=60)

    assert told is not None
    assert told.startswith(why)
    assert told.endswith(".")


@pytest.mark.parametrize(
    ("goal_type", "target"),
    [
        (VOLUME, {"trades": 1}),
        (PROFIT, {"profit": "0.00000001"}),
        (PERFORMANCE, performance("max_drawdown", 0.0)),
        (PERFORMANCE, performance("sharpe", -5, periods=60)),
        (CUSTOM, {"all": [least("win_rate", 1.0), most("win_rate", 1.0)]}),
        (CUSTOM, {"all": [most("win_rate", 0.0), most("total_return", -1.0)]}),
        (CUSTOM, {"all": [least("drawdown", 1.5), least("profit_factor", 1e6)]}),  # overdrawn; no loss yet
        (CUSTOM, {"all": [most("equity", -5), most("expectancy", -5), most("profit", -5)]}),
    ],
)
def test_what_can_be_met_at_the_very_edge_is_taken(goal_type: GoalType, target: dict[str, Any]) -> None:
    """However unlikely it is."""
    assert never_met(read_target(goal_type, target), window=60) is None


@pytest.mark.parametrize(
    ("goal_type", "target", "by", "expected"),
    [
        (VOLUME, {"trades": 200}, 0.2, {"trades": 240}),
        (VOLUME, {"trades": 3}, 0.2, {"trades": 4}),  # 3.6, rounded up
        (VOLUME, {"trades": 1}, 0.001, {"trades": 2}),
        (VOLUME, {"trades": 10}, 0.1, {"trades": 11}),  # a float would say 11.000000000000002, and so 12
        (VOLUME, {"trades": 7}, 1e-13, {"trades": 8}),
        (PROFIT, {"profit": "500"}, 0.2, {"profit": "600"}),
        (PROFIT, {"profit": 500}, 1, {"profit": "1000"}),
        (PROFIT, {"profit": "0.00000001"}, 0.1, {"profit": "0.00000002"}),
        (PROFIT, {"profit": "0.00000025"}, 0.1, {"profit": "0.00000028"}),  # 27.5 units, to even
        (PROFIT, {"profit": "123456789012345678"}, 0.1, {"profit": "135802467913580245.8"}),
        (
            PROFIT,
            {"profit_per_trade": "5", "trades": 50},
            0.5,
            {"profit_per_trade": "7.5", "trades": 50},
        ),
        (PERFORMANCE, performance("sharpe", 1.1), 0.2, performance("sharpe", 1.32)),
        (
            CUSTOM,
            {"all": [least("equity", 1000), most("drawdown", 0.1), least("max_drawdown", -0.2)]},
            0.1,
            {"all": [least("equity", 1100.0), most("drawdown", 0.1), least("max_drawdown", -0.2)]},
        ),
    ],
)
def test_a_raise_makes_more_of_what_is_to_be_reached(
    goal_type: GoalType, target: dict[str, Any], by: float, expected: dict[str, Any]
) -> None:
    """Limits, periods and the trades that a mean is over stay."""
    found = raised(goal_type, read_target(goal_type, target), by)

    assert msgspec.to_builtins(found) == expected


@pytest.mark.parametrize(
    ("goal_type", "target"),
    [
        (CUSTOM, {"all": [least("win_rate", 0.95)]}),
        (CUSTOM, {"all": [least("equity", 95), most("equity", 100)]}),
        (VOLUME, {"trades": 10**15}),
        (PROFIT, {"profit": "1e18"}),
        (PERFORMANCE, performance("sharpe", 1.7e308)),
    ],
)
def test_what_cannot_be_raised_without_becoming_impossible_is_not(
    goal_type: GoalType, target: dict[str, Any]
) -> None:
    """Beyond what the metric can be, what another condition allows, or what a number may be."""
    assert raised(goal_type, read_target(goal_type, target), 0.1) is None


@pytest.mark.parametrize(
    ("goal_type", "target", "expected"),
    [
        (VOLUME, {"trades": 1}, True),
        (PROFIT, {"profit_per_trade": 1, "trades": 1}, True),
        (PERFORMANCE, performance("sharpe", 0.1), True),
        (PERFORMANCE, performance("max_drawdown", -0.1), False),
        (PERFORMANCE, performance("sharpe", 0.0), False),
        (CUSTOM, {"all": [most("drawdown", 0.1)]}, False),
        (CUSTOM, {"all": [most("drawdown", 0.1), least("equity", 1)]}, True),
    ],
)
def test_a_target_of_limits_has_nothing_to_raise(
    goal_type: GoalType, target: dict[str, Any], *, expected: bool
) -> None:
    """It would be met again with the next fill, for ever."""
    assert can_be_raised(read_target(goal_type, target)) is expected


def test_a_metric_is_raised_by_its_share() -> None:
    """Over and over: 2 raised by a fifth ten times is 2·1.2^10."""
    target = read_target(PERFORMANCE, performance("sortino", 2))

    for _ in range(10):
        higher = raised(PERFORMANCE, target, 0.2)
        assert higher is not None
        target = higher

    assert math.isclose(msgspec.to_builtins(target)["at_least"], 2 * 1.2**10, rel_tol=1e-13)
