"""What a goal asks for, and how far it is."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from domain.goals import GoalType, Metric, Target, current, needs_returns, progress, read_target
from domain.money import money

VOLUME, PROFIT = GoalType.TRADE_VOLUME, GoalType.PROFIT_TARGET
PERFORMANCE, CUSTOM = GoalType.STRATEGY_PERFORMANCE, GoalType.CUSTOM


def metrics(**values: float | None) -> Metric:
    """Give metrics by name, over however many bins."""
    return lambda name, _periods: values[name]


NO_METRICS = metrics()


def read(goal_type: GoalType, target: Mapping[str, Any]) -> Target:
    """Read a target and write it down again, as it is stored."""
    return read_target(goal_type, msgspec.to_builtins(read_target(goal_type, target)))


# -- trade volume ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trades", "expected"), [(0.0, 0.0), (50.0, 0.25), (199.0, 0.995), (200.0, 1.0), (500.0, 1.0)]
)
def test_trades_count_towards_a_volume(trades: float, expected: float) -> None:
    """50 of 200 are a quarter; more than asked for is not more than met."""
    target = read(VOLUME, {"trades": 200})

    assert progress(target, trades, 0, NO_METRICS) == expected


def test_weighted_trades_show_their_fraction_and_whole_ones_do_not() -> None:
    """Half trades come of weights; 3.0 trades are 3."""
    target = read(VOLUME, {"trades": 10})

    assert current(target, 2.5, 0, NO_METRICS) == {"trades": 2.5}
    assert msgspec.json.encode(current(target, 3.0, 0, NO_METRICS)) == b'{"trades":3}'


# -- profit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profit", "expected"),
    [("0", 0.0), ("125", 0.25), ("-125", 0.0), ("500", 1.0), ("500.00000001", 1.0), ("600", 1.0)],
)
def test_profit_counts_towards_its_target(profit: str, expected: float) -> None:
    """A loss is no progress, not negative progress."""
    assert progress(read(PROFIT, {"profit": "500"}), 3, money(profit), NO_METRICS) == expected


def test_a_unit_short_of_the_target_is_not_met() -> None:
    """At sizes where a float cannot tell them apart any more."""
    target = read(PROFIT, {"profit": "1000000000000000000"})
    short = money("1000000000000000000") - 1

    assert short / money("1000000000000000000") == 1.0  # this is why
    assert progress(target, 1, short, NO_METRICS) < 1.0
    assert progress(target, 1, short + 1, NO_METRICS) == 1.0


def test_profit_is_shown_as_exact_text() -> None:
    """As all money is."""
    assert current(read(PROFIT, {"profit": 500}), 1, money("-0.1"), NO_METRICS) == {"profit": "-0.1"}


@pytest.mark.parametrize("amount", ["500", 500, 500.0, "5e2"])
def test_an_amount_may_be_text_or_a_number(amount: object) -> None:
    """As JSON and MessagePack have them."""
    assert progress(read(PROFIT, {"profit": amount}), 0, money("250"), NO_METRICS) == 0.5


@pytest.mark.parametrize(
    ("trades", "profit", "expected"),
    [
        (0.0, "0", 0.0),
        (25.0, "125", 0.5),  # 5 each, but half of the trades
        (50.0, "125", 0.5),  # all trades, but 2.5 each
        (25.0, "50", 0.4),  # 2 each: the profit is further away than the trades
        (50.0, "250", 1.0),
        (50.0, "249.99999999", 1 - 2**-53),
        (100.0, "500", 1.0),
        (50.0, "-10", 0.0),
    ],
)
def test_profit_per_trade_asks_for_both(trades: float, profit: str, expected: float) -> None:
    """{5 each, over 50}: the one that is further away is the progress."""
    target = read(PROFIT, {"profit_per_trade": "5", "trades": 50})

    assert progress(target, trades, money(profit), NO_METRICS) == pytest.approx(expected, abs=1e-9)
    assert (progress(target, trades, money(profit), NO_METRICS) >= 1.0) == (expected == 1.0)


def test_a_mean_a_unit_short_is_not_met_however_large_it_is() -> None:
    """Three trades brought 300 million but for a unit: as a float the mean is 100 million, and it is not."""
    target = read(PROFIT, {"profit_per_trade": "100000000", "trades": 3})
    assert (3 * 10**16 - 1) / 3.0 == 10**16  # this is why

    assert progress(target, 3.0, 3 * 10**16 - 1, NO_METRICS) < 1.0
    assert progress(target, 3.0, 3 * 10**16, NO_METRICS) == 1.0


def test_profit_per_trade_shows_profit_and_trades() -> None:
    """What it is computed from."""
    target = read(PROFIT, {"profit_per_trade": "5", "trades": 50})

    assert current(target, 2.0, money("7.5"), NO_METRICS) == {"profit": "7.5", "trades": 2}


# -- performance and conditions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"), [(None, 0.0), (-1.0, 0.0), (0.5, 0.25), (2.0, 1.0), (1.9999, 0.99995), (3.0, 1.0)]
)
def test_a_metric_of_returns_counts_towards_its_least(value: float | None, expected: float) -> None:
    """Sharpe 0.5 of 2.0 is a quarter of the way; without a value nobody has begun."""
    target = read(PERFORMANCE, {"metric": "sharpe", "at_least": 2.0, "periods": 30})

    assert progress(target, 0, 0, metrics(sharpe=value)) == expected
    assert current(target, 0, 0, metrics(sharpe=value)) == {"sharpe": value}


def test_a_metric_is_asked_for_over_its_periods() -> None:
    """Over the bins that the target names; a condition asks for all there are."""
    asked: list[tuple[str, int | None]] = []

    def metric(name: str, periods: int | None) -> float | None:
        asked.append((name, periods))
        return 1.0

    progress(read(PERFORMANCE, {"metric": "sharpe", "at_least": 1, "periods": 30}), 0, 0, metric)
    progress(read(CUSTOM, {"all": [{"metric": "win_rate", "at_least": 1}]}), 0, 0, metric)

    assert asked == [("sharpe", 30), ("win_rate", None)]


def test_a_least_below_zero_is_met_or_not() -> None:
    """A drawdown of -10 % or better: there is no fraction of the way to a negative number."""
    target = read(PERFORMANCE, {"metric": "max_drawdown", "at_least": -0.10, "periods": 5})

    assert progress(target, 0, 0, metrics(max_drawdown=-0.05)) == 1.0
    assert progress(target, 0, 0, metrics(max_drawdown=-0.11)) == 0.0


def test_several_conditions_are_met_when_all_are() -> None:
    """Win rate 0.3 of 0.6: a half. Volatility 0.4, at most 0.2: a half. Drawdown: met. In all 2/3."""
    target = read(
        CUSTOM,
        {
            "all": [
                {"metric": "win_rate", "at_least": 0.6},
                {"metric": "volatility", "at_most": 0.2},
                {"metric": "drawdown", "at_most": 0.1},
            ]
        },
    )

    halves = metrics(win_rate=0.3, volatility=0.4, drawdown=0.1)
    assert progress(target, 0, 0, halves) == pytest.approx(2 / 3)
    assert current(target, 0, 0, halves) == {"win_rate": 0.3, "volatility": 0.4, "drawdown": 0.1}
    assert progress(target, 0, 0, metrics(win_rate=0.6, volatility=0.2, drawdown=0.0)) == 1.0
    almost = metrics(win_rate=0.6, volatility=0.2 + 1e-17, drawdown=0.1 + 2**-50)
    assert progress(target, 0, 0, almost) < 1.0


def test_at_most_nothing_is_met_by_nothing_only() -> None:
    """There is no fraction of the way to zero either."""
    target = read(CUSTOM, {"all": [{"metric": "drawdown", "at_most": 0}]})

    assert progress(target, 0, 0, metrics(drawdown=0.0)) == 1.0
    assert progress(target, 0, 0, metrics(drawdown=0.001)) == 0.0


@pytest.mark.parametrize(
    ("goal_type", "target", "expected"),
    [
        (VOLUME, {"trades": 1}, False),
        (PROFIT, {"profit": 1}, False),
        (PROFIT, {"profit_per_trade": 1, "trades": 1}, False),
        (PERFORMANCE, {"metric": "calmar", "at_least": 1, "periods": 2}, True),
        (CUSTOM, {"all": [{"metric": "equity", "at_least": 1}, {"metric": "trades", "at_least": 1}]}, False),
        (CUSTOM, {"all": [{"metric": "equity", "at_least": 1}, {"metric": "sortino", "at_least": 1}]}, True),
    ],
)
def test_what_follows_from_returns_waits_for_a_bin_to_close(
    goal_type: GoalType, target: dict[str, Any], *, expected: bool
) -> None:
    """One condition on returns is enough for all to wait."""
    assert needs_returns(read(goal_type, target)) is expected


# -- reading -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal_type", "target"),
    [
        (VOLUME, {}),
        (VOLUME, {"trades": 0}),
        (VOLUME, {"trades": -5}),
        (VOLUME, {"trades": 1.5}),
        (VOLUME, {"trades": True}),
        (VOLUME, {"trades": None}),
        (VOLUME, {"trades": "many"}),
        (VOLUME, {"trades": 10**400}),
        (VOLUME, {"trades": 5, "and": 1}),
        (VOLUME, {"profit": "5"}),
        (PROFIT, {"profit": "0"}),
        (PROFIT, {"profit": "-1"}),
        (PROFIT, {"profit": "much"}),
        (PROFIT, {"profit": "nan"}),
        (PROFIT, {"profit": float("inf")}),
        (PROFIT, {"profit": "1e19"}),
        (PROFIT, {"profit": "0.000000001"}),  # less than a unit
        (PROFIT, {"profit": True}),
        (PROFIT, {"profit": [5]}),
        (PROFIT, {"profit_per_trade": "5"}),
        (PROFIT, {"profit_per_trade": "5", "trades": 0}),
        (PROFIT, {"profit_per_trade": "0", "trades": 5}),
        (PROFIT, {"trades": 5}),
        (PERFORMANCE, {"metric": "sharpe", "at_least": 2.0}),
        (PERFORMANCE, {"metric": "sharpe", "at_least": 2.0, "periods": 1}),
        (PERFORMANCE, {"metric": "sharpe", "at_least": 2.0, "periods": 10**16}),
        (PERFORMANCE, {"metric": "sharpe", "at_least": "nan", "periods": 30}),
        (PERFORMANCE, {"metric": "sharpe", "at_least": float("inf"), "periods": 30}),
        (PERFORMANCE, {"metric": "win_rate", "at_least": 0.5, "periods": 30}),  # not of returns
        (PERFORMANCE, {"metric": "luck", "at_least": 0.5, "periods": 30}),
        (CUSTOM, {"all": []}),
        (CUSTOM, {"all": [{}]}),
        (CUSTOM, {"all": [{"metric": "luck", "at_least": 1}]}),
        (CUSTOM, {"all": [{"metric": "equity"}]}),
        (CUSTOM, {"all": [{"metric": "equity", "at_least": 1, "at_most": 2}]}),
        (CUSTOM, {"all": [{"metric": "equity", "at_least": "nan"}]}),
        (CUSTOM, {"all": [{"metric": "equity", "at_most": "-inf"}]}),
        (CUSTOM, {"any": [{"metric": "equity", "at_least": 1}]}),
        (CUSTOM, {"all": {"metric": "equity", "at_least": 1}}),
    ],
)
def test_a_target_that_does_not_fit_its_type_is_refused(goal_type: GoalType, target: dict[str, Any]) -> None:
    """In a sentence; what was taken can always be measured."""
    with pytest.raises(ValueError, match=r"\w+ .*\.$"):
        read_target(goal_type, target)


def test_numbers_may_come_as_their_text() -> None:
    """JSON fractions arrive as text, so that decimals are read exactly."""
    target = read(CUSTOM, {"all": [{"metric": "win_rate", "at_least": "0.55"}]})

    assert progress(target, 0, 0, metrics(win_rate=0.55)) == 1.0
    assert progress(read(VOLUME, {"trades": "200"}), 200, 0, NO_METRICS) == 1.0
