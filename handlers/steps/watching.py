"""
Breakers: colours as a scope nears a limit, and a stop when it reaches one.

Rules kept here:

1. The limits of an agent, its farm and its wallet are compared each on its own, with the same fill. All that
   trip are told, from the inside out, before any money moves: taking it back is no reason not to trip.
2. What marks took is in doubt for the time of the rule `smoothing`. A limit that is not reached without it
   trips when it has been reached for so long; until then the scope is orange.
3. What time alone decides is done by a timer (`next_look`), not when somebody happens to look.
4. A retired agent has no limits of its own; what it still loses counts for those of its farm and its wallet.
"""

from collections.abc import Sequence

from domain.breakers import Colour, Measure, Reading, calm, certain, read, worse
from domain.rules import BreakerRules
from domain.standing import (
    believe,
    count_streak,
    doubt,
    note_fall,
    take_back_peak,
    window_end,
    window_high,
    window_start,
)
from handlers.steps.stopping import stop, sweep_under
from handlers.steps.valuation import Result, roll_to_now
from handlers.turn import EMERGENCY, Turn
from state.book import kind_of, scope_key
from state.entities import Agent, Scope
from state.records import State, Trip


def follow(turn: Turn, scopes: tuple[Scope, Scope, Scope], result: Result) -> None:
    """Keep what limits on streaks and windows are measured by; only where there is one."""
    book = turn.book
    net = result.realized - result.fee
    earned = net + result.unrealized
    closed = result.closed and result.trades > 0
    for scope, limit in zip(scopes, book.limits.values(), strict=True):
        if closed and limit.losing_streak:
            count_streak(scope, net, limit.losing_streak)
        if earned < 0 and limit.window_loss:
            window = turn.wallet.rules.breakers.loss_window
            if note_fall(scope, scope.equity - earned, turn.now, window) and scope.measure is not None:
                book.timers_changed()


def watch(turn: Turn, scope: Scope, marked: int = 0, at: int | None = None) -> bool:
    """
    Compare a scope with its limits after its equity changed; return whether that stopped it.

    Then `sweep_under` is owed, once all that the same fill may stop was looked at. ``marked`` is what of the
    change new prices of open positions made; ``at`` the stream time to look as of, now unless given.
    """
    if scope.calm_low < scope.equity < scope.calm_high or scope.trip is not None:
        return False
    if scope.state is State.RETIRED:
        return False
    rules, limit = turn.wallet.rules.breakers, turn.book.limits[kind_of(scope)]
    at = turn.now if at is None else at
    start = window_start(at, rules.loss_window)
    reading = read(scope, limit, start, scope.measure)
    # What a price that did not last had made the peak is no loss.
    drawn_down = reading.measure is Measure.DRAWDOWN and worse(reading.colour, scope.breaker)
    if drawn_down and take_back_peak(scope, at, rules.smoothing):
        turn.book.mark(scope)
        reading = read(scope, limit, start, scope.measure)
    waits = rules.smoothing > 0 and _waits(turn, scope, reading, marked, at)
    now = Colour.ORANGE if waits else reading.colour
    scope.calm_low, scope.calm_high = calm(scope, limit, now, start)
    if now is scope.breaker:
        return False
    _tell_colour(turn, scope, now, reading)
    if now is not Colour.RED:
        return False
    until = None if rules.cool_off is None else turn.now + rules.cool_off
    trip = Trip(str(reading.measure), rules.action, turn.now, until)
    stop(turn, scope, trip, value=reading.value, limit=reading.limit)
    return True


def _waits(turn: Turn, scope: Scope, reading: Reading, marked: int, at: int) -> bool:
    """Keep what of the loss is in doubt; return whether a limit is reached, but not without that."""
    before = scope.doubt, scope.doubt_at, scope.reached
    rules, limit = turn.wallet.rules.breakers, turn.book.limits[kind_of(scope)]
    if scope.doubt_at is not None or (marked < 0 and worse(reading.colour, scope.breaker)):
        doubt(scope, -marked, at)
    sold = isinstance(scope, Agent) and not scope.positions
    start = window_start(at, rules.loss_window)
    if sold or reading.colour is Colour.GREEN:
        believe(scope)
    elif reading.colour is not Colour.RED or certain(scope, limit, start):
        scope.reached = None
        if scope.doubt_at is not None and at >= scope.doubt_at + rules.smoothing:
            believe(scope)
    elif scope.reached is None:
        scope.reached = at
    if (scope.doubt, scope.doubt_at, scope.reached) != before:
        turn.book.mark(scope)
        turn.book.timers_changed()
    return scope.reached is not None and at < scope.reached + rules.smoothing


