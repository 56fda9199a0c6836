"""A small fleet, as a file declares it and as it is stored once that was applied."""

from typing import Any

import msgspec

from app.fleet.known import Known, deposit_id
from app.fleet.tables import WalletTable
from domain.goals import GoalType
from domain.rules import RiskMode, Rules, changed
from state.entities import Agent, Farm, Wallet
from state.records import Assignment, Command, Goal

FILE: dict[str, Any] = {
    "id": "alpha",
    "currency": "USDT",
    "deposit": "1000",
    "rules": {"rebalance": {"threshold": 0.2, "interval": "1h"}},
    "farm": [
        {
            "id": "trend",
            "type": "trend_following",
            "agent": [{"id": "one", "risk_mode": "safe", "max_weight": 0.3}],
        }
    ],
    "goal": [
        {
            "id": "g",
            "goal_type": "profit_target",
            "target": {"profit": "500"},
            "assigned": [{"type": "farm", "id": "trend"}],
        }
    ],
}
DEPOSITED = Command(
    id=deposit_id("alpha", 0),
    wallet="alpha",
    number=2,
    digest="",
    reply=msgspec.Raw(b'{"kind":"deposit","status":"ok","result":{"amount":"1000","balances":{}}}'),
)


def table(**members: Any) -> WalletTable:
    """Give the wallet as the file has it, but for some members."""
    return msgspec.convert(FILE | members, WalletTable)


def stored() -> Known:
    """Give what is stored once the file was applied."""
    rules = changed(Rules(), FILE["rules"])
    return Known(
        wallet=Wallet(
            id="alpha", wallet="alpha", currency="USDT", time=0, created=0, rules=rules, commands=5
        ),
        farms={"trend": Farm(id="trend", wallet="alpha", name="trend", type="trend_following")},
        agents={
            "one": Agent(id="one", wallet="alpha", farm="trend", risk_mode=RiskMode.SAFE, max_weight=0.3)
        },
        goals={
            "g": Goal(
                id="g",
                wallet="alpha",
                name="g",
                goal_type=GoalType.PROFIT_TARGET,
                target={"profit": "500"},
                assigned=[Assignment("farm", "trend")],
                created=0,
            )
        },
        deposits=[DEPOSITED],
        goals_applied=1,
    )
