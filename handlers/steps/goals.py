"""
Goals advance with fills and closed bins, are met once, and then collect; some begin again, raised.

What counts is what an assignee reports, at the moment it is applied, whether the agent is stopped or not.
Several goals that one input meets are met in the order of their ids.
"""

from typing import Final

import msgspec

from domain.goals import (
    Collect,
    Profit,
    Target,
    Trades,
    current,
    needs_returns,
    progress,
    read_target,
    same_percent,
    whole_percent,
)
from domain.money import MONEY, PARTS, divide, money
from domain.performance import Absent
from domain.standing import drawdown
from domain.targets import raised
from handlers.steps.collecting import collect_all, collect_profit
from handlers.steps.measuring import profile_of
from handlers.steps.rebalancing import request
from handlers.steps.valuation import returns_of
from handlers.turn import WALLET, Turn
from state.entities import Agent, Scope
from state.records import Goal, GoalState

_TOLD_EVERY_MS = 1000
_ACTIVE: Final = GoalState.ACTIVE


def advance_goals(turn: Turn, agent: Agent, trades: int, profit: int) -> None:
    """Count fills and profit of an agent towards its goals."""
    for pursuit, weight, parts in turn.book.pursuits.of(agent.id, agent.farm):
        goal, target = pursuit.goal, pursuit.target
        if goal.state is not _ACTIVE:
            continue  # ended by an earlier one in this turn
        if weight == 1.0:
            goal.trades += trades
            goal.profit += profit
        else:
            # In whole parts, so that ten tenths of a fill are one.
            goal.trades = (round(goal.trades * PARTS) + trades * parts) / PARTS
            goal.profit += divide(profit * parts, PARTS)
        turn.book.changed[goal] = None
        if isinstance(target, Trades):
            if pursuit.low < goal.trades < pursuit.high:
                continue
            pursuit.low, pursuit.high = same_percent(goal.trades, target.trades)
        elif isinstance(target, Profit):
            if pursuit.low < goal.profit < pursuit.high:
                continue
            pursuit.low, pursuit.high = same_percent(goal.profit, money(target.profit))
        elif needs_returns(target):
            continue
        measure(turn, goal, target)
        if goal.percent != whole_percent(goal.progress):
            pursuit.low = pursuit.high = 0.0  # it may not be told yet, so the next fill tries again


def check_goals(turn: Turn) -> None:
    """Measure the goals that follow from returns, when a bin closed."""
    for goal in turn.book.pursuits.active():
        target = target_of(goal)
        if goal.state is GoalState.ACTIVE and needs_returns(target):
            measure(turn, goal, target)


def fail_overdue(turn: Turn) -> None:
    """End the goals whose deadline has passed."""
    for goal in turn.book.pursuits.overdue(turn.now):
        end_goal(turn, goal, GoalState.FAILED, "deadline")


def target_of(goal: Goal) -> Target:
    """Read a stored target, which was checked when it came."""
    return read_target(goal.goal_type, goal.target)


def end_goal(turn: Turn, goal: Goal, state: GoalState, reason: str | None) -> None:
    """End a goal and say so."""

    def metric(name: str, periods: int | None) -> float | None:
        return _metric_of(turn, goal, name, periods)

    goal.current = current(target_of(goal), goal.trades, goal.profit, metric)
    goal.state = state
    goal.ended = turn.now
    turn.book.goal_changed(goal)
    data = {
        "goal": goal.id,
        "round": goal.round,
        "goal_type": goal.goal_type,
        "current": goal.current,
        "target": goal.target,
        "reason": reason,
    }
    name = "goal_completed" if state is GoalState.COMPLETED else "goal_failed"
    turn.emit(WALLET, name, goal.id, data)