def _tell_colour(turn: Turn, scope: Scope, now: Colour, reading: Reading) -> None:
    previous, scope.breaker = scope.breaker, now
    scope.measure = None if now is Colour.GREEN else reading.measure
    turn.book.mark(scope)
    turn.book.colour_changed(scope)
    data = {
        "scope": kind_of(scope),
        "id": scope.id,
        "kind": "breaker",
        "colour": now,
        "previous": previous,
        "measure": reading.measure,
        "value": round(reading.value, 8),
        "limit": reading.limit,
    }
    turn.emit(EMERGENCY, "risk_alert", scope.id, data)


def next_look(turn: Turn, scope: Scope) -> int | None:
    """Stream time at which the colour of a coloured scope may change by that alone; None where it cannot."""
    rules = turn.wallet.rules.breakers
    since = scope.doubt_at if scope.reached is None else scope.reached
    due = [] if since is None else [since + rules.smoothing]
    if turn.book.limits[kind_of(scope)].window_loss:
        high = window_high(scope, window_start(turn.now, rules.loss_window))
        due += [] if high is None else [window_end(high[0], rules.loss_window)]
    return min(due, default=None)


def look_again(turn: Turn) -> None:
    """Look at the scopes that are near a limit: what is due by time alone happens."""
    _look_now(turn, coloured(turn))


def trip_what_lasted(turn: Turn, before: int) -> None:
    """Stop what has been beyond a limit for long enough, where that was before a time; no bin is closed."""
    smoothing = turn.wallet.rules.breakers.smoothing
    reached = [(scope, scope.reached) for scope in coloured(turn)]
    due = [(scope, since + smoothing) for scope, since in reached if since is not None]
    latest = min(turn.now, before - 1)
    _look(turn, [(scope, at) for scope, at in due if at <= latest])


def limits_changed(turn: Turn, before: BreakerRules) -> None:
    """Compare every scope with limits that changed; what is new is measured from here on."""
    book, rules = turn.book, turn.wallet.rules.breakers
    farms = sorted(book.farms.values(), key=lambda farm: farm.id)
    scopes: list[Scope] = [*book.agents_under(turn.wallet), *farms, turn.wallet]
    for scope in scopes:
        limit, kept = book.limits[kind_of(scope)], (scope.streak, scope.highs, scope.doubt_at)
        if not limit.losing_streak:
            scope.streak = 0
        if not limit.window_loss or rules.loss_window != before.loss_window:
            scope.highs = None
        if not rules.smoothing:
            believe(scope)
        if kept != (scope.streak, scope.highs, scope.doubt_at):
            book.mark(scope)
    _look_now(turn, scopes)


def _look_now(turn: Turn, scopes: Sequence[Scope]) -> None:
    for scope in scopes:
        roll_to_now(turn, scope)
    _look(turn, [(scope, turn.now) for scope in scopes])


def _look(turn: Turn, scopes: Sequence[tuple[Scope, int]]) -> None:
    """Watch scopes, each as of a time."""
    stopped = []
    for scope, at in scopes:
        scope.calm_high = -1  # holds only while nothing but the equity changes
        if watch(turn, scope, at=at):
            stopped.append(scope)
    for scope in stopped:
        sweep_under(turn, scope)


def coloured(turn: Turn) -> list[Scope]:
    """
    Scopes that are near a limit and not stopped by their own, from the inside out, in the order of ids.

    No retired agent is among them, whatever colour it was stored with.
    """
    return sorted((s for s in turn.book.near if s.state is not State.RETIRED), key=scope_key)
