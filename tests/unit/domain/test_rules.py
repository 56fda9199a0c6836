"""Rules are changed member by member, and only to what makes sense."""

from typing import Any

import msgspec
import pytest

from domain.rules import DAY_MS, DURATION_MAX_MS, Action, Rules, changed, duration_ms


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        (0, 0),
        (300_000, 300_000),
        ("250ms", 250),
        ("1s", 1_000),
        ("1.5s", 1_500),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("1d", DAY_MS),
        ("2w", 14 * DAY_MS),
        ("0.5ms", 0),
        ("36525d", DURATION_MAX_MS),
    ],
)
def test_a_duration_is_milliseconds_or_a_number_with_a_unit(written: object, ms: int) -> None:
    """As a person writes it."""
    assert duration_ms(written) == ms


@pytest.mark.parametrize(
    "written",
    [
        *(-1, "", "5", "m", "5 m", "-5m", "5min", "1d2h", "1e3s", True, None, 1.5, [5], "inf", "nand"),
        *("36525.1d", DURATION_MAX_MS + 1, "9" * 400 + "d", 10**400),
    ],
)
def test_what_is_no_duration_or_longer_than_a_century_is_refused(written: object) -> None:
    """In a sentence, however long the text."""
    with pytest.raises(ValueError, match=r"is no duration|is more than a century") as caught:
        duration_ms(written)

    assert len(str(caught.value)) < 150


def test_what_is_not_named_stays() -> None:
    """Changes are merged into the tables, not put in their place."""
    once = changed(Rules(), {"rebalance": {"reserve": 0.1}, "conflation": "1s"})

    twice = changed(once, {"rebalance": {"interval": "1h"}, "breakers": {"cool_off": "1d"}})

    assert (twice.rebalance.reserve, twice.rebalance.interval, twice.conflation) == (0.1, 3_600_000, 1_000)
    assert twice.breakers.cool_off == DAY_MS
    assert twice.breakers.agent_drawdown == 0.20
    assert changed(twice, {"breakers": {"cool_off": None, "agent_drawdown": None}}).breakers.cool_off is None


def test_what_is_none_by_default_is_none_again_by_null() -> None:
    """As docs/rules.md has it for every rule whose default is none."""
    given: dict[str, Any] = {
        "performance": {"benchmark": "wallet", "bins_per_year": 252},
        "breakers": {"cool_off": "1h"},
    }
    unset = {table: dict.fromkeys(rules) for table, rules in given.items()}

    assert changed(changed(Rules(), given), unset) == Rules()


def test_rates_are_given_whole() -> None:
    """So that one can be taken away."""
    with_rates = changed(Rules(), {"rates": {"BTC": "50000", "ETH": "2000"}})

    assert changed(with_rates, {"rates": {"BTC": "1"}}).rates == {"BTC": "1"}
    assert changed(with_rates, {"conflation": 0}).rates == with_rates.rates


def test_a_decimal_may_come_as_text_or_as_a_number() -> None:
    """As JSON has them: text stays exact, an int or float is taken by its text, a share may be text too."""
    rules = changed(
        Rules(),
        {"rates": {"A": 2, "B": 0.1, "C": "3e-5"}, "rebalance": {"smallest": 5, "reserve": "0.25"}},
    )

    assert rules.rates == {"A": "2", "B": "0.1", "C": "3e-5"}
    assert (rules.rebalance.smallest, rules.rebalance.reserve) == ("5", 0.25)


def test_rules_survive_their_stored_form() -> None:
    """What is recorded with a wallet is what is read again."""
    rules = changed(Rules(), {"breakers": {"action": "liquidate", "agent_drawdown": 0.3}, "clock": "event"})

    assert msgspec.json.decode(msgspec.json.encode(rules), type=Rules) == rules
    assert rules.breakers.action is Action.LIQUIDATE


