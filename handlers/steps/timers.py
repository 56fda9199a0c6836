"""
Time moves, and what was due happens, before the input that moved it is applied.

In this order: what has been beyond a limit for long enough is stopped, bins and days close, colours follow,
deadlines pass, cool-offs end, pending transfers expire, profit is collected, capital is rebalanced, updates
that waited are told.
"""

from domain.rules import DAY_MS
from handlers.steps.benchmark import close_bins
from handlers.steps.collecting import collect_profit
from handlers.steps.goals import check_goals, fail_overdue
from handlers.steps.measuring import tell_performance
from handlers.steps.pending import expire_overdue
from handlers.steps.rebalancing import next_rebalance, rebalance_if_due
from handlers.steps.stopping import resume
from handlers.steps.updates import tell_due, tell_touched
from handlers.steps.valuation import roll_to_now
from handlers.steps.watching import coloured, look_again, next_look, trip_what_lasted
from handlers.turn import Turn
from state.book import scope_key
from state.entities import Scope
from state.records import State


def advance(turn: Turn, timestamp: int) -> None:
    """Move a wallet's stream time to a timestamp, if that is later, and do what is due."""
    wallet, book = turn.wallet, turn.book
    if timestamp > wallet.time:
        wallet.time = timestamp
        book.mark(wallet)
    if wallet.time < book.next_due:
        return
    if wallet.time >= book.timer_due:
        trip_what_lasted(turn, before=(wallet.day + 1) * DAY_MS)
        _close_bins(turn)
        # A daily loss is history with the day: who was near that limit is so no more.
        look_again(turn)
        fail_overdue(turn)
        _end_cool_offs(turn)
        expire_overdue(turn)
        _collect_if_due(turn)
        rebalance_if_due(turn)
        book.timers_changed()
    tell_due(turn)
    finish(turn)


def finish(turn: Turn) -> None:
    """End a turn: tell what it changed, and know when something is due next."""
    tell_touched(turn)
    book = turn.book
    if book.timer_due == 0:
        book.timer_due = _next_timer(turn)
    book.next_due = min(book.timer_due, book.updates[0][0]) if book.updates else book.timer_due


def _close_bins(turn: Turn) -> None:
    wallet = turn.wallet
    before = wallet.day, wallet.bin
    roll_to_now(turn, wallet)
    if (wallet.day, wallet.bin) == before:
        return
    close_bins(turn, wallet.bin - before[1])
    farms = sorted(turn.book.farms.values(), key=lambda farm: farm.id)
    for farm in farms:
        closed = roll_to_now(turn, farm)
        if closed and farm.state is not State.CLOSED:
            # Of several the first was open; in those after it nothing happened.
            tell_performance(turn, farm, farm.bin - len(closed), closed[0])
    check_goals(turn)


def _end_cool_offs(turn: Turn) -> None:
    for scope in _tripped(turn):
        if scope.trip is not None and scope.trip.until is not None and scope.trip.until <= turn.now:
            resume(turn, scope, "cool_off")


def _tripped(turn: Turn) -> list[Scope]:
    return sorted((s for s in turn.book.tripped if s.state is not State.RETIRED), key=scope_key)


def _collect_if_due(turn: Turn) -> None:
    interval = turn.wallet.rules.collection.interval
    if interval and turn.now >= turn.wallet.collected + interval:
        turn.wallet.collected = turn.now
        turn.book.mark(turn.wallet)
        collect_profit(turn, turn.book.agents_under(turn.wallet), "profit")


def _next_timer(turn: Turn) -> int:
    wallet, book, rules = turn.wallet, turn.book, turn.wallet.rules
    due = [(wallet.day + 1) * DAY_MS, (wallet.bin + 1) * rules.performance.bin]
    deadline = book.pursuits.next_deadline
    if deadline is not None:
        due.append(deadline)
    due += [s.trip.until for s in _tripped(turn) if s.trip is not None and s.trip.until is not None]
    due += [pending.due for pending in book.pending.values() if pending.due is not None]
    if rules.collection.interval:
        due.append(wallet.collected + rules.collection.interval)
    looks = (next_look(turn, scope) for scope in coloured(turn))
    due += [look for look in looks if look is not None]
    rebalance = next_rebalance(turn)
    if rebalance is not None:
        due.append(rebalance)
    return min(due)
