"""
Stops: every agent under a scope, at once, and the way back.

Rules kept here:

1. A stop covers every agent under its scope, in the same turn as what caused it. What of their money is free
   goes back to the master, once all that stops together was told.
2. Who can read is told: what the stops and resumes name by agent is who may trade and who may not.
3. A stop is latched: it ends by a command, or by itself after a cool-off. An agent runs again when no stop
   above it holds it any more.
4. A retired agent is covered by no stop.
5. What a stopped agent reports has happened, and is recorded; that it goes on opening positions is told.
"""

from collections.abc import Sequence

from domain.breakers import Colour
from domain.ledger import MASTER, Transfer, agent_account
from domain.money import fine_text
from domain.standing import believe, rebase
from handlers.steps.capital import tell_collection
from handlers.steps.pending import void_of
from handlers.steps.posting import transact
from handlers.steps.rebalancing import request
from handlers.turn import EMERGENCY, Turn
from state.book import free, kind_of
from state.entities import Agent, Farm, Scope
from state.records import Resumed, State, Trip


def stop(
    turn: Turn, scope: Scope, trip: Trip, *, value: float | None = None, limit: float | None = None
) -> None:
    """Stop a scope and every agent under it; what of their money is free is for `sweep_under`."""
    scope.trip = trip
    scope.breaker = Colour.RED
    believe(scope)
    if scope.state is State.ACTIVE:
        scope.state = State.STOPPED
    turn.book.mark(scope)
    turn.book.colour_changed(scope)
    covered = turn.book.agents_under(scope)
    _tell_stop(turn, scope, trip, covered, trip.by, value, limit)
    for agent in covered:
        if agent.state is State.ACTIVE:
            agent.state = State.STOPPED
        agent.told_trading = False
        turn.book.mark(agent)
    request(turn, "breaker")


def sweep_under(turn: Turn, scope: Scope) -> None:
    """Take back what is free at every agent under a scope that was stopped."""
    for agent in turn.book.agents_under(scope):
        sweep_stopped(turn, agent)


def resume(turn: Turn, scope: Scope, reason: str) -> None:
    """Lift a scope's own stop. Agents under another stop that still holds stay stopped."""
    scope.trip = None
    scope.resumed = Resumed(reason, turn.now, turn.by)
    scope.breaker = Colour.GREEN
    scope.measure = None
    rebase(scope)
    turn.book.mark(scope)
    turn.book.colour_changed(scope)
    # Who was retired or closed meanwhile stays so.
    if scope.state is State.STOPPED and not isinstance(scope, Agent):
        scope.state = State.ACTIVE
    covered = turn.book.agents_under(scope)
    resumed = [agent for agent in covered if agent.state is State.STOPPED and not held_by(turn, agent)]
    for agent in resumed:
        agent.state = State.ACTIVE
        turn.book.mark(agent)
    _tell_resume(turn, scope, resumed, reason)
    request(turn, "resumed")


def come_under(turn: Turn, agent: Agent, scopes: Sequence[Scope]) -> None:
    """
    Stop or release an agent that has come under some scopes, from the inside out, and tell its bot.

    It hears of each stop that is new to it, by that scope's name, for there it is lifted; and in its own name
    that it runs again, for the stop that it left may still hold others.
    """
    for scope in scopes:
        if scope.trip is not None:
            _tell_stop(turn, scope, scope.trip, [agent], turn.by)
    if held_by(turn, agent) is not None:
        agent.state = State.STOPPED
        agent.told_trading = False
    elif agent.state is State.STOPPED:
        agent.state = State.ACTIVE
        _tell_resume(turn, agent, [agent], "assigned")
    turn.book.mark(agent)


def _tell_stop(
    turn: Turn,
    scope: Scope,
    trip: Trip,
    agents: Sequence[Agent],
    by: str | None,
    value: float | None = None,
    limit: float | None = None,
) -> None:
    data = {
        "scope": kind_of(scope),
        "id": scope.id,
        "agents": [agent.id for agent in agents],
        "action": trip.action,
        "reason": trip.reason,
        "value": None if value is None else round(value, 8),
        "limit": limit,
        "by": by,
    }
    turn.emit(EMERGENCY, "emergency_stop", scope.id, data)


def _tell_resume(turn: Turn, scope: Scope, agents: Sequence[Agent], reason: str) -> None:
    data = {
        "scope": kind_of(scope),
        "id": scope.id,
        "agents": [agent.id for agent in agents],
        "reason": reason,
        "by": turn.by,
    }
    turn.emit(EMERGENCY, "emergency_resume", scope.id, data)


def lay_off(turn: Turn, agent: Agent) -> None:
    """Retire an agent: its own stop and its colour end with it, which is not told, for nobody goes on."""
    agent.state = State.RETIRED
    agent.trip = None
    agent.breaker = Colour.GREEN
    agent.measure = None
    believe(agent)
    turn.book.mark(agent)
    turn.book.colour_changed(agent)


def held_by(turn: Turn, agent: Agent) -> Scope | None:
    """Innermost scope whose stop holds an agent; None if it may trade."""
    return agent if agent.trip is not None else stopped_above(turn, agent)


def stopped_above(turn: Turn, scope: Scope) -> Scope | None:
    """Innermost stopped scope above another; None where no stop holds it from above."""
    return next((one for one in _above(turn, scope) if one.trip is not None), None)


def _above(turn: Turn, scope: Scope) -> list[Scope]:
    if isinstance(scope, Agent):
        return [turn.book.farms[scope.farm], turn.wallet]
    return [turn.wallet] if isinstance(scope, Farm) else []


def notice_entry(turn: Turn, agent: Agent, symbol: str, quantity: int, timestamp: int) -> None:
    """
    Tell, once for each stop, that a stopped agent opened or enlarged a position.

    ``quantity`` is that of the fill, in 1e-12 and signed. A fill executed by the time of the stop was made
    before its bot could know, and one that only reduces is what a stopped bot may do.
    """
    position = agent.positions.get(symbol)
    held = position.amount if position is not None else 0
    if agent.told_trading or held * quantity <= 0:
        return
    stops = [scope.trip for scope in (agent, *_above(turn, agent)) if scope.trip is not None]
    first = min(stops, key=lambda trip: trip.at)
    if timestamp <= first.at:
        return
    agent.told_trading = True
    data = {
        "scope": "agent",
        "id": agent.id,
        "kind": "trading_while_stopped",
        "symbol": symbol,
        "position": fine_text(held),
        "action": first.action,
        "reason": first.reason,
    }
    turn.emit(EMERGENCY, "risk_alert", agent.id, data)


def sweep_stopped(turn: Turn, agent: Agent) -> None:
    """Take back what is free at a stopped or retired agent; the rest follows as it comes free."""
    if turn.book.pending:
        void_of(turn, agent)
    amount = free(agent)
    agent.budget = 0
    agent.weight = 0.0
    if amount > 0:
        reason = "retired" if agent.state is State.RETIRED else "emergency"
        transfer = Transfer(agent_account(agent.id), MASTER, amount)
        transact(turn, [transfer], reason, f"{turn.cause}/{agent.id}")
    agent.pending_return = max(agent.equity, 0)
    if amount > 0:
        tell_collection(turn, agent, amount, reason)