def tell_goal(turn: Turn, goal: Goal) -> None:
    """Tell what a goal asks for, when it is new, changed, or begins another round."""
    data = {
        "goal": goal.id,
        "round": goal.round,
        "name": goal.name,
        "goal_type": goal.goal_type,
        "target": goal.target,
        "deadline": goal.deadline,
        "collect": goal.collect,
        "reward": goal.reward,
        "raise_by": goal.raise_by,
        "by": turn.by,
    }
    turn.emit(WALLET, "goal_created", goal.id, data)


def measure(turn: Turn, goal: Goal, target: Target) -> None:
    """Find how far an active goal is, tell it, and end the goal or its round when it is met."""

    def metric(name: str, periods: int | None) -> float | None:
        return _metric_of(turn, goal, name, periods)

    goal.progress = progress(target, goal.trades, goal.profit, metric)
    turn.book.mark(goal)
    percent = whole_percent(goal.progress)
    if percent == goal.percent and percent < 100:
        return
    if turn.now - goal.told >= _TOLD_EVERY_MS or percent == 100:
        goal.percent = percent
        goal.told = turn.now
        goal.current = current(target, goal.trades, goal.profit, metric)
        data = {
            "goal": goal.id,
            "round": goal.round,
            "percent": percent,
            "progress": round(goal.progress, 8),
            "current": goal.current,
            "target": goal.target,
        }
        turn.emit(WALLET, "goal_progress_update", goal.id, data)
    if goal.progress >= 1.0:
        _complete(turn, goal)


def _complete(turn: Turn, goal: Goal) -> None:
    agents = [turn.book.agents[name] for name in sorted(turn.book.assignees(goal))]
    end_goal(turn, goal, GoalState.COMPLETED, None)
    if goal.collect is Collect.PROFIT:
        collect_profit(turn, agents, "goal", goal)
    elif goal.collect is Collect.ALL:
        collect_all(turn, agents, "goal", goal)
    request(turn, "goal")
    _begin_next_round(turn, goal)


def _begin_next_round(turn: Turn, goal: Goal) -> None:
    """Start a goal again with a raised target and nothing done; it stays met where no more can be asked."""
    if goal.raise_by is None:
        return
    target = raised(goal.goal_type, target_of(goal), goal.raise_by)
    if target is None:
        return
    goal.declared = goal.declared or goal.target
    goal.target = msgspec.to_builtins(target)
    goal.round += 1
    goal.state = GoalState.ACTIVE
    goal.ended = None
    goal.trades, goal.profit = 0.0, 0
    goal.progress, goal.percent, goal.current = 0.0, 0, {}
    turn.book.goal_changed(goal)
    tell_goal(turn, goal)


def _metric_of(turn: Turn, goal: Goal, name: str, periods: int | None) -> float | None:
    """Value of a metric over a goal's assignees: their weighted mean, none where one has none."""
    if name == "trades":
        return goal.trades
    if name == "profit":
        return goal.profit / MONEY
    values = [(_metric(turn, scope, name, periods), weight) for scope, weight in _scopes(turn, goal)]
    known = [(value, weight) for value, weight in values if value is not None]
    if not known or len(known) < len(values):
        return None
    total = sum((value * weight for value, weight in known), 0.0)
    return total / sum((weight for _, weight in known), 0.0)


def _scopes(turn: Turn, goal: Goal) -> list[tuple[Scope, float]]:
    """Scopes that a goal is assigned to, as they are now."""
    found = [(turn.book.scope(a.type, a.id), a.weight) for a in goal.assigned]
    return [(scope, weight) for scope, weight in found if scope is not None and weight > 0]


def _metric(turn: Turn, scope: Scope, name: str, periods: int | None) -> float | None:
    if name == "equity":
        return scope.equity / MONEY
    if name == "drawdown":
        return drawdown(scope)
    returns = returns_of(turn, scope)
    if periods is not None:
        if len(returns) < periods:
            return None
        returns = returns[-periods:]
    value = profile_of(turn, scope, returns)[name]
    return None if isinstance(value, Absent) else value
