"""
Who gets how much: the plan of one rebalance.

Rules kept here:

1. Capital is given out from the wallet to its farms and from a farm to its agents, by the same method. Bounds
   and weights are shares of the investable capital of the wallet on both levels.
2. The master never goes below its reserve by giving; where it is below already, it gives only what it takes
   beyond the shortfall.
3. Nothing is taken that is not free. What an agent is asked for and cannot give yet is its pending return,
   and that shrinks only by being paid or because the agent may keep the money after all.
4. A stopped agent is weighed as if it ran, and its share stays with the master: a stop moves no money to its
   neighbours. All it has is asked back, whatever the turnover.
5. What is not done is said, with the amount and the reason.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from domain.allocation.bounds import TOLERANCE
from domain.holding import Holding
from domain.money import FINE, money, split
from domain.rationing import ration
from domain.refusals import Refused
from domain.rules import RebalanceRules, Tier
from domain.weighing import Basis, Weighing, basis_of, fitted, refusal, unspent, weigh_fleet

_MASTER: Final = ""  # no agent has this id
_CASH: Final = " "  # nor this


class Reason(StrEnum):
    """Why money was held back, in the order in which it is."""

    BOUNDS = "bounds"  # the upper bounds leave a rest, which stays with the master
    UNSPENT = "unspent"  # the method leaves a rest in cash, which stays with the master
    STOPPED = "stopped"  # the share of a stopped agent, which stays with the master
    WITHIN_BAND = "within_band"
    BELOW_SMALLEST = "below_smallest"
    TURNOVER = "turnover"
    TIED_UP = "tied_up"
    NO_CASH = "no_cash"


class Share(msgspec.Struct, frozen=True):
    """
    What the plan means an agent to have.

    `before` and `weight` are shares of the investable capital (`before` is 0 where there is none), `target`
    is money. A stopped agent has the weight it would have and the target 0. `reasons` are what decided the
    weight, then what kept the agent from it.
    """

    agent: str
    farm: str
    before: float
    weight: float
    target: int
    score: float
    tier: Tier
    reasons: tuple[Basis | Reason, ...]


class Move(msgspec.Struct, frozen=True):
    """Money to an agent, or from it if the amount is negative."""

    agent: str
    amount: int


class HeldBack(msgspec.Struct, frozen=True):
    """A move that was not made, or what it fell short by; `agent` is None where it is nobody's share."""

    agent: str | None
    amount: int  # signed as the move would have been
    reason: Reason


class Plan(msgspec.Struct, frozen=True):
    """
    One rebalance, whole.

    `shares` and `held_back` are in id order; `moves` has takings before givings, each in id order;
    `farm_weights` is in the order of the farms and `pending` names every agent. `fallback` joins what the
    method fell back to, each once, by commas. `deviation` is how far, at most, the bounds kept a share of the
    risk from its budget.
    """

    method: str
    fallback: str | None
    capital: int
    reserve: int
    investable: int
    farm_weights: dict[str, float]
    shares: list[Share]
    moves: list[Move]
    held_back: list[HeldBack]
    pending: dict[str, int]
    deviation: float = 0.0


def plan(
    holdings: Collection[Holding],
    farms: Sequence[str],
    idle: int,
    rules: RebalanceRules,
    *,
    method: str | None = None,
    risk_free: float = 0.0,
    weighing: Weighing | None = None,
) -> Plan | Refused:
    """
    Plan a rebalance of one wallet.

    Args:
        holdings: its agents, in any order, each in one of the farms.
        farms: ids, in the order in which they are to be told.
        idle: cash of the master and of the farms, what agents have not included.
        rules: the wallet's.
        method: one of `METHODS`, instead of the one of the rules.
        risk_free: what money earns for nothing, per bin of the returns.
        weighing: weights that were computed before, instead of a method.

    Returns:
        The plan, or `unknown_method`, or `infeasible_bounds` where the lower bounds sum to more than there
        is or an agent's own bounds exclude each other.

    """
    # From here on everything is in id order, so that the order of the holdings cannot change a digit.
    held = sorted(holdings, key=lambda holding: holding.agent)
    found = _weighing(held, farms, rules, rules.method if method is None else method, risk_free, weighing)
    if isinstance(found, Refused):
        return found

    equity = {holding.agent: max(holding.equity, 0) for holding in held}
    capital = max(idle + sum(equity.values()), 0)
    reserve = _part(capital, rules.reserve)
    investable = capital - reserve
    parts = _parts(investable, found.weights, unspent(found, held, rules))
    smallest = max(money(rules.smallest), 1)

    drifts, kept = _drifts(held, equity, parts, rules.threshold, smallest)
    asked = {agent: -drift for agent, drift in drifts.items() if drift < 0}
    allowed = ration(asked, _part(capital, rules.turnover), smallest)
    taken, pending, tied_up = _take(held, equity, parts, allowed, smallest)
    wanted = {agent: drift for agent, drift in drifts.items() if drift > 0}
    given = ration(wanted, max(idle - reserve + sum(taken.values()), 0), smallest)

    held_back = [
        *kept,
        *(HeldBack(agent, allowed.get(agent, 0) - ask, Reason.TURNOVER) for agent, ask in asked.items()),
        *tied_up,
        *(HeldBack(agent, want - given.get(agent, 0), Reason.NO_CASH) for agent, want in wanted.items()),
    ]
    held_back.sort(key=lambda h: h.agent or "")
    held_back.append(HeldBack(None, parts[_MASTER], Reason.BOUNDS))
    held_back.append(HeldBack(None, parts[_CASH], Reason.UNSPENT))
    held_back = [h for h in held_back if h.amount]
    return Plan(
        method=found.method,
        fallback=found.fallback,
        capital=capital,
        reserve=reserve,
        investable=investable,
        farm_weights=_farm_weights(held, farms, found.weights),
        shares=_shares(held, rules, found, parts, investable, held_back),
        moves=[
            *(Move(agent, -amount) for agent, amount in sorted(taken.items())),
            *(Move(agent, amount) for agent, amount in sorted(given.items())),
        ],
        held_back=held_back,
        pending=pending,
        deviation=found.deviation,
    )


