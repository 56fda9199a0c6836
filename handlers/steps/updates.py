"""
Balance updates, conflated: per scope at most one in the rule's stretch of stream time, the last never lost.

An update that has to wait is remembered with its scope and told when it is due: by the first input past that
time, or by a tick where none comes. An agent's fills come out as a transaction at the same moment.
"""

from heapq import heapify, heappop, heappush
from typing import Any

from domain.money import money_text
from domain.standing import SCALE, drawdown, trading_pnl
from handlers.steps.journal import settle
from handlers.turn import WALLET, Turn
from state.book import kind_of, scope_key
from state.entities import Agent, Scope


def touch(turn: Turn, scope: Scope) -> None:
    """Note that a scope's figures changed."""
    turn.book.changed[scope] = None
    if scope.update_due is None and scope not in turn.touched:
        turn.touched.append(scope)


def tell_touched(turn: Turn) -> None:
    """Tell what this turn changed, or have it wait."""
    conflation = turn.wallet.rules.conflation
    now = turn.wallet.time
    for scope in turn.touched:
        if scope.update_due is not None:
            continue
        due = scope.updated + conflation
        if due <= now:
            _tell(turn, scope)
        else:
            scope.update_due = due
            heappush(turn.book.updates, (due, scope_key(scope)))
    turn.touched.clear()


def tell_due(turn: Turn) -> None:
    """Tell the updates that are due, in the order they fell due."""
    updates = turn.book.updates
    while updates and updates[0][0] <= turn.now:
        _tell_waiting(turn, heappop(updates)[1])


def tell_waiting(turn: Turn) -> None:
    """Tell every update that waits, because nothing more has come."""
    while turn.book.updates:
        _tell_waiting(turn, heappop(turn.book.updates)[1])


def conflation_changed(turn: Turn, before: int) -> None:
    """Have what waits fall due by the new rule."""
    change = turn.wallet.rules.conflation - before
    turn.book.updates = [(due + change, key) for due, key in turn.book.updates]
    heapify(turn.book.updates)
    for due, key in turn.book.updates:
        _scope(turn, key).update_due = due
        turn.book.mark(_scope(turn, key))


def _scope(turn: Turn, key: str) -> Scope:
    kind, _, name = key.partition("/")
    scope = turn.book.scope(kind, name)
    assert scope is not None, f"an update waits for {key}, which does not exist"  # noqa: S101  # a broken invariant
    return scope


def _tell_waiting(turn: Turn, key: str) -> None:
    scope = _scope(turn, key)
    scope.update_due = None
    _tell(turn, scope)


def _tell(turn: Turn, scope: Scope) -> None:
    scope.updated = turn.now
    turn.book.mark(scope)
    if isinstance(scope, Agent):
        settle(turn, scope)
    data: dict[str, Any] = {
        "scope": kind_of(scope),
        "id": scope.id,
        "farm": scope.farm if isinstance(scope, Agent) else None,
        "currency": turn.wallet.currency,
        "cash": money_text(scope.cash),
        "equity": money_text(scope.equity),
        "peak_equity": money_text(scope.peak_equity // SCALE),
        "drawdown": round(drawdown(scope), 8),
        "realized_pnl": money_text(scope.realized_pnl),
        "unrealized_pnl": money_text(scope.unrealized_pnl),
        "trading_pnl": money_text(trading_pnl(scope)),
        "fees": money_text(scope.fees),
        "trades": scope.trades,
    }
    if isinstance(scope, Agent):
        data["budget"] = money_text(scope.budget)
    turn.emit(WALLET, "wallet_balance_update", scope.id, data)
