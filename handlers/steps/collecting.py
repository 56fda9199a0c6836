"""Profit goes back to the master: on a schedule, with a goal, or when asked."""

from collections.abc import Sequence

from domain.collection import sweep
from domain.ledger import MASTER, Transfer, agent_account
from handlers.steps.capital import tell_collection
from handlers.steps.posting import transact
from handlers.turn import Turn
from state.book import free
from state.entities import Agent


def collect_profit(turn: Turn, agents: Sequence[Agent], reason: str, goal: str | None = None) -> int:
    """Take the rule's share of each agent's profit above its high-water mark; return the sum taken."""
    share = turn.wallet.rules.collection.share
    total = 0
    for agent in agents:
        found = sweep(agent.equity, agent.high_water, share, free(agent))
        if found.amount:
            high_water = agent.high_water - found.amount + found.raised
            _take(turn, agent, found.amount, reason, goal)
            agent.high_water = high_water
            total += found.amount
    return total


def collect_all(turn: Turn, agents: Sequence[Agent], reason: str, goal: str | None = None) -> int:
    """Take everything that is free at each agent; return the sum taken."""
    total = 0
    for agent in agents:
        amount = free(agent)
        if amount > 0:
            _take(turn, agent, amount, reason, goal)
            total += amount
    return total


def collect_amount(turn: Turn, agents: Sequence[Agent], amount: int, reason: str) -> int:
    """Take up to an amount, from the agents in turn; return the sum taken."""
    left = amount
    for agent in agents:
        part = min(free(agent), left)
        if part > 0:
            _take(turn, agent, part, reason, None)
            left -= part
    return amount - left


def _take(turn: Turn, agent: Agent, amount: int, reason: str, goal: str | None) -> None:
    transfer = Transfer(agent_account(agent.id), MASTER, amount)
    refused = transact(turn, [transfer], f"collect_{reason}", f"{turn.cause}/collect/{agent.id}")
    assert refused is None, refused  # noqa: S101  # at most what is free was asked for
    agent.budget = max(agent.budget - amount, 0)
    tell_collection(turn, agent, amount, reason, goal)
