"""
What a rebalance would do, read from a book without changing it.

The worker plans with this, and so does ``sluicegate plan``, which loads a book of its own.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.holding import Holding
from domain.ledger import agent_account
from domain.money import money_text
from domain.performance import TradeCounts, profile
from domain.rating import Evidence, Rating, Record, rate
from domain.rebalance import Plan, plan
from domain.refusals import Refused
from domain.rules import PerformanceRules, Rules
from domain.standing import roll
from domain.weighing import Weighing, weigh_fleet
from handlers.steps.measuring import trades_of
from handlers.steps.pending import arriving
from state.book import Book, free, returns_key
from state.entities import Agent, Scope
from state.records import State


class Outlook(msgspec.Struct, frozen=True, eq=False):
    """
    A wallet's agents at one moment. Nothing in it changes with the book, so another thread may read it.

    `holdings` are in the order of the agents' ids, their scores and tiers as they were; `counts` are their
    closed trades. `departed` has the returns of those who have left.
    """

    rules: Rules
    farms: list[str]
    idle: int
    holdings: list[Holding]
    counts: list[TradeCounts]
    departed: list[NDArray[np.float64]]


class Proposal(NamedTuple):
    """A plan, and the ratings it rests on, by agent."""

    plan: Plan
    ratings: dict[str, Rating]


def survey(book: Book) -> Outlook:
    """Take down what a plan needs to know."""
    wallet, agents = book.wallet, book.agents_under(book.wallet)
    farms = sorted(farm.id for farm in book.farms.values() if farm.state is not State.CLOSED)
    coming = arriving(book)
    gone = sorted(agent.id for agent in book.agents.values() if agent.state is State.RETIRED)
    return Outlook(
        rules=wallet.rules,
        farms=farms,
        idle=sum(scope.cash - scope.held for scope in (wallet, *(book.farms[farm] for farm in farms))),
        holdings=[_holding(book, agent, coming.get(agent_account(agent.id), 0)) for agent in agents],
        counts=[trades_of(agent) for agent in agents],
        departed=[np.asarray(book.returns.get(returns_key(book.agents[id_]), [])) for id_ in gone],
    )


def rated(outlook: Outlook) -> tuple[list[Holding], dict[str, Rating]]:
    """Rate the agents; return the holdings with their new scores and tiers, and the ratings."""
    rules = outlook.rules.performance
    records = [
        _record(holding, counts, rules)
        for holding, counts in zip(outlook.holdings, outlook.counts, strict=True)
    ]
    departed = [returns - _risk_free(rules) for returns in outlook.departed]
    ratings = rate(records, departed, outlook.rules.score)
    holdings = [
        msgspec.structs.replace(holding, score=rating.score, tier=rating.tier, gated=rating.gated)
        for holding, rating in zip(outlook.holdings, ratings, strict=True)
    ]
    return holdings, {h.agent: rating for h, rating in zip(holdings, ratings, strict=True)}


def weigh(outlook: Outlook, method: str) -> Weighing | Refused:
    """Weigh the agents; by some methods this takes long."""
    holdings, _ = rated(outlook)
    rules = outlook.rules
    return weigh_fleet(holdings, outlook.farms, rules.rebalance, method, _risk_free(rules.performance))


def propose(outlook: Outlook, method: str, weighing: Weighing | None = None) -> Proposal | Refused:
    """Plan by a method, or by weights that were computed before."""
    holdings, ratings = rated(outlook)
    made = plan(
        holdings,
        outlook.farms,
        outlook.idle,
        outlook.rules.rebalance,
        method=method,
        risk_free=_risk_free(outlook.rules.performance),
        weighing=weighing,
    )
    return made if isinstance(made, Refused) else Proposal(made, ratings)


def describe(proposal: Proposal, trigger: str, number: int | None = None) -> dict[str, Any]:
    """Whole plan, as it is told; ``number`` is of one that was computed beside the stream."""
    made = proposal.plan
    return {
        "method": made.method,
        "trigger": trigger,
        "plan": number,
        "fallback": made.fallback,
        "deviation": round(made.deviation, 8),
        "capital": money_text(made.capital),
        "reserve": money_text(made.reserve),
        "investable": money_text(made.investable),
        "farms": {farm: round(weight, 8) for farm, weight in made.farm_weights.items()},
        "agents": {
            share.agent: {
                "farm": share.farm,
                "score": round(share.score, 8),
                "tier": share.tier,
                **_advice(proposal.ratings[share.agent]),
                "before": round(share.before, 8),
                "weight": round(share.weight, 8),
                "target": money_text(share.target),
                "reasons": share.reasons,
            }
            for share in made.shares
        },
        "transfers": [{"agent": move.agent, "amount": money_text(move.amount)} for move in made.moves],
        "held_back": [
            {"agent": held.agent, "amount": money_text(held.amount), "reason": held.reason}
            for held in made.held_back
        ],
    }


def _advice(rating: Rating) -> dict[str, Any]:
    because = {evidence.metric: _evidence(evidence) for evidence in rating.because}
    return {"recommendation": rating.recommendation, "because": because}


def _evidence(evidence: Evidence) -> dict[str, float | None]:
    found = {"value": evidence.value, "standing": evidence.standing, "limit": evidence.limit}
    # A metric that has no value is said to have none; what does not apply is left out.
    return {
        name: None if value is None else round(value, 8)
        for name, value in found.items()
        if value is not None or name == "value"
    }


def _holding(book: Book, agent: Agent, coming: int) -> Holding:
    """Take down an agent with what is pending for it, and without what is to leave it."""
    return Holding(
        agent=agent.id,
        farm=agent.farm,
        equity=agent.equity - agent.held + coming,
        free=free(agent),
        pending_return=agent.pending_return,
        stopped=agent.state is not State.ACTIVE,
        tier=agent.tier,
        risk_mode=agent.risk_mode,
        score=agent.score,
        returns=np.asarray(_returns(book, agent), dtype=np.float64),
        min_weight=agent.min_weight,
        max_weight=agent.max_weight,
    )


def _record(holding: Holding, counts: TradeCounts, rules: PerformanceRules) -> Record:
    found = profile(holding.returns, counts, bins_per_year=rules.annual_bins, risk_free=rules.risk_free)
    return Record(found, holding.returns - _risk_free(rules), counts.closed, holding.tier)


def _risk_free(rules: PerformanceRules) -> float:
    """Return that money earns for nothing, per bin."""
    return rules.risk_free / rules.annual_bins


def _returns(book: Book, scope: Scope) -> list[float]:
    """Read the returns of a scope up to the wallet's last closed bin, be its own bins closed or not."""
    stored = book.returns.get(returns_key(scope), [])
    if scope.bin == book.wallet.bin:
        return stored
    rules = book.wallet.rules.performance
    return [*stored, *roll(replace(scope), book.wallet.time, rules.bin, rules.window)][-rules.window :]
