"""
Capital moves: when, and what is done with the plan.

The plan is the domain's; here it is asked for, its transfers are posted, and every agent is told.
"""

from typing import Any

import numpy as np

from domain.ledger import MASTER, Transfer, agent_account, farm_account
from domain.money import money_text
from domain.rebalance import Holding, Move, Plan, plan
from domain.refusals import Refusal
from domain.rules import Tier
from domain.scoring import score, tiers
from handlers.steps.capital import tell_allocation
from handlers.steps.measuring import profile_of
from handlers.steps.posting import transact
from handlers.steps.valuation import returns_of
from handlers.turn import REBALANCE, Turn
from state.book import PARTS, free
from state.entities import Agent, State


def request(turn: Turn, trigger: str, delay: int | None = None) -> None:
    """Ask for a rebalance; what is asked for within the rule's `settle` time is one."""
    wallet = turn.wallet
    due = turn.now + (wallet.rules.rebalance.settle if delay is None else delay)
    if wallet.rebalance_due is None or due < wallet.rebalance_due:
        wallet.rebalance_due = due
        wallet.rebalance_trigger = trigger
        turn.book.mark(wallet)
        turn.book.timers_changed()


def notice_drift(turn: Turn, agent: Agent) -> None:
    """Ask for a rebalance when an agent has left the band around its budget."""
    budget, book = agent.budget, turn.book
    if budget <= 0 or abs(agent.equity - budget) * PARTS <= book.drift_parts * budget:
        return
    wallet = turn.wallet
    if wallet.rebalance_due is None:
        wait = wallet.rebalanced + wallet.rules.rebalance.cooldown - turn.now
        request(turn, "drift", max(wait, 0))


def next_rebalance(turn: Turn) -> int | None:
    """Stream time of the next rebalance; None where none is to come."""
    wallet = turn.wallet
    if wallet.state is not State.ACTIVE or not turn.book.agents:
        return None
    interval = wallet.rules.rebalance.interval
    due = [wallet.rebalanced + interval] if interval else []
    if wallet.rebalance_due is not None:
        due.append(wallet.rebalance_due)
    return min(due, default=None)


def rebalance_if_due(turn: Turn) -> None:
    """Rebalance when the interval is over or what was asked for is due."""
    due = next_rebalance(turn)
    if due is None or due > turn.now:
        return
    asked = turn.wallet.rebalance_due
    trigger = turn.wallet.rebalance_trigger if asked is not None and asked <= turn.now else "interval"
    rebalance(turn, trigger)


def rebalance(turn: Turn, trigger: str, method: str | None = None) -> Plan | Refusal:
    """
    Plan and carry out a rebalance.

    Refused, it changes nothing if a command asked for it, and else only the time of the next.
    """
    wallet, book = turn.wallet, turn.book
    agents = book.agents_under(wallet)
    ranks = _rank(turn, agents)
    holdings = [_holding(turn, agent, *rank) for agent, rank in zip(agents, ranks, strict=True)]
    farms = sorted(farm.id for farm in book.farms.values() if farm.state is not State.CLOSED)
    idle = wallet.cash + sum(book.farms[farm].cash for farm in farms)
    made = plan(holdings, farms, idle, wallet.rules.rebalance, method=method)
    if isinstance(made, Refusal) and trigger == "command":
        return made
    wallet.rebalanced = turn.now
    wallet.rebalance_due = None
    wallet.rebalance_trigger = ""
    book.mark(wallet)
    book.timers_changed()
    if isinstance(made, Refusal):
        return made
    for agent, (found, tier) in zip(agents, ranks, strict=True):
        if agent.score != found or agent.tier is not tier:
            agent.score, agent.tier = found, tier
            book.mark(agent)
    wallet.reserve = made.reserve
    _carry_out(turn, made, trigger)
    return made


def return_pending(turn: Turn, agent: Agent) -> None:
    """Take back what an agent owes, as far as it has come free."""
    amount = min(free(agent), agent.pending_return)
    if amount <= 0:
        return
    agent.pending_return -= amount
    _move(turn, Move(agent.id, -amount), "pending_return")


