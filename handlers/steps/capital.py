"""Tells bots what was given to them and taken from them."""

from collections.abc import Iterator, Sequence
from typing import Any

from domain.ledger import Phase, Transfer
from domain.money import money_text
from handlers.turn import ALLOCATION, Turn
from state.entities import Agent, Farm
from state.records import Goal, Pending


def tell_allocation(
    turn: Turn,
    agent: Agent,
    amount: int,
    reason: str,
    *,
    state: Phase = Phase.POSTED,
    transfer: str | None = None,
) -> None:
    """
    Tell an agent its budget after an amount was given to it, or taken back if it is negative.

    Of a two-phase transfer ``transfer`` is the id, by which it can be posted or voided.
    """
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
            "state": state,
            "transfer": transfer,
        },
    )


def tell_moved(turn: Turn, transfers: Sequence[Transfer], reason: str, transfer: str | None = None) -> None:
    """Give agents the budget that follows from money that moved, and tell them."""
    for agent, amount in _agents_in(turn, transfers):
        agent.budget = max(agent.budget + amount, 0)
        tell_allocation(turn, agent, amount, reason, transfer=transfer)


def tell_phase(turn: Turn, pending: Pending, state: Phase) -> None:
    """Tell agents of money that is to move, or is not to move after all."""
    for agent, amount in _agents_in(turn, pending.transfers):
        tell_allocation(turn, agent, amount, pending.reason, state=state, transfer=pending.id)


def _agents_in(turn: Turn, transfers: Sequence[Transfer]) -> Iterator[tuple[Agent, int]]:
    for transfer in transfers:
        for account, amount in ((transfer.debit, -transfer.amount), (transfer.credit, transfer.amount)):
            holder = turn.book.holder(account)
            if isinstance(holder, Agent):
                yield holder, amount


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
