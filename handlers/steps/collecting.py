"""
Profit goes back to the master: on a schedule, with a goal, or when asked.

Only what is free moves. The rest of what is asked for is the agent's pending return, and follows as it comes
free.
"""

from collections.abc import Sequence
from typing import NamedTuple

from domain.collection import Sweep, sweep_all, sweep_profit, unsettled
from domain.ledger import MASTER, Transfer, agent_account
from handlers.steps.capital import tell_collection
from handlers.steps.posting import transact
from handlers.turn import Turn
from state.book import free
from state.entities import Agent
from state.records import Goal


class Collected(NamedTuple):
    """Money that was taken, and money that is pending because of it."""

    taken: int
    pending: int


def collect_profit(turn: Turn, agents: Sequence[Agent], reason: str, goal: Goal | None = None) -> Collected:
    """Take the rule's share of each agent's profit above its high-water mark, less a goal's reward."""
    share = turn.wallet.rules.collection.share
    taken = pending = 0
    for agent in agents:
        found = sweep_profit(agent.equity, agent.high_water, free(agent), share, _reward(goal))
        # An agent that is asked for all it has already cannot owe more, nor what is promised elsewhere.
        most = agent.equity - agent.held - found.taken
        owed = max(agent.pending_return, min(agent.pending_return + found.owed, most))
        if not found.taken and not found.reward and owed == agent.pending_return:
            continue  # nothing can be asked for now; the profit is still there to be
        pending += owed - agent.pending_return
        taken += found.taken
        _collect(turn, agent, found, owed, share, reason, goal)
    return Collected(taken, pending)


def collect_all(turn: Turn, agents: Sequence[Agent], reason: str, goal: Goal | None = None) -> Collected:
    """Take everything that each agent has, less a goal's reward."""
    taken = pending = 0
    for agent in agents:
        found = sweep_all(agent.equity, agent.high_water, free(agent), _reward(goal))
        owed = max(agent.pending_return, found.owed - agent.held)
        if not found.taken and owed == agent.pending_return:
            continue
        pending += owed - agent.pending_return
        taken += found.taken
        _collect(turn, agent, found, owed, 1.0, reason, goal)
    return Collected(taken, pending)


def collect_amount(turn: Turn, agents: Sequence[Agent], amount: int, reason: str) -> Collected:
    """Take up to an amount of what is free, from the agents in turn."""
    left = amount
    for agent in agents:
        part = min(free(agent), left)
        if part > 0:
            _take(turn, agent, part, reason)
            agent.budget = max(agent.budget - part, 0)
            tell_collection(turn, agent, part, reason)
            left -= part
    return Collected(amount - left, 0)


def _reward(goal: Goal | None) -> float:
    return 0.0 if goal is None else goal.reward


def _collect(
    turn: Turn, agent: Agent, found: Sweep, owed: int, share: float, reason: str, goal: Goal | None
) -> None:
    """Take what is free of a sweep, have the agent owe the rest, and settle the share of profit that is."""
    asked = found.taken + owed - agent.pending_return
    left = unsettled(agent.equity, agent.high_water, asked, share, _reward(goal))
    if found.taken:
        _take(turn, agent, found.taken, reason)
    agent.pending_return = owed
    agent.high_water = max(agent.equity - left, 0)
    agent.budget = max(agent.budget - asked, 0)
    turn.book.mark(agent)
    tell_collection(turn, agent, found.taken, reason, goal, found.reward)


def _take(turn: Turn, agent: Agent, amount: int, reason: str) -> None:
    transfer = Transfer(agent_account(agent.id), MASTER, amount)
    refused = transact(turn, [transfer], f"collect_{reason}", f"{turn.cause}/collect/{agent.id}")
    assert refused is None, refused  # noqa: S101  # at most what is free was asked for