def _rank(turn: Turn, agents: list[Agent]) -> list[tuple[float, Tier]]:
    """Score the agents among each other; give a score and a tier for each."""
    profiles = [profile_of(turn, agent, returns_of(turn, agent)) for agent in agents]
    trades = [agent.closed for agent in agents]
    scores = score(profiles, trades)
    ranked = tiers(scores, trades, [agent.tier for agent in agents])
    return list(zip(scores, ranked, strict=True))


def _holding(turn: Turn, agent: Agent, found: float, tier: Tier) -> Holding:
    return Holding(
        agent=agent.id,
        farm=agent.farm,
        equity=agent.equity,
        free=free(agent),
        pending_return=agent.pending_return,
        stopped=agent.state is not State.ACTIVE,
        tier=tier,
        risk_mode=agent.risk_mode,
        score=found,
        returns=np.asarray(returns_of(turn, agent), dtype=np.float64),
        min_weight=agent.min_weight,
        max_weight=agent.max_weight,
    )


def _carry_out(turn: Turn, made: Plan, trigger: str) -> None:
    """Tell the plan, then make its moves; each agent hears its new budget."""
    book = turn.book
    asked = _take_over(turn, made)
    # A plan by the clock or for drift that moves nothing is no news.
    if made.moves or trigger not in ("interval", "drift"):
        turn.emit(REBALANCE, "farm_rebalance", turn.wallet.id, describe(made, trigger))
    _empty_farms(turn)
    for move in made.moves:
        agent = book.agents[move.agent]
        # What an agent still owes is not its to work with.
        agent.budget = max(agent.equity + move.amount - agent.pending_return, 0)
        _move(turn, move, trigger)
        asked.pop(agent.id, None)
    for agent in asked.values():
        # Nothing was free, so nothing moved; the agent has to know what it is asked for all the same.
        agent.budget = max(agent.equity - agent.pending_return, 0)
        tell_allocation(turn, agent, 0, trigger)


def _take_over(turn: Turn, made: Plan) -> dict[str, Agent]:
    """Give agents their weights and pending returns; return those of which more is asked than before."""
    asked: dict[str, Agent] = {}
    for share in made.shares:
        agent = turn.book.agents[share.agent]
        running = agent.state is State.ACTIVE
        weight, pending = share.weight if running else 0.0, made.pending[share.agent]
        if running and pending > agent.pending_return:
            asked[agent.id] = agent
        if agent.weight != weight or agent.pending_return != pending:
            agent.weight, agent.pending_return = weight, pending
            turn.book.mark(agent)
    return asked


def _empty_farms(turn: Turn) -> None:
    """Bring cash that waits with farms to the master, who gives it out."""
    for farm in sorted(turn.book.farms.values(), key=lambda farm: farm.id):
        if farm.cash > 0:
            transfer = Transfer(farm_account(farm.id), MASTER, farm.cash)
            transact(turn, [transfer], "rebalance", f"{turn.cause}/{farm.id}")


def _move(turn: Turn, move: Move, reason: str) -> None:
    agent = turn.book.agents[move.agent]
    account = agent_account(agent.id)
    debit, credit = (MASTER, account) if move.amount > 0 else (account, MASTER)
    transfer = Transfer(debit, credit, abs(move.amount))
    refused = transact(turn, [transfer], "rebalance", f"{turn.cause}/{reason}/{agent.id}")
    assert refused is None, refused  # noqa: S101  # the plan takes and gives only what is there
    tell_allocation(turn, agent, move.amount, reason)


def describe(made: Plan, trigger: str) -> dict[str, Any]:
    """Whole plan, as it is told."""
    return {
        "method": made.method,
        "trigger": trigger,
        "fallback": made.fallback,
        "capital": money_text(made.capital),
        "reserve": money_text(made.reserve),
        "investable": money_text(made.investable),
        "farms": {farm: round(weight, 8) for farm, weight in made.farm_weights.items()},
        "agents": {
            share.agent: {
                "farm": share.farm,
                "score": round(share.score, 8),
                "tier": share.tier,
                "before": round(share.before, 8),
                "weight": round(share.weight, 8),
                "target": money_text(share.target),
            }
            for share in made.shares
        },
        "transfers": [{"agent": move.agent, "amount": money_text(move.amount)} for move in made.moves],
        "held_back": [
            {"agent": held.agent, "amount": money_text(held.amount), "reason": held.reason}
            for held in made.held_back
        ],
    }
