"""Profit reaches an agent and everything above it; days and bins open and close."""

from domain.standing import SCALE, effective_equity, raise_peak, roll
from handlers.turn import Turn
from state.book import benchmark_key, returns_key
from state.entities import Agent, Scope


def roll_to_now(turn: Turn, scope: Scope) -> list[float]:
    """Open the wallet's day and bin for a scope; return the returns of the bins that closed."""
    wallet = turn.wallet
    if scope.bin == wallet.bin and scope.day == wallet.day and scope is not wallet:
        return []
    rules = wallet.rules.performance
    closed = roll(scope, wallet.time, rules.bin, rules.window)
    if closed:
        keep_returns(turn, returns_key(scope), closed)
    turn.book.mark(scope)
    return closed


def keep_returns(turn: Turn, key: str, closed: list[float]) -> None:
    """Add returns of closed bins to those that are kept, of which the oldest go."""
    window = turn.book.returns.setdefault(key, [])
    window.extend(closed)
    del window[: -turn.wallet.rules.performance.window]
    turn.book.mark_returns(key)


def trim_returns(turn: Turn) -> None:
    """Have no more returns kept than a shorter window has room for."""
    window = turn.wallet.rules.performance.window
    for key, returns in sorted(turn.book.returns.items()):
        if len(returns) > window:
            del returns[:-window]
            turn.book.mark_returns(key)


def drop_returns(turn: Turn, key: str) -> None:
    """Forget returns that can be told no further."""
    if turn.book.returns.get(key):
        turn.book.returns[key] = []
        turn.book.mark_returns(key)


def restart_bins(turn: Turn) -> None:
    """Begin the returns of every scope anew: bins of another length cannot be told together."""
    book, now = turn.book, turn.now
    for scope in (book.wallet, *book.farms.values(), *book.agents.values()):
        scope.bin = now // turn.wallet.rules.performance.bin
        scope.bin_open_equity = effective_equity(scope)
        drop_returns(turn, returns_key(scope))
        book.mark(scope)
    drop_returns(turn, benchmark_key(book.wallet))
    book.wallet.benchmark_open = book.wallet.benchmark_mark


def returns_of(turn: Turn, scope: Scope) -> list[float]:
    """Return the returns of a scope up to the last closed bin, oldest first."""
    roll_to_now(turn, scope)
    return turn.book.returns.get(returns_key(scope), [])


class Result:
    """What a fill, or a report of profit, earned: money."""

    __slots__ = ("closed", "fee", "realized", "trades", "unrealized")

    # Written out, because what `dataclass` writes is not compiled.
    def __init__(
        self,
        realized: int,
        fee: int,
        unrealized: int,  # change of the unrealised profit
        closed: bool,  # whether it realised something, be it nothing
        trades: int = 1,
    ) -> None:
        self.realized = realized
        self.fee = fee
        self.unrealized = unrealized
        self.closed = closed
        self.trades = trades


def take_result(turn: Turn, agent: Agent, result: Result) -> tuple[Scope, Scope, Scope]:
    """Take a result into the standings of an agent, its farm and its wallet; return them, inside out."""
    farm, wallet = turn.book.farms[agent.farm], turn.wallet
    roll_to_now(turn, agent)
    roll_to_now(turn, farm)
    realized, fee, unrealized = result.realized, result.fee, result.unrealized
    closed, trades = result.closed, result.trades
    net = realized - fee
    earned = net + unrealized
    squared = net * net if closed else 0
    scopes: tuple[Scope, Scope, Scope] = (agent, farm, wallet)
    for scope in scopes:
        scope.fees += fee
        scope.unrealized_pnl += unrealized
        scope.trades += trades
        if closed:
            scope.realized_pnl += realized
            scope.closed += 1
            scope.squared_profit += squared
            if net > 0:
                scope.wins += 1
                scope.gross_profit += net
            elif net < 0:
                scope.losses += 1
                scope.gross_loss -= net
        equity = scope.equity = scope.equity + earned
        if equity > scope.peak_floor and not scope.anchor:
            if equity * SCALE > scope.peak_equity:
                raise_peak(scope, wallet.time, turn.book.smoothing)
            else:
                scope.peak_floor = equity
    return scopes
