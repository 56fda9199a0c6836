"""The fleet file."""

import tomllib
from pathlib import Path

import pytest

from examples.fleet.bots import FLEET
from examples.fleet.market import days
from examples.fleet.roster import roster

WALLET = tomllib.loads(FLEET.read_text(encoding="utf-8"))["wallet"][0]


def test_shipped_fleet_is_three_strategies_on_six_symbols() -> None:
    """Eighteen bots, each on prices that there are."""
    wallet, bots = roster(FLEET)

    assert (wallet, len(bots), len({bot.agent for bot in bots})) == ("alpha", 18, 18)
    assert {bot.symbol.partition("/")[0] for bot in bots} == set(days()[0].bars)


def test_shipped_fleet_has_all_goal_types_and_risk_modes() -> None:
    """The demonstration shows every kind of both."""
    modes = {agent["risk_mode"] for farm in WALLET["farm"] for agent in farm["agent"]}

    assert modes == {"safe", "balanced", "risky", "aggressive"}
    assert {goal["goal_type"] for goal in WALLET["goal"]} == {
        "trade_volume",
        "profit_target",
        "strategy_performance",
        "custom",
    }


def test_unknown_strategy_is_named(tmp_path: Path) -> None:
    """Who asks for a strategy that is not there learns which are."""
    file = tmp_path / "fleet.toml"
    file.write_text(
        '[[wallet]]\nid="a"\ncurrency="USD"\n[[wallet.farm]]\nid="f"\n[[wallet.farm.agent]]\nid="x-aapl"\nstrategy="luck"\n'
    )

    with pytest.raises(ValueError, match=r"x-aapl.*darvas_box"):
        roster(file)


def test_more_than_one_wallet_is_refused(tmp_path: Path) -> None:
    """The bots trade one wallet and say so."""
    file = tmp_path / "fleet.toml"
    file.write_text('[[wallet]]\nid="a"\n[[wallet]]\nid="b"\n')

    with pytest.raises(ValueError, match="2 wallets"):
        roster(file)
