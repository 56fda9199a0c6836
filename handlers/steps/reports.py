"""What follows from something a bot reported, be it a fill or an account snapshot."""

from typing import Final

from handlers.steps.goals import advance_goals
from handlers.steps.rebalancing import notice_drift, return_pending
from handlers.steps.stopping import sweep_stopped, sweep_under
from handlers.steps.timers import finish
from handlers.steps.updates import touch
from handlers.steps.valuation import Result, take_result
from handlers.steps.watching import follow, watch
from handlers.turn import Turn
from state.entities import Agent
from state.records import State

_ACTIVE: Final = State.ACTIVE


def earn(turn: Turn, agent: Agent, result: Result) -> None:
    """Take what an agent earned into all above it, compare with the limits, and count for its goals."""
    scopes = take_result(turn, agent, result)
    if turn.book.follows:
        follow(turn, scopes, result)
    stopped = None
    for scope in scopes:
        if not scope.calm_low < scope.equity < scope.calm_high and watch(turn, scope, _marked(agent, result)):
            stopped = scope  # the outermost covers the others
        if scope.update_due is None:
            touch(turn, scope)
        else:
            turn.book.changed[scope] = None  # all that `touch` does for one that waits already
    if stopped is not None:
        sweep_under(turn, stopped)
    advance_goals(turn, agent, result.trades, result.realized - result.fee)


def _marked(agent: Agent, result: Result) -> int:
    """Return what of a result is a matter of prices: nothing when all was sold."""
    return result.unrealized if agent.positions else 0


def conclude(turn: Turn, agent: Agent) -> None:
    """Take back what came free and is owed, notice a drift, and end the turn."""
    if agent.state is not _ACTIVE:
        sweep_stopped(turn, agent)
    elif agent.pending_return:
        return_pending(turn, agent)
    else:
        notice_drift(turn, agent)
    finish(turn)