@pytest.mark.parametrize(
    "changes",
    [
        {"no_such": 1},
        {"rebalance": {"no_such": 1}},
        {"rebalance": 5},
        {"rebalance": None},
        {"clock": "wall"},
        {"conflation": "soon"},
        {"conflation": None},
        {"breakers": {"action": "panic"}},
        {"breakers": {"agent_drawdown": 0}},
        {"breakers": {"agent_drawdown": 1.01}},
        {"breakers": {"wallet_daily_loss": -0.1}},
        {"breakers": {"farm_daily_loss": "nan"}},
        {"breakers": {"wallet_window_loss": 0}},
        {"breakers": {"agent_losing_streak": 0}},
        {"breakers": {"farm_losing_streak": 2.5}},
        {"breakers": {"loss_window": "999ms"}},
        {"breakers": {"loss_window": "31d"}},
        {"breakers": {"smoothing": "15m"}},  # as long as the window
        {"breakers": {"smoothing": -1}},
        {"rebalance": {"reserve": -0.01}},
        {"rebalance": {"reserve": 1.01}},
        {"rebalance": {"reserve": "nan"}},
        {"rebalance": {"turnover": 2}},
        {"rebalance": {"min_weight": 0.5, "max_weight": 0.4}},
        {"rebalance": {"min_weight": 0.5}},  # above the default maximum of 0.40
        {"rebalance": {"threshold": -0.1}},
        {"rebalance": {"threshold": "nan"}},
        {"rebalance": {"threshold": "inf"}},
        {"rebalance": {"smallest": "ten"}},
        {"rebalance": {"smallest": "-1"}},
        {"rebalance": {"smallest": True}},
        {"rebalance": {"smallest": "1e19"}},
        {"collection": {"share": 1.5}},
        {"collection": {"interval": -1}},
        {"tolerance": 2},
        {"performance": {"bin": "999ms"}},
        {"performance": {"bin": "101000w"}},
        {"performance": {"window": 1}},
        {"performance": {"window": 10_001}},
        {"performance": {"bins_per_year": 0}},
        {"performance": {"benchmark": "farm"}},
        {"performance": {"benchmark": "BTC/USDT/EUR"}},
        {"performance": {"bins_per_year": "inf"}},
        {"performance": {"bins_per_year": "nan"}},
        {"performance": {"risk_free": "nan"}},
        {"performance": {"risk_free": "-inf"}},
        {"rebalance": {"new_agent_cap": 1.01}},
        {"rebalance": {"new_agent_cap": "nan"}},
        {"rebalance": {"new_agent_bins": -1}},
        {"score": {"gate": "luck"}},
        {"score": {"confidence": 0.49}},
        {"score": {"confidence": 1}},
        {"score": {"confidence": "nan"}},
        {"score": {"weights": {"sharp": 1}}},
        {"score": {"weights": {"sharpe": -1}}},
        {"score": {"weights": {"sharpe": "nan"}}},
        {"score": {"weights": {"sharpe": "inf"}}},
        {"score": {"weights": dict.fromkeys(msgspec.structs.asdict(Rules().score.weights), 0)}},
        {"rates": {"BTC": "much"}},
        {"rates": {"BTC": "0"}},
        {"rates": {"BTC": "-1"}},
        {"rates": {"BTC": "1e-13"}},  # rounds to nothing
        {"rates": {"BTC": None}},
        {"rates": {"BTC": True}},
        {"rates": {"BTC": "nan"}},
        {"rates": ["BTC"]},
        {"rates": None},
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    """Rules that were taken can be lived by: nothing in them can fail later."""
    with pytest.raises(ValueError, match=r"\w"):
        changed(Rules(), changes)


def test_the_edges_of_the_ranges_are_within() -> None:
    """A share may be nothing or all, a limit may be all."""
    rules = changed(
        Rules(),
        {
            "rebalance": {"reserve": 1, "min_weight": 0.4, "max_weight": 0.4, "turnover": 0, "threshold": 0},
            "collection": {"share": 1},
            "breakers": {
                "agent_drawdown": 1,
                "farm_losing_streak": 1,
                "loss_window": "1s",
                "smoothing": "999ms",
            },
            "performance": {"bin": "1s", "window": 10_000},
        },
    )

    assert rules.rebalance.min_weight == rules.rebalance.max_weight