def _weighing(
    held: Sequence[Holding],
    farms: Sequence[str],
    rules: RebalanceRules,
    method: str,
    risk_free: float,
    known: Weighing | None,
) -> Weighing | Refused:
    if known is None:
        return weigh_fleet(held, farms, rules, method, risk_free)
    refused = refusal(held, rules, known.method)
    return fitted(known, held, rules) if refused is None else refused


def _parts(investable: int, weights: Mapping[str, float], cash: float) -> dict[str, int]:
    """Money of each agent by its weight, and of the master what bounds and method leave: all there is."""
    left = 1.0 - math.fsum(weights.values()) - cash
    shares = {_MASTER: left if left > TOLERANCE else 0.0, _CASH: cash, **weights}
    return dict(zip(shares, split(investable, list(shares.values()), list(shares)), strict=True))


def _farm_weights(
    held: Sequence[Holding], farms: Sequence[str], weights: Mapping[str, float]
) -> dict[str, float]:
    parts: dict[str, list[float]] = {farm: [] for farm in farms}
    for holding in held:
        parts[holding.farm].append(weights[holding.agent])
    return {farm: math.fsum(each) for farm, each in parts.items()}


def _shares(
    held: Sequence[Holding],
    rules: RebalanceRules,
    found: Weighing,
    parts: Mapping[str, int],
    investable: int,
    held_back: Sequence[HeldBack],
) -> list[Share]:
    basis = basis_of(found, held, rules)
    kept: dict[str | None, list[Reason]] = {}
    for back in held_back:
        kept.setdefault(back.agent, []).append(back.reason)
    return [
        Share(
            agent=holding.agent,
            farm=holding.farm,
            before=max(holding.equity, 0) / investable if investable else 0.0,
            weight=found.weights[holding.agent],
            target=0 if holding.stopped else parts[holding.agent],
            score=holding.score,
            tier=holding.tier,
            reasons=(*basis[holding.agent], *kept.get(holding.agent, ())),
        )
        for holding in held
    ]


def _drifts(
    held: Sequence[Holding],
    equity: Mapping[str, int],
    parts: Mapping[str, int],
    threshold: float,
    smallest: int,
) -> tuple[dict[str, int], list[HeldBack]]:
    """Find what each running agent lacks (negative: has too much), and what of that is not worth moving."""
    drifts: dict[str, int] = {}
    kept: list[HeldBack] = []
    for holding in held:
        agent, target = holding.agent, parts[holding.agent]
        drift = target - equity[agent]
        if holding.stopped:
            kept.append(HeldBack(agent, target, Reason.STOPPED))
        elif abs(drift) <= _part(target, threshold):
            kept.append(HeldBack(agent, drift, Reason.WITHIN_BAND))
        elif abs(drift) < smallest:
            kept.append(HeldBack(agent, drift, Reason.BELOW_SMALLEST))
        else:
            drifts[agent] = drift
    return drifts, kept


def _take(
    held: Sequence[Holding],
    equity: Mapping[str, int],
    parts: Mapping[str, int],
    allowed: Mapping[str, int],
    smallest: int,
) -> tuple[dict[str, int], dict[str, int], list[HeldBack]]:
    """Take what is free of what is asked. Gives what is taken, what is pending, and what is tied up."""
    taken: dict[str, int] = {}
    pending: dict[str, int] = {}
    tied_up: list[HeldBack] = []
    for holding in held:
        agent = holding.agent
        ask = equity[agent] if holding.stopped else allowed.get(agent, 0)
        amount = min(ask, max(holding.free, 0))
        if amount < smallest and not holding.stopped:
            amount = 0
        if amount:
            taken[agent] = amount
        tied_up.append(HeldBack(agent, amount - ask, Reason.TIED_UP))
        # What it owes already was asked for by an earlier plan, within the turnover of that one.
        owed = min(holding.pending_return, max(equity[agent] - parts[agent], 0))
        pending[agent] = max(ask, owed) - amount
    return taken, pending, tied_up


def _part(amount: int, share: float) -> int:
    """Share of an amount of money, rounded down; the share counts in steps of 1e-12."""
    return amount * round(share * FINE) // FINE
