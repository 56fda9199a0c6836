"""Operators stop and resume."""

from domain.refusals import Refusal, Refused
from domain.rules import Action
from handlers.commands.types import Answer, Body, Done, ScopeName, find_scope
from handlers.steps import stopping
from handlers.turn import Turn
from state.book import Book, kind_of
from state.records import State, Trip


class Stop(Body, kw_only=True):
    """``emergency_stop``."""

    scope: ScopeName
    reason: str = "command"
    action: Action = Action.STOP

    def check(self, book: Book) -> None:
        """Check that there is such a scope."""
        find_scope(book, self.scope)


class Resume(Body, kw_only=True):
    """``emergency_resume``."""

    scope: ScopeName
    reason: str = "command"

    def check(self, book: Book) -> None:
        """Check that there is such a scope."""
        find_scope(book, self.scope)


def stop(turn: Turn, body: Stop) -> Answer:
    """Stop a scope and all under it."""
    scope = find_scope(turn.book, body.scope)
    if scope.trip is not None:
        return Refused(Refusal.ALREADY_STOPPED, f"{kind_of(scope)} {scope.id} is stopped already.")
    if scope.state in (State.RETIRED, State.CLOSED):
        return Refused(Refusal.ACCOUNT_CLOSED, f"{kind_of(scope)} {scope.id} is {scope.state}.")
    trip = Trip(body.reason, body.action, turn.now, None, body.by)
    stopping.stop(turn, scope, trip)
    stopping.sweep_under(turn, scope)
    return Done({"scope": kind_of(scope), "id": scope.id})


def resume(turn: Turn, body: Resume) -> Answer:
    """Lift a scope's own stop."""
    scope = find_scope(turn.book, body.scope)
    if scope.trip is None or scope.state is State.RETIRED:
        above = stopping.stopped_above(turn, scope)
        if above is not None and scope.state not in (State.RETIRED, State.CLOSED):
            text = f"{kind_of(scope)} {scope.id} is held by the stop of {kind_of(above)} {above.id}."
            return Refused(Refusal.STOPPED_ABOVE, text)
        return Refused(Refusal.NOT_STOPPED, f"{kind_of(scope)} {scope.id} is not stopped.")
    stopping.resume(turn, scope, body.reason)
    return Done({"scope": kind_of(scope), "id": scope.id})
