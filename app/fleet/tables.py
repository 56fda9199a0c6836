"""
The tables of a fleet file: wallets, farms, agents, goals and rules, as a person declares them.

What is left out is left alone by ``sluicegate apply``; None here means left out.
"""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from domain.goals import Collect, GoalType
from domain.rules import RiskMode


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class AssignedTable(_Table, frozen=True):
    """Who works towards a goal."""

    type: Literal["wallet", "farm", "agent"]
    id: str
    weight: float = 1.0


class GoalTable(_Table, frozen=True):
    """``[[wallet.goal]]``."""

    id: str
    goal_type: GoalType
    target: dict[str, Any]
    name: str | None = None
    assigned: list[AssignedTable] | None = None
    deadline: datetime | int | None = None
    collect: Collect | None = None
    reward: float | None = None
    raise_by: float | None = None

    @property
    def deadline_ms(self) -> int | None:
        """The deadline as the wire has it."""
        if isinstance(self.deadline, datetime):
            return round(self.deadline.timestamp() * 1000)
        return self.deadline


class AgentTable(_Table, frozen=True):
    """``[[wallet.farm.agent]]``."""

    id: str
    strategy: str | None = None
    risk_mode: RiskMode | None = None
    public_key: str | None = None
    min_weight: float | None = None
    max_weight: float | None = None


class FarmTable(_Table, frozen=True):
    """``[[wallet.farm]]``."""

    id: str
    type: str | None = None
    name: str | None = None
    agent: list[AgentTable] = []


class WalletTable(_Table, frozen=True):
    """``[[wallet]]``."""

    id: str
    currency: str
    deposit: str | int | None = None  # once
    rules: dict[str, Any] = {}
    farm: list[FarmTable] = []
    goal: list[GoalTable] = []

    @property
    def rule_changes(self) -> dict[str, Any]:
        """The rules as a command has them: TOML has no null, so ``false`` takes one back to none."""
        return {
            name: _without_false(table) if name in _MAY_BE_NONE and isinstance(table, dict) else table
            for name, table in self.rules.items()
        }


_MAY_BE_NONE: Final = ("breakers", "performance")  # tables with rules that may be


def _without_false(table: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value is False else value for name, value in table.items()}


class FleetTable(_Table, frozen=True):
    """A whole file."""

    wallet: list[WalletTable] = []
