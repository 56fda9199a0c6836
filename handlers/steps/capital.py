"""Tells bots what was given to them and taken from them."""

from typing import Any

from domain.money import money_text
from handlers.turn import ALLOCATION, Turn
from state.entities import Agent, Farm, Goal


def tell_allocation(turn: Turn, agent: Agent, amount: int, reason: str) -> None:
    """Tell an agent its budget after an amount was given to it, or taken back if it is negative."""
    turn.emit(
        ALLOCATION,
        "fund_allocation",
        agent.id,
        {
            "agent": agent.id,
            "farm": agent.farm,
            "amount": money_text(amount),
            "budget": money_text(agent.budget),
            "cash": money_text(agent.cash),
            "weight": round(agent.weight, 8),
            "pending_return": money_text(agent.pending_return),
            "reason": reason,
        },
    )


def tell_collection(
    turn: Turn, scope: Agent | Farm, amount: int, reason: str, goal: Goal | None = None, reward: int = 0
) -> None:
    """Tell that money was collected; ``reward`` is what a goal left with the agent."""
    data: dict[str, Any] = {"amount": money_text(amount), "cash": money_text(scope.cash), "reason": reason}
    if isinstance(scope, Agent):
        data |= {
            "agent": scope.id,
            "farm": scope.farm,
            "budget": money_text(scope.budget),
            "pending_return": money_text(scope.pending_return),
        }
    else:
        data["farm"] = scope.id
    if goal is not None:
        data |= {"goal": goal.id, "round": goal.round, "reward": money_text(reward)}
    turn.emit(ALLOCATION, "fund_collection", scope.id, data)
